/**
 * When a circuit opens. A rule is an immutable description: one object may serve every host of a
 * dependency; the counts it judges belong to the circuit. Comparison is `>=` throughout.
 */
import type { WindowCounts } from '../core/rolling-window.js';
import { MOST_WINDOW_CALLS, RuleCheck } from './rule-check.js';

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
 * Shape:  `windowMs` and `windowCalls` exclude each other.
 * @publicApi
 */
export interface TripRule {
  /** Shown in `snapshot().tripped`, logs and events. */
  readonly name: string;
  /** Span of the counts it judges; absent = the circuit's longest, or 10 s. */
  readonly windowMs?: number;
  /** Judges the last calls in place of a span. Of several hosts it must hold for each. */
  readonly windowCalls?: number;
  /** Calls that take longer are its `slow` ones; absent = those slower than `expectedInMs`. */
  readonly slowMs?: number;
  /** Its `trips` wants to know of the host's peers. */
  readonly comparesPeers?: boolean;
  /**
   * Called on every verdict while something in its windows failed or was slow; must not wait or
   * throw. `peers` are the counts of all other hosts in service together: undefined where there
   * are none, or where it does not ask for them.
   */
  trips(counts: Counts, peers?: WindowCounts): boolean;
  /** The figures it opens for, told by events and logs: `0.62 of 34 calls failed, ≥ 0.5`. */
  describe?(counts: Counts): string;
}

/** A rule, or a function of the counts that says true to open. @publicApi */
export type TripInput = TripRule | ((counts: Counts) => boolean);

/** Where a rule looks: a span of time, or the last calls. @publicApi */
export type RuleWindow =
  | {
      readonly windowMs?: number | undefined;
      readonly windowCalls?: undefined;
    }
  | {
      readonly windowMs?: undefined;
      readonly windowCalls: number;
    };

export const DEFAULT_WINDOW_MS = 10_000;
const DEFAULT_MINIMUM_CALLS = 10;

/**
 * Opens when at least `ratio` of the window's calls failed.
 *
 * Shape:  ratio in (0, 1] (default 0.5), minimumCalls ≥ 1 (default 10, or the whole of a smaller
 *         windowCalls), windowMs ≥ 1 (default 10 000) or windowCalls ≥ 1.
 * Errors: DaceConfigurationError on a value out of range.
 * Source: aiomisc CircuitBreaker; resilience4j failureRateThreshold.
 * @publicApi
 */
export function failureRatio(
  options: {
    readonly ratio?: number | undefined;
    readonly minimumCalls?: number | undefined;
  } & RuleWindow = {},
): TripRule {
  const name = 'failureRatio';
  const check = new RuleCheck(name);
  check.names(options, ['ratio', 'minimumCalls', 'windowMs', 'windowCalls']);
  const { ratio = 0.5 } = options;
  check.ratio('ratio', ratio);
  const window = windowOf(check, options, DEFAULT_WINDOW_MS);
  const minimumCalls = minimumOf(check, options.minimumCalls, window);
  return {
    name,
    ...window,
    trips: (counts) =>
      counts.calls >= minimumCalls && counts.failureRatio >= ratio,
    describe: ({ calls, failureRatio: share }) =>
      `${rounded(share)} of ${calls} calls failed, ≥ ${ratio}`,
  };
}

/**
 * Opens when at least `ratio` of the window's calls were slow, whatever came of them.
 *
 * Shape:  ratio in (0, 1] (default 0.5), slowMs ≥ 1 (default: the call's `expectedInMs`),
 *         minimumCalls ≥ 1 (default 10, or the whole of a smaller windowCalls), windowMs ≥ 1
 *         (default 10 000) or windowCalls ≥ 1.
 * Units:  milliseconds of one attempt.
 * Errors: DaceConfigurationError on a value out of range.
 * Source: resilience4j slowCallRateThreshold.
 * @publicApi
 */
export function slowRatio(
  options: {
    readonly ratio?: number | undefined;
    readonly slowMs?: number | undefined;
    readonly minimumCalls?: number | undefined;
  } & RuleWindow = {},
): TripRule {
  const name = 'slowRatio';
  const check = new RuleCheck(name);
  check.names(options, [
    'ratio',
    'slowMs',
    'minimumCalls',
    'windowMs',
    'windowCalls',
  ]);
  const { ratio = 0.5, slowMs } = options;
  check.ratio('ratio', ratio);
  if (slowMs !== undefined) check.time('slowMs', slowMs, 1);
  const window = windowOf(check, options, DEFAULT_WINDOW_MS);
  const minimumCalls = minimumOf(check, options.minimumCalls, window);
  return {
    name,
    ...window,
    ...(slowMs !== undefined && { slowMs }),
    trips: ({ calls, slow }) => calls >= minimumCalls && slow / calls >= ratio,
    describe: ({ calls, slow }) =>
      `${rounded(slow / calls)} of ${calls} calls slow, ≥ ${ratio}`,
  };
}

