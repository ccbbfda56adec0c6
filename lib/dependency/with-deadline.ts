/**
 * A deadline of the user's own, for whatever has one that we cannot see: a message, a job, a request
 * of another framework.
 */
import { realClock, type Clock } from '../core/clock.js';
import { DaceConfigurationError } from '../core/errors.js';
import { runWithin, Span } from './deadline.js';
import { MOST_MS } from './option-ranges.js';
import { show } from './option-text.js';

/**
 * Runs `fn` so that calls inside it, of dependencies with `propagateDeadline`, have at most `ms`, or less
 * where what encloses it leaves less. `false` runs it as if it were part of nothing, for what goes on
 * when its request is over.
 *
 * State:  binds until `fn` has settled; what has passed refuses calls that begin later, for 30 s.
 * Shape:  (ms from 0 to 2,147,483,647, or false) → what `fn` returns; Observables are outside, as they
 *         run when they are subscribed.
 * Units:  milliseconds of `clock`.
 * Errors: DaceConfigurationError for another `ms`; what `fn` throws.
 * @example await withDeadline(message.ttlMs, () => invoices.send(message))
 * @publicApi
 */
export function withDeadline<T>(
  ms: number | false,
  fn: () => T,
  { clock = realClock }: { readonly clock?: Clock | undefined } = {},
): T {
  if (ms === false) return runWithin(undefined, fn);
  if (typeof ms !== 'number' || !(ms >= 0 && ms <= MOST_MS)) throw wrong(ms);
  const span = new Span(clock, clock.nowMs() + ms);
  let isPending = false;
  try {
    const answer = runWithin(span, fn);
    isPending = isThenable(answer);
    // A thenable of another make may be a query that `then` would start.
    return answer instanceof Promise ? (answer.finally(span.end) as T) : answer;
  } finally {
    if (!isPending) span.end();
  }
}

function isThenable(value: unknown): boolean {
  return typeof (value as { then?: unknown } | null)?.then === 'function';
}

function wrong(ms: unknown): DaceConfigurationError {
  return new DaceConfigurationError({
    dependencyId: 'withDeadline',
    message: `withDeadline was given ${show(ms)}: expected milliseconds from 0 to 2,147,483,647, or false for none`,
  });
}
