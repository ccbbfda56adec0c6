import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  backoffMs,
  type BackoffSettings,
  type Jitter,
} from '../../../lib/retry/backoff.js';

const plain: BackoffSettings = {
  delayMs: 100,
  factor: 2,
  maxDelayMs: 1_000,
  jitter: 0,
};
const half = () => 0.5;
const none = () => 0;
const nearlyOne = () => 1 - Number.EPSILON;

describe('The wait before a retry', () => {
  it.each([
    ['doubles', {}, [100, 200, 400, 800, 1_000, 1_000]],
    ['is none by default', { delayMs: 0 }, [0, 0, 0]],
    ['stays the same with factor 1', { factor: 1 }, [100, 100, 100]],
    ['grows by any factor', { factor: 1.5 }, [100, 150, 225]],
    ['is bounded from the first on', { maxDelayMs: 30 }, [30, 30]],
    ['is none where none is allowed', { maxDelayMs: 0 }, [0, 0]],
    [
      'grows without a bound of its own',
      { maxDelayMs: Infinity },
      [100, 200, 400, 800, 1_600, 3_200],
    ],
  ])('%s', (_, changes, expected) => {
    const settings = { ...plain, ...changes };

    const delays = expected.map((_delay, index) =>
      backoffMs(settings, index + 1, 0, half),
    );

    expect(delays).toEqual(expected);
  });

  it.each([
    ['a number adds up to so many ms', 50, 1, [100, 125, 150]],
    ['a pair adds a drawn number of ms', [10, 30], 1, [110, 120, 130]],
    ['a pair of the same adds just that', [7, 7], 1, [107, 107, 107]],
    ['the first delay is spread, too: full', 'full', 1, [0, 50, 100]],
    ['full goes from nothing to the delay', 'full', 3, [0, 200, 400]],
    ['equal keeps half', 'equal', 3, [200, 300, 400]],
    ['jitter never leads past the bound', 5_000, 1, [100, 1_000, 1_000]],
  ] as const)('by jitter: %s', (_, jitter, retry, expected) => {
    const settings = { ...plain, jitter };

    const delays = [none, half, nearlyOne].map((random) =>
      backoffMs(settings, retry, 0, random),
    );

    delays.forEach((delayMs, index) =>
      expect(delayMs).toBeCloseTo(expected[index]!, 6),
    );
  });

  it('draws no chance without jitter', () => {
    const random = () => {
      throw new Error('drawn');
    };

    expect(backoffMs(plain, 1, 0, random)).toBe(100);
  });

  it.each([
    ['from the first delay to three times it', 0, [100, 200, 300]],
    ['from the first delay to three times the last', 200, [100, 350, 600]],
    ['up to the bound', 900, [100, 1_000, 1_000]],
    ['never below the first delay', 1, [100, 100, 100]],
  ])('by decorrelated jitter is drawn %s', (_, lastDelayMs, expected) => {
    const settings = { ...plain, jitter: 'decorrelated' as const };

    const delays = [none, half, nearlyOne].map((random) =>
      backoffMs(settings, 2, lastDelayMs, random),
    );

    delays.forEach((delayMs, index) =>
      expect(delayMs).toBeCloseTo(expected[index]!, 6),
    );
  });

  const jitter: fc.Arbitrary<Jitter> = fc.oneof(
    fc.constantFrom<Jitter>('full', 'equal', 'decorrelated', 0),
    fc.nat(10_000),
    fc
      .tuple(fc.nat(1_000), fc.nat(1_000))
      .map(([least, more]): [number, number] => [least, least + more]),
  );
  const settings: fc.Arbitrary<BackoffSettings> = fc.record({
    delayMs: fc.oneof(fc.constant(0), fc.nat(2_147_483_647)),
    factor: fc.constantFrom(1, 1.1, 2, 10),
    maxDelayMs: fc.oneof(fc.constant(Infinity), fc.nat(100_000)),
    jitter,
  });
  const chance = fc.oneof(
    fc.constantFrom(0, 0.5, 1 - Number.EPSILON),
    fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  );
  const retry = fc.oneof(fc.integer({ min: 1, max: 10 }), fc.nat(5_000));

  it('is never negative, no number, or longer than the longest delay', () => {
    fc.assert(
      fc.property(settings, retry, chance, (of, number, drawn) => {
        let lastDelayMs = 0;
        for (let each = 1; each <= Math.min(number + 1, 1_200); each++)
          lastDelayMs = backoffMs(of, each, lastDelayMs, () => drawn);
        const delayMs = backoffMs(of, number + 1, lastDelayMs, () => drawn);

        expect(delayMs).toBeGreaterThanOrEqual(0);
        expect(delayMs).toBeLessThanOrEqual(of.maxDelayMs);
      }),
      { numRuns: 500 },
    );
  });

  it('never shrinks from one retry to the next without jitter', () => {
    fc.assert(
      fc.property(settings, retry, (of, number) => {
        const calm = { ...of, jitter: 0 };

        const delayMs = backoffMs(calm, number + 1, 0, none);

        expect(delayMs).toBeLessThanOrEqual(
          backoffMs(calm, number + 2, 0, none),
        );
      }),
    );
  });
});
