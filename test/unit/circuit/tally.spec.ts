import { describe, expect, it } from 'vitest';
import { Tally } from '../../../lib/circuit/tally.js';
import {
  consecutiveFailures,
  DEFAULT_TRIP,
  errorCount,
  failureRatio,
  slowRatio,
  type Counts,
  type TripRule,
} from '../../../lib/circuit/trip-rules.js';
import type { WindowCounts } from '../../../lib/core/rolling-window.js';

type Owner = ConstructorParameters<typeof Tally>[1];

const alone: Owner = { ruleFailed: () => {} };
const tallyOf = (trip?: readonly TripRule[], owner: Partial<Owner> = {}) =>
  new Tally(trip, { ...alone, ...owner });

const succeed = (tally: Tally, nowMs = 0, tookMs = 0): void =>
  tally.record(false, false, nowMs, tookMs);
const fail = (tally: Tally, nowMs = 0): void =>
  tally.record(true, false, nowMs, 0);

/** A rule that always holds, and what it was shown. */
function witness(changes: Partial<TripRule> = {}) {
  const seen: [Counts, WindowCounts | undefined][] = [];
  const rule: TripRule = {
    name: 'witness',
    trips: (counts, peers) => {
      seen.push([counts, peers]);
      return true;
    },
    ...changes,
  };
  return { rule, seen };
}

describe('A tally', () => {
  it('counts failures in a row until a success', () => {
    const tally = tallyOf();
    const seen = [true, true, false, true].map((isFailure) => {
      tally.record(isFailure, false, 0, 0);
      return tally.consecutiveFailures;
    });

    expect(seen).toEqual([1, 2, 0, 1]);
  });

  it('counts for each rule what it calls slow: longer than, not as long as', () => {
    const [short, long] = [100, 300].map((slowMs) => slowRatio({ slowMs }));
    const tally = tallyOf([short!, long!]);

    for (const tookMs of [100, 101, 300, 301]) succeed(tally, 0, tookMs);

    expect(tally.read(0, short).slow).toBe(3);
    expect(tally.read(0, long).slow).toBe(1);
  });

  it('takes the caller’s word for slow where a rule has none', () => {
    const rule = slowRatio();
    const tally = tallyOf([rule, slowRatio({ slowMs: 100 })]);

    tally.record(false, true, 0, 5);
    tally.record(false, false, 0, 500);

    expect(tally.read(0, rule)).toMatchObject({ calls: 2, slow: 1 });
  });

  it('shows its longest span, whichever rule has it and calls slow what the caller does', () => {
    const tally = tallyOf([
      failureRatio({ windowMs: 1_000 }),
      slowRatio({ windowMs: 60_000, slowMs: 1 }),
      errorCount({ windowCalls: 1 }),
    ]);
    succeed(tally, 0, 10);
    succeed(tally, 50_000, 10);

    expect(tally.read(50_000)).toMatchObject({ calls: 2, slow: 0 });
  });

  it('shows ten seconds where no rule has a span', () => {
    const tally = tallyOf([consecutiveFailures(3)]);
    fail(tally, 0);

    expect(tally.read(8_999).calls).toBe(1);
    expect(tally.read(11_001).calls).toBe(0);
  });

  it('has a rule without a span judge by the longest of the others', () => {
    const { rule, seen } = witness();
    const tally = tallyOf([rule, errorCount({ windowMs: 60_000 })]);
    fail(tally, 0);

    tally.reason(50_000);

    expect(seen[0]![0].calls).toBe(1);
  });

  it('counts for a rule over the last calls those alone, however old', () => {
    const last = errorCount({ windowCalls: 2 });
    const longer = errorCount({ windowCalls: 3 });
    const tally = tallyOf([last, longer]);
    for (const nowMs of [0, 1, 2]) fail(tally, nowMs);
    succeed(tally, 3_600_000);

    expect(tally.read(7_200_000, last)).toMatchObject({
      calls: 2,
      failures: 1,
    });
    expect(tally.read(7_200_000, longer)).toMatchObject({
      calls: 3,
      failures: 2,
    });
    expect(tally.read(7_200_000).calls).toBe(0);
  });

  it('shows its longest span for a rule it does not know', () => {
    const tally = tallyOf([errorCount({ windowCalls: 1 })]);
    fail(tally);
    fail(tally);

    expect(tally.read(0, errorCount({ windowCalls: 1 })).calls).toBe(2);
  });

  it('has the default rules where none are written', () => {
    const tally = tallyOf();
    for (let each = 0; each < 5; each++) fail(tally);

    expect(tally.reason(0)).toBe(DEFAULT_TRIP[2]);
  });

  it('forgets all of it once cleared', () => {
    const tally = tallyOf([
      failureRatio(),
      errorCount({ windowCalls: 5, maxFail: 0 }),
    ]);
    fail(tally);
    tally.ask(5_000);

    tally.clear();

    expect(tally.consecutiveFailures).toBe(0);
    expect(tally.isClean).toBe(true);
    expect(tally.reason(0)).toBeUndefined();
    expect(tally.askedMs(0)).toBeUndefined();
  });
});

