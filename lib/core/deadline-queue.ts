/**
 * Everything that waits for a moment, in one heap behind one alarm: attempt ends, deadlines, retry
 * sleeps, queue ends. A call costs two heap operations here instead of a timer of its own.
 */
import type { Alarm, Clock } from './clock.js';

/** One who waits. The fields belong to the queue. */
export interface Waiter {
  dueMs: number;
  /** Place in the heap, -1 while not waiting. */
  heapIndex: number;
  onDue(nowMs: number): void;
}

export class DeadlineQueue {
  private readonly heap: Waiter[] = [];
  private readonly alarm: Alarm;

  constructor(
    private readonly clock: Clock,
    options?: { readonly holdsProcess: boolean },
  ) {
    this.alarm = clock.alarm(() => this.ring(), options);
  }

  get size(): number {
    return this.heap.length;
  }

  /** Waits until `dueMs`, in place of an earlier wait; Infinity waits for nothing. */
  add(waiter: Waiter, dueMs: number): void {
    if (waiter.heapIndex >= 0) this.remove(waiter);
    waiter.dueMs = dueMs;
    if (dueMs === Infinity) return;
    const index = this.heap.length;
    this.heap.push(waiter);
    waiter.heapIndex = index;
    if (index > 0) this.rise(index);
    if (waiter.heapIndex === 0) this.alarm.set(dueMs);
  }

  remove(waiter: Waiter): void {
    const index = waiter.heapIndex;
    if (index < 0) return;
    waiter.heapIndex = -1;
    const last = this.heap.pop()!;
    if (last !== waiter) {
      this.place(last, index);
      this.sink(index);
      this.rise(last.heapIndex);
    }
    if (this.heap.length === 0) this.alarm.clear();
    else if (index === 0) this.alarm.set(this.heap[0]!.dueMs);
  }

  private ring(): void {
    const nowMs = this.clock.nowMs();
    try {
      for (;;) {
        const first = this.heap[0];
        if (first === undefined || first.dueMs > nowMs) return;
        this.remove(first);
        first.onDue(nowMs);
      }
    } finally {
      if (this.heap.length > 0) this.alarm.set(this.heap[0]!.dueMs);
    }
  }

  private place(waiter: Waiter, index: number): void {
    this.heap[index] = waiter;
    waiter.heapIndex = index;
  }

  private rise(from: number): void {
    const waiter = this.heap[from]!;
    let index = from;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = this.heap[parent]!;
      if (above.dueMs <= waiter.dueMs) break;
      this.place(above, index);
      index = parent;
    }
    this.place(waiter, index);
  }

  private sink(from: number): void {
    const waiter = this.heap[from]!;
    const length = this.heap.length;
    let index = from;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= length) break;
      if (
        child + 1 < length &&
        this.heap[child + 1]!.dueMs < this.heap[child]!.dueMs
      )
        child += 1;
      if (this.heap[child]!.dueMs >= waiter.dueMs) break;
      this.place(this.heap[child]!, index);
      index = child;
    }
    this.place(waiter, index);
  }
}

const deadlines = new WeakMap<Clock, DeadlineQueue>();
const leftovers = new WeakMap<Clock, DeadlineQueue>();

/** The one queue of a clock in which somebody waits: the process lives until it is empty. */
export function deadlinesOf(clock: Clock): DeadlineQueue {
  return queueOf(clock, deadlines, true);
}

/** For what has no caller any more: the process may end before it is due. */
export function leftoversOf(clock: Clock): DeadlineQueue {
  return queueOf(clock, leftovers, false);
}

function queueOf(
  clock: Clock,
  queues: WeakMap<Clock, DeadlineQueue>,
  holdsProcess: boolean,
): DeadlineQueue {
  let queue = queues.get(clock);
  if (queue === undefined) {
    queue = new DeadlineQueue(clock, { holdsProcess });
    queues.set(clock, queue);
  }
  return queue;
}
