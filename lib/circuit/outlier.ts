/**
 * The rule that finds one bad host among others: it fails clearly more often than its peers do.
 *
 * Of a few dozen calls the normal approximation promises more than it keeps: two errors in ten calls
 * where others have one in a hundred look like five deviations and happen every few minutes. So the
 * probability is worked out exactly, and the deviations only say how small it must be.
 */
import type { TripRule } from './trip-rules.js';
import { DEFAULT_WINDOW_MS } from './trip-rules.js';
import { RuleCheck } from './rule-check.js';

/**
 * Takes a host out that fails clearly more often than all other hosts in service together.
 *
 * It holds for hosts only: never for a dependency as a whole, for its only host, or for a pinned
 * peer that no list names.
 * Shape:  deviations > 0 (default 4): the failures of the host must be less likely among equals than
 *         one tail of the normal distribution beyond so many deviations (4 = 1 in 31,600); ratio in
 *         (0, 1] (default 0.1): the least share of its calls that failed; minimumCalls ≥ 1 (default
 *         10), of the host and of its peers; windowMs ≥ 1 (default 10 000).
 * Errors: DaceConfigurationError on a value out of range.
 * Source: R. A. Fisher, exact test of two proportions, 1922; Envoy, outlier detection by success
 *         rate.
 * @publicApi
 */
export function outlier(
  options: {
    readonly deviations?: number | undefined;
    readonly ratio?: number | undefined;
    readonly minimumCalls?: number | undefined;
    readonly windowMs?: number | undefined;
  } = {},
): TripRule {
  const name = 'outlier';
  const check = new RuleCheck(name);
  check.names(options, ['deviations', 'ratio', 'minimumCalls', 'windowMs']);
  const {
    deviations = 4,
    ratio = 0.1,
    minimumCalls = 10,
    windowMs = DEFAULT_WINDOW_MS,
  } = options;
  check.number('deviations', deviations, 'above 0, up to 30', (value) => {
    return value > 0 && value <= 30;
  });
  check.ratio('ratio', ratio);
  check.count('minimumCalls', minimumCalls, 1);
  check.time('windowMs', windowMs, 1);
  const threshold = normalTail(deviations);
  return {
    name,
    windowMs,
    comparesPeers: true,
    trips: (own, peers) =>
      peers !== undefined &&
      own.calls >= minimumCalls &&
      peers.calls >= minimumCalls &&
      own.failureRatio >= ratio &&
      own.failureRatio > peers.failureRatio &&
      excessProbability(own, peers) <= threshold,
  };
}

interface Sample {
  readonly calls: number;
  readonly failures: number;
}

/**
 * How likely it is that of all failures at least so many fall to `own` if everybody is equal.
 *
 * Shape:  counts of one and of the others → probability in [0, 1], the upper tail of the
 *         hypergeometric distribution.
 * @example excessProbability({ calls: 10, failures: 10 }, { calls: 10, failures: 0 }) // 5.4e-6
 */
export function excessProbability(own: Sample, others: Sample): number {
  const failures = own.failures + others.failures;
  const calls = own.calls + others.calls;
  let term = Math.exp(
    logChoose(failures, own.failures) +
      logChoose(calls - failures, own.calls - own.failures) -
      logChoose(calls, own.calls),
  );
  let sum = 0;
  const most = Math.min(own.calls, failures);
  for (let at = own.failures; at <= most && term > sum * 1e-9; at++) {
    sum += term;
    // From one term of the distribution to the next.
    const left = calls - failures - own.calls + at + 1;
    term *= ((failures - at) * (own.calls - at)) / ((at + 1) * left);
  }
  return Math.min(1, sum);
}

/** Logarithm of the number of ways to take `k` of `n`. */
function logChoose(n: number, k: number): number {
  return logFactorial(n) - logFactorial(k) - logFactorial(n - k);
}

/** Stirling's series, which needs a number that is not small: the product up to it is taken apart. */
function logFactorial(n: number): number {
  let x = n + 1;
  let product = 1;
  for (; x < 8; x++) product *= x;
  const inverse = 1 / (x * x);
  const series = (1 / 12 - inverse * (1 / 360 - inverse / 1260)) / x;
  return (
    (x - 0.5) * Math.log(x) -
    x +
    Math.log(2 * Math.PI) / 2 +
    series -
    Math.log(product)
  );
}

/**
 * Probability beyond `deviations` of a normal distribution.
 *
 * Source: P. S. Laplace's continued fraction for the Mills ratio.
 * @example normalTail(4) // 3.17e-5
 */
export function normalTail(deviations: number): number {
  let fraction = deviations;
  for (let term = 300; term >= 1; term--)
    fraction = deviations + term / fraction;
  return (
    Math.exp((-deviations * deviations) / 2) / Math.sqrt(2 * Math.PI) / fraction
  );
}
