import { describe, expect, it } from 'vitest';
import {
  balancerOf,
  type BalancerContext,
  type HostView,
  type LoadBalancer,
} from '../../../lib/balancing/balancers.js';
import { seededRandom } from '../../support/chance.js';

interface Toy extends HostView {
  weight: number;
  inFlight: number;
  latencyMs?: number;
  askedMs: number;
}

type Change = Partial<Omit<Toy, 'pendingAt'>>;

const toys = (...changes: readonly Change[]): Toy[] =>
  changes.map((change, index) => ({
    netloc: `${'abcdefgh'[index]}:80`,
    weight: 1,
    inFlight: 0,
    askedMs: 0,
    pendingAt() {
      return this.inFlight;
    },
    ...change,
  }));

/** Picks `count` times; the host is told of it, and time goes on. */
function picks(
  balancer: LoadBalancer,
  hosts: readonly Toy[],
  count: number,
  { stepMs = 0, seed = 1 } = {},
): string[] {
  const random = seededRandom(seed);
  let nowMs = 0;
  return Array.from({ length: count }, () => {
    const host = balancer.pick(hosts, { nowMs, random });
    host.askedMs = nowMs;
    nowMs += stepMs;
    return host.netloc[0]!;
  });
}

const shares = (picked: readonly string[]): Record<string, number> => {
  const all: Record<string, number> = {};
  for (const name of picked) all[name] = (all[name] ?? 0) + 1;
  return all;
};

const now: BalancerContext = { nowMs: 0, random: () => 0 };

describe('Round robin', () => {
  it('goes from one to the next', () => {
    const balancer = balancerOf('round-robin');

    expect(picks(balancer, toys({}, {}, {}), 7).join('')).toBe('abcabca');
  });

  it.each([
    [[5, 1, 1], 'abaaaca'],
    [[1, 1, 2], 'acbc'],
    [[2, 1], 'aba'],
    [[1, 3], 'babb'],
    [[4, 4, 2], 'abcababcab'],
    [[4, 3, 1], 'ababcaba'],
  ])(
    'gives weights %s their shares exactly and without bursts: %s',
    (weights, turns) => {
      const hosts = toys(...weights.map((weight) => ({ weight })));

      const picked = picks(balancerOf('round-robin'), hosts, 9 * turns.length);

      expect(picked.join('')).toBe(turns.repeat(9));
    },
  );

  it('never asks the heaviest twice in a row where it has half the weight', () => {
    const balancer = balancerOf('round-robin');

    const picked = picks(
      balancer,
      toys({ weight: 4 }, { weight: 3 }, { weight: 1 }),
      80,
    ).join('');

    expect(picked).not.toMatch(/bb|cc/);
    expect(shares(picked.split(''))).toEqual({ a: 40, b: 30, c: 10 });
  });

  it('goes on when hosts leave and come back', () => {
    const balancer = balancerOf('round-robin');
    const [a, b, c] = toys({}, {}, {}) as [Toy, Toy, Toy];
    picks(balancer, [a, b, c], 2);

    expect(shares(picks(balancer, [a, c], 10))).toEqual({ a: 5, c: 5 });
    expect(shares(picks(balancer, [a, b, c], 9))).toEqual({ a: 3, b: 3, c: 3 });
  });
});

describe('Random choice', () => {
  it('gives each host the chance of its weight', () => {
    const hosts = toys({ weight: 1 }, { weight: 2 }, { weight: 5 });

    const { a, b, c } = shares(picks(balancerOf('random'), hosts, 16_000));

    expect(a! / 16_000).toBeCloseTo(1 / 8, 1);
    expect(b! / 16_000).toBeCloseTo(2 / 8, 1);
    expect(c! / 16_000).toBeCloseTo(5 / 8, 1);
  });

  it.each([
    [0, 'a'],
    [0.124, 'a'],
    [0.125, 'b'],
    [0.126, 'b'],
    [0.374, 'b'],
    [0.376, 'c'],
    [1 - Number.EPSILON, 'c'],
  ])('by a draw of %d picks %s', (drawn, expected) => {
    const hosts = toys({ weight: 1 }, { weight: 2 }, { weight: 5 });

    const host = balancerOf('random').pick(hosts, {
      nowMs: 0,
      random: () => drawn,
    });

    expect(host.netloc).toBe(`${expected}:80`);
  });

  it('picks a host whatever the rounding of its weights', () => {
    const hosts = toys({ weight: 0.1 }, { weight: 0.2 }, { weight: 0.7 });

    for (let each = 0; each < 1_000; each++) {
      const random = () => 1 - each * Number.EPSILON;
      expect(hosts).toContain(
        balancerOf('random').pick(hosts, { nowMs: 0, random }),
      );
    }
  });
});