/**
 * Opens after `count` failures with no success between them.
 *
 * Shape:  count ≥ 1, a whole number. Of several hosts every one must have had as many.
 * Errors: DaceConfigurationError on a value out of range.
 * @publicApi
 */
export function consecutiveFailures(count: number): TripRule {
  new RuleCheck('consecutiveFailures').count('count', count, 1);
  return {
    name: 'consecutiveFailures',
    trips: (counts) => counts.consecutiveFailures >= count,
    describe: inARow(count),
  };
}

/**
 * Opens on failure `maxFail + 1` inside the window; successes between do not matter.
 *
 * Shape:  maxFail ≥ 0 (default 3) and below windowCalls, windowMs ≥ 1 (default 60 000) or
 *         windowCalls ≥ 1.
 * Errors: DaceConfigurationError on a value out of range.
 * Source: python-circuit, `maxfail` within `time_unit`.
 * @publicApi
 */
export function errorCount(
  options: {
    readonly maxFail?: number | undefined;
  } & RuleWindow = {},
): TripRule {
  const name = 'errorCount';
  const check = new RuleCheck(name);
  check.names(options, ['maxFail', 'windowMs', 'windowCalls']);
  const window = windowOf(check, options, 60_000);
  const most =
    window.windowCalls === undefined ? Infinity : window.windowCalls - 1;
  const { maxFail = Math.min(3, most) } = options;
  check.count('maxFail', maxFail, 0, most);
  return {
    name,
    ...window,
    trips: (counts) => counts.failures > maxFail,
    describe: ({ failures }) => `${failures} failures, > ${maxFail}`,
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

/**
 * What holds without `circuit.trip`: half of at least ten calls in 10 s, twenty failures in a row,
 * and five in a row while the window holds fewer than ten calls. (Always on, five in a row would
 * open every two minutes at 10 % errors and 1,000 calls a second.)
 */
export const DEFAULT_TRIP: readonly TripRule[] = [
  failureRatio(),
  consecutiveFailures(20),
  {
    name: 'consecutiveFailures',
    windowMs: DEFAULT_WINDOW_MS,
    trips: (counts) =>
      counts.calls < DEFAULT_MINIMUM_CALLS && counts.consecutiveFailures >= 5,
    describe: inARow(5),
  },
];

/** What can be told of a rule that tells nothing itself. */
export function describeCounts(counts: Counts): string {
  const { calls, failures, consecutiveFailures: inARowNow } = counts;
  return `${failures} of ${calls} calls failed, ${inARowNow} in a row`;
}

function inARow(count: number): (counts: Counts) => string {
  return (counts) =>
    `${counts.consecutiveFailures} failures in a row, ≥ ${count}`;
}

/** Not rounded up to what it did not reach: 0.499 is no 0.5. */
function rounded(share: number): number {
  return Math.floor(share * 1_000) / 1_000;
}

function windowOf(
  check: RuleCheck,
  { windowMs, windowCalls }: RuleWindow,
  usualMs: number,
): { readonly windowMs?: number; readonly windowCalls?: number } {
  if (windowCalls === undefined) {
    const spanMs = windowMs === undefined ? usualMs : windowMs;
    check.time('windowMs', spanMs, 1);
    return { windowMs: spanMs };
  }
  if (windowMs !== undefined)
    check.fail('windowCalls', 'it excludes windowMs: write one of them');
  check.count('windowCalls', windowCalls, 1, MOST_WINDOW_CALLS);
  return { windowCalls };
}

/** A window of fewer calls than the minimum would never be judged. */
function minimumOf(
  check: RuleCheck,
  written: number | undefined,
  { windowCalls = Infinity }: { readonly windowCalls?: number },
): number {
  const minimumCalls =
    written === undefined
      ? Math.min(DEFAULT_MINIMUM_CALLS, windowCalls)
      : written;
  check.count('minimumCalls', minimumCalls, 1, windowCalls);
  return minimumCalls;
}
