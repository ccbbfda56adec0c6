/**
 * What callers waited. A second is told exactly; the whole is kept to three significant digits, so
 * that a day of traffic takes no more room than an hour.
 */
import { toMicroseconds } from './chance.js';
import type { Percentiles } from './contract.js';

const DIGITS = 3;

/**
 * Percentiles by the nearest rank.
 *
 * Shape:  (waits, from the shortest on) → null if there are none.
 * @example percentilesOf([10, 20, 30, 40]) // { p50: 20, p90: 40, p99: 40, max: 40 }
 */
export function percentilesOf(waits: readonly number[]): Percentiles | null {
  if (waits.length === 0) return null;
  const at = (share: number): number =>
    toMicroseconds(waits[Math.ceil(share * waits.length) - 1]!);
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
}

/** All waits of a simulation, by how often each came about. */
export class Waits {
  private readonly counts = new Map<number, number>();
  private total = 0;

  add(waitMs: number): void {
    const rounded = Number(waitMs.toPrecision(DIGITS));
    this.counts.set(rounded, (this.counts.get(rounded) ?? 0) + 1);
    this.total += 1;
  }

  percentiles(): Percentiles | null {
    if (this.total === 0) return null;
    const waits = [...this.counts].toSorted(([a], [b]) => a - b);
    const at = (share: number): number => {
      let rest = Math.ceil(share * this.total);
      for (const [wait, count] of waits) {
        rest -= count;
        if (rest <= 0) return wait;
      }
      return NaN;
    };
    return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
  }
}
