/**
 * `call.agent`: undici's dispatcher for one attempt. Whatever is sent through it (by undici's
 * `request`, `fetch`, `stream`, by Node's own `fetch`) passes the gate, is cut when the attempt
 * ends and holds the permit until its body is read.
 */
import { Dispatcher } from 'undici';
import { isErrorOfAnyRealm } from '../core/is-error.js';
import type { AttemptScope } from './attempt-scope.js';
import { connectError } from './axios-errors.js';
import { withTimeLeft } from './deadline-header.js';
import type { ExchangeContext } from './exchange-context.js';
import type { Target } from './gate.js';
import { withHost } from './host-header.js';
import { isSafeRequest } from './idempotent.js';

type Handler = Dispatcher.DispatchHandler;
type Controller = Dispatcher.DispatchController;

export class AttemptDispatcher extends Dispatcher {
  constructor(
    private readonly context: ExchangeContext,
    private readonly scope: AttemptScope,
  ) {
    super();
  }

  override dispatch(
    options: Dispatcher.DispatchOptions,
    handler: Handler,
  ): boolean {
    try {
      if (this.scope.endedBy !== undefined) throw this.scope.endedBy;
      const { origin, path } = options;
      const target = this.context.gate.admit(origin, path, this.scope);
      return this.send(options, target, handler);
    } catch (error) {
      refuse(handler, error);
      return false;
    }
  }

  private send(
    options: Dispatcher.DispatchOptions,
    target: Target,
    handler: Handler,
  ): boolean {
    const { agents, defaults, http } = this.context;
    const lines = flat(options.headers);
    const dispatch = (headers: unknown[]): boolean => {
      const isSafe = isSafeRequest(options.method, headers);
      const watch = new Watch(this.scope, isSafe, http.connectTimeoutMs);
      return agents.get(target).dispatch(
        {
          ...options,
          origin: target.origin,
          headers: withTimeLeft(
            withHost(headers as string[], target),
            target,
            this.context,
            this.scope.leftMs,
          ),
          headersTimeout: 0,
          bodyTimeout: 0,
        },
        handler.onRequestStart === undefined
          ? new EarlierHandler(handler, watch)
          : new LaterHandler(handler, watch),
      );
    };
    if (!target.isOwn || defaults.names.size === 0) return dispatch(lines);
    const headers = defaults.missingFrom(lines);
    if (Array.isArray(headers)) return dispatch([...lines, ...headers]);
    this.whenGiven(headers, handler, (more) => dispatch([...lines, ...more]));
    return true;
  }

  /** What waits for its headers is not on the wire yet, so it is told itself when the attempt ends. */
  private whenGiven<T>(
    headers: Promise<T>,
    handler: Handler,
    go: (headers: T) => void,
  ): void {
    let isOver = false;
    const offEnd = this.scope.onEnd((reason) => {
      isOver = true;
      refuse(handler, reason);
    });
    headers
      .then((given) => {
        offEnd();
        if (!isOver) go(given);
      })
      .catch((error: unknown) => {
        offEnd();
        if (!isOver) refuse(handler, error);
      });
  }

  /** The connections are the dependency's: closing one attempt's view of them closes nothing. */
  override close(callback?: () => void): Promise<void> {
    return done(callback);
  }

  override destroy(
    errorOrCallback?: Error | null | (() => void),
    callback?: () => void,
  ): Promise<void> {
    return done(
      typeof errorOrCallback === 'function' ? errorOrCallback : callback,
    );
  }
}

function done(callback: (() => void) | undefined): Promise<void> {
  if (callback !== undefined) queueMicrotask(callback);
  return Promise.resolve();
}

/** Tells a handler of a request that was never sent. */
function refuse(handler: Handler, error: unknown): void {
  const reason = asError(error);
  if (handler.onError !== undefined) handler.onError(reason);
  else if (handler.onResponseError !== undefined)
    handler.onResponseError(undefined as unknown as Controller, reason);
  else throw reason;
}

function flat(headers: Dispatcher.DispatchOptions['headers']): unknown[] {
  if (headers === undefined || headers === null) return [];
  if (Array.isArray(headers)) return headers;
  const entries =
    Symbol.iterator in headers
      ? [...(headers as Iterable<[string, unknown]>)]
      : Object.entries(headers);
  return entries.flat();
}

/** Ties one request to its attempt. */
class Watch {
  private offEnd: (() => void) | undefined;
  private releasePermit: (() => void) | undefined;

