/**
 * What a circuit has counted, and which of its rules holds for it: rolling windows, one for each
 * span that a rule asks for, and the failures in a row.
 */
import { RollingWindow, type WindowCounts } from '../core/rolling-window.js';
import type { CircuitOwner } from './contract.js';
import {
  DEFAULT_TRIP,
  DEFAULT_WINDOW_MS,
  type TripRule,
} from './trip-rules.js';

export class Tally {
  /** Failures since the last success. */
  consecutiveFailures = 0;
  /** The longest span first. */
  private readonly windows: readonly RollingWindow[];
  private readonly longest: RollingWindow;
  private readonly rules: readonly TripRule[];

  constructor(
    trip: readonly TripRule[] | undefined,
    /** Told of a rule that throws; it counts as not holding. */
    private readonly owner: Pick<CircuitOwner, 'ruleFailed'>,
  ) {
    this.rules = trip ?? DEFAULT_TRIP;
    const spans = new Set<number>();
    for (const rule of this.rules)
      if (rule.windowMs !== undefined) spans.add(rule.windowMs);
    if (spans.size === 0) spans.add(DEFAULT_WINDOW_MS);
    this.windows = [...spans]
      .sort((a, b) => b - a)
      .map((windowMs) => new RollingWindow(windowMs));
    this.longest = this.windows[0]!;
  }

  /** Nothing failed or was slow: no rule can hold. */
  get isClean(): boolean {
    return this.longest.failures === 0 && this.longest.slow === 0;
  }

  record(isFailure: boolean, isSlow: boolean, nowMs: number): void {
    if (isFailure) this.consecutiveFailures += 1;
    else this.consecutiveFailures = 0;
    const { windows } = this;
    // By index: on the hot path an iterator costs more than the counting.
    for (let at = 0; at < windows.length; at++)
      windows[at]!.record(nowMs, isFailure, isSlow);
  }

  /** The first rule that holds; `inARow` stands for the failures in a row. */
  tripping(nowMs: number, inARow: number): TripRule | undefined {
    return this.rules.find((rule) => this.holds(rule, nowMs, inARow));
  }

  /** Takes out what `part`, whose calls were counted here too, holds. */
  subtract(part: Tally, nowMs: number): void {
    this.windows.forEach((window, index) => {
      const other = part.windows[index];
      if (other !== undefined) window.subtract(other, nowMs);
    });
  }

  clear(): void {
    for (const window of this.windows) window.clear();
    this.consecutiveFailures = 0;
  }

  /** Counts of the longest span. */
  read(nowMs: number): WindowCounts {
    return this.longest.read(nowMs);
  }

  private holds(rule: TripRule, nowMs: number, inARow: number): boolean {
    const window =
      this.windows.find((each) => each.windowMs === rule.windowMs) ??
      this.longest;
    const counts = window.read(nowMs);
    try {
      return rule.trips({ ...counts, consecutiveFailures: inARow });
    } catch (error) {
      this.owner.ruleFailed(rule, error);
      return false;
    }
  }
}
