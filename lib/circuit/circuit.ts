/**
 * The circuit: a machine that is told the time and what happened, and says who may pass.
 *
 * It reads as the life of a request: `admit` gives a ticket, `record` takes it back with what came
 * of it, `release` without. A ticket is the generation that admitted the call or the number of a
 * lease; every transition starts a new generation, so a late result changes nothing. Nothing is
 * scheduled: what time has changed is worked out when somebody asks.
 */
import type { WindowCounts } from '../core/rolling-window.js';
import type {
  CircuitMode,
  CircuitOwner,
  CircuitSettings,
  CircuitState,
} from './contract.js';
import { ProbeRound } from './recovery.js';
import { openingMs } from './reset-backoff.js';
import { Tally } from './tally.js';

export type {
  CircuitChange,
  CircuitMode,
  CircuitOwner,
  CircuitSettings,
  CircuitState,
} from './contract.js';

/** The ticket of those who may not pass. */
export const REFUSED = -1;

export class Circuit {
  /** Where the machine is, apart from what time may have changed since. */
  private state: 'closed' | 'open' | 'half-open' = 'closed';
  private operatorMode: CircuitMode = 'auto';
  private sequence = 1;
  private generation = 1;
  private untilMs = 0;
  private closedAtMs = -Infinity;
  private lastOpeningMs = 0;
  private failedRecoveries = 0;
  /** Chance of the next opening's jitter, once it has been drawn. */
  private drawn: number | undefined;
  private round: ProbeRound | undefined;
  private trippedBy: string | undefined;
  private tally: Tally;

  constructor(
    private settings: CircuitSettings,
    private readonly owner: CircuitOwner,
    private readonly random: () => number,
  ) {
    this.tally = new Tally(settings.trip, owner);
  }

  /** Failures since the last success. */
  get consecutiveFailures(): number {
    return this.tally.consecutiveFailures;
  }

  get mode(): CircuitMode {
    return this.operatorMode;
  }

  /** Name of the rule that opened it, or would have. */
  get tripped(): string | undefined {
    return this.trippedBy;
  }

  /** A ticket of the running generation while closed: for calls that another circuit judges. */
  get closedTicket(): number {
    return this.state === 'closed' && this.operatorMode !== 'forced-open'
      ? this.generation
      : REFUSED;
  }

  get isClosed(): boolean {
    return this.state === 'closed';
  }

  /** Asks for passage; REFUSED, or a ticket that must come back by `record` or `release`. */
  admit(nowMs: number, leaseMs: number): number {
    if (this.state === 'closed')
      return this.operatorMode === 'forced-open' ? REFUSED : this.generation;
    if (this.refuses(nowMs)) return REFUSED;
    if (this.state !== 'half-open') {
      // Whoever hears of it may act on this circuit: it is asked again.
      if (this.state === 'open') this.halfOpen(nowMs);
      return this.admit(nowMs, leaseMs);
    }
    this.sequence += 1;
    this.round!.lend(this.sequence, nowMs + leaseMs);
    return this.sequence;
  }

  /** Whether `admit` would refuse now. */
  refuses(nowMs: number): boolean {
    if (this.state !== 'closed') this.settleLeases(nowMs);
    if (this.state === 'closed') return this.operatorMode === 'forced-open';
    return this.state === 'open' ? nowMs < this.untilMs : !this.round!.hasRoom;
  }

  /** Whether a call at `atMs`, later than now, is sure to be refused as things stand. */
  willRefuseAt(atMs: number): boolean {
    if (this.operatorMode === 'forced-open') return true;
    return this.state === 'open' && atMs < this.untilMs;
  }

  /** When it should be asked again: the next probe's moment, Infinity while closed. */
  get nextProbeMs(): number {
    if (this.operatorMode === 'forced-open' || this.state === 'closed')
      return Infinity;
    if (this.state === 'open') return this.untilMs;
    return this.round!.hasRoom ? -Infinity : this.round!.firstEndMs;
  }

  /** The work of a probe starts only now: its lease counts from here. */
  renewLease(ticket: number, endMs: number): void {
    this.round?.renew(ticket, endMs);
  }

  /** Whether `ticket` is a probe's. */
  isLease(ticket: number): boolean {
    return this.round?.has(ticket) === true;
  }

  record(
    ticket: number,
    isFailure: boolean,
    isSlow: boolean,
    nowMs: number,
  ): void {
    if (this.state === 'closed') {
      if (this.enter(ticket, isFailure, isSlow, nowMs)) this.conclude(nowMs);
    } else if (this.state === 'half-open') {
      this.settleLeases(nowMs);
      this.round?.judge(ticket, isFailure);
      this.decide(nowMs);
    }
  }

  /** Counts a call without judging; false if its ticket is of an older generation. */
  enter(
    ticket: number,
    isFailure: boolean,
    isSlow: boolean,
    nowMs: number,
  ): boolean {
    if (ticket !== this.generation || this.state !== 'closed') return false;
    if (this.operatorMode === 'disabled') return false;
    this.tally.record(isFailure, isSlow, nowMs);
    return true;
  }