describe('A tally is clean', () => {
  const rules = [failureRatio(), slowRatio({ slowMs: 100 })];

  it('while nothing failed, was slow or asked for peace', () => {
    const tally = tallyOf(rules);
    expect(tally.isClean).toBe(true);

    for (let each = 0; each < 10; each++) succeed(tally, each, 100);

    expect(tally.isClean).toBe(true);
  });

  it.each<[string, (tally: Tally) => void]>([
    ['one call failed', (tally) => fail(tally)],
    ['one call was slow', (tally) => tally.record(false, true, 0, 0)],
    ['one was slow to one of the rules', (tally) => succeed(tally, 0, 101)],
    ['an answer asked for peace', (tally) => tally.ask(10)],
  ])('no more once %s', (_, happen) => {
    const tally = tallyOf(rules);

    happen(tally);
    succeed(tally);

    expect(tally.isClean).toBe(false);
  });

  it('no more by the last calls of hosts below it, which it cannot know', () => {
    const owner = { holdsEverywhere: () => false };

    for (const trip of [
      [errorCount({ windowCalls: 9 })],
      [failureRatio(), errorCount({ windowCalls: 9 })],
    ])
      expect(tallyOf(trip, owner).isClean).toBe(false);
    expect(tallyOf([errorCount({ windowCalls: 9 })]).isClean).toBe(true);
    expect(tallyOf(rules, owner).isClean).toBe(true);
  });
});

describe('The reason to open', () => {
  it('is the first rule that holds', () => {
    const [one, other] = [witness({ name: 'one' }), witness({ name: 'other' })];
    const calm = witness({ name: 'calm', trips: () => false });
    const tally = tallyOf([calm.rule, one.rule, other.rule]);

    expect(tally.reason(0)).toBe(one.rule);
    expect(other.seen).toEqual([]);
  });

  it('is judged by all that was counted', () => {
    const { rule, seen } = witness();
    const tally = tallyOf([rule]);
    tally.record(false, true, 0, 0);
    fail(tally);

    tally.reason(0);

    const counts = { calls: 2, failures: 1, slow: 1, failureRatio: 0.5 };
    expect(seen).toEqual([[{ ...counts, consecutiveFailures: 1 }, undefined]]);
  });

  it('is no rule that throws, and the next one is asked', () => {
    const fault = new Error('in the rule');
    const faults: unknown[] = [];
    const broken = witness({
      trips: () => {
        throw fault;
      },
    });
    const { rule } = witness();
    const tally = tallyOf([broken.rule, rule], {
      ruleFailed: (of, error) => faults.push([of, error]),
    });

    expect(tally.reason(0)).toBe(rule);
    expect(faults).toEqual([[broken.rule, fault]]);
  });

  it('is a row of failures that everybody has had', () => {
    const rule = consecutiveFailures(3);
    let everybody = 2;
    let asked = 0;
    const tally = tallyOf([rule], {
      consecutiveFailures: () => {
        asked += 1;
        return everybody;
      },
    });
    expect(tally.reason(0)).toBeUndefined();
    expect(asked).toBe(0);

    for (let each = 0; each < 9; each++) fail(tally);
    expect(tally.reason(0)).toBeUndefined();
    everybody = 3;

    expect(tally.reason(0)).toBe(rule);
  });

  it('is its own row of failures where the owner knows of no other', () => {
    const rule = consecutiveFailures(2);
    const tally = tallyOf([rule], { consecutiveFailures: () => undefined });
    fail(tally);
    expect(tally.reason(0)).toBeUndefined();
    fail(tally);

    expect(tally.reason(0)).toBe(rule);
  });

  it.each([
    [true, true],
    [false, false],
    [undefined, true],
  ])(
    'by the last calls is what the owner says: %s, or its own count',
    (everywhere, isReason) => {
      const rule = errorCount({ windowCalls: 3, maxFail: 0 });
      const asked: unknown[] = [];
      const tally = tallyOf([rule], {
        holdsEverywhere: (of, nowMs) => {
          asked.push([of, nowMs]);
          return everywhere;
        },
      });
      fail(tally);

      expect(tally.reason(7)).toBe(isReason ? rule : undefined);
      expect(asked).toEqual([[rule, 7]]);
    },
  );

  it('by a span of time is nobody else’s', () => {
    const rule = errorCount({ maxFail: 0 });
    const tally = tallyOf([rule], { holdsEverywhere: () => false });
    fail(tally);

    expect(tally.reason(0)).toBe(rule);
  });

  it('is compared with the peers only by a rule that asks for them', () => {
    const peers = { calls: 9, failures: 1, slow: 0, failureRatio: 1 / 9 };
    const comparing = witness({ comparesPeers: true, trips: () => false });
    const seen: unknown[] = [];
    const rules: TripRule[] = [
      {
        ...comparing.rule,
        trips: (_, others) => {
          seen.push(others);
          return false;
        },
      },
      {
        ...comparing.rule,
        comparesPeers: false,
        trips: (_, others) => {
          seen.push(others);
          return false;
        },
      },
    ];
    const asked: unknown[] = [];
    const tally = tallyOf(rules, {
      peers: (rule, nowMs) => {
        asked.push([rule, nowMs]);
        return peers;
      },
    });

    tally.reason(5);

    expect(seen).toEqual([peers, undefined]);
    expect(asked).toEqual([[rules[0], 5]]);
  });

  it('is compared with nobody where there are no peers', () => {
    const seen: unknown[] = [];
    const rule: TripRule = {
      name: 'comparing',
      comparesPeers: true,
      trips: (_, peers) => {
        seen.push(peers);
        return false;
      },
    };

    tallyOf([rule]).reason(0);

    expect(seen).toEqual([undefined]);
  });
});

