/**
 * Observables under protection: each subscription is one operation, which ends at the first value or
 * at completion. What comes later passes uncounted; who unsubscribes cancels.
 */
import {
  from,
  isObservable,
  mergeMap,
  Observable,
  of,
  Subject,
  takeUntil,
  type Subscriber,
} from 'rxjs';
import { DaceConfigurationError } from '../core/errors.js';
import { answer as endAttempt } from '../dependency/attempt.js';
import type { Call } from '../dependency/call.js';
import type { ExecuteHooks } from '../dependency/call-settings.js';
import { tooEarlyMessage } from './dace.messages.js';

/** Runs work as one operation. */
export type Execute = (
  work: (call: Call) => unknown,
  hooks: ExecuteHooks,
) => Promise<unknown>;

/** An Observable whose every subscription is one operation. */
export function streamOf(
  work: (call: Call) => unknown,
  execute: Execute,
): Observable<unknown> {
  return new Observable((subscriber) => {
    const stream = new Stream();
    // Before there is a source: one that never pauses must hear that nobody listens any more.
    subscriber.add(() => stream.leave());
    let isAnswered = false;
    const answer = (outcome: unknown): void => {
      if (isAnswered) return;
      isAnswered = true;
      toObservable(stream.rest(outcome)).subscribe(subscriber);
    };
    const hooks: ExecuteHooks = {
      onStart: (cancel) => stream.onStart(cancel),
      // The operation is over here, so that nothing downstream of the value joins it.
      onAnswer: answer,
    };
    const attempt = (call: Call): Promise<unknown> =>
      stream.begin(toObservable(work(call)), call);
    execute(attempt, hooks).then(answer, (error: unknown) => {
      stream.end();
      subscriber.error(error);
    });
  });
}

/**
 * The source of the attempt under way. It is subscribed by the attempt, whose result is the first
 * value, in the moment in which it comes; what else it emits is held back until somebody reads.
 */
export class Stream {
  private opening: Opening | undefined;
  private cancel: ((reason: unknown) => void) | undefined;

  onStart(cancel: (reason: unknown) => void): void {
    this.cancel = cancel;
  }

  /** Subscribes `source`. Settles with its first value, or with undefined where it is empty. */
  begin(source: Observable<unknown>, call: Call): Promise<unknown> {
    this.opening?.stop();
    this.opening = new Opening();
    return this.opening.begin(source, call);
  }

  /** The outcome's Observable: the source from its first value on, or what a fallback answered. */
  rest(outcome: unknown): unknown {
    this.end();
    return this.opening?.hasBegun === true ? this.opening.read() : outcome;
  }

  /** Of the operation nothing is left to cancel. */
  end(): void {
    this.cancel = undefined;
  }

  /** Nobody listens any more. */
  leave(): void {
    this.opening?.stop();
    this.cancel?.(new DOMException('The subscriber has gone', 'AbortError'));
  }
}

/** How many values may come before there is a reader: a handler's Observable gets one a moment later. */
const MOST_HELD_BACK = 100_000;

type Emission = (to: Subscriber<unknown>) => void;

class Opening {
  hasBegun = false;
  /** The operation has ended with the first value. */
  private isTaken = false;
  private readonly early: Emission[] = [];
  private reader: Subscriber<unknown> | undefined;
  private readonly stopped = new Subject<void>();
  private isStopped = false;

  begin(source: Observable<unknown>, call: Call): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const cut = (): void => {
        if (this.hasBegun) return;
        this.stop();
        reject(call.signal.reason as Error);
      };
      // A test's stand-in may hand out less than a full call.
      const signal = call.signal as AbortSignal | undefined;
      signal?.addEventListener('abort', cut, { once: true });
      if (signal?.aborted === true) return cut();
      source.pipe(takeUntil(this.stopped)).subscribe({
        next: (value) => {
          this.emit((to) => to.next(value), call.dependencyId);
          if (this.hasBegun) return;
          this.answer(call, value);
          resolve(value);
        },
        error: (error: unknown) => {
          if (this.hasBegun) this.emit((to) => to.error(error));
          else reject(error);
        },
        complete: () => {
          if (this.isStopped) return;
          this.emit((to) => to.complete());
          if (this.hasBegun) return;
          this.answer(call, undefined);
          resolve(undefined);
        },
      });
    });
  }

  /** Ends the attempt, and with it the operation if this is the answer that was asked for. */
  private answer(call: Call, value: unknown): void {
    this.hasBegun = true;
    if (!endAttempt(call, value) || this.isTaken) return;
    // Another attempt follows; should this answer be given after all, nothing more comes of it.
    this.stop();
    this.emit((to) => to.complete());
  }

  read(): Observable<unknown> {
    this.isTaken = true;
    return new Observable((subscriber) => {
      // What a value brings about comes after what was there before it.
      for (const emission of this.early) emission(subscriber);
      this.early.length = 0;
      this.reader = subscriber;
      return () => this.stop();
    });
  }

  stop(): void {
    this.isStopped = true;
    this.stopped.next();
  }

  private emit(emission: Emission, dependencyId?: string): void {
    if (this.reader !== undefined) return emission(this.reader);
    this.early.push(emission);
    if (dependencyId === undefined || this.early.length < MOST_HELD_BACK)
      return;
    // A source that never pauses would fill the memory before anybody can read.
    this.stop();
    const message = tooEarlyMessage(MOST_HELD_BACK);
    const error = new DaceConfigurationError({ dependencyId, message });
    this.early.push((to) => to.error(error));
  }
}

/** An Observable as it is, or once a promise brings it; of anything else one value, awaited. */
export function toObservable(value: unknown): Observable<unknown> {
  if (isObservable(value)) return value;
  return from(Promise.resolve(value)).pipe(
    mergeMap((settled) => (isObservable(settled) ? settled : of(settled))),
  );
}