describe('Least pending', () => {
  it.each([
    [
      'the host with the fewest running',
      [{ inFlight: 2 }, { inFlight: 1 }, { inFlight: 3 }],
      'b',
    ],
    ['by weight', [{ inFlight: 2, weight: 4 }, { inFlight: 1 }], 'a'],
    [
      'an idle one before all',
      [
        { inFlight: 1, weight: 9 },
        { inFlight: 0, weight: 0.1 },
      ],
      'b',
    ],
  ])('picks %s', (_, changes, expected) => {
    for (const drawn of [0, 0.3, 0.6, 0.99]) {
      const host = balancerOf('least-pending').pick(toys(...changes), {
        nowMs: 0,
        random: () => drawn,
      });
      expect(host.netloc).toBe(`${expected}:80`);
    }
  });

  it.each([
    [0, 'a'],
    [0.34, 'b'],
    [0.99, 'c'],
  ])('among equals is decided by chance: %d draws %s', (drawn, expected) => {
    const host = balancerOf('least-pending').pick(toys({}, {}, {}), {
      nowMs: 0,
      random: () => drawn,
    });

    expect(host.netloc).toBe(`${expected}:80`);
  });

  it('spreads evenly among equals', () => {
    const hosts = toys({}, {}, {}, { inFlight: 1 });

    const { a, b, c, d } = shares(
      picks(balancerOf('least-pending'), hosts, 9_000),
    );

    for (const share of [a, b, c]) expect(share! / 9_000).toBeGreaterThan(0.2);
    expect(d).toBeUndefined();
  });
});

