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
import { HttpAdapterHost } from '@nestjs/core';
import { throwError } from 'rxjs';
import { DaceError } from '../core/errors.js';
import { grpcCallOf } from './client.js';
import { graphQlForm, grpcForm, messageForm, phraseOf } from './public-form.js';
import { answerRaw, hasBegun, type RawAnswer } from './raw-answer.js';
import { retryAfterSeconds } from './retry-after.js';

const REFUSALS = new Set([
  'DACE_CIRCUIT_OPEN',
  'DACE_RATE_LIMITED',
  'DACE_NO_HOSTS',
  'DACE_SHUTDOWN',
]);

/**
 * For `@UseFilters(DaceExceptionFilter)`, `app.useGlobalFilters(new DaceExceptionFilter())`, or the
 * module option `filter: true`, with which a filter of the app's own goes before it.
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
  ) {}

  catch(error: DaceError, host: ArgumentsHost): unknown {
    return this.respond(error, host);
  }

  /** @internal */
  protected respond(error: DaceError, host: ArgumentsHost): unknown {
    try {
      this.log(error);
    } catch {
      // The app's logger may be broken; its client is answered all the same.
    }
    const kind: string = host.getType();
    switch (kind) {
      case 'http':
        return this.answer(error, host.switchToHttp().getResponse());
      case 'rpc':
        return throwError(() => rpcForm(error, host));
      case 'ws':
        return tell(error, host);
      default:
        throw graphQlForm(error);
    }
  }

  private answer(error: DaceError, response: RawAnswer): void {
    const { status } = error;
    const seconds = retryAfterSeconds(error);
    const body = { statusCode: status, message: phraseOf(status) };
    const adapter = this.adapterHost?.httpAdapter;
    if (adapter === undefined || hasBegun(response)) {
      answerRaw(response, status, seconds, body);
    } else if (adapter.isHeadersSent(response)) {
      adapter.end(response);
    } else {
      try {
        if (seconds !== undefined)
          adapter.setHeader(response, 'Retry-After', String(seconds));
      } catch {
        // Whoever has a hand in the headers of the app: its answer is given without this one.
      }
      adapter.reply(response, body, status);
    }
  }

  private log(error: DaceError): void {
    const isQueueEnd = (error as { kind?: unknown }).kind === 'queue';
    if (REFUSALS.has(error.code) || isQueueEnd)
      this.logger.debug(error.message);
    else if (error.status === 500)
      this.logger.error(error.message, error.stack);
    else this.logger.error(error.message);
  }
}

function rpcForm(error: DaceError, host: ArgumentsHost): object {
  return grpcCallOf(host) === undefined
    ? messageForm(error)
    : grpcForm(error, host.switchToRpc().getContext<object | undefined>());
}

/** What the sockets of socket.io, ws and their like have of each other's. */
interface Socket {
  emit?(event: string, data: unknown): void;
  send?(text: string): void;
}

/**
 * As Nest's own filter does: an `exception` event of socket.io, or one message, with what it answers.
 * Who asked for an acknowledgement gets that too, as else it would wait for ever.
 */
function tell(error: DaceError, host: ArgumentsHost): void {
  const ws = host.switchToWs();
  const client: Socket = ws.getClient();
  const cause = { pattern: ws.getPattern(), data: ws.getData<unknown>() };
  const data = { ...messageForm(error), cause };
  if (typeof client.send === 'function' && !('nsp' in client))
    client.send(textOf('exception', data));
  else client.emit?.('exception', data);
  const acknowledge: unknown = host.getArgs<unknown[]>()[2];
  if (typeof acknowledge === 'function') acknowledge(data);
}

/** A parser of the app's own may have read what JSON cannot say again. */
function textOf(event: string, data: { readonly cause: unknown }): string {
  try {
    return JSON.stringify({ event, data });
  } catch {
    return JSON.stringify({ event, data: { ...data, cause: undefined } });
  }
}
