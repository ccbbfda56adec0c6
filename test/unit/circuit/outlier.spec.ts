import { describe, expect, it } from 'vitest';
import {
  excessProbability,
  normalTail,
  outlier,
} from '../../../lib/circuit/outlier.js';

const countsOf = (failures: number, calls: number) => ({
  calls,
  failures,
  slow: 0,
  failureRatio: calls === 0 ? 0 : failures / calls,
  consecutiveFailures: 0,
});

/** By the definition, in whole numbers: ways to draw so many or more failures of all ways. */
function exactTail(f: number, n: number, F: number, N: number): number {
  const choose = (of: number, k: number): bigint => {
    if (k < 0 || k > of) return 0n;
    let ways = 1n;
    for (let at = 0; at < k; at++)
      ways = (ways * BigInt(of - at)) / BigInt(at + 1);
    return ways;
  };
  let ways = 0n;
  for (let at = f; at <= Math.min(n, f + F); at++)
    ways += choose(f + F, at) * choose(n + N - f - F, n - at);
  const scale = 10n ** 250n;
  return Number((ways * scale) / choose(n + N, n)) / 1e250;
}

describe('The probability of an excess of failures', () => {
  it.each([
    [10, 10, 0, 10],
    [3, 10, 1, 30],
    [0, 10, 0, 10],
    [0, 7, 5, 9],
    [1, 1, 0, 3],
    [12, 100, 20, 1_900],
    [50, 100, 50, 100],
    [100, 1_000, 90, 9_000],
    [7, 12, 3, 8],
  ])('of %i in %i beside %i in %i is exact', (f, n, F, N) => {
    const found = excessProbability(countsOf(f, n), countsOf(F, N));
    const exact = exactTail(f, n, F, N);
    expect(found / exact).toBeGreaterThan(1 - 1e-8);
    expect(found / exact).toBeLessThan(1 + 1e-8);
  });
});

describe('The tail of the normal distribution', () => {
  it.each([
    [1, 0.15865525393],
    [2, 0.022750131948],
    [3, 0.0013498980316],
    [4, 3.1671241833e-5],
    [6, 9.8658764504e-10],
  ])('beyond %f is %f', (deviations, probability) => {
    expect(normalTail(deviations) / probability).toBeCloseTo(1, 6);
  });
});

describe('outlier()', () => {
  const trips = (
    own: readonly [number, number],
    peers?: readonly [number, number],
    options?: Parameters<typeof outlier>[0],
  ) => outlier(options).trips(countsOf(...own), peers && countsOf(...peers));

  it('holds for a host that fails while its peers do not', () => {
    expect(trips([10, 10], [0, 10])).toBe(true);
    expect(trips([15, 50], [1, 150])).toBe(true);
  });

  it('does not hold without peers, however much failed', () => {
    expect(trips([1_000, 1_000])).toBe(false);
  });

  it('does not hold where everybody fails alike', () => {
    expect(trips([50, 100], [150, 300])).toBe(false);
    expect(trips([100, 100], [300, 300])).toBe(false);
  });

  it('does not hold for the better of two', () => {
    expect(trips([20, 100], [90, 100])).toBe(false);
  });

  it('waits for minimumCalls of the host and of its peers', () => {
    expect(trips([9, 9], [0, 300])).toBe(false);
    expect(trips([10, 10], [0, 9])).toBe(false);
    expect(trips([9, 9], [0, 300], { minimumCalls: 9 })).toBe(true);
  });

  it('has a floor: clearly more than next to nothing is still little', () => {
    expect(trips([99, 1_000], [10, 10_000])).toBe(false);
    expect(trips([100, 1_000], [10, 10_000])).toBe(true);
    expect(trips([99, 1_000], [10, 10_000], { ratio: 0.05 })).toBe(true);
  });

  it('is not taken in by two errors in ten calls', () => {
    // Five deviations by the normal approximation, one in a hundred by the exact test.
    expect(trips([2, 10], [1, 100])).toBe(false);
  });

  it('asks for as many deviations as it is told', () => {
    const own = [4, 12] as const;
    const peers = [2, 60] as const;
    expect(trips(own, peers)).toBe(false);
    expect(trips(own, peers, { deviations: 2 })).toBe(true);
  });

  it('takes any number of deviations up to 30', () => {
    expect(trips([40, 40], [0, 10], { deviations: 30 })).toBe(false);
    expect(trips([1_000, 1_000], [0, 1_000], { deviations: 30 })).toBe(true);
  });

  it('judges its own window, and asks for the peers', () => {
    expect(outlier()).toMatchObject({
      name: 'outlier',
      windowMs: 10_000,
      comparesPeers: true,
    });
    expect(outlier({ windowMs: 500 }).windowMs).toBe(500);
  });

  it.each([
    [
      { deviations: 0 },
      'outlier({ deviations }) is 0: expected a number above 0',
    ],
    [{ deviations: 31 }, 'outlier({ deviations }) is 31'],
    [{ deviations: Number.NaN }, 'outlier({ deviations }) is NaN'],
    [{ ratio: 0 }, 'outlier({ ratio }) is 0: expected a number in (0, 1]'],
    [{ ratio: 1.1 }, 'outlier({ ratio }) is 1.1'],
    [
      { minimumCalls: 0 },
      'outlier({ minimumCalls }) is 0: expected a whole number of at least 1',
    ],
    [
      { windowMs: 0.5 },
      'outlier({ windowMs }) is 0.5: expected a number of milliseconds from 1',
    ],
    [
      { windowCalls: 10 },
      'outlier({ windowCalls }): unknown option: known are deviations, ratio',
    ],
  ])('refuses %j', (options, message) => {
    expect(() => outlier(options as object)).toThrow(message);
  });
});
