/**
 * Counts of the recent past: a ring of ten buckets that forgets by looking at the time it is given.
 * No timer, O(1) a call, and an idle hour is forgotten in one step.
 */

const BUCKETS = 10;

/** What the window counts. @publicApi */
export interface WindowCounts {
  readonly calls: number;
  readonly failures: number;
  readonly slow: number;
  /** `failures / calls`, 0 without calls. */
  readonly failureRatio: number;
}

/**
 * Counts calls, failures and slow answers of about the last `windowMs`.
 *
 * Shape:  nothing older than 1.1 × windowMs counts, everything younger than 0.9 × windowMs does.
 * Units:  milliseconds of a monotonic clock, never going back.
 */
export class RollingWindow {
  calls = 0;
  failures = 0;
  slow = 0;
  private readonly bucketMs: number;
  /** Number of the current bucket since the clock's zero, and where the next one starts. */
  private bucket = -Infinity;
  private nextMs = -Infinity;
  /** Where the current bucket stands in `slots`: kept, since a remainder of doubles is slow. */
  private at = 0;
  /** calls, failures, slow of each bucket, side by side; made when first needed. */
  private slots: number[] | undefined;

  constructor(readonly windowMs: number) {
    this.bucketMs = windowMs / BUCKETS;
  }

  /** Forgets what has grown too old by `nowMs`. */
  roll(nowMs: number): void {
    if (nowMs < this.nextMs) return;
    const bucket = Math.floor(nowMs / this.bucketMs);
    if (bucket - this.bucket >= BUCKETS) {
      if (this.calls > 0) this.clear();
    } else {
      for (let stale = this.bucket + 1; stale <= bucket; stale++)
        this.drop((stale % BUCKETS) * 3);
    }
    this.bucket = bucket;
    this.nextMs = (bucket + 1) * this.bucketMs;
    this.at = (bucket % BUCKETS) * 3;
  }

  record(nowMs: number, isFailure = false, isSlow = false): void {
    if (nowMs >= this.nextMs) this.roll(nowMs);
    const slots = (this.slots ??= new Array<number>(BUCKETS * 3).fill(0));
    const { at } = this;
    this.calls += 1;
    slots[at]! += 1;
    if (isFailure) {
      this.failures += 1;
      slots[at + 1]! += 1;
    }
    if (isSlow) {
      this.slow += 1;
      slots[at + 2]! += 1;
    }
  }

  /** Takes out what `part`, whose calls were recorded here as well, holds. */
  subtract(part: RollingWindow, nowMs: number): void {
    this.roll(nowMs);
    part.roll(nowMs);
    if (this.slots === undefined || part.slots === undefined) return;
    for (let at = 0; at < this.slots.length; at++)
      this.slots[at] = Math.max(0, this.slots[at]! - part.slots[at]!);
    this.calls = this.sum(0);
    this.failures = this.sum(1);
    this.slow = this.sum(2);
  }

  clear(): void {
    this.slots?.fill(0);
    this.calls = 0;
    this.failures = 0;
    this.slow = 0;
  }

  read(nowMs: number): WindowCounts {
    this.roll(nowMs);
    const { calls, failures, slow } = this;
    return {
      calls,
      failures,
      slow,
      failureRatio: calls === 0 ? 0 : failures / calls,
    };
  }

  private drop(at: number): void {
    const slots = this.slots;
    if (slots === undefined) return;
    this.calls -= slots[at]!;
    this.failures -= slots[at + 1]!;
    this.slow -= slots[at + 2]!;
    slots.fill(0, at, at + 3);
  }

  private sum(field: number): number {
    let total = 0;
    for (let at = field; at < BUCKETS * 3; at += 3) total += this.slots![at]!;
    return total;
  }
}

export const NO_COUNTS: WindowCounts = {
  calls: 0,
  failures: 0,
  slow: 0,
  failureRatio: 0,
};

/** Adds `other` to `one`, or takes it away. */
export function addCounts(
  one: WindowCounts,
  other: WindowCounts,
  sign: 1 | -1,
): WindowCounts {
  const calls = Math.max(0, one.calls + sign * other.calls);
  const failures = Math.max(0, one.failures + sign * other.failures);
  const slow = Math.max(0, one.slow + sign * other.slow);
  const failureRatio = calls === 0 ? 0 : failures / calls;
  return { calls, failures, slow, failureRatio };
}
