/**
 * Time as a test wants it: it stands still until it is moved.
 */
import { settled, type Alarm, type Clock } from '../core/clock.js';

class ManualAlarm implements Alarm {
  atMs = Infinity;

  constructor(
    private readonly due: Set<ManualAlarm>,
    readonly fn: () => void,
  ) {}

  set(atMs: number): void {
    this.atMs = atMs;
    this.due.add(this);
  }

  clear(): void {
    this.atMs = Infinity;
    this.due.delete(this);
  }
}

/**
 * A clock for tests.
 *
 * State:  `nowMs()` counts from 0 and moves by `advance` alone; `pending` is how many alarms are set,
 *         0 when nothing waits.
 * Units:  milliseconds.
 * @example
 * const clock = new ManualClock();
 * const dependency = createDependency('payments', { timeoutMs: 100 }, { clock });
 * const call = dependency.execute(() => new Promise(() => {}));
 * await clock.advance(100); // call has rejected with DaceTimeoutError
 * @publicApi
 */
export class ManualClock implements Clock {
  private readonly due = new Set<ManualAlarm>();
  private timeMs = 0;

  /** `startDateMs` is the wall time at 0, for `Retry-After` dates. */
  constructor(private readonly startDateMs: number = Date.UTC(2026, 0, 1)) {}

  get pending(): number {
    return this.due.size;
  }

  nowMs(): number {
    return this.timeMs;
  }

  dateMs(): number {
    return this.startDateMs + this.timeMs;
  }

  alarm(fn: () => void): Alarm {
    return new ManualAlarm(this.due, fn);
  }

  /** Moves time by `ms`; alarms on the way ring in order, and promises settle in between. */
  async advance(ms: number): Promise<void> {
    if (!(ms >= 0))
      throw new RangeError(`advance(${ms}): time goes forward only`);
    const untilMs = this.timeMs + ms;
    for (;;) {
      await settled();
      const next = this.next();
      if (next === undefined || next.atMs > untilMs) break;
      this.timeMs = Math.max(this.timeMs, next.atMs);
      next.clear();
      next.fn();
    }
    this.timeMs = untilMs;
    await settled();
  }

  private next(): ManualAlarm | undefined {
    let first: ManualAlarm | undefined;
    for (const alarm of this.due)
      if (first === undefined || alarm.atMs < first.atMs) first = alarm;
    return first;
  }
}
