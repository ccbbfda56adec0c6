/**
 * How long to wait before a retry. Pure: the retry's number, the last delay and chance go in.
 */

/** @publicApi */
export interface BackoffOptions {
  /** Before the second attempt, in milliseconds. @default 0 */
  readonly delayMs?: number | undefined;
  /** Each further delay is this times the one before. @default 2 */
  readonly factor?: number | undefined;
  /** Longest delay. @default none: the deadline alone bounds it */
  readonly maxDelayMs?: number | undefined;
  /**
   * n adds up to n ms, [min, max] adds a drawn number of ms, `full` spreads over [0, delay),
   * `equal` over [delay / 2, delay), `decorrelated` over [delayMs, 3 × the last delay).
   * @default 0
   */
  readonly jitter?: Jitter | undefined;
}

/** @publicApi */
export type Jitter =
  number | readonly [number, number] | 'full' | 'equal' | 'decorrelated';

export interface BackoffSettings {
  readonly delayMs: number;
  readonly factor: number;
  readonly maxDelayMs: number;
  readonly jitter: Jitter;
}

/** The longest time an option can name: keeps what grows without a bound of its own a number. */
const LONGEST_MS = 2_147_483_647;

/**
 * Wait before retry number `retry`, never longer than `maxDelayMs`, jitter included.
 *
 * Shape:  (settings, retry ≥ 1, lastDelayMs ≥ 0, random) → milliseconds ≥ 0.
 * Errors: none; options are checked where they enter.
 * Source: M. Brooker, "Exponential Backoff And Jitter", 2015; ahoyhoy's retry policy (added jitter).
 * @example backoffMs({ delayMs: 100, factor: 2, maxDelayMs: 10_000, jitter: 'full' }, 3, 0, () => 0.5) // 200
 */
export function backoffMs(
  settings: BackoffSettings,
  retry: number,
  lastDelayMs: number,
  random: () => number,
): number {
  const { delayMs, factor, jitter } = settings;
  const maxDelayMs = Math.min(settings.maxDelayMs, LONGEST_MS);
  if (jitter === 'decorrelated') {
    const most = Math.max(delayMs, 3 * (lastDelayMs || delayMs));
    return Math.min(maxDelayMs, delayMs + random() * (most - delayMs));
  }
  const plain = Math.min(maxDelayMs, delayMs * factor ** (retry - 1) || 0);
  if (jitter === 'full') return plain * random();
  if (jitter === 'equal') return plain / 2 + (plain / 2) * random();
  if (jitter === 0) return plain;
  const [least, most] = typeof jitter === 'number' ? [0, jitter] : jitter;
  return Math.min(maxDelayMs, plain + least + random() * (most - least));
}
