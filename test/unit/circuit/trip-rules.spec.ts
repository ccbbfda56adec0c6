import { describe, expect, it } from 'vitest';
import { probes } from '../../../lib/circuit/recovery.js';
import {
  consecutiveFailures,
  DEFAULT_TRIP,
  errorCount,
  failureRatio,
  firstFailure,
  type Counts,
  type TripRule,
} from '../../../lib/circuit/trip-rules.js';
import { DaceConfigurationError } from '../../../lib/core/errors.js';

const counts = (calls: number, failures: number, inARow = 0): Counts => ({
  calls,
  failures,
  slow: 0,
  failureRatio: calls === 0 ? 0 : failures / calls,
  consecutiveFailures: inARow,
});

describe('A trip rule', () => {
  it.each<[string, TripRule, Counts, boolean]>([
    ['failureRatio at its ratio', failureRatio(), counts(10, 5), true],
    ['failureRatio below its ratio', failureRatio(), counts(11, 5), false],
    ['failureRatio with too few calls', failureRatio(), counts(9, 9), false],
    [
      'failureRatio of 1',
      failureRatio({ ratio: 1, minimumCalls: 1 }),
      counts(1, 1),
      true,
    ],
    [
      'consecutiveFailures at its count',
      consecutiveFailures(3),
      counts(3, 3, 3),
      true,
    ],
    [
      'consecutiveFailures below it',
      consecutiveFailures(3),
      counts(9, 9, 2),
      false,
    ],
    ['errorCount at maxFail', errorCount(), counts(3, 3), false],
    ['errorCount one beyond', errorCount(), counts(400, 4), true],
    ['errorCount of none', errorCount({ maxFail: 0 }), counts(9, 1), true],
    ['firstFailure after a success', firstFailure(), counts(9, 3, 0), false],
    ['firstFailure after a failure', firstFailure(), counts(9, 1, 1), true],
  ])('%s', (_, rule, seen, expected) => {
    expect(rule.trips(seen)).toBe(expected);
  });

  it('tells its window where it has one', () => {
    expect(failureRatio().windowMs).toBe(10_000);
    expect(errorCount().windowMs).toBe(60_000);
    expect(errorCount({ windowMs: 5 }).windowMs).toBe(5);
    expect(consecutiveFailures(1).windowMs).toBeUndefined();
  });

  it.each<[string, () => unknown]>([
    ['a ratio of 0', () => failureRatio({ ratio: 0 })],
    ['a ratio above 1', () => failureRatio({ ratio: 1.1 })],
    ['a ratio of NaN', () => failureRatio({ ratio: NaN })],
    ['no calls at least', () => failureRatio({ minimumCalls: 0 })],
    ['half a call', () => failureRatio({ minimumCalls: 1.5 })],
    ['a window of nothing', () => failureRatio({ windowMs: 0 })],
    ['an endless window', () => errorCount({ windowMs: Infinity })],
    ['a window in words', () => errorCount({ windowMs: '10s' as never })],
    ['none in a row', () => consecutiveFailures(0)],
    ['less than no failures', () => errorCount({ maxFail: -1 })],
    ['probes without calls', () => probes({ calls: 0 })],
    ['probes without successes', () => probes({ successes: 0 })],
    ['more successes than calls', () => probes({ calls: 1, successes: 2 })],
    ['half a probe', () => probes({ calls: 1.5 })],
    ['probes in words', () => probes({ calls: '3' as never })],
  ])('refuses %s', (_, make) => {
    expect(make).toThrow(DaceConfigurationError);
  });
});

describe('Without circuit.trip', () => {
  const trips = (seen: Counts) => DEFAULT_TRIP.some((rule) => rule.trips(seen));

  it.each([
    ['five in a row at low volume', counts(5, 5, 5), true],
    ['four in a row at low volume', counts(4, 4, 4), false],
    ['five in a row of ten calls', counts(11, 5, 5), false],
    ['twenty in a row', counts(10_000, 20, 20), true],
    ['nineteen in a row', counts(10_000, 19, 19), false],
    ['half of ten', counts(10, 5, 1), true],
    ['ten per cent of very many', counts(100_000, 10_000, 6), false],
  ])('%s', (_, seen, expected) => {
    expect(trips(seen)).toBe(expected);
  });
});
