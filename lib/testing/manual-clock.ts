/**
 * Time as a test wants it: it stands still until it is moved.
 */
import { settled, type Alarm, type Clock } from '../core/clock.js';
import { Dial } from '../core/dial.js';

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
  private readonly dial = new Dial();

  /** `startDateMs` is the wall time at 0, for `Retry-After` dates. */
  constructor(private readonly startDateMs: number = Date.UTC(2026, 0, 1)) {}

  get pending(): number {
    return this.dial.pending;
  }

  nowMs(): number {
    return this.dial.nowMs;
  }

  dateMs(): number {
    return this.startDateMs + this.dial.nowMs;
  }

  alarm(fn: () => void): Alarm {
    return this.dial.alarm(fn);
  }

  /** Moves time by `ms`; alarms on the way ring in order, and promises settle in between. */
  async advance(ms: number): Promise<void> {
    if (!(ms >= 0))
      throw new RangeError(`advance(${ms}): time goes forward only`);
    await this.dial.turn(this.dial.nowMs + ms, settled, true);
  }
}
