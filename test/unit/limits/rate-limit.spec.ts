import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RateLimit } from '../../../lib/limits/rate-limit.js';

const takeAll = (rate: RateLimit, nowMs: number): number => {
  let taken = 0;
  while (rate.tryTake(nowMs)) taken += 1;
  return taken;
};

describe('A rate limit', () => {
  it('lets a burst of its limit through at once', () => {
    const rate = new RateLimit({ limit: 5, intervalMs: 1_000 });

    expect(takeAll(rate, 0)).toBe(5);
    expect(rate.limit).toBe(5);
  });

  it('is refilled evenly', () => {
    const rate = new RateLimit({ limit: 5, intervalMs: 1_000 });
    takeAll(rate, 0);

    const taken = [199, 200, 400, 1_000].map((atMs) => takeAll(rate, atMs));

    expect(taken).toEqual([0, 1, 1, 3]);
  });

  it('never holds more than one burst, however long it was idle', () => {
    const rate = new RateLimit({ limit: 3, intervalMs: 10 });
    takeAll(rate, 0);

    expect(takeAll(rate, 3_600_000)).toBe(3);
  });

  it.each([
    ['full', 0, 0],
    ['empty', 5, 200],
  ])('tells how long to wait when it is %s', (_, taken, expected) => {
    const rate = new RateLimit({ limit: 5, intervalMs: 1_000 });
    for (let each = 0; each < taken; each++) rate.tryTake(0);

    expect(rate.retryAfterMs(0)).toBeCloseTo(expected, 6);
  });

  it('keeps what is left when it is configured, up to the new limit', () => {
    const rate = new RateLimit({ limit: 5, intervalMs: 1_000 });

    rate.configure({ limit: 2, intervalMs: 1_000 });
    expect(takeAll(rate, 0)).toBe(2);
    rate.configure({ limit: 10, intervalMs: 1_000 });

    expect(takeAll(rate, 0)).toBe(0);
    expect(takeAll(rate, 100)).toBe(1);
  });

  const settings = fc.record({
    limit: fc.integer({ min: 1, max: 50 }),
    intervalMs: fc.constantFrom(1, 7, 1_000, 60_000, 3_600_000),
  });
  const waits = fc.array(fc.double({ min: 0, max: 5_000, noNaN: true }), {
    maxLength: 40,
    size: 'max',
  });

  it('has a token as soon as it said it would', () => {
    fc.assert(
      fc.property(settings, waits, (of, gaps) => {
        const rate = new RateLimit(of);
        let nowMs = 0;
        for (const gapMs of gaps) {
          takeAll(rate, nowMs);
          nowMs += rate.retryAfterMs(nowMs);
          expect(rate.tryTake(nowMs)).toBe(true);
          nowMs += gapMs;
        }
      }),
    );
  });

  it('gives at most one burst and the refill of the time that has passed', () => {
    fc.assert(
      fc.property(settings, waits, (of, gaps) => {
        const rate = new RateLimit(of);
        let nowMs = 0;
        let taken = 0;
        for (const gapMs of gaps) {
          taken += takeAll(rate, nowMs);
          const most = of.limit + (nowMs * of.limit) / of.intervalMs;
          expect(taken).toBeLessThanOrEqual(most + 1e-3);
          nowMs += gapMs;
        }
      }),
    );
  });
});
