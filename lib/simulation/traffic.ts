/**
 * When operations are asked for. One is due when the rate, summed up over time, has reached the next
 * gap; so a change of the rate in the middle of a gap is felt at once.
 */
import { toMicroseconds, type Chance } from './chance.js';
import type { TrafficPhase } from './contract.js';

const USUAL_PER_SECOND = 100;

export class SimulatedTraffic {
  private readonly phases: readonly TrafficPhase[];
  private index = -1;
  private atMs = 0;
  private asked = 0;

  constructor(
    traffic: number | readonly TrafficPhase[] = USUAL_PER_SECOND,
    private readonly chance: Chance,
  ) {
    this.phases =
      typeof traffic === 'number'
        ? [{ fromS: 0, perSecond: traffic }]
        : traffic;
  }

  /** When the next operation comes; Infinity if there is none. */
  next(): number {
    let missing = this.gap();
    for (;;) {
      const endMs = this.endMs();
      const perMs = (this.phases[this.index]?.perSecond ?? 0) / 1_000;
      const dueMs = perMs === 0 ? Infinity : this.atMs + missing / perMs;
      if (dueMs < endMs) {
        this.atMs = dueMs;
        return toMicroseconds(dueMs);
      }
      if (endMs === Infinity) return Infinity;
      missing -= (endMs - this.atMs) * perMs;
      this.atMs = endMs;
      this.index += 1;
    }
  }

  /** In operations: how many are due until the next one comes. */
  private gap(): number {
    const draw = this.chance.at(this.asked++);
    return this.phases[Math.max(0, this.index)]?.arrivals === 'even'
      ? this.asked === 1
        ? 0.5
        : 1
      : -Math.log(draw);
  }

  private endMs(): number {
    const next = this.phases[this.index + 1];
    return next === undefined ? Infinity : next.fromS * 1_000;
  }
}
