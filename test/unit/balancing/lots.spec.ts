import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HostView } from '../../../lib/balancing/load-balancer.js';
import { KeptLots, Lots } from '../../../lib/balancing/lots.js';

const hostsOf = (weights: readonly number[]): readonly HostView[] =>
  weights.map((weight, index) => ({
    netloc: `h${index}:80`,
    weight,
    inFlight: 0,
    askedMs: 0,
    pendingAt: () => 0,
  }));

const someWeights = fc.array(
  fc.oneof(
    fc.double({ min: 0.1, max: 1_000, noNaN: true }),
    fc.constantFrom(0.1, 1, 1_000),
  ),
  { minLength: 2, maxLength: 200 },
);

/** As one walks: whose part of the sum the drawn point is in. */
function walked(weights: readonly number[], drawn: number): number {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let sum = 0;
  return weights.findIndex((weight) => (sum += weight) > drawn * total);
}

describe('Lots', () => {
  it('draw whom a walk through the weights would find', () => {
    fc.assert(
      fc.property(
        someWeights,
        fc.double({ min: 0, max: 0.999_999, noNaN: true }),
        (weights, drawn) => {
          const index = new Lots(hostsOf(weights)).draw(() => drawn);
          const expected = walked(weights, drawn);
          // Of equal weights no sums are made, and their rounding does not show.
          if (new Set(weights).size > 1) expect(index).toBe(expected);
          else expect(Math.abs(index - expected)).toBeLessThanOrEqual(1);
        },
      ),
      { numRuns: 500 },
    );
  });

  it.each([0, 0.5, 1 - Number.EPSILON / 2, 1])(
    'draw somebody by %d, whatever the weights',
    (drawn) => {
      fc.assert(
        fc.property(someWeights, (weights) => {
          const index = new Lots(hostsOf(weights)).draw(() => drawn);
          expect(hostsOf(weights)[index]).toBeDefined();
        }),
        { numRuns: 200 },
      );
    },
  );

  it.each([0, 0.3, 0.5, 0.999])(
    'draw somebody by %d, though no number holds the sum of the weights',
    (drawn) => {
      const hosts = hostsOf([1e308, 1e308, 1]);
      expect(hosts[new Lots(hosts).draw(() => drawn)]).toBeDefined();
    },
  );

  it('draw somebody else second', () => {
    fc.assert(
      fc.property(
        someWeights,
        fc.double({ min: 0, max: 0.999_999, noNaN: true }),
        (weights, drawn) => {
          const lots = new Lots(hostsOf(weights));
          const one = lots.draw(() => drawn);
          const other = lots.drawOther(one, () => drawn);
          expect(other).not.toBe(one);
          expect(weights[other]).toBeDefined();
        },
      ),
      { numRuns: 500 },
    );
  });

  it.each([
    [0, 0.3, 2],
    [0, 0.15, 1],
    // Drawn again itself, it leaves the others the same chance.
    [2, 0.3, 0],
    [2, 0.7, 1],
  ])('draw beside %d by %d and by weight %d', (index, drawn, other) => {
    const lots = new Lots(hostsOf([1, 1, 8]));
    expect(lots.drawOther(index, () => drawn)).toBe(other);
  });

  it('know what an attempt is for each: one at the mean weight, more for a light host', () => {
    expect([...new Lots(hostsOf([1, 2, 3])).burdens]).toEqual([2, 1, 2 / 3]);
    expect([...new Lots(hostsOf([0.1, 0.1, 0.1])).burdens]).toEqual([1, 1, 1]);
  });
});

describe('Kept lots', () => {
  it('are made once for a list that comes again and again', () => {
    const kept = new KeptLots();
    const hosts = hostsOf([1, 2]);
    kept.of(hosts);
    const lots = kept.of(hosts);

    expect(kept.of(hosts)).toBe(lots);
    kept.of(hostsOf([3, 4]));
    expect(kept.of(hosts)).toBe(lots);
  });

  it('give way to a list that comes a second time', () => {
    const kept = new KeptLots();
    const [one, other] = [hostsOf([1, 2]), hostsOf([3, 4])];
    for (const hosts of [one, one, other]) kept.of(hosts);
    const lots = kept.of(other);

    expect(kept.of(other)).toBe(lots);
    expect(lots.burdens[0]).toBeCloseTo(3.5 / 3);
  });
});
