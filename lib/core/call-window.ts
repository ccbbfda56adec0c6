/**
 * Counts of the last calls, however long ago they were: a ring with one byte for each.
 */
import type { WindowCounts } from './rolling-window.js';

const FAILURE = 1;
const SLOW = 2;

/**
 * Counts calls, failures and slow answers of the last `length` calls.
 *
 * Shape:  length ≥ 1, a whole number; one byte a call, taken when the first one is counted.
 */
export class CallWindow {
  calls = 0;
  failures = 0;
  slow = 0;
  private next = 0;
  private marks: Uint8Array | undefined;

  constructor(readonly length: number) {}

  record(_nowMs: number, isFailure: boolean, isSlow: boolean): void {
    const marks = (this.marks ??= new Uint8Array(this.length));
    const { next } = this;
    if (this.calls === this.length) this.drop(marks[next]!);
    this.calls += 1;
    if (isFailure) this.failures += 1;
    if (isSlow) this.slow += 1;
    marks[next] = (isFailure ? FAILURE : 0) | (isSlow ? SLOW : 0);
    this.next = next + 1 === this.length ? 0 : next + 1;
  }

  clear(): void {
    this.calls = 0;
    this.failures = 0;
    this.slow = 0;
    this.next = 0;
  }

  read(_nowMs: number): WindowCounts {
    const { calls, failures, slow } = this;
    const failureRatio = calls === 0 ? 0 : failures / calls;
    return { calls, failures, slow, failureRatio };
  }

  private drop(mark: number): void {
    this.calls -= 1;
    if ((mark & FAILURE) !== 0) this.failures -= 1;
    if ((mark & SLOW) !== 0) this.slow -= 1;
  }
}
