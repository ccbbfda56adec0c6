import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openingMs } from '../../../lib/circuit/reset-backoff.js';

const flat = { factor: 1, maxMs: 60_000, jitter: 0 };

describe('The length of an opening', () => {
  it.each([
    ['stays the same by default', flat, [10_000, 10_000, 10_000]],
    [
      'doubles up to its bound',
      { ...flat, factor: 2 },
      [10_000, 20_000, 40_000, 60_000, 60_000],
    ],
    [
      'is never cut below the reset timeout by the bound',
      { ...flat, factor: 2, maxMs: 5_000 },
      [10_000, 10_000],
    ],
    [
      'stays within its bound after thousands of failed recoveries',
      { ...flat, factor: 10 },
      Array.from({ length: 2_000 }, (_, k) => (k === 0 ? 10_000 : 60_000)),
    ],
  ])('%s', (_, backoff, expected) => {
    const lengths = expected.map((_length, k) =>
      openingMs(10_000, backoff, k, () => 0.5),
    );

    expect(lengths).toEqual(expected);
  });

  it.each([
    [0, 10_000],
    [0.5, 12_500],
    [1, 15_000],
  ])('grows by the jitter drawn: %d of a half', (drawn, expected) => {
    const jittered = { ...flat, jitter: 0.5 };

    expect(openingMs(10_000, jittered, 0, () => drawn)).toBe(expected);
  });

  it('asks chance for nothing without jitter', () => {
    const random = () => expect.fail('drawn');

    expect(openingMs(10_000, flat, 3, random)).toBe(10_000);
  });

  it('is finite and at least the reset timeout, whatever the settings', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2_147_483_647 }),
        fc.record({
          factor: fc.double({ min: 1, max: 100, noNaN: true }),
          maxMs: fc.nat(2_147_483_647),
          jitter: fc.double({ min: 0, max: 1, noNaN: true }),
        }),
        fc.nat(10_000),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (resetTimeoutMs, backoff, k, drawn) => {
          const lengthMs = openingMs(resetTimeoutMs, backoff, k, () => drawn);

          expect(lengthMs).toBeGreaterThanOrEqual(resetTimeoutMs);
          expect(lengthMs).toBeLessThanOrEqual(
            Math.max(backoff.maxMs, resetTimeoutMs) * (1 + backoff.jitter),
          );
        },
      ),
    );
  });
});
