/**
 * Draws of a host by its weight: one draw of chance, and no walk through all of them.
 *
 * Source: H.-C. Chen, Y. Asau, "On Generating Random Variates from an Empirical Distribution", 1974:
 * a table of where to begin in the sums, from where it is two steps on average.
 */
import type { Random } from '../core/random.js';
import type { HostView } from './load-balancer.js';

export class Lots {
  /** What one attempt is for each host: 1 for one of mean weight, more for a lighter one. */
  readonly burdens: Float64Array;
  private readonly length: number;
  private readonly total: number;
  /** Sums of weights up to each host; none where all weigh the same. */
  private readonly sums: Float64Array | undefined;
  /** For each of as many equal parts of the total, the host it begins in. */
  private readonly begins: Int32Array;

  constructor(hosts: readonly HostView[]) {
    const { length } = hosts;
    const weights = Float64Array.from(hosts, ({ weight }) => weight);
    const areEven = weights.every((weight) => weight === weights[0]);
    const sums = sumsOf(weights);
    this.length = length;
    const total = sums[length - 1]!;
    this.total = total;
    this.burdens = weights.map((weight) =>
      areEven ? 1 : total / length / weight,
    );
    this.sums = areEven ? undefined : sums;
    this.begins = areEven ? NO_TABLE : tableOf(sums, total);
  }

  /** The index of a host, each by the chance of its weight. */
  draw(random: Random): number {
    const { sums, length } = this;
    const drawn = random();
    const last = length - 1;
    const part = Math.min(last, Math.floor(drawn * length));
    if (sums === undefined) return part;
    const at = drawn * this.total;
    let index = this.begins[part]!;
    while (index < last && at >= sums[index]!) index += 1;
    return index;
  }

  /** A host other than `index`, of which there must be one. */
  drawOther(index: number, random: Random): number {
    if (this.sums !== undefined) {
      const other = this.draw(random);
      if (other !== index) return other;
    }
    const { length } = this;
    const step = 1 + Math.floor(random() * (length - 1));
    return (index + step) % length;
  }
}

const NO_TABLE = new Int32Array(0);

function sumsOf(weights: Float64Array): Float64Array {
  let sum = 0;
  return weights.map((weight) => (sum += weight));
}

function tableOf(sums: Float64Array, total: number): Int32Array {
  const { length } = sums;
  let index = 0;
  return Int32Array.from(sums, (_, part) => {
    while (index < length - 1 && (part / length) * total >= sums[index]!)
      index += 1;
    return index;
  });
}

/**
 * The lots of the list that is handed out again and again. A list that is handed out once, without
 * those that were tried or are full, does not displace them.
 */
export class KeptLots {
  private hosts: readonly HostView[] | undefined;
  private lots: Lots | undefined;
  private seen: readonly HostView[] | undefined;

  of(hosts: readonly HostView[]): Lots {
    if (hosts === this.hosts) return this.lots!;
    return this.made(hosts);
  }

  private made(hosts: readonly HostView[]): Lots {
    const lots = new Lots(hosts);
    if (hosts === this.seen) {
      this.hosts = hosts;
      this.lots = lots;
      this.seen = undefined;
    } else this.seen = hosts;
    return lots;
  }
}
