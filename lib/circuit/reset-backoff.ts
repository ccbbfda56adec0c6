/**
 * How long an opening lasts.
 */

export interface ResetBackoffSettings {
  readonly factor: number;
  readonly maxMs: number;
  /** Adds up to this share of the opening. */
  readonly jitter: number;
}

/** Whatever the jitter, an opening ends. */
const LONGEST_MS = 2_147_483_647;

/**
 * Length of the opening after `failedRecoveries`, longer each time up to a bound, with jitter.
 *
 * Shape:  (resetTimeoutMs, { factor, maxMs, jitter }, k ≥ 0, random) → milliseconds.
 * Errors: none; options are checked where they enter.
 * Source: python-circuit's back-off of the reset time.
 * @example openingMs(10_000, { factor: 2, maxMs: 60_000, jitter: 0 }, 2, () => 0) // 40_000
 */
export function openingMs(
  resetTimeoutMs: number,
  backoff: ResetBackoffSettings,
  failedRecoveries: number,
  random: () => number,
): number {
  const bound = Math.max(backoff.maxMs, resetTimeoutMs);
  const plain = Math.min(
    bound,
    resetTimeoutMs * backoff.factor ** failedRecoveries,
  );
  return backoff.jitter === 0
    ? plain
    : Math.min(LONGEST_MS, plain * (1 + backoff.jitter * random()));
}
