/**
 * The clock of a simulation. It differs from `ManualClock` in what it waits for between two moments:
 * promises alone, where a test may also wait for a connection. That is what makes it fast.
 */
import type { Alarm, Clock } from '../core/clock.js';
import { Dial } from '../core/dial.js';

// Taken at loading: a test's fake timers may stand in their place later.
const nextTick = process.nextTick.bind(process);

/**
 * Resolves when every promise chain that needs nothing from outside has come to rest. Node runs the
 * tick queue once no microtask is left, those that microtasks have queued included; so what is put
 * there from a microtask comes after all of them, however long the chains are.
 *
 * Source: Node.js documentation, "process.nextTick(): when to use queueMicrotask() vs. it".
 */
export function promisesSettled(): Promise<void> {
  return new Promise(afterMicrotasks);
}

function afterMicrotasks(resolve: () => void): void {
  nextTick(resolve);
}

export class SimulatedClock implements Clock {
  private readonly dial = new Dial();

  constructor(
    /** What is waited for between two moments. */
    private readonly settle: () => Promise<void> = promisesSettled,
    private readonly startDateMs: number = Date.UTC(2026, 0, 1),
  ) {}

  nowMs(): number {
    return this.dial.nowMs;
  }

  dateMs(): number {
    return this.startDateMs + this.dial.nowMs;
  }

  alarm(fn: () => void): Alarm {
    return this.dial.alarm(fn);
  }

  /** Moves time to `atMs`, to just before what happens then. */
  async moveTo(atMs: number): Promise<void> {
    await this.dial.turn(atMs, this.settle, false);
  }
}
