import { isErrorOfAnyRealm, isInstance } from '../core/is-error.js';
import type { Classify } from '../core/verdict.js';
import type { ErrorClass } from '../retry/retryable.js';

/**
 * A `classify` for which only errors of these classes are failures; other errors prove nothing.
 * Results are left to the default.
 *
 * Shape:  (...classes) → classify.
 * Source: python-circuit's and failfast's lists of error types.
 * @example classify: failuresOnly(TimeoutError, ConnectionError)
 * @publicApi
 */
export function failuresOnly(...classes: readonly ErrorClass[]): Classify {
  return (outcome) => {
    if (classes.some((type) => isInstance(outcome, type))) return 'failure';
    return isErrorOfAnyRealm(outcome) ? 'ignored' : undefined;
  };
}
