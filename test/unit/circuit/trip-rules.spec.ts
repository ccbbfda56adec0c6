import { describe, expect, it } from 'vitest';
import { probes } from '../../../lib/circuit/recovery.js';
import {
  consecutiveFailures,
  DEFAULT_TRIP,
  errorCount,
  failureRatio,
  firstFailure,
  slowRatio,
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
  it.each<[string, () => TripRule, Counts, boolean]>([
    ['failureRatio at its ratio', () => failureRatio(), counts(10, 5), true],
    [
      'failureRatio below its ratio',
      () => failureRatio(),
      counts(11, 5),
      false,
    ],
    [
      'failureRatio with too few calls',
      () => failureRatio(),
      counts(9, 9),
      false,
    ],
    [
      'failureRatio of 1',
      () => failureRatio({ ratio: 1, minimumCalls: 1 }),
      counts(1, 1),
      true,
    ],
    [
      'consecutiveFailures at its count',
      () => consecutiveFailures(3),
      counts(3, 3, 3),
      true,
    ],
    [
      'consecutiveFailures below it',
      () => consecutiveFailures(3),
      counts(9, 9, 2),
      false,
    ],
    ['errorCount at maxFail', () => errorCount(), counts(3, 3), false],
    ['errorCount one beyond', () => errorCount(), counts(400, 4), true],
    [
      'errorCount of none',
      () => errorCount({ maxFail: 0 }),
      counts(9, 1),
      true,
    ],
    [
      'firstFailure after a success',
      () => firstFailure(),
      counts(9, 3, 0),
      false,
    ],
    [
      'firstFailure after a failure',
      () => firstFailure(),
      counts(9, 1, 1),
      true,
    ],
  ])('%s', (_, make, seen, expected) => {
    expect(make().trips(seen)).toBe(expected);
  });

  it.each<[string, () => TripRule]>([
    ['failureRatio', failureRatio],
    ['slowRatio', slowRatio],
    ['errorCount', errorCount],
    ['firstFailure', firstFailure],
    ['consecutiveFailures', () => consecutiveFailures(1)],
    ['failureRatio', () => DEFAULT_TRIP[0]!],
    ['consecutiveFailures', () => DEFAULT_TRIP[1]!],
    ['consecutiveFailures', () => DEFAULT_TRIP[2]!],
  ])('is called %s', (name, make) => {
    expect(make().name).toBe(name);
  });

  it.each<[() => TripRule, object]>([
    [
      () => failureRatio({ ratio: 0.2, minimumCalls: 5, windowMs: 7 }),
      { windowMs: 7 },
    ],
    [
      () => slowRatio({ ratio: 0.2, slowMs: 5, minimumCalls: 5, windowMs: 7 }),
      { windowMs: 7, slowMs: 5 },
    ],
    [() => errorCount({ maxFail: 2, windowMs: 7 }), { windowMs: 7 }],
    [() => errorCount({ maxFail: 2, windowCalls: 7 }), { windowCalls: 7 }],
  ])('takes every option it has, %#', (make, expected) => {
    expect(make()).toMatchObject(expected);
  });

  it('names itself and its option where a value is wrong', () => {
    expect(() => failureRatio({ ratio: 0 })).toThrow(
      'failureRatio({ ratio }) is 0: expected a number in (0, 1]',
    );
    expect(() => failureRatio({ windowMs: 0 })).toThrow(
      'failureRatio({ windowMs }) is 0: expected a number of milliseconds',
    );
    expect(() => consecutiveFailures(0)).toThrow(
      'consecutiveFailures({ count }) is 0: expected a whole number of at least 1',
    );
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

describe('slowRatio()', () => {
  const slow = (calls: number, slowCalls: number): Counts => ({
    ...counts(calls, 0),
    slow: slowCalls,
  });

  it('holds at its ratio of slow calls, failures or not', () => {
    const rule = slowRatio({ ratio: 0.4, minimumCalls: 5 });
    expect(rule.trips(slow(5, 2))).toBe(true);
    expect(rule.trips(slow(6, 2))).toBe(false);
    expect(rule.trips(slow(4, 4))).toBe(false);
    expect(rule.trips(counts(10, 10))).toBe(false);
  });

  it('says what is slow, where, and how often it must be', () => {
    expect(slowRatio()).toMatchObject({ name: 'slowRatio', windowMs: 10_000 });
    expect(slowRatio().trips(slow(10, 5))).toBe(true);
    expect(slowRatio().trips(slow(9, 9))).toBe(false);
    expect(slowRatio()).not.toHaveProperty('slowMs');
    expect(slowRatio({ slowMs: 300, windowCalls: 20 })).toMatchObject({
      slowMs: 300,
      windowCalls: 20,
    });
  });
});

describe('A rule over the last calls', () => {
  it('has no span of time', () => {
    for (const rule of [
      failureRatio({ windowCalls: 20 }),
      errorCount({ windowCalls: 20 }),
      slowRatio({ windowCalls: 20 }),
    ]) {
      expect(rule.windowCalls).toBe(20);
      expect(rule).not.toHaveProperty('windowMs');
    }
  });

  it('waits for the whole of a short one', () => {
    const rule = failureRatio({ windowCalls: 4 });
    expect(rule.trips(counts(3, 3))).toBe(false);
    expect(rule.trips(counts(4, 2))).toBe(true);
  });

  it('of errors allows fewer than it holds', () => {
    expect(errorCount({ windowCalls: 2 }).trips(counts(2, 2))).toBe(true);
    expect(errorCount({ windowCalls: 2 }).trips(counts(2, 1))).toBe(false);
  });

  it.each<[() => unknown, string]>([
    [
      () => failureRatio({ windowCalls: 20, windowMs: 5 } as never),
      'failureRatio({ windowCalls }): it excludes windowMs: write one of them',
    ],
    [
      () => slowRatio({ windowCalls: 0 }),
      'slowRatio({ windowCalls }) is 0: expected a whole number of at least 1, at most 1000000',
    ],
    [
      () => errorCount({ windowCalls: 2_000_000 }),
      'errorCount({ windowCalls }) is 2000000',
    ],
    [
      () => failureRatio({ windowCalls: 5, minimumCalls: 6 }),
      'failureRatio({ minimumCalls }) is 6: expected a whole number of at least 1, at most 5',
    ],
    [
      () => errorCount({ windowCalls: 5, maxFail: 5 }),
      'errorCount({ maxFail }) is 5: expected a whole number of at least 0, at most 4',
    ],
    [
      () => slowRatio({ slowMs: 0 }),
      'slowRatio({ slowMs }) is 0: expected a number of milliseconds from 1',
    ],
    [() => slowRatio({ ratio: 2 }), 'slowRatio({ ratio }) is 2'],
    [
      () => failureRatio({ volumeThreshold: 5 } as never),
      'failureRatio({ volumeThreshold }): unknown option: known are ratio, minimumCalls, windowMs, windowCalls',
    ],
    [
      () => failureRatio(5 as never),
      'failureRatio(…) is 5: expected an object of ratio',
    ],
  ])('%s is refused', (make, message) => {
    expect(make).toThrow(DaceConfigurationError);
    expect(make).toThrow(message);
  });
});
