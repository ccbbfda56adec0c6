/**
 * The client behind an execution context: whether it has gone, and whether its answer has started.
 */
import { HttpException, type ExecutionContext } from '@nestjs/common';

/** What Express and Fastify have in common below their own objects. */
interface RawResponse {
  readonly headersSent?: boolean;
  readonly destroyed?: boolean;
  readonly closed?: boolean;
  readonly writableEnded?: boolean;
  setHeader?(name: string, value: string): void;
  once?(event: string, listener: () => void): void;
  removeListener?(event: string, listener: () => void): void;
}

/** An emitter of a socket: `close` (ws), `disconnect` (socket.io). */
interface Socket {
  readonly readyState?: number;
  readonly disconnected?: boolean;
  once?(event: string, listener: () => void): void;
  removeListener?(event: string, listener: () => void): void;
}

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);
/** `readyState` of a WebSocket that is closing or closed. */
const CLOSING = 2;

export interface Client {
  /** A disconnect ends the call unless something was said to the contrary. */
  readonly isReadOnly: boolean;
  readonly isAnswered: () => boolean;
  /** Calls `gone` when the client leaves before its answer has ended, at once if it has. */
  onGone(gone: () => void): () => void;
  retryAfter(seconds: number): void;
}

/** The client of a context, or undefined where there is none to lose. */
export function clientOf(context: ExecutionContext): Client | undefined {
  const kind = context.getType();
  if (kind === 'http') {
    const http = context.switchToHttp();
    return httpClient(http.getRequest(), http.getResponse());
  }
  if (kind === 'ws') return socketClient(context.switchToWs().getClient());
  return undefined;
}

/** What the caller's operation is cancelled with; Nest answers, and logs, nothing loud for it. */
export function clientGone(): HttpException {
  return new HttpException('The client has closed the connection', 499);
}

function httpClient(
  request: { method?: string } | undefined,
  response: (RawResponse & { raw?: RawResponse }) | undefined,
): Client | undefined {
  const raw = response?.raw ?? response;
  if (raw === undefined || raw === null) return undefined;
  return {
    isReadOnly: SAFE_METHODS.has(request?.method ?? ''),
    isAnswered: () => raw.headersSent === true,
    onGone: (gone) => {
      const check = (): void => {
        if (raw.writableEnded !== true) gone();
      };
      if (raw.destroyed === true || raw.closed === true) check();
      else raw.once?.('close', check);
      return () => raw.removeListener?.('close', check);
    },
    retryAfter: (seconds) => {
      if (raw.headersSent !== true)
        raw.setHeader?.('Retry-After', String(seconds));
    },
  };
}

function socketClient(socket: Socket | undefined): Client | undefined {
  if (typeof socket?.once !== 'function') return undefined;
  return {
    isReadOnly: false,
    isAnswered: () => false,
    onGone: (gone) => {
      const isGone =
        socket.disconnected === true || (socket.readyState ?? 0) >= CLOSING;
      if (isGone) gone();
      socket.once?.('close', gone);
      socket.once?.('disconnect', gone);
      return () => {
        socket.removeListener?.('close', gone);
        socket.removeListener?.('disconnect', gone);
      };
    },
    retryAfter: () => {},
  };
}
