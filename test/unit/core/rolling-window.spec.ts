import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RollingWindow } from '../../../lib/core/rolling-window.js';

const nothing = { calls: 0, failures: 0, slow: 0, failureRatio: 0 };

describe('A rolling window', () => {
  it('counts calls, failures and slow answers apart', () => {
    const window = new RollingWindow(1_000);

    window.record(0, false, false);
    window.record(10, true, false);
    window.record(20, true, true);
    window.record(30, false, false);

    expect(window.read(40)).toEqual({
      calls: 4,
      failures: 2,
      slow: 1,
      failureRatio: 0.5,
    });
  });

  it('takes a call that nothing more is said of as a quick success', () => {
    const window = new RollingWindow(1_000);

    window.record(0);

    expect(window.read(0)).toEqual({ ...nothing, calls: 1 });
  });

  it('has no ratio to show without calls', () => {
    expect(new RollingWindow(1_000).read(5)).toEqual(nothing);
  });

  it('may be read again and again before anything happened', () => {
    const window = new RollingWindow(1_000);

    const reads = [0, 150, 300, 5_000].map((atMs) => window.read(atMs));

    expect(reads).toEqual([nothing, nothing, nothing, nothing]);
  });

  it('forgets an idle hour in one step', () => {
    const window = new RollingWindow(10_000);
    window.record(0, true, true);

    expect(window.read(3_600_000)).toEqual(nothing);
    window.record(3_600_000, false, false);
    expect(window.read(3_600_000).calls).toBe(1);
  });

  it('forgets one bucket after another, not all at once', () => {
    const window = new RollingWindow(1_000);
    for (let atMs = 0; atMs < 1_000; atMs += 100)
      window.record(atMs, true, false);

    const left = [1_000, 1_100, 1_500, 1_900, 2_000].map(
      (atMs) => window.read(atMs).calls,
    );

    expect(left).toEqual([9, 8, 4, 0, 0]);
  });

  it('begins at any time of the clock, fractions too', () => {
    const window = new RollingWindow(1_000);

    window.record(123_456_789.75, true, false);

    expect(window.read(123_456_790.25).calls).toBe(1);
  });

  it('is empty once cleared, and counts again', () => {
    const window = new RollingWindow(1_000);
    window.record(0, true, true);

    window.clear();
    expect(window.read(0)).toEqual(nothing);

    window.record(1, true, false);
    expect(window.read(1)).toEqual({
      ...nothing,
      calls: 1,
      failures: 1,
      failureRatio: 1,
    });
  });

  it('counts everything younger than 0.9 of its span and nothing older than 1.1', () => {
    const history = fc.array(
      fc.record({
        waitMs: fc.oneof(
          fc.nat(300),
          fc.double({ min: 0, max: 2_000, noNaN: true }),
          fc.constant(3_600_000),
        ),
        isFailure: fc.boolean(),
        isSlow: fc.boolean(),
      }),
      { maxLength: 60, size: 'max' },
    );
    const span = fc.constantFrom(1, 7, 333, 1_000, 10_000, 60_000);
    const start = fc.double({ min: 0, max: 1e9, noNaN: true });
    fc.assert(
      fc.property(span, start, history, (windowMs, startMs, turns) => {
        const window = new RollingWindow(windowMs);
        const all: { atMs: number; isFailure: boolean; isSlow: boolean }[] = [];
        let nowMs = startMs;
        for (const { waitMs, isFailure, isSlow } of turns) {
          nowMs += waitMs;
          window.record(nowMs, isFailure, isSlow);
          all.push({ atMs: nowMs, isFailure, isSlow });
          const { calls, failures, slow } = window.read(nowMs);
          const young = all.filter((c) => nowMs - c.atMs < 0.9 * windowMs);
          const notOld = all.filter((c) => nowMs - c.atMs <= 1.1 * windowMs);
          const isBetween = (
            count: number,
            is: (call: (typeof all)[number]) => boolean,
          ) =>
            young.filter(is).length <= count &&
            count <= notOld.filter(is).length;
          expect(isBetween(calls, () => true)).toBe(true);
          expect(isBetween(failures, (call) => call.isFailure)).toBe(true);
          expect(isBetween(slow, (call) => call.isSlow)).toBe(true);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('A rolling window, less a part of itself', () => {
  it('holds what the others brought, bucket by bucket', () => {
    const sum = new RollingWindow(1_000);
    const one = new RollingWindow(1_000);
    const other = new RollingWindow(1_000);
    for (let atMs = 0; atMs < 800; atMs += 100) {
      for (const window of [sum, one]) window.record(atMs, true, true);
      for (const window of [sum, other]) window.record(atMs + 50, false, false);
    }

    sum.subtract(one, 800);

    for (const atMs of [800, 1_250, 1_700, 5_000])
      expect(sum.read(atMs)).toEqual(other.read(atMs));
  });

  it('takes nothing out for what the part has outlived', () => {
    const sum = new RollingWindow(1_000);
    const part = new RollingWindow(1_000);
    for (const window of [sum, part]) window.record(0, true, false);
    // The same place in the ring, a turn later.
    sum.record(1_050, true, false);

    sum.subtract(part, 1_050);

    expect(sum.read(1_050).calls).toBe(1);
  });

  it('stays empty where only the part has counted', () => {
    const part = new RollingWindow(1_000);
    part.record(0, true, true);
    const sum = new RollingWindow(1_000);

    sum.subtract(part, 0);

    expect(sum.read(0)).toEqual(nothing);
  });

  it('stays as it is where the part has counted nothing', () => {
    const sum = new RollingWindow(1_000);
    sum.record(0, true, true);

    sum.subtract(new RollingWindow(1_000), 0);

    expect(sum.read(0)).toEqual({
      calls: 1,
      failures: 1,
      slow: 1,
      failureRatio: 1,
    });
  });

  it('never falls below nothing', () => {
    const sum = new RollingWindow(1_000);
    const stranger = new RollingWindow(1_000);
    sum.record(0, false, false);
    for (let each = 0; each < 3; each++) stranger.record(0, true, true);

    sum.subtract(stranger, 0);

    expect(sum.read(0)).toEqual(nothing);
  });
});
