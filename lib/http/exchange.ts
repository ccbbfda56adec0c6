/**
 * One request of axios' shape from its config to its answer: the gate, the wire, redirects, the
 * body. It is its own undici handler, in the form undici calls without a wrapper in between, and
 * hangs on the attempt by one hook: when the attempt ends early the request is cut for real.
 */
import type { AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import type { Dispatcher } from 'undici';
import type { AttemptScope } from './attempt-scope.js';
import {
  connectError,
  statusError,
  timeoutError,
  tooLargeError,
  transportError,
  unpackError,
} from './axios-errors.js';
import { BodyStream, readableBody } from './body-stream.js';
import { timeoutOf } from './caller.js';
import { markCallersFault } from './callers-fault.js';
import { CollectedBody } from './collected-body.js';
import { timeLeft, withTimeLeft } from './deadline-header.js';
import type { ExchangeContext } from './exchange-context.js';
import { withHost } from './host-header.js';
import { isSafeRequest } from './idempotent.js';
import { downloadProgress, uploadProgress, type Progress } from './progress.js';
import { Redirect, locationOf, type Hop } from './redirect.js';
import { requestBody } from './request-body.js';
import { headerLines } from './request-headers.js';
import { takeCoding } from './response-body.js';
import {
  RequestSummary,
  headOf,
  responseHeaders,
  type HeaderFields,
} from './response-head.js';
import { NOT_SENT, Settlement } from './settlement.js';
import { withParams } from './query.js';

type Config = InternalAxiosRequestConfig;

export class Exchange extends Settlement implements Dispatcher.DispatchHandler {
  private releasePermit: (() => void) | undefined;
  private abort: ((error?: Error) => void) | undefined;
  private startedMs = 0;
  private hop: Hop | undefined;
  private redirects = 0;
  private redirect: Redirect | undefined;
  private response: AxiosResponse | undefined;
  private body: CollectedBody | undefined;
  private stream: BodyStream | undefined;
  private uploaded: Progress | undefined;
  private downloaded: Progress | undefined;

  constructor(
    protected readonly context: ExchangeContext,
    protected readonly scope: AttemptScope,
    protected config: Config,
  ) {
    super();
  }

  protected override begin(): void {
    const { scope } = this;
    if (scope.endedBy !== undefined) throw scope.endedBy;
    this.offEnd = scope.onEnd((reason) => this.cut(reason));
    const waiting = this.prepare();
    if (waiting === undefined) return this.isSettled ? undefined : this.send();
    waiting.then(
      () => this.step(() => this.send()),
      (error: unknown) => this.fail(error),
    );
    this.listen(this.config);
  }

  /** Adds to the config what the dependency adds to each request. */
  protected prepare(): void | Promise<void> {
    const { gate, defaults } = this.context;
    if (gate.resolve(this.config, this.scope).isOwn)
      return defaults.apply(this.config.headers);
  }

  protected emptyHeaders(): HeaderFields | undefined {
    return undefined;
  }

  /** Gives the answer its last form; may throw. */
  protected shape(_response: AxiosResponse): void {}

  /** The last word on an answer that `validateStatus` lets pass. */
  protected accept(response: AxiosResponse): void {
    this.succeed(response);
  }

  private send(): void {
    const { config, scope, context } = this;
    this.listen(config);
    const target = context.gate.resolve(config, scope);
    const method = (config.method ?? 'get').toUpperCase();
    const path = withParams(target.path, config);
    const goal = path === target.path ? target : { ...target, path };
    const body = requestBody(config, () => new RequestSummary(method, goal));
    this.hop = { method, target: goal, lines: headerLines(config), body };
    // What makes a text of parameters, headers or a form may be the user's.
    if (this.isSettled) return this.drop(undefined);
    this.uploaded = uploadProgress(config, body.payload, this);
    this.startedMs = context.environment.nowMs();
    const timeoutMs = timeoutOf(config);
    if (timeoutMs > 0)
      this.offTimer = context.environment.startTimer(timeoutMs, () =>
        this.fail(timeoutError(config, this.summary())),
      );
    this.dispatch(this.hop);
  }

  private dispatch({ target, method, lines, body }: Hop): void {
    const { config, scope, context } = this;
    const isSingle = (config as { keepAlive?: boolean }).keepAlive === false;
    // Whatever comes of it, a stream cannot be given to a second attempt.
    if (!body.isReplayable) scope.noteSent(false);
    const leftMs = timeLeft(config, scope, context, this.startedMs);
    context.agents.get(target).dispatch(
      {
        origin: target.origin,
        path: target.path,
        method,
        headers: withTimeLeft(withHost(lines, target), target, context, leftMs),
        body: body.payload,
        ...(isSingle && { reset: true }),
      },
      this,
    );
  }

  // What undici calls, in its order.

  onConnect(abort: (error?: Error) => void): void {
    // To abort it would close the connection, which has done nothing and is the next one's.
    if (this.isSettled || this.scope.endedBy !== undefined) throw NOT_SENT;
    const { method, lines, body } = this.hop as Hop;
    this.abort = abort;
    if (body.isReplayable) this.scope.noteSent(isSafeRequest(method, lines));
  }

  onBodySent(chunk: unknown): void {
    this.uploaded?.(Buffer.byteLength(chunk as Buffer | string));
  }

  onHeaders(
    status: number,
    raw: Buffer[],
    resume: () => void,
    statusText: string,
  ): boolean {
    if (status < 200) return true;
    const { config } = this;
    const headers = responseHeaders(raw, this.emptyHeaders());
    const location = locationOf(status, headers, config);
    if (location !== undefined) {
      this.redirect = new Redirect(status, headers, location);
      if (!this.redirect.isShort) this.abort?.();
      return true;
    }
    const hasBody = this.hop?.method !== 'HEAD' && status !== 204;
    const coding =
      config.decompress === false ? undefined : takeCoding(headers, hasBody);
    const summary = this.summary();
    const response = headOf(status, statusText, headers, config, summary);
    this.response = response;
    this.downloaded = this.inContext(() =>
      downloadProgress(config, headers, this),
    );
    if (config.responseType !== 'stream')
      this.body = new CollectedBody(config, coding);
    else this.step(() => this.stand(response, coding, resume));
    return true;
  }

  onData(chunk: Buffer): boolean {
    this.downloaded?.(chunk.length);
    if (this.stream !== undefined) return this.stream.arrive(chunk);
    if (this.redirect !== undefined) {
      // Reading on would cost more than the connection that ends here.
      if (this.redirect.isTooLong(chunk)) this.abort?.();
      return true;
    }
    if (this.body?.add(chunk) === false) this.fail(this.tooLarge());
    return true;
  }

  onComplete(): void {
    this.abort = undefined;
    const { redirect, body, stream } = this;
    if (stream !== undefined) {
      this.endStream();
      stream.push(null);
    } else if (redirect !== undefined) this.step(() => this.follow(redirect));
    else this.step(() => this.finish(body as CollectedBody));
  }

  onError(error: Error): void {
    this.abort = undefined;
    const { config, scope, response, redirect, context } = this;
    if (redirect !== undefined) return this.step(() => this.follow(redirect));
    if (this.isSettled && this.stream === undefined) return;
    const known =
      connectError(error, scope, context.http.connectTimeoutMs) ??
      transportError(error, config, this.summary(), response);
    if (this.hop?.body.isBrokenBy?.(error)) markCallersFault(known);
    if (this.stream === undefined) this.fail(known);
    else this.stream.destroy(known);
  }

  private follow(redirect: Redirect): void {
    const { config, context, scope } = this;
    const hop = this.hop as Hop;
    const target = context.gate.follow(
      redirect.location,
      hop.target.origin + hop.target.path,
      scope,
    );
    const count = ++this.redirects;
    this.redirect = undefined;
    this.hop = redirect.next(hop, target, count, context.defaults, config);
    // Otherwise `beforeRedirect` has ended it.
    if (!this.isSettled) this.dispatch(this.hop);
  }

  private finish(body: CollectedBody): void {
    const response = this.response as AxiosResponse;
    body.finish(
      (data) => {
        response.data = data;
        this.step(() => this.judge(response));
      },
      (error, isTooLarge) =>
        this.step(() => {
          if (isTooLarge) throw this.tooLarge();
          throw unpackError(error, this.config, this.summary(), response);
        }),
    );
  }

  /** Hands over a body that is still to come: verdict now, permit at its end. */
  private stand(
    response: AxiosResponse,
    coding: string | undefined,
    resume: () => void,
  ): void {
    const stream = new BodyStream({
      resume,
      close: (error) => {
        this.abort?.(error ?? undefined);
        this.endStream();
      },
    });
    this.stream = stream;
    this.isStreaming = true;
    this.releasePermit = this.scope.holdPermit(
      () => stream.destroy(),
      () => stream.taken,
    );
    const max = this.config.maxContentLength ?? -1;
    response.data = readableBody(stream, coding, max, () => this.tooLarge());
    this.judge(response);
  }

  /** Nothing is left to be cut: a body nobody reads has nobody listen for ever. */
  private endStream(): void {
    this.isStreaming = false;
    if (this.isSettled) this.unlisten();
    this.releasePermit?.();
  }

  /** Accepts or refuses an answer by its status. */
  private judge(response: AxiosResponse): void {
    const { validateStatus } = this.config;
    const { environment } = this.context;
    const tookMs = environment.nowMs() - this.startedMs;
    response.duration = Math.max(0, Math.round(tookMs));
    this.shape(response);
    if (!validateStatus || validateStatus(response.status))
      return this.accept(response);
    this.refuse(statusError(response));
  }

  protected override drop(reason: Error | undefined): void {
    this.hop?.body.discard?.();
    if (this.stream !== undefined) this.stream.destroy(reason);
    else this.abort?.(reason);
  }

  protected override summary(): RequestSummary | undefined {
    const { hop } = this;
    return hop && new RequestSummary(hop.method, hop.target);
  }

  private tooLarge(): Error {
    return tooLargeError(this.config, this.summary());
  }
}
