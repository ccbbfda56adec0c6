/**
 * The one who waits for an operation: how it hears of the end, gives up, and where its async
 * context is kept for the moments in which a timer or another call wakes the operation.
 */
import { AsyncResource } from 'node:async_hooks';
import { setMaxListeners } from 'node:events';
import type { Call } from './call.js';
import type { CallSettings, ExecuteHooks } from './call-settings.js';
import { runFallback } from './fallback.js';
import type { Stages } from './stages.js';

export class Caller {
  private context: AsyncResource | undefined = undefined;
  private onAbort: (() => void) | undefined = undefined;

  constructor(
    private readonly stages: Stages,
    private readonly call: CallSettings,
    private readonly hooks: ExecuteHooks | undefined,
    private readonly resolve: (value: unknown) => void,
    readonly reject: (error: unknown) => void,
  ) {
    const { retry, fallback } = call;
    const mayWakeOutside =
      retry.onTimeout ||
      retry.on !== undefined ||
      typeof fallback?.value === 'function';
    if (mayWakeOutside) this.keepContext();
  }

  /** The client's answer has started: nothing may be repeated or replaced. */
  get isAnswered(): boolean {
    return this.hooks?.isAnswered?.() === true;
  }

  /** Somebody may end the operation before its time. */
  get mayGiveUp(): boolean {
    return this.call.signal !== undefined || this.hooks !== undefined;
  }

  /** From now on `cancel` is called when the caller gives up. */
  listen(cancel: (reason: unknown) => void): void {
    const { signal } = this.call;
    if (signal !== undefined) {
      this.onAbort = () => cancel(signal.reason);
      admitMany(signal);
      signal.addEventListener('abort', this.onAbort);
      // By who heard of the call, or of a circuit, just now.
      if (signal.aborted) this.onAbort();
    }
    this.hooks?.onStart?.(cancel);
  }

  unlisten(): void {
    if (this.onAbort === undefined) return;
    this.call.signal?.removeEventListener('abort', this.onAbort);
    this.onAbort = undefined;
  }

  succeed(value: unknown): void {
    const { hooks } = this;
    if (hooks?.onAnswer === undefined) return this.resolve(value);
    try {
      this.resolve(hooks.onAnswer(value));
    } catch (error) {
      this.reject(error);
    }
  }

  /** Gives the error, or the fallback in its place. */
  fail(error: unknown, isBarred: boolean, last: () => Call): void {
    const { fallback } = this.call;
    if (fallback === undefined || isBarred || this.isAnswered) {
      this.reject(error);
      return;
    }
    this.inContext(() => {
      try {
        this.settleWith(runFallback(this.stages, fallback, error, last));
      } catch (own) {
        this.reject(own);
      }
    });
  }

  /** A fallback that takes its time can be given up like the call itself. */
  private settleWith(answer: unknown): void {
    const { signal } = this.call;
    if (!(answer instanceof Promise) || signal === undefined) {
      this.resolve(answer);
      return;
    }
    this.onAbort = () => this.reject(signal.reason);
    // The fallback itself may have aborted it, which is told once only.
    if (signal.aborted) this.onAbort();
    signal.addEventListener('abort', this.onAbort);
    answer.then(this.resolve, this.reject).finally(() => this.unlisten());
  }

  /** Called in the caller's own context, before the first wait that something else may end. */
  keepContext(): void {
    this.context ??= new AsyncResource('DaceOperation', {
      requireManualDestroy: true,
    });
  }

  inContext(fn: () => void): void {
    if (this.context === undefined) fn();
    else this.context.runInAsyncScope(fn);
  }
}

/** One signal may stand for hundreds of calls at once; to Node eleven listeners look like a leak. */
export function admitMany(signal: AbortSignal): void {
  if (signal instanceof AbortSignal) setMaxListeners(0, signal);
}
