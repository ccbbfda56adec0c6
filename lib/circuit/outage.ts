/**
 * What a circuit knows from its opening on: how long it stays open, the attempt to recover that
 * follows, and how many of those have failed before.
 */
import type { CircuitSettings, CircuitState } from './contract.js';
import {
  recoveryRound,
  type RecoveryRound,
  type RoundEnd,
} from './recovery.js';
import { openingMs } from './reset-backoff.js';

/** However often the hosts of a dependency that is down are replaced, one probe a second is enough. */
const LEAST_OPENING_MS = 1_000;

export class Outage {
  /** The attempt to recover, while half-open. */
  round: RecoveryRound | undefined = undefined;
  private untilMs = 0;
  private lastOpeningMs = 0;
  private wasAsked = false;
  private closedAtMs = -Infinity;
  private failedRecoveries = 0;
  /** Chance of the next opening's jitter, once it has been drawn. */
  private drawn: number | undefined = undefined;

  constructor(private readonly random: () => number) {}

  /** Begins an opening, of its own length or of what was asked for. */
  open(settings: CircuitSettings, nowMs: number, askedMs?: number): void {
    this.lastOpeningMs =
      askedMs ?? this.lengthMs(settings, this.failedRecoveries);
    this.wasAsked = askedMs !== undefined;
    this.drawn = undefined;
    this.untilMs = nowMs + this.lastOpeningMs;
    this.round = undefined;
  }

  /** The opening is to end now, but that was asked for; it lasts a second, or its own time if shorter. */
  hasten(nowMs: number): void {
    if (this.wasAsked) return;
    const startMs = this.untilMs - this.lastOpeningMs;
    const endMs = Math.max(nowMs, startMs + LEAST_OPENING_MS);
    this.untilMs = Math.min(this.untilMs, endMs);
    this.lastOpeningMs = this.untilMs - startMs;
  }

  halfOpen({ recovery }: CircuitSettings, nowMs: number): void {
    this.round = recoveryRound(recovery, nowMs);
  }

  recovered(nowMs: number): void {
    this.closedAtMs = nowMs;
    this.round = undefined;
  }

  recoveryFailed(): void {
    this.failedRecoveries += 1;
  }

  /** Closed for as long as its last opening: the failed recoveries are forgotten. */
  stayedClosedUntil(nowMs: number): void {
    if (nowMs - this.closedAtMs >= this.lastOpeningMs)
      this.failedRecoveries = 0;
  }

  forget(): void {
    this.failedRecoveries = 0;
    this.round = undefined;
  }

  refuses(nowMs: number): boolean {
    return this.round === undefined
      ? this.isOpenAt(nowMs)
      : !this.round.hasRoom;
  }

  isOpenAt(nowMs: number): boolean {
    return nowMs < this.untilMs;
  }

  /** When it should be asked again. */
  get nextProbeMs(): number {
    const { round } = this;
    if (round === undefined) return this.untilMs;
    return round.hasRoom ? -Infinity : round.firstEndMs;
  }

  /** Ends the attempt to recover if hung leases or the time have. */
  settle(nowMs: number): RoundEnd | undefined {
    return this.round?.settle(nowMs);
  }

  /** What the next call would meet; changes nothing. */
  look(
    settings: CircuitSettings,
    nowMs: number,
  ): { state: CircuitState; retryAfterMs?: number } {
    let { untilMs } = this;
    if (this.round !== undefined) {
      const end = this.round.foresee(nowMs);
      if (end?.outcome !== 'open')
        return { state: end?.outcome ?? 'half-open' };
      untilMs = end.atMs + this.lengthMs(settings, this.failedRecoveries + 1);
    }
    return nowMs >= untilMs
      ? { state: 'half-open' }
      : { state: 'open', retryAfterMs: untilMs - nowMs };
  }

  /** Its jitter is drawn once, whoever asks first. */
  private lengthMs(
    settings: CircuitSettings,
    failedRecoveries: number,
  ): number {
    const { resetTimeoutMs, resetBackoff } = settings;
    const draw = () => (this.drawn ??= this.random());
    return openingMs(resetTimeoutMs, resetBackoff, failedRecoveries, draw);
  }
}
