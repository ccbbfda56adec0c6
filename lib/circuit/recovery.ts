/**
 * How an open circuit finds out that its dependency is back: some attempts are let through, each a
 * lease, so that a hung or lost one can never keep the circuit half-open for ever.
 */
import { Leases } from './leases.js';
import { RuleCheck } from './rule-check.js';

/**
 * Lets up to `calls` attempts through, closes at `successes`, reopens once that is out of reach.
 *
 * @publicApi
 */
export interface ProbesRecovery {
  readonly kind: 'probes';
  readonly calls: number;
  readonly successes: number;
}

/**
 * Lets a growing share of the calls through for `recoveryMs`, then closes and stays so for `graceMs`.
 *
 * @publicApi
 */
export interface RampRecovery {
  readonly kind: 'ramp';
  readonly recoveryMs: number;
  readonly graceMs: number;
  readonly ratio: number;
  readonly minimumCalls: number;
}

/** @publicApi */
export type Recovery = ProbesRecovery | RampRecovery;

/**
 * Recovery by probes.
 *
 * Shape:  calls ≥ 1 (default 1), 1 ≤ successes ≤ calls (default 1).
 * Errors: DaceConfigurationError on a value out of range.
 * Source: M. Nygard, "Release It!", 2007 (half-open).
 * @publicApi
 */
export function probes(
  options: {
    readonly calls?: number | undefined;
    readonly successes?: number | undefined;
  } = {},
): ProbesRecovery {
  const check = new RuleCheck('probes');
  check.names(options, ['calls', 'successes']);
  const { calls = 1, successes = 1 } = options;
  check.count('calls', calls, 1);
  check.count('successes', successes, 1, calls);
  return { kind: 'probes', calls, successes };
}

/**
 * Recovery by a growing sample of the calls: 2^(t / recoveryMs) − 1 of them, t from the first call
 * after the opening. It opens again as soon as `ratio` of at least `minimumCalls` failed, and is
 * judged by the ratio alone at its end. After it the circuit cannot open for `graceMs`.
 *
 * Shape:  recoveryMs ≥ 1 (default 10 000), graceMs ≥ 0 (default recoveryMs), ratio in (0, 1] (default
 *         0.5), minimumCalls ≥ 1 (default 10).
 * Errors: DaceConfigurationError on a value out of range.
 * Source: aiomisc CircuitBreaker, RECOVERING and its passing time.
 * @publicApi
 */
export function ramp(
  options: {
    readonly recoveryMs?: number | undefined;
    readonly graceMs?: number | undefined;
    readonly ratio?: number | undefined;
    readonly minimumCalls?: number | undefined;
  } = {},
): RampRecovery {
  const check = new RuleCheck('ramp');
  check.names(options, ['recoveryMs', 'graceMs', 'ratio', 'minimumCalls']);
  const {
    recoveryMs = 10_000,
    graceMs = recoveryMs,
    ratio = 0.5,
    minimumCalls = 10,
  } = options;
  check.time('recoveryMs', recoveryMs, 1);
  check.time('graceMs', graceMs, 0);
  check.ratio('ratio', ratio);
  check.count('minimumCalls', minimumCalls, 1);
  return { kind: 'ramp', recoveryMs, graceMs, ratio, minimumCalls };
}

/** How an attempt to recover has ended, and when. */
export interface RoundEnd {
  readonly outcome: 'closed' | 'open';
  readonly atMs: number;
}

/** One attempt to recover: the leases it has given and what became of them. */
export abstract class RecoveryRound {
  protected won = 0;
  protected lost = 0;
  protected readonly leases = new Leases();

  /** A further lease may be given. */
  abstract get hasRoom(): boolean;

  /** How long the circuit cannot open once this has closed it. */
  abstract readonly graceMs: number;

  /** Whether one of `1 / share` calls is let in. */
  abstract isDrawn(nowMs: number, share: number, random: () => number): boolean;

  /** What so many verdicts make certain by `atMs`. */
  protected abstract outcome(
    won: number,
    lost: number,
    atMs: number,
  ): RoundEnd['outcome'] | undefined;