describe('Peak EWMA', () => {
  it('is what one gets without a choice of one’s own', () => {
    const [only] = toys({});

    expect(balancerOf('peak-ewma').pick([only!], now)).toBe(only);
    expect(balancerOf('peak-ewma')).toBeInstanceOf(
      balancerOf('nonsense' as 'peak-ewma').constructor,
    );
  });

  it('prefers the faster host', () => {
    const hosts = toys({ latencyMs: 10 }, { latencyMs: 100 });

    const picked = picks(balancerOf('peak-ewma'), hosts, 1_000, {
      stepMs: 0.5,
    });

    expect(shares(picked).a).toBeGreaterThan(990);
  });

  it('takes a difference of less than a tenth for none', () => {
    const close = toys({ latencyMs: 10 }, { latencyMs: 10.9 });
    const apart = toys({ latencyMs: 10 }, { latencyMs: 11.1 });

    const { a, b } = shares(picks(balancerOf('peak-ewma'), close, 2_000));

    expect(a! / b!).toBeGreaterThan(0.8);
    expect(a! / b!).toBeLessThan(1.25);
    expect(shares(picks(balancerOf('peak-ewma'), apart, 100))).toEqual({
      a: 100,
    });
  });

  it('prefers the host with fewer running', () => {
    const hosts = toys({ latencyMs: 10, inFlight: 5 }, { latencyMs: 10 });

    expect(shares(picks(balancerOf('peak-ewma'), hosts, 100))).toEqual({
      b: 100,
    });
  });

  it('takes as many running on a heavier host for fewer', () => {
    const hosts = toys(
      { latencyMs: 10, inFlight: 1 },
      { latencyMs: 10, inFlight: 2, weight: 4 },
    );

    expect(shares(picks(balancerOf('peak-ewma'), hosts, 100))).toEqual({
      b: 100,
    });
  });

  it('never picks the worst of three or more while nobody is forgotten', () => {
    const hosts = toys({ latencyMs: 10 }, { latencyMs: 20 }, { latencyMs: 30 });

    const { a, b, c } = shares(picks(balancerOf('peak-ewma'), hosts, 3_000));

    expect(a).toBeGreaterThan(b!);
    expect(c).toBeUndefined();
  });

  it('asks a host that was not asked for a second, whatever its estimate, once', () => {
    const hosts = toys({ latencyMs: 1 }, { latencyMs: 60_000 });

    const picked = picks(balancerOf('peak-ewma'), hosts, 1_001, { stepMs: 10 });

    // 10 s go by: nine or ten looks at the slow host, each a second after the last.
    expect(shares(picked).b).toBeGreaterThanOrEqual(8);
    expect(shares(picked).b).toBeLessThanOrEqual(10);
  });

  it.each([
    [999, 'a'],
    [1_000, 'b'],
  ])('after %i ms without a call turns to %s', (nowMs, expected) => {
    const hosts = toys({ latencyMs: 1, askedMs: nowMs }, { latencyMs: 60_000 });

    const host = balancerOf('peak-ewma').pick(hosts, {
      nowMs,
      random: () => 0,
    });

    expect(host.netloc).toBe(`${expected}:80`);
  });

  it('leaves nothing to chance where there is one host', () => {
    const [only] = toys({ latencyMs: 5 });
    const random = () => expect.fail('drawn');

    expect(balancerOf('peak-ewma').pick([only!], { nowMs: 0, random })).toBe(
      only,
    );
  });

  it.each([
    [[0, 0], 'b'],
    [[0, 0.5], 'c'],
    [[0.34, 0], 'c'],
    [[0.34, 0.5], 'b'],
    [[0.67, 0], 'c'],
    [[0.67, 0.5], 'c'],
  ])('draws any two, each pair alike: %j picks %s', (drawn, expected) => {
    const hosts = toys({ latencyMs: 30 }, { latencyMs: 20 }, { latencyMs: 10 });
    const draws = [...drawn];

    const host = balancerOf('peak-ewma').pick(hosts, {
      nowMs: 0,
      random: () => draws.shift()!,
    });

    expect(host.netloc).toBe(`${expected}:80`);
  });

  it.each<[string, Change, Change, string]>([
    ['fewer running', { latencyMs: 10, inFlight: 1 }, {}, 'b'],
    ['fewer running', { inFlight: 1 }, { latencyMs: 10 }, 'b'],
    ['fewer running', { latencyMs: 1_000 }, { inFlight: 1 }, 'a'],
    ['fewer running', {}, { latencyMs: 0.1, inFlight: 1 }, 'a'],
    [
      'fewer running for its weight',
      { latencyMs: 10, inFlight: 1 },
      { weight: 2, inFlight: 1 },
      'b',
    ],
  ])(
    'where one of two has no estimate picks the one with %s',
    (_, one, other, expected) => {
      const host = balancerOf('peak-ewma').pick(toys(one, other), now);

      expect(host.netloc).toBe(`${expected}:80`);
    },
  );

  it('needs more than a tenth to prefer the second', () => {
    const a = { latencyMs: 1.1 };
    const pick = (latencyMs: number) =>
      balancerOf('peak-ewma').pick(toys(a, { latencyMs }), now).netloc;

    expect(pick(1)).toBe('a:80');
    expect(pick(0.99)).toBe('b:80');
  });

  it('starves no host that came back with a tenth of its weight and no estimate', () => {
    const hosts = toys({ latencyMs: 5 }, { latencyMs: 5 }, { weight: 0.1 });

    const picked = picks(balancerOf('peak-ewma'), hosts, 1_001, { stepMs: 10 });

    expect(shares(picked).c).toBeGreaterThanOrEqual(8);
  });

  it('starves none of many hosts', () => {
    const hosts = toys(
      ...Array.from({ length: 8 }, (_, index) => ({
        latencyMs: 10 ** index,
      })),
    );

    const picked = picks(balancerOf('peak-ewma'), hosts, 1_001, { stepMs: 10 });

    expect(Object.keys(shares(picked))).toHaveLength(8);
  });

  it('gives hosts of which nothing is known yet their turn', () => {
    const hosts = toys({}, {}, {}, {});

    const picked = shares(picks(balancerOf('peak-ewma'), hosts, 4_000));

    for (const name of 'abcd') expect(picked[name]).toBeGreaterThan(500);
  });
});