  /** Judges what has been counted; a window without a failure or slow call has nothing to judge. */
  conclude(nowMs: number): void {
    if (!this.tally.isClean || this.trippedBy !== undefined) this.judge(nowMs);
  }

  /** The ticket comes back and proves nothing, unless it is a lease that had hung by `nowMs`. */
  release(ticket: number, nowMs = -Infinity): void {
    this.settleLeases(nowMs);
    this.round?.giveBack(ticket);
  }

  /** A rule that holds and could not open the circuit for want of room may do so now. */
  rejudge(nowMs: number): void {
    if (this.state === 'closed' && this.trippedBy !== undefined)
      this.judge(nowMs);
  }

  control(mode: CircuitMode, nowMs: number): void {
    if (mode === this.operatorMode) return;
    const wasOpen =
      this.state !== 'closed' || this.operatorMode === 'forced-open';
    this.operatorMode = mode;
    this.failedRecoveries = 0;
    this.reset();
    if (mode === 'forced-open') this.owner.changed('opened', nowMs);
    else if (wasOpen) this.owner.changed('closed', nowMs);
  }

  /** Circuits stay as they are; new rules start with empty windows. */
  configure(settings: CircuitSettings): void {
    const isSameTrip = settings.trip === this.settings.trip;
    this.settings = settings;
    if (!isSameTrip) this.tally = new Tally(settings.trip, this.owner);
  }

  /** Takes the counts of `part`, which were recorded here too, out of these. */
  subtract(part: Circuit, nowMs: number): void {
    this.tally.subtract(part.tally, nowMs);
  }

  /** Forgets all counts. */
  empty(): void {
    this.tally.clear();
    this.trippedBy = undefined;
  }

  /** Forgets all counts and every call under way, and stays closed if it is. */
  startAfresh(): void {
    if (this.state !== 'closed') return;
    this.empty();
    this.generation = ++this.sequence;
  }

  /** Counts of the longest windowed rule. */
  counts(nowMs: number): WindowCounts {
    return this.tally.read(nowMs);
  }

  /** What the next call would meet, and when the next probe may go; changes nothing. */
  look(nowMs: number): { state: CircuitState; retryAfterMs?: number } {
    if (this.operatorMode !== 'auto') return { state: this.operatorMode };
    if (this.state === 'closed') return { state: 'closed' };
    let untilMs = this.untilMs;
    if (this.state === 'half-open') {
      const { lostByMs } = this.round!;
      if (lostByMs > nowMs) return { state: 'half-open' };
      untilMs = lostByMs + this.lengthAfter(this.failedRecoveries + 1);
    }
    return nowMs >= untilMs
      ? { state: 'half-open' }
      : { state: 'open', retryAfterMs: untilMs - nowMs };
  }

  private judge(nowMs: number): void {
    const { tally, owner } = this;
    const inARow =
      tally.consecutiveFailures === 0
        ? 0
        : (owner.consecutiveFailures?.() ?? tally.consecutiveFailures);
    const rule = tally.tripping(nowMs, inARow);
    const was = this.trippedBy;
    this.trippedBy = rule?.name;
    if (rule === undefined) return;
    if (this.operatorMode === 'metrics-only') {
      if (was === undefined) owner.changed('would-open', nowMs);
    } else if (owner.mayOpen()) this.open(nowMs);
  }

  /** Leases that hung past their end are failed probes as of that instant. */
  private settleLeases(nowMs: number): void {
    while (this.state === 'half-open') {
      const endedMs = this.round!.expire(nowMs);
      if (endedMs === undefined) return;
      this.decide(endedMs);
    }
  }

  private decide(nowMs: number): void {
    const outcome = this.round?.outcome;
    if (outcome === 'closed') {
      this.closedAtMs = nowMs;
      this.reset();
      this.owner.changed('closed', nowMs);
    } else if (outcome === 'open') {
      this.failedRecoveries += 1;
      this.startOpening(nowMs);
    }
  }

  private open(nowMs: number): void {
    if (nowMs - this.closedAtMs >= this.lastOpeningMs)
      this.failedRecoveries = 0;
    this.startOpening(nowMs);
  }

  private startOpening(nowMs: number): void {
    this.lastOpeningMs = this.lengthAfter(this.failedRecoveries);
    this.drawn = undefined;
    this.untilMs = nowMs + this.lastOpeningMs;
    this.state = 'open';
    this.generation = ++this.sequence;
    this.round = undefined;
    this.owner.changed('opened', nowMs);
  }

  /** Length of the next opening; its jitter is drawn once, whoever asks first. */
  private lengthAfter(failedRecoveries: number): number {
    const { resetTimeoutMs, resetBackoff } = this.settings;
    const draw = () => (this.drawn ??= this.random());
    return openingMs(resetTimeoutMs, resetBackoff, failedRecoveries, draw);
  }

  private halfOpen(nowMs: number): void {
    this.state = 'half-open';
    this.generation = ++this.sequence;
    this.round = new ProbeRound(this.settings.recovery);
    this.owner.changed('half-opened', nowMs);
  }

  private reset(): void {
    this.state = 'closed';
    this.generation = ++this.sequence;
    this.round = undefined;
    this.empty();
  }
}
