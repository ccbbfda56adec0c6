import { describe, expect, it } from 'vitest';
import { Tally } from '../../../lib/circuit/tally.js';
import {
  consecutiveFailures,
  DEFAULT_TRIP,
  describeCounts,
  errorCount,
  failureRatio,
  firstFailure,
  slowRatio,
  type TripRule,
} from '../../../lib/circuit/trip-rules.js';

type Owner = ConstructorParameters<typeof Tally>[1];

function tallyOf(
  trip: readonly TripRule[] | undefined,
  owner: Partial<Owner> = {},
): Tally {
  return new Tally(trip, { ruleFailed: () => {}, ...owner });
}

function record(tally: Tally, ...calls: ('ok' | 'failed' | 'slow')[]): void {
  for (const call of calls)
    tally.record(call === 'failed', call === 'slow', 0, 0);
}

const times = (count: number, call: 'ok' | 'failed' | 'slow') =>
  Array.from({ length: count }, () => call);

describe('The figures that a rule opens for', () => {
  const counts = {
    calls: 34,
    failures: 21,
    slow: 12,
    failureRatio: 21 / 34,
    consecutiveFailures: 7,
  };

  it.each<[string | undefined, () => TripRule]>([
    ['0.617 of 34 calls failed, ≥ 0.5', () => failureRatio({ ratio: 0.5 })],
    ['0.352 of 34 calls slow, ≥ 0.3', () => slowRatio({ ratio: 0.3 })],
    ['7 failures in a row, ≥ 7', () => consecutiveFailures(7)],
    ['21 failures, > 20', () => errorCount({ maxFail: 20 })],
    [undefined, () => firstFailure()],
    ['0.617 of 34 calls failed, ≥ 0.5', () => DEFAULT_TRIP[0]!],
    ['7 failures in a row, ≥ 20', () => DEFAULT_TRIP[1]!],
    ['7 failures in a row, ≥ 5', () => DEFAULT_TRIP[2]!],
  ])('are told: %s (%#)', (text, make) => {
    expect(make().describe?.(counts)).toBe(text);
  });

  it('are never rounded up to what was not reached', () => {
    const rule = failureRatio({ ratio: 0.5 });
    expect(rule.describe!({ ...counts, failureRatio: 0.49999 })).toBe(
      '0.499 of 34 calls failed, ≥ 0.5',
    );
  });

  it('are all that there is where a rule tells nothing', () => {
    expect(describeCounts(counts)).toBe('21 of 34 calls failed, 7 in a row');
  });
});

describe('Why a tally opens', () => {
  it('is told by the first rule that holds', () => {
    const tally = tallyOf([consecutiveFailures(3), failureRatio()]);
    record(tally, ...times(8, 'failed'), 'ok', 'failed');
    expect(tally.why(0)).toBe('0.9 of 10 calls failed, ≥ 0.5');
    record(tally, 'failed', 'failed');
    expect(tally.why(0)).toBe('3 failures in a row, ≥ 3');
  });

  it('is nothing where no rule holds', () => {
    const tally = tallyOf(undefined);
    record(tally, 'failed', 'ok');
    expect(tally.why(0)).toBeUndefined();
  });

  it('is no figure where it was asked for peace', () => {
    const tally = tallyOf([firstFailure()]);
    record(tally, 'failed');
    tally.ask(1_000);
    expect(tally.why(999)).toBeUndefined();
    expect(tally.why(1_000)).toBe('1 of 1 calls failed, 1 in a row');
  });

  it('is told by the counts where the rule tells nothing, or throws', () => {
    const silent: TripRule = { name: 'silent', trips: () => true };
    const broken: TripRule = {
      ...silent,
      describe: () => {
        throw new Error('no words');
      },
    };
    for (const rule of [silent, broken]) {
      const tally = tallyOf([rule]);
      record(tally, 'failed', 'ok', 'failed');
      expect(tally.why(0)).toBe('2 of 3 calls failed, 1 in a row');
    }
  });

  it('counts in a row what its owner counts', () => {
    const tally = tallyOf([consecutiveFailures(2)], {
      consecutiveFailures: () => 5,
    });
    record(tally, 'failed');
    expect(tally.why(0)).toBe('5 failures in a row, ≥ 2');
  });

  it('is told of the last calls that it has counted', () => {
    const tally = tallyOf([failureRatio({ windowCalls: 2 })]);
    record(tally, 'ok', 'failed', 'failed');
    expect(tally.why(0)).toBe('1 of 2 calls failed, ≥ 0.5');
  });

  it('is told of last calls where not every host holds it', () => {
    const holdsEverywhere = (): undefined => undefined;
    const tally = tallyOf([failureRatio({ windowCalls: 2 })], {
      holdsEverywhere,
    });
    record(tally, 'failed', 'failed');
    expect(tally.why(0)).toBe('1 of 2 calls failed, ≥ 0.5');
  });

  it('is no figure where every host holds it by its own last calls', () => {
    const holdsEverywhere = () => true;
    const last = tallyOf([failureRatio({ windowCalls: 2 })], {
      holdsEverywhere,
    });
    expect(last.reason(0)).toBeDefined();
    expect(last.why(0)).toBeUndefined();
  });

  it('is told of a span of time, whatever the hosts hold', () => {
    const tally = tallyOf([failureRatio()], { holdsEverywhere: () => true });
    record(tally, ...times(10, 'failed'));
    expect(tally.why(0)).toBe('1 of 10 calls failed, ≥ 0.5');
  });

  it('is told by the figures of the rule’s own window', () => {
    const tally = tallyOf([failureRatio({ windowMs: 1_000 }), errorCount()]);
    for (let call = 0; call < 5; call++) tally.record(true, false, 0, 0);
    for (let call = 0; call < 10; call++) tally.record(true, false, 5_000, 0);
    expect(tally.why(5_000)).toBe('1 of 10 calls failed, ≥ 0.5');
  });
});