  constructor(
    private readonly scope: AttemptScope,
    private readonly isSafe: boolean,
    private readonly connectTimeoutMs: number,
  ) {}

  /**
   * Throws when the attempt ended while the request waited for a connection: to abort it would close
   * the connection, which has done nothing and is the next one's.
   */
  started(abort: (reason?: Error) => void): void {
    const { endedBy } = this.scope;
    if (endedBy !== undefined) throw asError(endedBy);
    this.offEnd?.();
    this.offEnd = this.scope.onEnd((reason) => abort(asError(reason)));
    this.abort = abort;
    this.scope.noteSent(this.isSafe);
  }

  answered(status: number): void {
    if (status < 200 || this.releasePermit !== undefined) return;
    this.releasePermit = this.scope.holdPermit(
      () => this.abort?.(),
      () => this.received,
    );
  }

  /** A reader that stops reading stops what is received soon after. */
  data(chunk: Buffer): void {
    this.received += chunk.length;
  }

  ended(): void {
    this.offEnd?.();
    this.releasePermit?.();
  }

  /** The error as the user meets it. */
  failed(error: Error): Error {
    this.ended();
    return connectError(error, this.scope, this.connectTimeoutMs) ?? error;
  }

  private abort: ((reason?: Error) => void) | undefined;
  private received = 0;
}

/** A caller may give up for anything, for what has no text too. */
const asError = (reason: unknown): Error => {
  if (isErrorOfAnyRealm(reason)) return reason;
  const text = typeof reason === 'string' ? reason : 'given up';
  return new Error(text, { cause: reason });
};

/** Around a handler of undici 6, Node's own `fetch`, and most of undici 7. */
class EarlierHandler implements Handler {
  constructor(
    private readonly inner: Handler,
    private readonly watch: Watch,
  ) {}

  onConnect(abort: (error?: Error) => void, ...rest: unknown[]): void {
    this.watch.started(abort);
    (this.inner.onConnect as (...args: unknown[]) => void)(abort, ...rest);
  }

  onResponseStarted(): void {
    this.inner.onResponseStarted?.();
  }

  onHeaders(
    status: number,
    headers: Buffer[],
    resume: () => void,
    text: string,
  ): boolean {
    this.watch.answered(status);
    return this.inner.onHeaders?.(status, headers, resume, text) ?? true;
  }

  onUpgrade(
    status: number,
    headers: Buffer[] | string[] | null,
    socket: Parameters<NonNullable<Handler['onUpgrade']>>[2],
  ): void {
    this.watch.ended();
    this.inner.onUpgrade?.(status, headers, socket);
  }

  onData(chunk: Buffer): boolean {
    this.watch.data(chunk);
    return this.inner.onData?.(chunk) ?? true;
  }

  onComplete(trailers: string[] | null): void {
    this.watch.ended();
    this.inner.onComplete?.(trailers);
  }

  onError(error: Error): void {
    const known = this.watch.failed(error);
    if (this.inner.onError === undefined) throw known;
    this.inner.onError(known);
  }

  onBodySent(chunkSize: number, total: number): void {
    this.inner.onBodySent?.(chunkSize, total);
  }
}

/** Around a handler of undici 7's newer form. */
class LaterHandler implements Handler {
  constructor(
    private readonly inner: Handler,
    private readonly watch: Watch,
  ) {}

  onRequestStart(controller: Controller, context: unknown): void {
    const abort = (reason?: Error) =>
      controller.abort(reason ?? new Error('aborted'));
    this.watch.started(abort);
    this.inner.onRequestStart?.(controller, context);
  }

  onRequestUpgrade(
    ...args: Parameters<NonNullable<Handler['onRequestUpgrade']>>
  ): void {
    this.watch.ended();
    this.inner.onRequestUpgrade?.(...args);
  }

  onResponseStart(
    ...args: Parameters<NonNullable<Handler['onResponseStart']>>
  ): void {
    this.watch.answered(args[1]);
    this.inner.onResponseStart?.(...args);
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    this.watch.data(chunk);
    this.inner.onResponseData?.(controller, chunk);
  }

  onResponseEnd(
    ...args: Parameters<NonNullable<Handler['onResponseEnd']>>
  ): void {
    this.watch.ended();
    this.inner.onResponseEnd?.(...args);
  }

  onResponseError(controller: Controller, error: Error): void {
    this.inner.onResponseError?.(controller, this.watch.failed(error));
  }
}
