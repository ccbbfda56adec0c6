/**
 * Chance that can be asked again. A draw depends on its keys alone, not on what was drawn before: what
 * happens to operation 57 at its second attempt is the same whatever the options under test did to
 * the fifty-six before it, and two settings can be compared under the same weather.
 */
import type { Random } from '../core/random.js';

const DRAWS = 4_294_967_296;

/** Draws by keys: each key narrows it down. */
export class Chance {
  private constructor(private readonly hash: number) {}

  static of(seed: number): Chance {
    // Two halves, so that seeds beyond 32 bits differ too.
    const high = Math.floor(seed / DRAWS);
    return new Chance(stir(stir(0x2545f491, seed | 0), high | 0));
  }

  under(key: number): Chance {
    return new Chance(stir(this.hash, key));
  }

  /** In (0, 1), of 32 bits. */
  at(first: number, second = 0, third = 0): number {
    const hash = stir(stir(stir(this.hash, first), second), third);
    return ((finish(hash) >>> 0) + 0.5) / DRAWS;
  }

  /** One draw after the other. */
  stream(): Random {
    let drawn = 0;
    return () => this.at(drawn++);
  }
}

/** Source: A. Appleby, MurmurHash3 (x86, 32 bits), one block. */
function stir(hash: number, key: number): number {
  const block = Math.imul(key, 0xcc9e2d51);
  const turned = Math.imul((block << 15) | (block >>> 17), 0x1b873593);
  const mixed = hash ^ turned;
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}

/** Source: A. Appleby, MurmurHash3, `fmix32`. */
function finish(hash: number): number {
  let mixed = hash ^ (hash >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

const Z_99 = 2.3263478740408408;

/**
 * A latency of a log-normal distribution, given by its median and 99th percentile.
 *
 * Shape:  (p50 ≥ 0, p99 ≥ p50, draw in (0, 1)) → milliseconds, a multiple of 0.001.
 */
export function logNormalMs(p50: number, p99: number, draw: number): number {
  if (p50 === 0 || p50 === p99) return toMicroseconds(p50);
  return toMicroseconds(p50 * (p99 / p50) ** (normalQuantile(draw) / Z_99));
}

/** What the last bits of a logarithm are differs between engines; a simulation must not. */
export function toMicroseconds(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}

const CENTRE = [
  [
    -39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269,
    -30.66479806614716, 2.506628277459239,
  ],
  [
    -54.47609879822406, 161.5858368580409, -155.6989798598866,
    66.80131188771972, -13.28068155288572, 1,
  ],
] as const;
const TAIL = [
  [
    -0.007784894002430293, -0.3223964580411365, -2.400758277161838,
    -2.549732539343734, 4.374664141464968, 2.938163982698783,
  ],
  [
    0.007784695709041462, 0.3224671290700398, 2.445134137142996,
    3.754408661907416, 1,
  ],
] as const;
const TAIL_FROM = 0.02425;

/**
 * How many deviations above the mean a share of a normal distribution ends.
 *
 * Shape:  share in (0, 1) → deviations; relative error below 1.2e-9.
 * Source: P. J. Acklam, "An algorithm for computing the inverse normal cumulative distribution
 *         function", 2003.
 */
export function normalQuantile(share: number): number {
  if (share < TAIL_FROM) return tailQuantile(share);
  if (share > 1 - TAIL_FROM) return -tailQuantile(1 - share);
  const offset = share - 0.5;
  const square = offset * offset;
  return (
    (polynomial(CENTRE[0], square) * offset) / polynomial(CENTRE[1], square)
  );
}

function tailQuantile(share: number): number {
  const root = Math.sqrt(-2 * Math.log(share));
  return polynomial(TAIL[0], root) / polynomial(TAIL[1], root);
}

function polynomial(factors: readonly number[], x: number): number {
  let sum = 0;
  for (const factor of factors) sum = sum * x + factor;
  return sum;
}
