import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Latency } from '../../../lib/balancing/latency.js';

describe('What is known of a host’s answer times', () => {
  it('is nothing at first', () => {
    const latency = new Latency();

    expect([latency.estimateMs, latency.usualMs]).toEqual([
      undefined,
      undefined,
    ]);
  });

  it('jumps up at once and comes down slowly', () => {
    const latency = new Latency();
    latency.succeeded(10, 0);
    latency.succeeded(100, 1_000);
    expect(latency.estimateMs).toBe(100);

    latency.succeeded(10, 1_010);
    const soonMs = latency.estimateMs!;
    for (let atMs = 1_020; atMs <= 60_000; atMs += 10)
      latency.succeeded(10, atMs);

    expect(soonMs).toBeGreaterThan(99);
    expect(latency.estimateMs).toBeLessThan(11);
    expect(latency.estimateMs).toBeGreaterThanOrEqual(10);
  });

  it('comes down by a part of the difference, the more the older it is', () => {
    for (const [sinceMs, keep] of [
      [100, 1 / (1 + 0.01 + (100 / 700) ** 2)],
      [700, 1 / 2.07],
    ] as const) {
      const latency = new Latency();
      latency.succeeded(100, 0);
      latency.succeeded(20, sinceMs);
      expect(latency.estimateMs).toBeCloseTo(20 + 80 * keep, 6);
    }
  });

  it('forgets a tenth of a busy host’s slowness in a second', () => {
    const latency = new Latency();
    latency.succeeded(100, 0);
    for (let atMs = 10; atMs <= 1_000; atMs += 10) latency.succeeded(0, atMs);
    expect(latency.estimateMs).toBeGreaterThan(88);
    expect(latency.estimateMs).toBeLessThan(91);
  });

  it('believes a host that failed again within seven looks, a second each', () => {
    const latency = new Latency();
    latency.failed(5, 0);
    expect(latency.estimateMs).toBe(1_000);
    for (let atMs = 1_000; atMs <= 7_000; atMs += 1_000)
      latency.succeeded(5, atMs);
    expect(latency.estimateMs).toBeLessThan(5.5);
  });

  it('takes a fast failure for a slow answer', () => {
    const latency = new Latency();
    latency.succeeded(10, 0);

    latency.failed(1, 0);

    expect(latency.estimateMs).toBeGreaterThan(10);
  });

  it('takes a failure for slow where nothing else is known', () => {
    const latency = new Latency();

    latency.failed(1, 0);

    expect(latency.estimateMs).toBe(1_000);
  });

  it('keeps a usual answer that failures do not change', () => {
    const latency = new Latency();
    latency.succeeded(10, 0);
    latency.answered(30);

    latency.failed(5_000, 0);

    expect(latency.usualMs).toBe(20);
  });

  it('has an old usual answer give way to a new one', () => {
    const latency = new Latency();
    for (let each = 0; each < 1_000; each++) latency.answered(10);

    for (let each = 0; each < 500; each++) latency.answered(50);

    expect(latency.usualMs).toBeGreaterThan(49);
    expect(latency.usualMs).toBeLessThanOrEqual(50);
  });

  it('gives each usual answer a hundredth from the hundredth on', () => {
    const latency = new Latency();
    for (let each = 0; each < 100; each++) latency.answered(10);

    latency.answered(110);

    expect(latency.usualMs).toBe(11);
  });

  it('forgets its estimate when the host was away, and not its usual answer', () => {
    const latency = new Latency();
    latency.succeeded(10, 0);

    latency.forgetEstimate();

    expect([latency.estimateMs, latency.usualMs]).toEqual([undefined, 10]);
  });

  it('recovers from any number of failures within a minute of good answers', () => {
    const latency = new Latency();
    for (let each = 0; each < 10_000; each++) latency.failed(1, each);

    let atMs = 10_000;
    for (; atMs < 130_000; atMs += 100) latency.succeeded(10, atMs);

    expect(latency.estimateMs).toBeLessThan(20);
  });

  it('is always a number between its extremes, and never falls by a failure', () => {
    const answer = fc.record({
      isFailure: fc.boolean(),
      durationMs: fc.oneof(fc.constant(0), fc.nat(60_000)),
      // A timeout may be told as of its end, a little late.
      waitMs: fc.oneof(fc.nat(1_000), fc.constantFrom(3_600_000, -10_000, -5)),
    });
    fc.assert(
      fc.property(
        fc.array(answer, { maxLength: 200, size: 'max' }),
        (answers) => {
          const latency = new Latency();
          let nowMs = 100_000;
          for (const { isFailure, durationMs, waitMs } of answers) {
            const before = latency.estimateMs ?? 0;
            const atMs = nowMs + (isFailure ? waitMs : Math.max(0, waitMs));
            nowMs = Math.max(nowMs, atMs);
            if (isFailure) latency.failed(durationMs, atMs);
            else latency.succeeded(durationMs, atMs);

            const { estimateMs } = latency;
            expect(estimateMs).toBeGreaterThanOrEqual(
              (isFailure ? before : Math.min(before, durationMs)) - 1e-6,
            );
            expect(estimateMs).toBeLessThanOrEqual(60_000);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('Failures that came too soon', () => {
  it('count as pending for as long as a slow answer would have taken', () => {
    const latency = new Latency();
    latency.succeeded(100, 0);
    latency.failed(20, 1_000);

    // Twice the estimate, less what it took.
    const pending = [1_000, 1_090, 1_179, 1_180, 9_999].map((nowMs) =>
      latency.lingeringAt(nowMs),
    );

    expect(pending).toEqual([1, 1, 1, 0, 0]);
  });

  it('add up, and wane together, but for the last', () => {
    const latency = new Latency();
    for (let each = 0; each < 10; each++) latency.failed(0, 0);

    expect(latency.lingeringAt(0)).toBe(10);
    expect(latency.lingeringAt(500)).toBeCloseTo(5);
    latency.failed(0, 500);
    expect(latency.lingeringAt(500)).toBeCloseTo(6);
    expect(latency.lingeringAt(1_499)).toBe(1);
    expect(latency.lingeringAt(1_500)).toBe(0);
  });

  it('are none where they took as long, or all is forgotten', () => {
    const latency = new Latency();
    expect(latency.lingeringAt(0)).toBe(0);
    latency.failed(1_000, 0);
    expect(latency.lingeringAt(0)).toBe(0);
    latency.failed(10, 0);
    expect(latency.lingeringAt(0)).toBe(1);
    latency.forgetEstimate();

    expect(latency.lingeringAt(0)).toBe(0);
  });
});
