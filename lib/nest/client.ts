/**
 * The client behind an execution context: whether it has gone, and whether its answer has started.
 */
import {
  HttpException,
  type ArgumentsHost,
  type ExecutionContext,
} from '@nestjs/common';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { whenClosed, whenConnectionCloses, type Emitter } from './closing.js';

/** What responses and sockets of all platforms have in common below their own objects. */
interface Raw extends Emitter {
  readonly headersSent?: boolean;
  readonly destroyed?: boolean;
  readonly closed?: boolean;
  readonly writableEnded?: boolean;
  /** Of HTTP/2, whose responses do not tell themselves. */
  readonly stream?: { readonly destroyed?: boolean } | undefined;
  /** Of a WebSocket a number. */
  readonly readyState?: unknown;
  /** Of socket.io. */
  readonly disconnected?: boolean;
  /** Of a gRPC call. */
  readonly cancelled?: boolean;
  setHeader?(name: string, value: string): void;
}

/** What requests of all platforms have in common. */
interface RawRequest {
  readonly method?: string;
  readonly httpVersionMajor?: number;
  readonly socket?: unknown;
  /** Of HTTP/2. */
  readonly stream?: Raw;
  /** Of Fastify. */
  readonly raw?: RawRequest;
}

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);
/** `readyState` of a WebSocket that is closing or closed. */
const CLOSING = 2;
/** What sockets of net and ws, of socket.io, and calls of gRPC say when the client leaves. */
const GOING = ['close', 'disconnect', 'cancelled'];

export interface Client {
  /** A disconnect ends the call unless something was said to the contrary. */
  readonly isReadOnly: boolean;
  readonly isAnswered: () => boolean;
  /** Whether the client has left before its answer has ended. */
  readonly isGone: () => boolean;
  /** Calls `gone` when the client leaves before its answer has ended, at once if it has. */
  onGone(gone: () => void): () => void;
  retryAfter(seconds: number): void;
}

/** The client of a context, or undefined where there is none to lose. */
export function clientOf(context: ExecutionContext): Client | undefined {
  const kind: string = context.getType();
  switch (kind) {
    case 'http':
      // As `switchToHttp` would, which makes an object of closures for it.
      return httpClient(context.getArgByIndex(0), context.getArgByIndex(1));
    case 'ws':
      return socketClient(context.switchToWs().getClient());
    case 'rpc':
      return socketClient(
        grpcCallOf(context) ?? socketOfRpc(context.switchToRpc().getContext()),
      );
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

function httpClient(
  request: RawRequest | undefined,
  response: (Raw & { raw?: Raw }) | null | undefined,
): HttpClient | undefined {
  // Express gives its answers prototypes of its own: to ask them for what they lack takes microseconds.
  const raw =
    response instanceof ServerResponse ? response : (response?.raw ?? response);
  return raw === undefined || raw === null
    ? undefined
    : new HttpClient(request, raw);
}

/** Behind a response; a class, as every request of a decorated route makes one. */
class HttpClient implements Client {
  constructor(
    private readonly request: RawRequest | undefined,
    protected readonly raw: Raw,
  ) {}

  get isReadOnly(): boolean {
    return SAFE_METHODS.has(this.request?.method ?? '');
  }

  isAnswered(): boolean {
    return this.raw.headersSent === true;
  }

  isGone(): boolean {
    return isClosed(this.raw) && this.isAwaited;
  }

  /** A close after the answer has ended is how connections end. */
  private get isAwaited(): boolean {
    return this.raw.writableEnded !== true;
  }

  onGone(gone: () => void): () => void {
    const { raw } = this;
    const check = (): void => {
      if (this.isAwaited) gone();
    };
    if (isClosed(raw)) {
      check();
      return () => {};
    }
    const connection = connectionOf(this.request);
    return connection === undefined
      ? whenClosed(raw, ['close'], check)
      : whenConnectionCloses(connection, check);
  }

  retryAfter(seconds: number): void {
    if (this.raw.headersSent !== true)
      this.raw.setHeader?.('Retry-After', String(seconds));
  }
}

/** Several fields share one answer, so none of them speaks for its headers. */
class GraphQlClient extends HttpClient {
  override retryAfter(): void {}
}

/** What servers of GraphQL hand to resolvers, as Nest fills it in where the app says nothing. */
interface GraphQlContext {
  readonly res?: Answer;
  readonly req?: RawRequest & { readonly res?: Answer };
}
type Answer = Raw & { readonly raw?: Raw };

/** Fastify's requests, and those of subscriptions, lead to no answer but to their connection. */
function graphQlClient(
  graphQl: GraphQlContext | null | undefined,
): Client | undefined {
  const answer = graphQl?.res ?? graphQl?.req?.res;
  if (answer !== undefined)
    return new GraphQlClient(undefined, answer.raw ?? answer);
  const request = graphQl?.req?.raw ?? graphQl?.req;
  return socketClient(request?.stream ?? connectionOf(request));
}

/** The connection of an HTTP/1 request, which outlives it; other requests are streams of their own. */
function connectionOf(request: RawRequest | undefined): Socket | undefined {
  const raw =
    request instanceof IncomingMessage ? request : (request?.raw ?? request);
  if (raw?.httpVersionMajor !== 1) return undefined;
  const { socket } = raw;
  return socket instanceof Socket ? socket : undefined;
}

function socketClient(socket: Raw | undefined): Client | undefined {
  if (typeof socket?.once !== 'function') return undefined;
  return {
    isReadOnly: false,
    isAnswered: () => false,
    isGone: () => isClosed(socket),
    onGone: (gone) => {
      if (!isClosed(socket)) return whenClosed(socket, GOING, gone);
      gone();
      return () => {};
    },
    retryAfter: () => {},
  };
}

/** The TCP transport's context knows its socket; brokers have none to lose. */
function socketOfRpc(context: unknown): Raw | undefined {
  const { getSocketRef } = (context ?? {}) as {
    getSocketRef?: () => { netSocket?: Raw; socket?: Raw } | undefined;
  };
  if (typeof getSocketRef !== 'function') return undefined;
  const socket = getSocketRef.call(context);
  return socket?.netSocket ?? socket?.socket;
}

/** What gRPC hands a handler behind message and metadata. */
export function grpcCallOf(host: ArgumentsHost): Raw | undefined {
  const call = host.getArgs<unknown[]>()[2] as
    (Raw & { getPeer?: unknown; sendMetadata?: unknown }) | undefined;
  const isCall =
    typeof call?.getPeer === 'function' &&
    typeof call.sendMetadata === 'function';
  return isCall ? call : undefined;
}

function isClosed(raw: Raw): boolean {
  if (raw instanceof ServerResponse) return raw.destroyed;
  return (
    raw.destroyed === true ||
    raw.closed === true ||
    raw.stream?.destroyed === true ||
    raw.disconnected === true ||
    raw.cancelled === true ||
    (typeof raw.readyState === 'number' && raw.readyState >= CLOSING)
  );
}
