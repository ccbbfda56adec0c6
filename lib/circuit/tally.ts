/**
 * What a circuit has counted, and which of its rules holds for it: windows, one for each way of
 * counting that a rule asks for, and the failures in a row.
 */
import { atOnce } from '../core/at-once.js';
import { CallWindow } from '../core/call-window.js';
import { RollingWindow, type WindowCounts } from '../core/rolling-window.js';
import type { CircuitOwner, Reason } from './contract.js';
import {
  DEFAULT_TRIP,
  DEFAULT_WINDOW_MS,
  describeCounts,
  type Counts,
  type TripRule,
} from './trip-rules.js';

export type { Reason };

export const ASKED: Reason = { name: 'retryAfter' };

/** How something is counted; rules that count alike share one. */
interface Counting {
  readonly windowMs: number | undefined;
  readonly windowCalls: number | undefined;
  /** Undefined = what the caller calls slow. */
  readonly slowMs: number | undefined;
}

/** What a set of rules has counted, the longest span first; the same for every circuit of it. */
interface Plan {
  readonly countings: readonly Counting[];
  /** Which of them a rule judges. */
  readonly of: ReadonlyMap<TripRule, number>;
  /** One of them judges the last calls. */
  readonly hasCalls: boolean;
}

interface Window {
  readonly counts: RollingWindow | CallWindow;
  readonly slowMs: number | undefined;
}

export class Tally {
  /** Failures since the last success. */
  consecutiveFailures = 0;
  private readonly plan: Plan;
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
    this.plan = planOf(this.rules);
    this.windows = this.plan.countings.map(windowOf);
  }

  /** Nothing failed, was slow or asked for peace: there is no reason to open. */
  get isClean(): boolean {
    const { windows } = this;
    if (this.askedUntilMs !== -Infinity) return false;
    // Of several hosts each is asked for its own last calls, which are not counted here.
    if (this.plan.hasCalls && this.owner.holdsEverywhere !== undefined)
      return false;
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
  reason(nowMs: number): Reason | undefined {
    if (nowMs < this.askedUntilMs) return ASKED;
    this.askedUntilMs = -Infinity;
    const { owner, consecutiveFailures } = this;
    const inARow =
      consecutiveFailures === 0
        ? 0
        : (owner.consecutiveFailures?.() ?? consecutiveFailures);
    return this.rules.find((rule) => {
      const everywhere =
        rule.windowCalls === undefined
          ? undefined
          : owner.holdsEverywhere?.(rule, nowMs);
      return everywhere ?? this.holds(rule, nowMs, inARow);
    });
  }

  /** The figures for which `reason` holds; undefined where they are not counted here. */
  why(nowMs: number): string | undefined {
    const reason = this.reason(nowMs);
    const rule = this.rules.find((each) => each === reason);
    if (rule === undefined) return undefined;
    const isSummed = rule.windowCalls === undefined;
    if (!isSummed && this.owner.holdsEverywhere?.(rule, nowMs) === true)
      return undefined;
    const inARow = this.owner.consecutiveFailures?.();
    const counts = this.countsOf(rule, nowMs, inARow);
    try {
      return rule.describe?.(counts) ?? describeCounts(counts);
    } catch {
      return describeCounts(counts);
    }
  }

  holds(rule: TripRule, nowMs: number, inARow?: number): boolean {
    const counts = this.countsOf(rule, nowMs, inARow);
    try {
      return atOnce(
        rule.comparesPeers === true
          ? rule.trips(counts, this.owner.peers?.(rule, nowMs))
          : rule.trips(counts),
      );
    } catch (error) {
      this.owner.ruleFailed(rule, error);
      return false;
    }
  }

  private countsOf(
    rule: TripRule,
    nowMs: number,
    consecutiveFailures = this.consecutiveFailures,
  ): Counts {
    const { calls, failures, slow, failureRatio } = this.read(nowMs, rule);
    return { calls, failures, slow, failureRatio, consecutiveFailures };
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
    const index = rule === undefined ? 0 : (this.plan.of.get(rule) ?? 0);
    return this.windows[index]!.counts.read(nowMs);
  }
}

const PLANS = new WeakMap<readonly TripRule[], Plan>();

function planOf(rules: readonly TripRule[]): Plan {
  let plan = PLANS.get(rules);
  if (plan === undefined) {
    plan = makePlan(rules);
    PLANS.set(rules, plan);
  }
  return plan;
}

function makePlan(rules: readonly TripRule[]): Plan {
  const spans = rules.flatMap(({ windowMs }) => windowMs ?? []);
  const longestMs = spans.length === 0 ? DEFAULT_WINDOW_MS : Math.max(...spans);
  // What a snapshot shows comes first, whoever judges by it.
  const countings: Counting[] = [
    { windowMs: longestMs, windowCalls: undefined, slowMs: undefined },
  ];
  const of = new Map<TripRule, number>();
  for (const rule of rules) {
    const { windowCalls, slowMs } = rule;
    const windowMs =
      windowCalls === undefined ? (rule.windowMs ?? longestMs) : undefined;
    const known = countings.findIndex(
      (each) =>
        each.windowMs === windowMs &&
        each.windowCalls === windowCalls &&
        each.slowMs === slowMs,
    );
    of.set(
      rule,
      known >= 0
        ? known
        : countings.push({ windowMs, windowCalls, slowMs }) - 1,
    );
  }
  const hasCalls = rules.some((rule) => rule.windowCalls !== undefined);
  return { countings, of, hasCalls };
}

function windowOf({ windowMs, windowCalls, slowMs }: Counting): Window {
  const counts =
    windowCalls === undefined
      ? new RollingWindow(windowMs!)
      : new CallWindow(windowCalls);
  return { counts, slowMs };
}
