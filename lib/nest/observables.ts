/**
 * Observables under protection: each subscription is one operation, which ends at the first value or
 * at completion. What comes later passes uncounted; who unsubscribes cancels.
 */
import { from, isObservable, Observable, type Subscription } from 'rxjs';
import type { Call } from '../dependency/call.js';
import type { ExecuteHooks } from '../dependency/call-settings.js';
import type { Dependency } from '../dependency/dependency.js';
import type { CallOptions } from '../dependency/options.js';

/** The operation ended with a value or completion that the subscriber has already seen. */
const BEGUN = Symbol('begun');

export function observe(
  dependency: Dependency,
  work: (call: Call) => unknown,
  options: CallOptions<unknown>,
  hooks: ExecuteHooks | undefined,
  enclosing: Call | undefined,
): Observable<unknown> {
  // A joined stream is part of the attempt around it.
  if (enclosing !== undefined)
    return new Observable((subscriber) =>
      toObservable(work(enclosing)).subscribe(subscriber),
    );
  return new Observable((subscriber) => {
    let source: Subscription | undefined;
    let cancel: ((reason: unknown) => void) | undefined;
    const attempt = (call: Call): Promise<unknown> =>
      new Promise((resolve, reject) => {
        source?.unsubscribe();
        let hasBegun = false;
        source = toObservable(work(call)).subscribe({
          next: (value) => {
            subscriber.next(value);
            if (hasBegun) return;
            hasBegun = true;
            resolve(BEGUN);
          },
          error: (error: unknown) => {
            if (hasBegun) subscriber.error(error);
            else reject(error as Error);
          },
          complete: () => {
            if (!hasBegun) resolve(BEGUN);
            subscriber.complete();
          },
        });
        call.signal.addEventListener(
          'abort',
          () => {
            if (!hasBegun) source?.unsubscribe();
          },
          { once: true },
        );
      });
    dependency
      .executeWith(attempt, options, {
        ...hooks,
        onStart: (end) => {
          cancel = end;
          hooks?.onStart?.(end);
        },
      })
      .then(
        (outcome) => {
          if (outcome === BEGUN) return;
          toObservable(outcome).subscribe(subscriber);
        },
        (error: unknown) => subscriber.error(error),
      );
    return () => {
      source?.unsubscribe();
      cancel?.(new DOMException('The subscriber has gone', 'AbortError'));
    };
  });
}

/**
 * For a handler whose answer turns out to be an Observable: settles at its first value or its end,
 * with an Observable that goes on from there.
 */
export function continued(
  source: Observable<unknown>,
): Promise<Observable<unknown>> {
  return new Promise((resolve, reject) => {
    const early: unknown[] = [];
    let reader: { next(v: unknown): void } | undefined;
    let end: ((to: import('rxjs').Subscriber<unknown>) => void) | undefined;
    let follower: import('rxjs').Subscriber<unknown> | undefined;
    const rest = new Observable<unknown>((subscriber) => {
      for (const value of early.splice(0)) subscriber.next(value);
      reader = subscriber;
      follower = subscriber;
      end?.(subscriber);
      return () => subscription.unsubscribe();
    });
    const finish = (
      how: (to: import('rxjs').Subscriber<unknown>) => void,
    ): void => {
      end = how;
      if (follower !== undefined) how(follower);
    };
    let hasBegun = false;
    const subscription: Subscription = source.subscribe({
      next: (value) => {
        if (reader === undefined) early.push(value);
        else reader.next(value);
        hasBegun = true;
        resolve(rest);
      },
      error: (error: unknown) => {
        if (!hasBegun) reject(error as Error);
        else finish((to) => to.error(error));
      },
      complete: () => {
        finish((to) => to.complete());
        resolve(rest);
      },
    });
  });
}

function toObservable(value: unknown): Observable<unknown> {
  return isObservable(value) ? value : from(Promise.resolve(value));
}
