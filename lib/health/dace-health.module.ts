import {
  Controller,
  Get,
  Module,
  type DynamicModule,
  type Type,
} from '@nestjs/common';
import {
  HealthCheck,
  HealthCheckService,
  TerminusModule,
  type HealthCheckResult,
} from '@nestjs/terminus';
import { DaceHealthIndicator } from './dace-health.indicator.js';

/** @publicApi */
export interface DaceHealthModuleOptions {
  /** Where the circuits are served. @default 'health' */
  readonly path?: string | undefined;
  /** Names the hosts that are out. @default false */
  readonly details?: boolean | undefined;
}

/**
 * Exports `DaceHealthIndicator`; with `forRoot` it also serves it.
 *
 * @publicApi
 */
@Module({
  imports: [TerminusModule],
  providers: [DaceHealthIndicator],
  exports: [DaceHealthIndicator],
})
export class DaceHealthModule {
  /** A controller at `path` that answers as Terminus does: 200, or 503 when a critical one is down. */
  static forRoot(options: DaceHealthModuleOptions = {}): DynamicModule {
    return {
      module: DaceHealthModule,
      controllers: [controllerAt(options)],
    };
  }
}

function controllerAt({
  path = 'health',
  details = false,
}: DaceHealthModuleOptions): Type<object> {
  @Controller(path)
  class DaceHealthController {
    constructor(
      private readonly health: HealthCheckService,
      private readonly dace: DaceHealthIndicator,
    ) {}

    @Get()
    @HealthCheck()
    read(): Promise<HealthCheckResult> {
      return this.health.check([() => this.dace.check(undefined, { details })]);
    }
  }
  return DaceHealthController;
}
