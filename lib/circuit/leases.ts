let lastTicket = 0;

/**
 * A ticket that no circuit has given before: one that takes another's place, as when circuits are
 * switched off and on again, must not know the tickets of the one before.
 */
export const newTicket = (): number => ++lastTicket;

/**
 * Leases that are out, each with the moment it hangs past. Asked before every call while a circuit is
 * half-open, so nothing is looked through before the first of them can be over.
 */
export class Leases {
  private readonly ends = new Map<number, number>();
  /** No lease ends before this. */
  private boundMs = Infinity;

  get count(): number {
    return this.ends.size;
  }

  /** When the first one ends, Infinity without one. */
  get firstEndMs(): number {
    let firstMs = Infinity;
    for (const endMs of this.ends.values()) firstMs = Math.min(firstMs, endMs);
    return firstMs;
  }

  has(ticket: number): boolean {
    return this.ends.has(ticket);
  }

  lend(ticket: number, endMs: number): void {
    this.ends.set(ticket, endMs);
    this.boundMs = Math.min(this.boundMs, endMs);
  }

  renew(ticket: number, endMs: number): void {
    if (this.ends.has(ticket)) this.lend(ticket, endMs);
  }

  /** True if it was out. */
  giveBack(ticket: number): boolean {
    return this.ends.delete(ticket);
  }

  /** When those ended that hang at `nowMs`, the first one first. */
  hungBy(nowMs: number): readonly number[] {
    if (nowMs < this.boundMs) return NONE;
    this.boundMs = this.firstEndMs;
    if (nowMs < this.boundMs) return NONE;
    return [...this.ends.values()]
      .filter((endMs) => endMs <= nowMs)
      .sort((a, b) => a - b);
  }

  /** Takes those back that hang at `nowMs`. */
  reclaim(nowMs: number): void {
    for (const [ticket, endMs] of this.ends)
      if (endMs <= nowMs) this.ends.delete(ticket);
  }
}

const NONE: readonly number[] = [];
