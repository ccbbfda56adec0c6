/**
 * The check of what one call may change: a fast yes or no before each call, and the error for the
 * no. (A dependency's own options are checked in `resolve-settings.ts`.)
 */
import { OptionCheck, throwProblems } from './option-check.js';
import { CALL, GUARD, SURROUNDINGS } from './option-levels.js';
import { MOST_MS } from './option-ranges.js';
import type { DependencyEnvironment } from './environment.js';
import { isPlainObject, show } from './option-text.js';
import type { CallOptions, RetryOptions } from './options.js';

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
 * Tells everything that is wrong with what a dependency is given from around it.
 *
 * Errors: DaceConfigurationError that lists every problem.
 */
export function checkEnvironment(
  id: string,
  environment: DependencyEnvironment,
): void {
  const check = new OptionCheck(SURROUNDINGS);
  check.soundPart(environment);
  const subject = `The third argument of createDependency(${show(id)})`;
  throwProblems(id, subject, check.problems);
}

/**
 * Tells everything that is wrong with the options of `acquire`.
 *
 * Errors: DaceConfigurationError that lists every problem.
 */
export function checkGuardOptions(
  id: string,
  options: Pick<CallOptions, 'netloc'>,
): void {
  const check = new OptionCheck(GUARD);
  check.soundPart(options);
  throwProblems(id, `acquire of "${id}"`, check.problems);
}

/**
 * Whether `checkCallOptions` would find nothing. It runs before every call that has options, so it
 * compares and allocates nothing; what takes a closer look it hands to the full check.
 */
export function areCallOptionsSound(options: CallOptions<unknown>): boolean {
  if (!isPlainObject(options)) return false;
  for (const name in options) {
    const value = options[name];
    switch (name) {
      case 'timeoutMs':
      case 'attemptTimeoutMs':
        if (!isAbsent(value) && value !== false && !isTime(value)) return false;
        break;
      case 'retry':
        if (!isAbsent(value) && value !== false && !isRetrySound(value))
          return false;
        break;
      case 'expectedInMs':
        if (!isAbsent(value) && !isTime(value)) return false;
        break;
      case 'netloc':
        if (!isAbsent(value) && !isNetloc(value)) return false;
        break;
      case 'signal':
        if (!isAbsent(value) && !(value instanceof AbortSignal)) return false;
        break;
      case 'idempotent':
        if (!isAbsent(value) && typeof value !== 'boolean') return false;
        break;
      case 'classify':
        if (!isAbsent(value) && typeof value !== 'function') return false;
        break;
      case 'fallback':
        break;
      default:
        if (!isAbsent(value)) return false;
    }
  }
  return true;
}

function isRetrySound(value: unknown): boolean {
  if (!isPlainObject(value)) return false;
  for (const name in value) {
    const option = value[name];
    switch (name as keyof RetryOptions) {
      case 'attempts':
        if (!isAbsent(option) && !isCount(option, 1)) return false;
        break;
      case 'sameHost':
        if (!isAbsent(option) && !isCount(option, 0)) return false;
        break;
      case 'onTimeout':
        if (!isAbsent(option) && typeof option !== 'boolean') return false;
        break;
      case 'on':
        if (
          !isAbsent(option) &&
          option !== 'any' &&
          typeof option !== 'function'
        )
          return isRetrySoundInFull(value);
        break;
      case 'backoff':
      case 'budget':
        if (!isAbsent(option)) return isRetrySoundInFull(value);
        break;
      default:
        if (!isAbsent(option)) return false;
    }
  }
  return true;
}

/** Functions and numbers of many forms: rare in a call, so the schema looks at them. */
function isRetrySoundInFull(retry: object): boolean {
  const check = new OptionCheck(CALL);
  check.soundPart({ retry });
  return check.problems.length === 0;
}

function isAbsent(value: unknown): boolean {
  return value === undefined;
}

function isTime(value: unknown): boolean {
  return typeof value === 'number' && value >= 1 && value <= MOST_MS;
}

function isCount(value: unknown, least: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= least;
}

function isNetloc(value: unknown): boolean {
  return typeof value === 'string' && value !== '' && value.length <= 255;
}
