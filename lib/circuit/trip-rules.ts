/**
 * When a circuit opens. A rule is an immutable description: one object may serve every host of a
 * dependency; the counts it judges belong to the circuit. Comparison is `>=` throughout.
 */
import { DaceConfigurationError } from '../core/errors.js';
import type { WindowCounts } from '../core/rolling-window.js';

/**
 * What a rule judges.
 *
 * Shape: `calls`, `failures` (answers slower than `expectedInMs` included), `slow` and
 *        `failureRatio` of the rule's window; `consecutiveFailures` since the last success.
 * @publicApi
 */
export interface Counts extends WindowCounts {
  readonly consecutiveFailures: number;
}

/**
 * One reason to open.
 *
 * @publicApi
 */
export interface TripRule {
  /** Shown in `snapshot().tripped`, logs and events. */
  readonly name: string;
  /** Span of the counts it judges; absent = the circuit's longest, or 10 s. */
  readonly windowMs?: number;
  /** Called on every verdict while something in the window failed; must not wait or throw. */
  trips(counts: Counts): boolean;
}

/** A rule, or a function of the counts that says true to open. @publicApi */
export type TripInput = TripRule | ((counts: Counts) => boolean);

export const DEFAULT_WINDOW_MS = 10_000;

/**
 * Opens when at least `ratio` of the window's calls failed.
 *
 * Shape:  ratio in (0, 1] (default 0.5), minimumCalls ≥ 1 (default 10), windowMs ≥ 1 (default 10 000).
 * Errors: DaceConfigurationError on a value out of range.
 * Source: aiomisc CircuitBreaker; resilience4j failureRateThreshold.
 * @publicApi
 */
export function failureRatio(
  options: {
    readonly ratio?: number | undefined;
    readonly minimumCalls?: number | undefined;
    readonly windowMs?: number | undefined;
  } = {},
): TripRule {
  const {
    ratio = 0.5,
    minimumCalls = 10,
    windowMs = DEFAULT_WINDOW_MS,
  } = options;
  check('failureRatio', 'ratio', ratio, ratio > 0 && ratio <= 1, 'in (0, 1]');
  checkCount('failureRatio', 'minimumCalls', minimumCalls, 1);
  checkWindow('failureRatio', windowMs);
  return {
    name: 'failureRatio',
    windowMs,
    trips: (counts) =>
      counts.calls >= minimumCalls && counts.failureRatio >= ratio,
  };
}

/**
 * Opens after `count` failures with no success between them.
 *
 * Shape:  count ≥ 1, a whole number.
 * Errors: DaceConfigurationError on a value out of range.
 * @publicApi
 */
export function consecutiveFailures(count: number): TripRule {
  checkCount('consecutiveFailures', 'count', count, 1);
  return {
    name: 'consecutiveFailures',
    trips: (counts) => counts.consecutiveFailures >= count,
  };
}

/**
 * Opens on failure `maxFail + 1` inside the window; successes between do not matter.
 *
 * Shape:  maxFail ≥ 0 (default 3), windowMs ≥ 1 (default 60 000).
 * Errors: DaceConfigurationError on a value out of range.
 * Source: python-circuit, `maxfail` within `time_unit`.
 * @publicApi
 */
export function errorCount(
  options: {
    readonly maxFail?: number | undefined;
    readonly windowMs?: number | undefined;
  } = {},
): TripRule {
  const { maxFail = 3, windowMs = 60_000 } = options;
  checkCount('errorCount', 'maxFail', maxFail, 0);
  checkWindow('errorCount', windowMs);
  return {
    name: 'errorCount',
    windowMs,
    trips: (counts) => counts.failures > maxFail,
  };
}

/**
 * Opens on the first failure.
 *
 * Source: failfast.
 * @publicApi
 */
export function firstFailure(): TripRule {
  return {
    name: 'firstFailure',
    trips: (counts) => counts.consecutiveFailures >= 1,
  };
}

const LOW_VOLUME_CALLS = 10;

/**
 * What holds without `circuit.trip`: half of at least ten calls in 10 s, twenty failures in a row,
 * and five in a row while the window holds fewer than ten calls. (Always on, five in a row would
 * open every two minutes at 10 % errors and 1,000 calls a second.)
 */
export const DEFAULT_TRIP: readonly TripRule[] = [
  failureRatio({ minimumCalls: LOW_VOLUME_CALLS }),
  consecutiveFailures(20),
  {
    name: 'consecutiveFailures',
    windowMs: DEFAULT_WINDOW_MS,
    trips: (counts) =>
      counts.calls < LOW_VOLUME_CALLS && counts.consecutiveFailures >= 5,
  },
];

function check(
  rule: string,
  option: string,
  value: unknown,
  isSound: boolean,
  range: string,
): void {
  if (typeof value === 'number' && isSound) return;
  throw new DaceConfigurationError({
    dependencyId: rule,
    message: `${rule}({ ${option} }) is ${String(value)}: expected a number ${range}`,
    problems: [{ option, message: `expected a number ${range}` }],
  });
}

function checkCount(
  rule: string,
  option: string,
  value: number,
  least: number,
): void {
  check(
    rule,
    option,
    value,
    Number.isInteger(value) && value >= least,
    `that is whole and at least ${least}`,
  );
}

function checkWindow(rule: string, windowMs: number): void {
  check(
    rule,
    'windowMs',
    windowMs,
    windowMs >= 1 && windowMs <= 2_147_483_647,
    'of milliseconds from 1 to 2,147,483,647',
  );
}
