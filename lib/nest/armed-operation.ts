/**
 * One request's way from the interceptor, which knows the client, to the handler's dispatcher, which
 * runs the operation: what that operation then hears of its client, and the stream it may turn out
 * to answer with.
 */
import { isObservable, type Observable } from 'rxjs';
import { isCut } from '../dependency/attempt.js';
import type { Call } from '../dependency/call.js';
import type { ExecuteHooks } from '../dependency/call-settings.js';
import type { App } from './app.js';
import { clientGone, type Client } from './client.js';
import {
  isEventStream,
  isPartOf,
  type ProtectedMethod,
} from './protected-method.js';
import { Stream } from './streams.js';
import { letGo } from './unsent-answer.js';

type Cancel = (reason: unknown) => void;

export class ArmedOperation implements ExecuteHooks {
  /** Its request's chain has ended. */
  isOver = false;
  private isTaken = false;
  /** Where this has turned out to be one of several that have not ended: see `takeFor`. */
  private others: Set<ArmedOperation> | undefined = undefined;
  private isCancelledByClient = false;
  /** Several only where the handler's Observable is subscribed several times. */
  private cancels: Cancel[] | undefined = undefined;
  private stopWatching: (() => void) | undefined = undefined;
  private stream: Stream | undefined = undefined;

  constructor(
    readonly method: ProtectedMethod,
    private readonly client: Client | undefined,
    /** What the interceptor armed, of which this is another. */
    private readonly origin?: ArmedOperation,
  ) {}

  /** Whether the interceptor armed one operation, and this is another. */
  get isExtra(): boolean {
    return this.origin !== undefined;
  }

  /** Whether it is for a decorator, or a superclass, that the handler's own method leads to. */
  get isInner(): boolean {
    return this.origin !== undefined && this.origin.method !== this.method;
  }

  /**
   * What `method` may take: this one, once; another like it where an interceptor below ours asks
   * for the handler again, which it does from where this was armed (`isNear`).
   */
  takeFor(
    method: ProtectedMethod,
    isNear: boolean,
  ): ArmedOperation | undefined {
    if (this.isOver) return undefined;
    if (method !== this.method)
      return isPartOf(method, this.method) ? this.add(method) : undefined;
    if (this.isTaken) return isNear ? this.add(method) : undefined;
    this.isTaken = true;
    return this;
  }

  private add(method: ProtectedMethod): ArmedOperation {
    const other = new ArmedOperation(method, this.client, this);
    (this.others ??= new Set()).add(other);
    return other;
  }

  /** An interceptor may ask for its handler every second for as long as the client stays. */
  leave(): void {
    this.stopWatching?.();
    this.origin?.others?.delete(this);
  }

  /** By the dispatcher, which knows the app. */
  take(app: App): void {
    const { client } = this;
    this.isCancelledByClient =
      client !== undefined &&
      (this.method.options.cancelOnDisconnect ??
        app.cancelOnDisconnect ??
        client.isReadOnly);
  }

  isAnswered(): boolean {
    return this.client?.isAnswered() === true && !isEventStream(this.method);
  }

  onStart(cancel: Cancel): void {
    if (this.cancels !== undefined) this.cancels.push(cancel);
    else this.cancels = [cancel];
    if (this.isCancelledByClient && this.stopWatching === undefined)
      this.watch();
  }

  private watch(): void {
    this.stopWatching = this.client?.onGone(() => this.cancel());
  }

  private cancel(): void {
    for (const cancel of this.cancels ?? []) cancel(clientGone());
  }

  /** The handler has answered: with a value, or with an Observable whose first value it is. */
  answer(result: unknown, call: Call): unknown {
    if (isObservable(result)) return this.begin(result, call);
    if (isCut(call)) letGo(result);
    return result;
  }

  private begin(source: Observable<unknown>, call: Call): Promise<unknown> {
    if (this.stream === undefined) {
      this.stream = new Stream();
      for (const cancel of this.cancels ?? []) this.stream.onStart(cancel);
    }
    return this.stream.begin(source, call);
  }

  /** What the handler answers: the value, or the stream that began with it. */
  onAnswer(value: unknown): unknown {
    return this.stream === undefined ? value : this.stream.rest(value);
  }

  /**
   * The request's chain has ended. A promise goes on unheard, as everywhere in Nest; a stream ends
   * with its last listener.
   */
  unsubscribe(): void {
    this.isOver = true;
    if (this.stopWatching !== undefined) {
      this.stopWatching();
      // Nest's adapters of sockets hear it first, and end the chain.
      if (this.client?.isGone() === true) this.cancel();
    }
    this.stream?.leave();
    if (this.others !== undefined)
      for (const other of this.others) other.unsubscribe();
  }
}
