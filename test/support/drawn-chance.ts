/** A chance that two can read side by side, each counting what it has drawn. */
import { seededRandom } from './chance.js';

const ALMOST_ONE = 1 - Number.EPSILON;

export class DrawnChance {
  drawn = 0;
  private readonly values: number[] = [];
  private readonly further: () => number;

  constructor(seed: number) {
    this.further = seededRandom(seed);
  }

  readonly draw = (): number => {
    while (this.values.length <= this.drawn) this.values.push(this.next());
    return this.values[this.drawn++]!;
  };

  /** The ends of the range come up often. */
  private next(): number {
    const value = this.further();
    if (value < 0.1) return 0;
    return value < 0.2 ? ALMOST_ONE : value;
  }
}
