/**
 * Where all time comes from. Circuits, limits and retries are handed numbers read here, and the
 * deadline queue arms the only timer, so a test can hold time in its hand.
 */

import { AsyncResource } from 'node:async_hooks';

/**
 * A wake-up that can be moved and taken back.
 *
 * @publicApi
 */
export interface Alarm {
  /** Calls the alarm's function at `atMs` of the clock's monotonic time; replaces an earlier setting. */
  set(atMs: number): void;
  /** Takes the setting back. */
  clear(): void;
}

/**
 * Monotonic time for every decision, wall time for dates in headers only, and alarms.
 *
 * Units: milliseconds, fractions allowed.
 * @publicApi
 */
export interface Clock {
  nowMs(): number;
  dateMs(): number;
  /** `holdsProcess: false`: for what nobody waits for; the process may end before it rings. */
  alarm(fn: () => void, options?: { readonly holdsProcess?: boolean }): Alarm;
}

/** How long the one timer may rest before it looks whether anybody still waits. */
const LONGEST_REST_MS = 250;

/**
 * A timer that is later than this rings behind the sockets: the process has stood still, and answers
 * that came in time lie there unread. Without that one pause would be a timeout of everybody.
 */
const STALL_MS = 20;

// Taken at loading: a test's fake timers may stand in their place later.
const runLater = setImmediate;

/** One timer serves all: whoever happens to arm it is not who is waited for, nor to be kept alive. */
const nobodys = new AsyncResource('DaceAlarm', { requireManualDestroy: true });

/**
 * The alarm of the real clock. Setting and clearing it per call costs two comparisons: the timer
 * stays where it is unless it would come too late. It never keeps a process alive by resting; while
 * something waits, `beforeExit` arms it with a reference, so a waiting retry is not cut off.
 */
class RealAlarm implements Alarm {
  private dueMs = Infinity;
  private timerMs = Infinity;
  private timer: NodeJS.Timeout | undefined;
  /** It is late, and waits for what has arrived meanwhile. */
  private isPutOff = false;

  constructor(
    private readonly fn: () => void,
    private readonly holdsProcess: boolean,
  ) {}

  set(atMs: number): void {
    this.dueMs = atMs;
    if (atMs < this.timerMs) this.arm(performance.now());
  }

  clear(): void {
    this.dueMs = Infinity;
  }

  private arm(nowMs: number): void {
    const restMs = Math.min(
      LONGEST_REST_MS,
      Math.max(1, Math.ceil(this.dueMs - nowMs)),
    );
    if (this.timer === undefined) process.on('beforeExit', this.hold);
    else clearTimeout(this.timer);
    this.timerMs = nowMs + restMs;
    this.timer = nobodys.runInAsyncScope(setTimeout, null, this.ring, restMs);
    this.timer.unref();
  }

  private readonly hold = (): void => {
    if (this.holdsProcess && this.dueMs !== Infinity) this.timer?.ref();
  };

  private readonly ring = (): void => {
    const nowMs = performance.now();
    this.timerMs = Infinity;
    if (nowMs - this.dueMs > STALL_MS && !this.isPutOff) {
      this.isPutOff = true;
      runLater(this.ring);
      return;
    }
    this.isPutOff = false;
    const isDue = nowMs >= this.dueMs;
    if (isDue) this.dueMs = Infinity;
    else if (this.dueMs !== Infinity) this.arm(nowMs);
    if (isDue) this.fn();
    if (this.timerMs === Infinity) this.rest();
  };

  private rest(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    process.removeListener('beforeExit', this.hold);
  }
}

/**
 * The process' own time.
 *
 * @publicApi
 */
export const realClock: Clock = {
  nowMs: () => performance.now(),
  dateMs: () => Date.now(),
  alarm: (fn, { holdsProcess = true } = {}) => new RealAlarm(fn, holdsProcess),
};

/** A difference of clock readings, without the noise of their last bits. */
export function inMicroseconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.round(ms * 1_000) / 1_000;
}

/** Resolves when promises that need no time have settled: the pause between two moments of a test. */
export function settled(): Promise<void> {
  return new Promise((resolve) => runLater(resolve));
}
