/**
 * How many retries a dependency may take on top of its traffic, so that an outage is met with a
 * fifth more calls and not with three times as many.
 */
import { RollingWindow } from '../core/rolling-window.js';

export interface BudgetSettings {
  readonly ratio: number;
  readonly windowMs: number;
  readonly minRetries: number;
}

/** Ten buckets of it cover the window however they lie, and are forgotten never too early. */
const LONGER = 10 / 9;
/** A hundred times 0.29 is less than 29 in doubles. */
const HAIR = 1e-9;

/**
 * Retries in the window ≤ max(ratio × operations that started an attempt, minRetries).
 *
 * What has been spent, or wanted in vain, does not come back when it has grown old: of an outage that
 * goes on everybody gets `ratio`, in place of a burst a window, which would come from all of a fleet at
 * once.
 *
 * Source: Finagle RetryBudget (deposits that grow old; there withdrawals do too).
 */
export class RetryBudget {
  private operations: RollingWindow;
  /** Made at the first retry. */
  private retries: RollingWindow | undefined = undefined;
  /** Operations that no retry has been wanted for yet; never more than the window holds. */
  private unspent = 0;

  constructor(private settings: BudgetSettings) {
    this.operations = new RollingWindow(settings.windowMs);
  }

  /** An operation has started its first attempt. */
  deposit(nowMs: number): void {
    const { operations } = this;
    operations.record(nowMs);
    if (this.unspent < operations.calls) this.unspent += 1;
  }

  tryWithdraw(nowMs: number): boolean {
    const left = this.left(nowMs);
    this.spend();
    if (left < 1) return false;
    this.retries ??= new RollingWindow(this.settings.windowMs * LONGER);
    this.retries.record(nowMs);
    return true;
  }

  /** Retries it would still allow. */
  left(nowMs: number): number {
    const { ratio, minRetries } = this.settings;
    this.operations.roll(nowMs);
    this.retries?.roll(nowMs);
    const { calls } = this.operations;
    const used = this.retries?.calls ?? 0;
    const least = minRetries - used;
    const left = Math.max(
      least,
      Math.min(ratio * calls - used, ratio * Math.min(this.unspent, calls)),
    );
    return Math.max(0, Math.floor(left + HAIR));
  }

  /** Takes what a retry is worth, granted or not, where there is as much. */
  private spend(): void {
    const price = 1 / this.settings.ratio;
    const held = Math.min(this.unspent, this.operations.calls);
    this.unspent = held + HAIR < price ? held : Math.max(0, held - price);
  }

  /** The counts stay, unless they are of another window. */
  configure(settings: BudgetSettings): void {
    if (settings.windowMs !== this.settings.windowMs) {
      this.operations = new RollingWindow(settings.windowMs);
      this.retries = undefined;
    }
    this.settings = settings;
  }
}
