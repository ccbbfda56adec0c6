/**
 * Time that somebody turns: the alarms of a clock in one heap, so that thousands may be set at once.
 */
import type { Alarm } from './clock.js';

export class Dial {
  nowMs = 0;
  private readonly heap: DialAlarm[] = [];
  private set = 0;

  /** How many alarms are set. */
  get pending(): number {
    return this.heap.length;
  }

  alarm(fn: () => void): Alarm {
    return new DialAlarm(this, fn);
  }

  /**
   * Moves time to `untilMs`. Alarms on the way ring in order, of the same moment in that in which
   * they were set, and `settle` is waited for before each of them and at the end. Those due at
   * `untilMs` itself ring only if `isLastRung`.
   */
  async turn(
    untilMs: number,
    settle: () => Promise<void>,
    isLastRung: boolean,
  ): Promise<void> {
    for (;;) {
      await settle();
      const next = this.heap[0];
      if (next === undefined || next.atMs > untilMs) break;
      if (next.atMs === untilMs && !isLastRung) break;
      if (next.atMs > this.nowMs) this.nowMs = next.atMs;
      next.clear();
      next.fn();
    }
    this.nowMs = untilMs;
    await settle();
  }

  /** Puts an alarm where its moment belongs; one that was set keeps its turn among equals. */
  place(alarm: DialAlarm, atMs: number): void {
    alarm.atMs = atMs;
    if (alarm.index < 0) {
      alarm.turn = this.set++;
      alarm.index = this.heap.push(alarm) - 1;
    } else this.sink(alarm);
    this.rise(alarm);
  }

  remove(alarm: DialAlarm): void {
    const { index } = alarm;
    if (index < 0) return;
    alarm.index = -1;
    const last = this.heap.pop()!;
    if (last === alarm) return;
    this.put(last, index);
    this.sink(last);
    this.rise(last);
  }

  private rise(alarm: DialAlarm): void {
    let { index } = alarm;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = this.heap[parent]!;
      if (!isBefore(alarm, above)) break;
      this.put(above, index);
      index = parent;
    }
    this.put(alarm, index);
  }

  private sink(alarm: DialAlarm): void {
    const { heap } = this;
    let { index } = alarm;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      const right = child + 1;
      if (right < heap.length && isBefore(heap[right]!, heap[child]!))
        child = right;
      if (!isBefore(heap[child]!, alarm)) break;
      this.put(heap[child]!, index);
      index = child;
    }
    this.put(alarm, index);
  }

  private put(alarm: DialAlarm, index: number): void {
    this.heap[index] = alarm;
    alarm.index = index;
  }
}

class DialAlarm implements Alarm {
  atMs = Infinity;
  /** Which one it was to be set. */
  turn = 0;
  /** Place in the heap, -1 while not set. */
  index = -1;

  constructor(
    private readonly dial: Dial,
    readonly fn: () => void,
  ) {}

  set(atMs: number): void {
    this.dial.place(this, atMs);
  }

  clear(): void {
    this.dial.remove(this);
  }
}

function isBefore(one: DialAlarm, other: DialAlarm): boolean {
  return (
    one.atMs < other.atMs || (one.atMs === other.atMs && one.turn < other.turn)
  );
}
