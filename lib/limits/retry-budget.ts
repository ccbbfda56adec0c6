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

/**
 * Retries in the window ≤ max(ratio × operations that started an attempt, minRetries).
 *
 * Source: Finagle RetryBudget.
 */
export class RetryBudget {
  private operations: RollingWindow;
  /** Made at the first retry. */
  private retries: RollingWindow | undefined = undefined;

  constructor(private settings: BudgetSettings) {
    this.operations = new RollingWindow(settings.windowMs);
  }

  /** An operation has started its first attempt. */
  deposit(nowMs: number): void {
    this.operations.record(nowMs, false, false);
  }

  tryWithdraw(nowMs: number): boolean {
    if (this.left(nowMs) < 1) return false;
    this.retries ??= new RollingWindow(this.settings.windowMs);
    this.retries.record(nowMs, false, false);
    return true;
  }

  /** Retries it would still allow. */
  left(nowMs: number): number {
    const { ratio, minRetries } = this.settings;
    this.operations.roll(nowMs);
    this.retries?.roll(nowMs);
    const allowed = Math.max(ratio * this.operations.calls, minRetries);
    return Math.max(0, Math.floor(allowed - (this.retries?.calls ?? 0) + 1e-9));
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
