/**
 * The client behind an execution context: whether it has gone, and whether its answer has started.
 */
import { HttpException, type ExecutionContext } from '@nestjs/common';

/** What responses and sockets of all platforms have in common below their own objects. */
interface Raw {
  readonly headersSent?: boolean;
  readonly destroyed?: boolean;
  readonly closed?: boolean;
  readonly writableEnded?: boolean;
  /** Of a WebSocket. */
  readonly readyState?: number;
  /** Of socket.io. */
  readonly disconnected?: boolean;
  setHeader?(name: string, value: string): void;
  once?(event: string, listener: () => void): void;
  removeListener?(event: string, listener: () => void): void;
}

/** A response of any platform, with what is needed to answer by hand. */
export interface RawAnswer extends Raw {
  readonly raw?: RawAnswer;
  statusCode?: number;
  end?(text?: string): void;
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
  const kind: string = context.getType();
  switch (kind) {
    case 'http': {
      const http = context.switchToHttp();
      return httpClient(http.getRequest(), http.getResponse());
    }
    case 'ws':
      return socketClient(context.switchToWs().getClient());
    case 'rpc':
      return socketClient(socketOfRpc(context.switchToRpc().getContext()));
    case 'graphql':
      return graphQlClient(context.getArgByIndex(2));
    default:
      return undefined;
  }
}

/** What the caller's operation is cancelled with; nobody is left to read the answer Nest makes of it. */
export function clientGone(): HttpException {
  return new HttpException('The client has closed the connection', 499);
}

/** Answers without Nest's adapter, for a filter that was made by hand. */
export function answerRaw(
  response: RawAnswer,
  status: number,
  retryAfter: number | undefined,
  body: object,
): void {
  const raw = response.raw ?? response;
  if (raw.headersSent !== true) {
    raw.statusCode = status;
    raw.setHeader?.('Content-Type', 'application/json; charset=utf-8');
    if (retryAfter !== undefined)
      raw.setHeader?.('Retry-After', String(retryAfter));
    raw.end?.(JSON.stringify(body));
  } else raw.end?.();
}

function httpClient(
  request: { method?: string } | undefined,
  response: (Raw & { raw?: Raw }) | null | undefined,
): Client | undefined {
  const raw = response?.raw ?? response;
  if (raw === undefined || raw === null) return undefined;
  return {
    isReadOnly: SAFE_METHODS.has(request?.method ?? ''),
    isAnswered: () => raw.headersSent === true,
    onGone: (gone) => {
      const check = (): void => {
        // A close after the answer has ended is how connections end.
        if (raw.writableEnded !== true) gone();
      };
      return onClose(raw, ['close'], check);
    },
    retryAfter: (seconds) => {
      if (raw.headersSent !== true)
        raw.setHeader?.('Retry-After', String(seconds));
    },
  };
}

/** Several fields share one answer, so none of them speaks for its headers. */
function graphQlClient(
  graphQl: { res?: Raw; req?: { res?: Raw } } | undefined,
): Client | undefined {
  const client = httpClient(undefined, graphQl?.res ?? graphQl?.req?.res);
  return client && { ...client, retryAfter: () => {} };
}

function socketClient(socket: Raw | undefined): Client | undefined {
  if (typeof socket?.once !== 'function') return undefined;
  return {
    isReadOnly: false,
    isAnswered: () => false,
    onGone: (gone) => onClose(socket, ['close', 'disconnect'], gone),
    retryAfter: () => {},
  };
}

/** The TCP transport's context knows its socket; brokers have none to lose. */
function socketOfRpc(context: unknown): Raw | undefined {
  const { getSocketRef } = (context ?? {}) as {
    getSocketRef?: () => { socket?: Raw };
  };
  return typeof getSocketRef === 'function'
    ? getSocketRef.call(context)?.socket
    : undefined;
}

function onClose(raw: Raw, events: string[], closed: () => void): () => void {
  const isClosed =
    raw.destroyed === true ||
    raw.closed === true ||
    raw.disconnected === true ||
    (typeof raw.readyState === 'number' && raw.readyState >= CLOSING);
  if (isClosed) {
    closed();
    return () => {};
  }
  const waiting = watched.get(raw) ?? watch(raw, events);
  waiting.add(closed);
  return () => {
    waiting.delete(closed);
    if (waiting.size === 0) watched.get(raw)?.stop();
  };
}

/** Those who wait for the end of one connection. */
class Watch extends Set<() => void> {
  constructor(readonly stop: () => void) {
    super();
  }
}
const watched = new WeakMap<object, Watch>();

/** One listener however many calls one socket carries: more than ten would make Node warn of a leak. */
function watch(raw: Raw, events: string[]): Watch {
  const tell = (): void => {
    for (const closed of waiting) closed();
  };
  const waiting = new Watch(() => {
    watched.delete(raw);
    for (const event of events) raw.removeListener?.(event, tell);
  });
  watched.set(raw, waiting);
  for (const event of events) raw.once?.(event, tell);
  return waiting;
}
