/**
 * How an open circuit finds out that its dependency is back: a few attempts are let through, each a
 * lease, so that a hung or lost probe can never keep the circuit half-open for ever.
 */
import { DaceConfigurationError } from '../core/errors.js';

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

/** @publicApi */
export type Recovery = ProbesRecovery;

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
  const { calls = 1, successes = 1 } = options;
  const isSound =
    Number.isInteger(calls) &&
    Number.isInteger(successes) &&
    successes >= 1 &&
    calls >= successes;
  if (!isSound) {
    const message = `probes({ calls: ${String(calls)}, successes: ${String(successes)} }): expected whole numbers with 1 ≤ successes ≤ calls`;
    throw new DaceConfigurationError({
      dependencyId: 'probes',
      message,
      problems: [{ option: 'circuit.recovery', message }],
    });
  }
  return { kind: 'probes', calls, successes };
}

interface Lease {
  readonly ticket: number;
  endMs: number;
}

/** One attempt to recover: the leases it has given and what became of them. */
export class ProbeRound {
  private leases: Lease[] = [];
  private won = 0;
  private lost = 0;

  constructor(private readonly rule: ProbesRecovery) {}

  get hasRoom(): boolean {
    return this.leases.length + this.won + this.lost < this.rule.calls;
  }

  /** `closed` or `open` once it is certain. */
  get outcome(): 'closed' | 'open' | undefined {
    if (this.won >= this.rule.successes) return 'closed';
    if (this.rule.calls - this.lost < this.rule.successes) return 'open';
    return undefined;
  }

  /** When the next lease ends, Infinity without one. */
  get firstEndMs(): number {
    let first = Infinity;
    for (const lease of this.leases) first = Math.min(first, lease.endMs);
    return first;
  }

  /** When the round is lost if no lease comes back in time, Infinity if it cannot be by these. */
  get lostByMs(): number {
    const { calls, successes } = this.rule;
    const ends = this.leases.map(({ endMs }) => endMs).sort((a, b) => a - b);
    return ends[calls - successes - this.lost] ?? Infinity;
  }

  has(ticket: number): boolean {
    return this.leases.some((lease) => lease.ticket === ticket);
  }

  lend(ticket: number, endMs: number): void {
    this.leases.push({ ticket, endMs });
  }

  renew(ticket: number, endMs: number): void {
    const lease = this.leases.find((other) => other.ticket === ticket);
    if (lease !== undefined) lease.endMs = endMs;
  }

  /** True if `ticket` was a lease; it is none afterwards. */
  giveBack(ticket: number): boolean {
    const count = this.leases.length;
    this.leases = this.leases.filter((lease) => lease.ticket !== ticket);
    return this.leases.length < count;
  }

  judge(ticket: number, isFailure: boolean): void {
    if (!this.giveBack(ticket)) return;
    if (isFailure) this.lost += 1;
    else this.won += 1;
  }

  /** Counts one hung lease as a failed probe; passes when it ended, or undefined. */
  expire(nowMs: number): number | undefined {
    const endMs = this.firstEndMs;
    if (endMs > nowMs) return undefined;
    const hung = this.leases.find((lease) => lease.endMs === endMs)!;
    this.judge(hung.ticket, true);
    return endMs;
  }
}
