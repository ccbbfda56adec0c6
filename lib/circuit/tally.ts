/**
 * What a circuit has counted, and which of its rules holds for it: windows, one for each way of
 * counting that a rule asks for, and the failures in a row.
 */
import { CallWindow } from '../core/call-window.js';
import { RollingWindow, type WindowCounts } from '../core/rolling-window.js';
import type { CircuitOwner } from './contract.js';
import {
  DEFAULT_TRIP,
  DEFAULT_WINDOW_MS,
  type TripRule,
} from './trip-rules.js';

/** What is shown as the rule where a throttled answer asked for the opening. */
export const ASKED = 'retryAfter';

/** Rules that count alike share one. */
interface Window {
  readonly counts: RollingWindow | CallWindow;
  /** Undefined = what the caller calls slow. */
  readonly slowMs: number | undefined;
}

export class Tally {
  /** Failures since the last success. */
  consecutiveFailures = 0;
  /** The longest span first, then those of calls. */
  private readonly windows: readonly Window[];
  private readonly rules: readonly TripRule[];
  /** Until when a throttled answer asked to be left in peace. */
  private askedUntilMs = -Infinity;

  constructor(
    trip: readonly TripRule[] | undefined,
    private readonly owner: Pick<
      CircuitOwner,
      'ruleFailed' | 'consecutiveFailures' | 'holdsEverywhere' | 'peers'
    >,
  ) {
    this.rules = trip ?? DEFAULT_TRIP;
    this.windows = windowsFor(this.rules);
  }

  /** Nothing failed, was slow or asked for peace: there is no reason to open. */
  get isClean(): boolean {
    const { windows } = this;
    if (this.askedUntilMs !== -Infinity) return false;
    for (let at = 0; at < windows.length; at++) {
      const { counts } = windows[at]!;
      if (counts.failures !== 0 || counts.slow !== 0) return false;
    }
    return true;
  }

  record(
    isFailure: boolean,
    isSlow: boolean,
    nowMs: number,
    tookMs: number,
  ): void {
    if (isFailure) this.consecutiveFailures += 1;
    else this.consecutiveFailures = 0;
    const { windows } = this;
    // By index: on the hot path an iterator costs more than the counting.
    for (let at = 0; at < windows.length; at++) {
      const { counts, slowMs } = windows[at]!;
      const isOver = slowMs === undefined ? isSlow : tookMs > slowMs;
      counts.record(nowMs, isFailure, isOver);
    }
  }

  ask(untilMs: number): void {
    this.askedUntilMs = Math.max(this.askedUntilMs, untilMs);
  }

  /** For how long it was asked to be left in peace, from `nowMs` on. */
  askedMs(nowMs: number): number | undefined {
    const leftMs = this.askedUntilMs - nowMs;
    return leftMs > 0 ? leftMs : undefined;
  }

  /** Why the circuit should open: what was asked for, or the first rule that holds. */
  reason(nowMs: number): string | undefined {
    if (nowMs < this.askedUntilMs) return ASKED;
    this.askedUntilMs = -Infinity;
    const { owner, consecutiveFailures } = this;
    const inARow =
      consecutiveFailures === 0
        ? 0
        : (owner.consecutiveFailures?.() ?? consecutiveFailures);
    const holding = this.rules.find((rule) => {
      const everywhere =
        rule.windowCalls === undefined
          ? undefined
          : owner.holdsEverywhere?.(rule, nowMs);
      return everywhere ?? this.holds(rule, nowMs, inARow);
    });
    return holding?.name;
  }

  holds(
    rule: TripRule,
    nowMs: number,
    inARow = this.consecutiveFailures,
  ): boolean {
    const { calls, failures, slow, failureRatio } = this.read(nowMs, rule);
    const counts = {
      calls,
      failures,
      slow,
      failureRatio,
      consecutiveFailures: inARow,
    };
    try {
      return rule.comparesPeers === true
        ? rule.trips(counts, this.owner.peers?.(rule, nowMs))
        : rule.trips(counts);
    } catch (error) {
      this.owner.ruleFailed(rule, error);
      return false;
    }
  }

  /** Takes out what `part`, whose calls were counted here too, holds. */
  subtract(part: Tally, nowMs: number): void {
    this.windows.forEach(({ counts }, index) => {
      const other = part.windows[index]?.counts;
      // Of the last calls every host has its own: above them nothing is summed up.
      if (counts instanceof RollingWindow && other instanceof RollingWindow)
        counts.subtract(other, nowMs);
    });
  }

  clear(): void {
    for (const { counts } of this.windows) counts.clear();
    this.consecutiveFailures = 0;
    this.askedUntilMs = -Infinity;
  }

  /** Counts of a rule's window, or of the longest span. */
  read(nowMs: number, rule?: TripRule): WindowCounts {
    const window =
      rule === undefined
        ? undefined
        : this.windows.find((each) => isCountedBy(each, rule));
    return (window ?? this.windows[0]!).counts.read(nowMs);
  }
}

function isCountedBy({ counts, slowMs }: Window, rule: TripRule): boolean {
  if (slowMs !== rule.slowMs) return false;
  return counts instanceof RollingWindow
    ? rule.windowCalls === undefined &&
        (rule.windowMs === undefined || counts.windowMs === rule.windowMs)
    : counts.length === rule.windowCalls;
}

function windowsFor(rules: readonly TripRule[]): readonly Window[] {
  const spans = rules.flatMap(({ windowMs }) => windowMs ?? []);
  const longestMs = spans.length === 0 ? DEFAULT_WINDOW_MS : Math.max(...spans);
  // What a snapshot shows comes first, whoever judges by it.
  const windows: Window[] = [
    { counts: new RollingWindow(longestMs), slowMs: undefined },
  ];
  for (const rule of rules) {
    const { windowMs = longestMs, windowCalls, slowMs } = rule;
    const isNeeded =
      rule.windowMs !== undefined ||
      windowCalls !== undefined ||
      slowMs !== undefined;
    const isThere = (each: Window) =>
      isCountedBy(each, { ...rule, windowMs, trips: never });
    if (!isNeeded || windows.some(isThere)) continue;
    const counts =
      windowCalls === undefined
        ? new RollingWindow(windowMs)
        : new CallWindow(windowCalls);
    windows.push({ counts, slowMs });
  }
  return windows;
}

const never = (): boolean => false;
