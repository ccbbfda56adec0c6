/**
 * How often a dependency may be asked, whoever asks.
 */

export interface RateLimitSettings {
  readonly limit: number;
  readonly intervalMs: number;
}

/** A token bucket: bursts of `limit`, refilled evenly over `intervalMs`. Tokens are not returned. */
export class RateLimit {
  private tokens: number;
  private readMs: number | undefined;

  constructor(private settings: RateLimitSettings) {
    this.tokens = settings.limit;
  }

  get limit(): number {
    return this.settings.limit;
  }

  tryTake(nowMs: number): boolean {
    this.refill(nowMs);
    if (this.tokens < 1) return false;
    this.tokens -= 1;
    return true;
  }

  /** Milliseconds until there is a token. */
  retryAfterMs(nowMs: number): number {
    this.refill(nowMs);
    const missing = Math.max(0, 1 - this.tokens);
    return (missing * this.settings.intervalMs) / this.settings.limit;
  }

  configure(settings: RateLimitSettings): void {
    this.settings = settings;
    this.tokens = Math.min(this.tokens, settings.limit);
  }

  private refill(nowMs: number): void {
    const { limit, intervalMs } = this.settings;
    const sinceMs = nowMs - (this.readMs ?? nowMs);
    this.readMs = nowMs;
    // A hair more than full thirds add up to keeps 3 × 1/3 a whole token.
    this.tokens = Math.min(
      limit,
      this.tokens + (sinceMs * limit) / intervalMs + (sinceMs > 0 ? 1e-9 : 0),
    );
  }
}
