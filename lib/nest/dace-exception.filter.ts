/**
 * Answers for the errors of this module that nobody caught: 503 or 504 with `Retry-After`, one debug
 * line for a refusal instead of an error each, and each kind of context in its own form.
 */
import {
  Catch,
  Inject,
  Injectable,
  Logger,
  Optional,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import { HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import { throwError } from 'rxjs';
import { DaceError } from '../core/errors.js';
import { userCatchAll } from './app-container.js';
import { retryAfterSeconds } from './retry-after.js';

const REFUSALS = new Set([
  'DACE_CIRCUIT_OPEN',
  'DACE_RATE_LIMITED',
  'DACE_NO_HOSTS',
  'DACE_SHUTDOWN',
]);

const PHRASES: Record<number, string> = {
  500: 'Internal Server Error',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

/**
 * For `@UseFilters`, `app.useGlobalFilters`, or the module option `filter: true`. A catch-all filter
 * of the app's own goes before it.
 *
 * @publicApi
 */
@Catch(DaceError)
@Injectable()
export class DaceExceptionFilter implements ExceptionFilter<DaceError> {
  private readonly logger = new Logger('DaceExceptionFilter');

  constructor(
    @Optional()
    @Inject(HttpAdapterHost)
    private readonly adapterHost?: HttpAdapterHost,
    @Optional()
    @Inject(ModulesContainer)
    private readonly modules?: ModulesContainer,
  ) {}

  catch(error: DaceError, host: ArgumentsHost): unknown {
    const own = this.modules && userCatchAll(this.modules);
    if (own !== undefined) return own.catch(error, host);
    this.log(error);
    const kind: string = host.getType();
    if (kind === 'http') return this.answer(error, host);
    if (kind === 'rpc') return throwError(() => this.inRpcForm(error));
    if (kind === 'ws') return this.emit(error, host);
    throw graphQlForm(error);
  }

  private answer(error: DaceError, host: ArgumentsHost): void {
    const adapter = this.adapterHost?.httpAdapter;
    if (adapter === undefined) throw error;
    const response: unknown = host.switchToHttp().getResponse();
    if (adapter.isHeadersSent(response)) {
      adapter.end(response);
      return;
    }
    const seconds = retryAfterSeconds(error);
    if (seconds !== undefined)
      adapter.setHeader(response, 'Retry-After', String(seconds));
    const { status } = error;
    const message = PHRASES[status] ?? 'Service Unavailable';
    adapter.reply(response, { statusCode: status, message }, status);
  }

  private inRpcForm(error: DaceError): object {
    return { status: 'error', ...publicForm(error) };
  }

  private emit(error: DaceError, host: ArgumentsHost): void {
    const client: {
      emit?: (event: string, data: unknown) => void;
      send?: (text: string) => void;
    } = host.switchToWs().getClient();
    const data = { status: 'error', ...publicForm(error) };
    if (typeof client.send === 'function' && !('nsp' in client))
      client.send(JSON.stringify({ event: 'exception', data }));
    else client.emit?.('exception', data);
  }

  private log(error: DaceError): void {
    if (REFUSALS.has(error.code)) this.logger.debug(error.message);
    else this.logger.error(error.message);
  }
}

/** What a client may know. */
function publicForm(error: DaceError): {
  code: string;
  message: string;
  retryAfterMs?: number;
} {
  const { retryAfterMs } = error as { retryAfterMs?: number };
  return {
    code: error.code,
    message: PHRASES[error.status] ?? 'Service Unavailable',
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
}

/** GraphQL servers copy `extensions` of what is thrown. */
function graphQlForm(error: DaceError): Error {
  const { message, ...extensions } = publicForm(error);
  return Object.assign(new Error(message), { extensions });
}
