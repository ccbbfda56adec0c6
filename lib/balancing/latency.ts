/**
 * What is known of a host's answer times: an estimate for the balancer that jumps up at once and
 * comes down slowly, the plain mean of its successes, which is the usual answer, and failures that
 * came sooner than a slow answer would have.
 */

const DECAY_MS = 10_000;
/** Of an estimate as old as this less than half is left after the next answer, of one of a second a third. */
const STALE_MS = 700;
/** What a failure counts for where nothing is known yet, and what repeated ones lead up to. */
const FAILURE_MS = 1_000;
/** Successes after which the mean gives new answers a fixed share. */
const MEAN_CALLS = 100;

export class Latency {
  /** Peak-EWMA of answer times in milliseconds; undefined until one is known. */
  estimateMs: number | undefined;
  private updatedMs = 0;
  private meanMs = 0;
  private meanCalls = 0;
  /** Failures of late, and as of when and for how long they count as pending. */
  private lingering = 0;
  private lingersFromMs = 0;
  private lingersForMs = 0;

  /** Mean duration of successful attempts, undefined without one. */
  get usualMs(): number | undefined {
    return this.meanCalls === 0 ? undefined : this.meanMs;
  }

  succeeded(durationMs: number, nowMs: number): void {
    this.answered(durationMs);
    this.observe(durationMs, nowMs);
  }

  /** A success where nobody balances. */
  answered(durationMs: number): void {
    if (this.meanCalls < MEAN_CALLS) this.meanCalls += 1;
    this.meanMs += (durationMs - this.meanMs) / this.meanCalls;
  }

  /**
   * A failure is a slow answer, however fast it came, and never below the estimate: it must not
   * attract traffic. It at most doubles a short estimate, so that a few errors do not banish a host.
   */
  failed(durationMs: number, nowMs: number): void {
    const known = this.estimateMs ?? FAILURE_MS;
    const slowMs = Math.max(known, Math.min(2 * known, FAILURE_MS));
    this.observe(Math.max(durationMs, slowMs), nowMs);
    if (durationMs < slowMs) this.linger(slowMs - durationMs, nowMs);
  }

  /**
   * Failures that would still be pending if they had been slow answers; one of them until the end,
   * so that a host on which one attempt runs is no worse than one that has just failed.
   */
  lingeringAt(nowMs: number): number {
    if (this.lingering === 0) return 0;
    const part = (nowMs - this.lingersFromMs) / this.lingersForMs;
    return part >= 1 ? 0 : Math.max(1, this.lingering * (1 - part));
  }

  /** The host was away: nothing is known of its answers now. */
  forgetEstimate(): void {
    this.estimateMs = undefined;
    this.lingering = 0;
  }

  private linger(forMs: number, nowMs: number): void {
    this.lingering = this.lingeringAt(nowMs) + 1;
    this.lingersFromMs = nowMs;
    this.lingersForMs = forMs;
  }

  private observe(durationMs: number, nowMs: number): void {
    const { estimateMs } = this;
    if (estimateMs === undefined || durationMs > estimateMs) {
      this.estimateMs = durationMs;
    } else {
      // As e^(-t/DECAY) for the short gaps of a busy host, at a tenth of its price. One that is
      // hardly asked, for having been slow, must not need a minute of fast answers to be believed.
      const sinceMs = Math.max(0, nowMs - this.updatedMs);
      const staleness = sinceMs / STALE_MS;
      const keep = 1 / (1 + sinceMs / DECAY_MS + staleness * staleness);
      const fallMs = (estimateMs - durationMs) * (1 - keep);
      this.estimateMs = Math.max(durationMs, estimateMs - fallMs);
    }
    // A timeout is told as of its end, which may be before the last answer.
    this.updatedMs = Math.max(this.updatedMs, nowMs);
  }
}
