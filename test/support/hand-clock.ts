import type { Alarm, Clock } from '../../lib/core/clock.js';

/** Time for tests in which nothing waits: it moves in the same tick, and its alarms never ring. */
export class HandClock implements Clock {
  timeMs = 0;

  nowMs(): number {
    return this.timeMs;
  }

  dateMs(): number {
    return this.timeMs;
  }

  alarm(): Alarm {
    return { set: () => {}, clear: () => {} };
  }
}
