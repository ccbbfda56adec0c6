/**
 * How many calls may be at one netloc at once, and who waits for the next place.
 */

/** One who waits in the queue; `granted` is called with the permit already taken for him. */
export interface PermitWaiter {
  granted(): void;
  /** Set where it may wait here and nowhere else. */
  readonly pinned?: unknown;
}

/**
 * Counted permits with a first-in first-out queue.
 *
 * A permit taken must be given back by exactly one `release`, whoever was granted it.
 */
export class Permits {
  private taken = 0;
  private waiting: Set<PermitWaiter> | undefined;
  private idle: (() => void) | undefined;

  constructor(
    private limit: number,
    private maxQueued: number,
  ) {}

  get inUse(): number {
    return this.taken;
  }

  get queued(): number {
    return this.waiting?.size ?? 0;
  }

  get isFull(): boolean {
    return this.taken >= this.limit;
  }

  get hasQueueRoom(): boolean {
    return this.queued < this.maxQueued;
  }

  tryAcquire(): boolean {
    if (this.taken >= this.limit) return false;
    this.taken += 1;
    return true;
  }

  enqueue(waiter: PermitWaiter): void {
    (this.waiting ??= new Set()).add(waiter);
  }

  /** Takes a waiter out; nothing happens if it does not wait here. */
  leave(waiter: PermitWaiter): void {
    this.waiting?.delete(waiter);
  }

  release(): void {
    this.taken -= 1;
    if (this.waiting !== undefined) this.admitWaiting();
    if (this.idle !== undefined) this.whenIdle(this.idle);
  }

  /** Calls `fn` as soon as no permit is taken: now, or once. */
  whenIdle(fn: () => void): void {
    this.idle = this.taken === 0 ? undefined : fn;
    if (this.taken === 0) fn();
  }

  /** Grants all that may go elsewhere, whatever the limit: each finds that it has to. */
  scatter(): void {
    for (const waiter of this.waiting ?? []) {
      if (waiter.pinned !== undefined) continue;
      this.waiting?.delete(waiter);
      this.taken += 1;
      waiter.granted();
    }
  }

  configure(limit: number, maxQueued: number): void {
    this.limit = limit;
    this.maxQueued = maxQueued;
    this.admitWaiting();
  }

  private admitWaiting(): void {
    while (this.waiting !== undefined && this.taken < this.limit) {
      const next = this.waiting.values().next();
      if (next.done) return;
      this.waiting.delete(next.value);
      this.taken += 1;
      next.value.granted();
    }
  }
}