describe('What was asked for', () => {
  it('is the reason until its time, and for what is left of it', () => {
    const tally = tallyOf();
    tally.ask(1_000);

    expect(tally.reason(999)).toEqual({ name: 'retryAfter' });
    expect(tally.askedMs(400)).toBe(600);
    expect(tally.askedMs(1_000)).toBeUndefined();
    expect(tally.reason(1_000)).toBeUndefined();
  });

  it('is the longest of several', () => {
    const tally = tallyOf();

    for (const untilMs of [500, 1_000, 700]) tally.ask(untilMs);

    expect(tally.askedMs(0)).toBe(1_000);
  });

  it('leaves nothing to judge once it is over', () => {
    const tally = tallyOf();
    tally.ask(1_000);

    tally.reason(1_000);

    expect(tally.isClean).toBe(true);
  });
});

describe('A tally, less a part of itself', () => {
  const span = errorCount({ windowMs: 1_000 });
  const calls = errorCount({ windowCalls: 5 });

  it('keeps what others brought', () => {
    const rules = [failureRatio(), span];
    const [sum, part] = [tallyOf(rules), tallyOf(rules)];
    for (const tally of [sum, part]) fail(tally);
    succeed(sum);

    sum.subtract(part, 0);

    const left = { calls: 1, failures: 0 };
    expect(sum.read(0)).toMatchObject(left);
    expect(sum.read(0, span)).toMatchObject(left);
  });

  it('keeps its last calls, which are nobody’s sum', () => {
    const [sum, part] = [tallyOf([calls]), tallyOf([calls])];
    for (const tally of [sum, part]) fail(tally);

    sum.subtract(part, 0);

    expect(sum.read(0, calls).calls).toBe(1);
  });

  it.each<[string, TripRule[], TripRule[]]>([
    ['fewer rules', [failureRatio(), span], [failureRatio()]],
    ['a span for calls', [failureRatio(), span], [failureRatio(), calls]],
    ['calls for a span', [failureRatio(), calls], [failureRatio(), span]],
  ])('leaves alone what the part counts otherwise: %s', (_, mine, other) => {
    const [sum, part] = [tallyOf(mine), tallyOf(other)];
    for (const tally of [sum, part]) fail(tally);

    sum.subtract(part, 0);

    expect(sum.read(0).calls).toBe(0);
    expect(sum.read(0, mine[1]).calls).toBe(1);
  });
});