  /** When time alone ends it, given that some verdicts are in. */
  protected abstract readonly endMs: number;

  /** When the next lease ends, Infinity without one. */
  get firstEndMs(): number {
    return this.leases.firstEndMs;
  }

  has(ticket: number): boolean {
    return this.leases.has(ticket);
  }

  lend(ticket: number, endMs: number): void {
    this.leases.lend(ticket, endMs);
  }

  renew(ticket: number, endMs: number): void {
    this.leases.renew(ticket, endMs);
  }

  /** True if `ticket` was a lease; it is none afterwards. */
  giveBack(ticket: number): boolean {
    return this.leases.giveBack(ticket);
  }

  judge(
    ticket: number,
    isFailure: boolean,
    nowMs: number,
  ): RoundEnd['outcome'] | undefined {
    if (!this.giveBack(ticket)) return undefined;
    if (isFailure) this.lost += 1;
    else this.won += 1;
    return this.outcome(this.won, this.lost, nowMs);
  }

  /** Counts leases that hang at `nowMs` as lost; the end, if they or the time have brought it. */
  settle(nowMs: number): RoundEnd | undefined {
    const hung = this.leases.hungBy(nowMs);
    const end = this.foresee(nowMs, hung);
    if (end === undefined && hung.length > 0) {
      this.leases.reclaim(nowMs);
      this.lost += hung.length;
    }
    return end;
  }

  /** How it will have ended by `nowMs` if no lease comes back until then; changes nothing. */
  foresee(
    nowMs: number,
    hung: readonly number[] = this.leases.hungBy(nowMs),
  ): RoundEnd | undefined {
    const { won } = this;
    let { lost } = this;
    const isSeen = () => won + lost > 0;
    for (const atMs of hung) {
      if (isSeen() && this.endMs <= atMs) break;
      lost += 1;
      const outcome = this.outcome(won, lost, atMs);
      if (outcome !== undefined) return { outcome, atMs };
    }
    if (!isSeen() || this.endMs > nowMs) return undefined;
    const outcome = this.outcome(won, lost, this.endMs)!;
    return { outcome, atMs: this.endMs };
  }
}

class ProbeRound extends RecoveryRound {
  readonly graceMs = 0;
  protected readonly endMs = Infinity;

  constructor(private readonly rule: ProbesRecovery) {
    super();
  }

  get hasRoom(): boolean {
    return this.leases.count + this.won + this.lost < this.rule.calls;
  }

  isDrawn(): boolean {
    return true;
  }

  protected outcome(
    won: number,
    lost: number,
  ): RoundEnd['outcome'] | undefined {
    const { calls, successes } = this.rule;
    if (won >= successes) return 'closed';
    return calls - lost < successes ? 'open' : undefined;
  }
}

class RampRound extends RecoveryRound {
  readonly hasRoom = true;
  protected readonly endMs: number;

  constructor(
    private readonly rule: RampRecovery,
    private readonly startMs: number,
  ) {
    super();
    this.endMs = startMs + rule.recoveryMs;
  }

  get graceMs(): number {
    return this.rule.graceMs;
  }

  isDrawn(nowMs: number, share: number, random: () => number): boolean {
    const { recoveryMs } = this.rule;
    const chance = Math.min(1, 2 ** ((nowMs - this.startMs) / recoveryMs) - 1);
    const drawn = chance * share;
    return drawn >= 1 || (drawn > 0 && random() < drawn);
  }

  protected outcome(
    won: number,
    lost: number,
    atMs: number,
  ): RoundEnd['outcome'] | undefined {
    const { ratio, minimumCalls } = this.rule;
    const isOver = atMs >= this.endMs;
    if (!isOver && won + lost < minimumCalls) return undefined;
    if (lost / (won + lost) >= ratio) return 'open';
    return isOver ? 'closed' : undefined;
  }
}

export function recoveryRound(rule: Recovery, nowMs: number): RecoveryRound {
  return rule.kind === 'ramp'
    ? new RampRound(rule, nowMs)
    : new ProbeRound(rule);
}
