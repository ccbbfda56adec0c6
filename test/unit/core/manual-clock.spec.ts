import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../lib/testing/manual-clock.js';

describe('A manual clock', () => {
  it('stands still until it is moved', async () => {
    const clock = new ManualClock(1_000);
    expect([clock.nowMs(), clock.dateMs()]).toEqual([0, 1_000]);

    await clock.advance(2.5);

    expect([clock.nowMs(), clock.dateMs()]).toEqual([2.5, 1_002.5]);
  });

  it('rings alarms on the way in order, at their own time', async () => {
    const clock = new ManualClock();
    const heard: string[] = [];
    for (const [name, atMs] of [
      ['b', 20],
      ['a', 10],
      ['c', 31],
    ] as const)
      clock.alarm(() => heard.push(`${name} at ${clock.nowMs()}`)).set(atMs);

    await clock.advance(30);

    expect(heard).toEqual(['a at 10', 'b at 20']);
    expect(clock.pending).toBe(1);
  });

  it('lets promises settle between two moments', async () => {
    const clock = new ManualClock();
    const heard: string[] = [];
    const first = clock.alarm(() => {
      void Promise.resolve()
        .then(() => Promise.resolve())
        .then(() => heard.push('settled'));
    });
    const second = clock.alarm(() => heard.push('second'));
    first.set(1);
    second.set(2);

    await clock.advance(2);

    expect(heard).toEqual(['settled', 'second']);
  });

  it('rings what is set on the way, too', async () => {
    const clock = new ManualClock();
    const heard: number[] = [];
    const again = clock.alarm(() => {
      heard.push(clock.nowMs());
      if (heard.length < 3) again.set(clock.nowMs() + 5);
    });
    again.set(5);

    await clock.advance(100);

    expect(heard).toEqual([5, 10, 15]);
    expect(clock.pending).toBe(0);
  });

  it.each([-1, NaN])('refuses to go back: advance(%s)', async (ms) => {
    await expect(new ManualClock().advance(ms)).rejects.toThrow(RangeError);
  });
});
