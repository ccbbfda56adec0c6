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
import type { Call } from '../dependency/call.js';
import type { ExecuteHooks } from '../dependency/call-settings.js';

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
    const attempt = (call: Call): Promise<unknown> =>
      stream.begin(toObservable(work(call)), call);
    execute(attempt, stream.hooks).then(
      // The operation is over here, so that nothing downstream of the value joins it.
      (outcome) => toObservable(stream.rest(outcome)).subscribe(subscriber),
      (error: unknown) => subscriber.error(error),
    );
    return () => stream.leave();
  });
}

/**
 * The source of the attempt under way. It is subscribed by the attempt, whose result is the first
 * value; what it emits is held back until the operation's end shows who reads on.
 */
export class Stream {
  private opening: Opening | undefined;
  private cancel: ((reason: unknown) => void) | undefined;

  /** To be given to the operation. */
  readonly hooks: ExecuteHooks = {
    onStart: (cancel) => {
      this.cancel = cancel;
    },
  };

  /** Whether the work has turned out to answer with an Observable. */
  get isOpen(): boolean {
    return this.opening !== undefined;
  }

  /** Settles with the first value, or with undefined at the end of an empty source. */
  begin(source: Observable<unknown>, call: Call): Promise<unknown> {
    this.opening?.stop();
    this.opening = new Opening();
    return this.opening.begin(source, call);
  }

  /** The outcome's Observable: the source from its first value on, or what a fallback answered. */
  rest(outcome: unknown): unknown {
    return this.opening?.hasBegun === true ? this.opening.read() : outcome;
  }

  /** Nobody listens any more. */
  leave(): void {
    this.opening?.stop();
    this.cancel?.(new DOMException('The subscriber has gone', 'AbortError'));
  }
}

type Emission = (to: Subscriber<unknown>) => void;

class Opening {
  hasBegun = false;
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
          this.emit((to) => to.next(value));
          this.hasBegun = true;
          resolve(value);
        },
        error: (error: unknown) => {
          if (this.hasBegun) this.emit((to) => to.error(error));
          else reject(error);
        },
        complete: () => {
          if (this.isStopped) return;
          this.emit((to) => to.complete());
          this.hasBegun = true;
          resolve(undefined);
        },
      });
    });
  }

  read(): Observable<unknown> {
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

  private emit(emission: Emission): void {
    if (this.reader === undefined) this.early.push(emission);
    else emission(this.reader);
  }
}

/** An Observable as it is, or once a promise brings it; of anything else one value, awaited. */
export function toObservable(value: unknown): Observable<unknown> {
  if (isObservable(value)) return value;
  return from(Promise.resolve(value)).pipe(
    mergeMap((settled) => (isObservable(settled) ? settled : of(settled))),
  );
}
