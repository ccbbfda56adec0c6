import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { inMicroseconds, realClock, settled } from '../../../lib/core/clock.js';

/** A timer that has been set, and whether it keeps the process alive. */
interface Timer {
  readonly restMs: number;
  readonly ring: () => void;
  holds: boolean;
  isCleared: boolean;
}

let nowMs: number;
let timers: Timer[];
let rings: number[];

const exitListeners = () => process.listeners('beforeExit');
let before: ReturnType<typeof exitListeners>;
/** What an emptied process asks our alarms; nobody else's listener hears of it. */
const beforeExit = (): void => {
  for (const listener of exitListeners())
    if (!before.includes(listener)) listener.call(process, 0);
};
const last = (): Timer => timers.at(-1)!;
const waiting = (): Timer[] => timers.filter((timer) => !timer.isCleared);

beforeEach(() => {
  nowMs = 1_000;
  timers = [];
  rings = [];
  before = exitListeners();
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
  vi.stubGlobal('setTimeout', (ring: () => void, restMs: number) => {
    const timer = {
      restMs,
      ring,
      holds: true,
      isCleared: false,
      ref: () => (timer.holds = true),
      unref: () => (timer.holds = false),
    };
    timers.push(timer);
    return timer;
  });
  vi.stubGlobal('clearTimeout', (timer?: Timer) => {
    if (timer !== undefined) timer.isCleared = true;
  });
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  for (const listener of exitListeners())
    if (!before.includes(listener)) process.off('beforeExit', listener);
});

const alarmOf = (options?: { holdsProcess?: boolean }) =>
  realClock.alarm(() => rings.push(nowMs), options);

describe('The timer under an alarm', () => {
  it.each([
    ['what is left', 1_100, 100],
    ['what is left, rounded up', 1_030.2, 31],
    ['a millisecond at least', 1_000, 1],
    ['a millisecond where the moment has passed', 400, 1],
    ['a quarter of a second at most', 61_000, 250],
  ])('rests for %s', (_, atMs, restMs) => {
    alarmOf().set(atMs);

    expect(timers).toMatchObject([{ restMs, holds: false }]);
  });

  it('stays where it is for a later moment, or the same', () => {
    const alarm = alarmOf();
    alarm.set(1_100);

    alarm.set(1_200);
    alarm.set(1_100);

    expect(timers).toHaveLength(1);
  });

  it('is replaced for an earlier moment', () => {
    const alarm = alarmOf();
    alarm.set(1_100);

    alarm.set(1_050);

    expect(waiting()).toMatchObject([{ restMs: 50 }]);
  });

  it('rings at the very moment', () => {
    alarmOf().set(1_100);

    nowMs = 1_100;
    last().ring();

    expect(rings).toEqual([1_100]);
    expect(waiting()).toEqual([]);
  });

  it('goes on resting where the moment was moved', () => {
    const alarm = alarmOf();
    alarm.set(1_100);
    alarm.set(1_170);

    nowMs = 1_100;
    last().ring();

    expect(rings).toEqual([]);
    expect(waiting()).toMatchObject([{ restMs: 70, holds: false }]);
  });

  it('ends where the moment was taken back', () => {
    const alarm = alarmOf();
    alarm.set(1_100);
    alarm.clear();

    nowMs = 1_100;
    last().ring();

    expect(rings).toEqual([]);
    expect(waiting()).toEqual([]);
    expect(exitListeners()).toEqual(before);
  });

  it('is set anew for a moment that comes after the end', () => {
    const alarm = alarmOf();
    alarm.set(1_100);
    nowMs = 1_100;
    last().ring();

    alarm.set(1_150);

    expect(waiting()).toMatchObject([{ restMs: 50 }]);
  });
});

describe('A timer that is late', () => {
  const lateBy = (lateMs: number): void => {
    alarmOf().set(1_100);
    nowMs = 1_100 + lateMs;
    last().ring();
  };

  it('by 20 ms rings at once', () => {
    lateBy(20);

    expect(rings).toEqual([1_120]);
  });

  it('by more lets pass what has arrived meanwhile, once', async () => {
    lateBy(20.5);
    expect(rings).toEqual([]);

    await settled();

    expect(rings).toEqual([1_120.5]);
  });

  it('does so each time the process has stood still', async () => {
    const alarm = alarmOf();
    for (const [atMs, foundMs] of [
      [1_100, 1_500],
      [1_600, 2_000],
    ] as const) {
      alarm.set(atMs);
      nowMs = foundMs;
      last().ring();
      expect(rings).not.toContain(foundMs);
      await settled();
      expect(rings).toContain(foundMs);
    }
  });

  it('does not ring for a moment that was moved meanwhile', async () => {
    const alarm = alarmOf();
    alarm.set(1_100);
    nowMs = 1_200;
    last().ring();

    alarm.set(1_300);
    await settled();

    expect(rings).toEqual([]);
    expect(waiting().at(-1)).toMatchObject({ restMs: 100 });
  });
});

describe('A process that would end', () => {
  it('is held while something waits', () => {
    alarmOf().set(1_100);

    beforeExit();

    expect(last().holds).toBe(true);
  });

  it('is asked by one listener, however often the alarm is set', () => {
    const alarm = alarmOf();
    for (const atMs of [1_100, 1_050, 1_020]) alarm.set(atMs);

    expect(exitListeners()).toHaveLength(before.length + 1);
  });

  it.each<[string, boolean, boolean]>([
    ['the moment was taken back', true, true],
    ['nobody waits for what is left over', false, false],
  ])('is let go where %s', (_, holdsProcess, isCleared) => {
    const alarm = alarmOf({ holdsProcess });
    alarm.set(1_100);
    if (isCleared) alarm.clear();

    beforeExit();

    expect(last().holds).toBe(false);
  });

  it('is not asked any more once the alarm rang', () => {
    alarmOf().set(1_100);
    nowMs = 1_100;
    last().ring();

    expect(exitListeners()).toEqual(before);
  });
});

describe('A difference of readings', () => {
  it.each([
    [0.1 + 0.2, 0.3],
    [12.3456789, 12.346],
    [5, 5],
    [undefined, undefined],
  ])('of %d ms is told as %d', (ms, told) => {
    expect(inMicroseconds(ms)).toBe(told);
  });
});
