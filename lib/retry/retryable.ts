/**
 * What may be repeated. The unit of retry is the function: it is run again only where nothing it
 * sent can have been done twice, or where somebody said that this does not matter.
 */
import { atOnce } from '../core/at-once.js';
import { isInstance } from '../core/is-error.js';

/** @publicApi */
export type ErrorClass = abstract new (...args: never[]) => unknown;

/** What besides the safe cases is repeated. @publicApi */
export type RetryOn =
  'any' | ((outcome: unknown) => boolean) | ErrorClass | readonly ErrorClass[];

/** What an attempt has sent through `call.http` and `call.agent`. */
export type Sent = 'nothing' | 'safe' | 'unsafe';

/** All that the question depends on. */
export interface FailedAttempt {
  readonly verdict: 'failure' | 'throttled' | 'ignored' | 'local' | 'success';
  readonly sent: Sent;
  /** The work ran out of its attempt's time. */
  readonly isAttemptTimeout: boolean;
  /** No connection came about. */
  readonly isConnect: boolean;
  /** The failure is one of transport or of a status: network, 408, 425, 429, 5xx. */
  readonly isTransport: boolean;
}

/**
 * Whether a failed attempt may be repeated without asking anybody.
 *
 * Shape:  (attempt, { onTimeout, idempotent }) → boolean.
 * Source: RFC 9110 §9.2.2 (idempotent methods).
 */
export function isSafeToRepeat(
  attempt: FailedAttempt,
  options: { readonly onTimeout: boolean; readonly idempotent: boolean },
): boolean {
  const { verdict, sent } = attempt;
  if (verdict !== 'failure' && verdict !== 'throttled') return false;
  const isClean = sent !== 'unsafe' || options.idempotent;
  if (attempt.isAttemptTimeout) return options.onTimeout && isClean;
  if (options.idempotent) return true;
  if (!isClean) return false;
  if (attempt.isConnect) return true;
  return attempt.isTransport && sent === 'safe';
}

/** Whether the user's `retry.on` asks for a repetition of `outcome`. */
export function isAskedFor(
  on: RetryOn | undefined,
  outcome: unknown,
  isCountedFailure: boolean,
): boolean {
  if (on === undefined) return false;
  if (on === 'any') return isCountedFailure;
  if (typeof on !== 'function')
    return on.some((type) => isInstance(outcome, type));
  if (isErrorClass(on)) return isInstance(outcome, on);
  return atOnce(on(outcome)) === true;
}

function isErrorClass(on: unknown): on is ErrorClass {
  return (
    on === Error ||
    (typeof on === 'function' &&
      (on.prototype instanceof Error ||
        /^class\b/.test(Function.prototype.toString.call(on))))
  );
}
