/**
 * The check of what one call may change: a fast yes or no before each call, and the error for the
 * no. (A dependency's own options are checked in `resolve-settings.ts`.)
 */
import { OptionCheck, throwProblems } from './option-check.js';
import { CALL } from './option-levels.js';
import { MOST_MS } from './option-ranges.js';
import { isPlainObject } from './option-text.js';
import type { BackoffOptions, CallOptions, RetryOptions } from './options.js';

/**
 * Tells everything that is wrong with the options of a call.
 *
 * Errors: DaceConfigurationError that lists every problem.
 */
export function checkCallOptions(
  id: string,
  options: CallOptions<unknown>,
): void {
  const check = new OptionCheck(CALL);
  check.soundPart(options);
  throwProblems(id, `A call of "${id}"`, check.problems);
}

/**
 * Whether `checkCallOptions` would find nothing. Runs before every call that has options, so it
 * compares, and allocates nothing.
 */
export function areCallOptionsSound(options: CallOptions<unknown>): boolean {
  if (!isPlainObject(options)) return false;
  for (const name in options) {
    switch (name) {
      case 'timeoutMs':
      case 'attemptTimeoutMs':
        if (!isTimeoutSound(options[name])) return false;
        break;
      default:
        return false;
    }
  }
  return true;
}

function isTimeoutSound(value: unknown): boolean {
  return value === undefined || value === false || isTime(value, 1);
}

function isTime(value: unknown, least: number): boolean {
  return typeof value === 'number' && value >= least && value <= MOST_MS;
}
