/**
 * What is under way at one dependency: operations that have not ended, and what outlives its
 * operation (abandoned work, unread bodies). Closing ends all of it.
 */
import type { Clock } from '../core/clock.js';
import {
  leftoversOf,
  type DeadlineQueue,
  type Waiter,
} from '../core/deadline-queue.js';

/** What an operation is in the middle of. */
export type Phase =
  | 'choosing'
  | 'queued'
  | 'granted'
  | 'running'
  | 'judging'
  | 'sleeping'
  | 'over';

/** An operation that has not ended; the list runs through its own fields. */
export interface Live {
  before: Live | undefined;
  after: Live | undefined;
  /** Ends if it waits; ends its work too once the grace is over. */
  shutDown(isGraceOver: boolean): void;
}

export class LiveWork {
  private first: Live | undefined = undefined;
  private leftovers: Set<Waiter> | undefined = undefined;
  private wakeWhenIdle: (() => void) | undefined = undefined;

  constructor(
    private readonly clock: Clock,
    private readonly deadlines: DeadlineQueue,
  ) {}

  get isEmpty(): boolean {
    return this.first === undefined;
  }

  enlist(operation: Live): void {
    const next = this.first;
    operation.after = next;
    if (next !== undefined) next.before = operation;
    this.first = operation;
  }

  delist({ before, after }: Live): void {
    if (before === undefined) this.first = after;
    else before.after = after;
    if (after !== undefined) after.before = before;
    if (this.first === undefined) this.wakeWhenIdle?.();
  }

  /** Calls `fn` after `ms`; the returned function takes that back. */
  startTimer(ms: number, fn: () => void): () => void {
    const waiter: Waiter = { dueMs: 0, heapIndex: -1, onDue: fn };
    this.deadlines.add(waiter, this.clock.nowMs() + ms);
    return () => this.deadlines.remove(waiter);
  }

  /**
   * Like `startTimer`, for what outlives its operation: closing takes it back, and the process does
   * not wait for it.
   */
  startLeftover(ms: number, fn: () => void): () => void {
    const queue = leftoversOf(this.clock);
    const leftovers = (this.leftovers ??= new Set());
    const waiter: Waiter = {
      dueMs: 0,
      heapIndex: -1,
      onDue: () => {
        leftovers.delete(waiter);
        fn();
      },
    };
    leftovers.add(waiter);
    queue.add(waiter, this.clock.nowMs() + ms);
    return () => {
      leftovers.delete(waiter);
      queue.remove(waiter);
    };
  }

  /** Ends what waits, gives what runs `graceMs`, then ends that too. */
  async end(graceMs: number): Promise<void> {
    this.shutDownAll(false);
    if (this.first !== undefined) {
      const idle = new Promise<void>((resolve) => {
        this.wakeWhenIdle = resolve;
      });
      const stop = this.startTimer(graceMs, () => this.shutDownAll(true));
      await idle;
      stop();
    }
    for (const waiter of this.leftovers ?? [])
      leftoversOf(this.clock).remove(waiter);
    this.leftovers?.clear();
  }

  private shutDownAll(isGraceOver: boolean): void {
    let operation = this.first;
    while (operation !== undefined) {
      const { after } = operation;
      operation.shutDown(isGraceOver);
      operation = after;
    }
  }
}
