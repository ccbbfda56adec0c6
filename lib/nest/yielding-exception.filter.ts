/**
 * What `filter: true` registers. Nest asks the filters that were registered last first, whatever they
 * catch, so this one hands on to the app's own before it answers itself.
 */
import {
  Catch,
  Inject,
  Injectable,
  Logger,
  Optional,
  type ArgumentsHost,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import { DaceError } from '../core/errors.js';
import { appFilters, type AppFilter } from './app-container.js';
import { DaceExceptionFilter } from './dace-exception.filter.js';
import { unreachedGatewaysMessage } from './dace.messages.js';
import { unfilteredGateways } from './gateways.js';

@Catch(DaceError)
@Injectable()
export class YieldingExceptionFilter
  extends DaceExceptionFilter
  implements OnApplicationBootstrap
{
  /** Known once the app is up; an outage asks for it with every refusal. */
  private others: AppFilter[] | undefined;

  constructor(
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
    @Optional() @Inject(HttpAdapterHost) adapterHost?: HttpAdapterHost,
  ) {
    super(adapterHost);
  }

  onApplicationBootstrap(): void {
    const gateways = unfilteredGateways(this.modules);
    if (gateways.length > 0)
      new Logger('DaceExceptionFilter').warn(
        unreachedGatewaysMessage(gateways),
      );
  }

  override catch(error: DaceError, host: ArgumentsHost): unknown {
    this.others ??= appFilters(this.modules, this);
    const other = this.others.find((filter) => filter.catches(error));
    return other === undefined
      ? this.respond(error, host)
      : other.answer(error, host);
  }
}
