/**
 * The circuit: a machine that is told the time and what happened, and says who may pass.
 *
 * It reads as the life of a request: `admit` gives a ticket, `record` takes it back with what came
 * of it, `release` without. A ticket is the generation that admitted the call or the number of a
 * lease; every transition starts a new generation, so a late result changes nothing. Nothing is
 * scheduled: what time has changed is worked out when somebody asks.
 */
import type {
  CircuitMode,
  CircuitOwner,
  CircuitSettings,
  CircuitState,
} from './contract.js';
import { newTicket } from './leases.js';
import { Outage } from './outage.js';
import type { RoundEnd } from './recovery.js';
import { ASKED, Tally, type Reason } from './tally.js';

export type * from './contract.js';

/** The ticket of those who may not pass. */
export const REFUSED = -1;

export class Circuit {
  /** Where the machine is, apart from what time may have changed since. */
  private state: 'closed' | 'open' | 'half-open' = 'closed';
  private operatorMode: CircuitMode = 'auto';
  private generation = newTicket();
  /** It cannot open before this, since a ramp has just closed it. */
  private graceUntilMs = -Infinity;
  /** Made when it first opens: most never do. */
  private outage: Outage | undefined;
  private trippedBy: Reason | undefined;
  private counted: Tally;

  constructor(
    private settings: CircuitSettings,
    private readonly owner: CircuitOwner,
    private readonly random: () => number,
  ) {
    this.counted = new Tally(settings.trip, owner);
  }

  /** What it has counted while closed. */
  get tally(): Tally {
    return this.counted;
  }

  get mode(): CircuitMode {
    return this.operatorMode;
  }

  /** Name of the rule that opened it, or would have. */
  get tripped(): string | undefined {
    return this.trippedBy?.name;
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
    const ticket = newTicket();
    this.outage!.round!.lend(ticket, nowMs + leaseMs);
    return ticket;
  }

  /** Whether `admit` would refuse now. */
  refuses(nowMs: number): boolean {
    if (this.state !== 'closed') this.settle(nowMs);
    return this.state === 'closed'
      ? this.operatorMode === 'forced-open'
      : this.outage!.refuses(nowMs);
  }

  /**
   * Whether chance lets one of `1 / share` calls through that `refuses` does not: asked once per
   * call, before `admit`. Only a ramp leaves it to chance.
   */
  isDrawn(nowMs: number, share = 1): boolean {
    if (this.refuses(nowMs)) return false;
    if (this.state === 'open' && this.settings.recovery.kind === 'ramp')
      this.halfOpen(nowMs);
    return this.outage?.round?.isDrawn(nowMs, share, this.random) ?? true;
  }

  /** Whether a call at `atMs`, later than now, is sure to be refused as things stand. */
  willRefuseAt(atMs: number): boolean {
    if (this.operatorMode === 'forced-open') return true;
    return this.state === 'open' && this.outage!.isOpenAt(atMs);
  }

  /** When it should be asked again: the next probe's moment, Infinity while closed. */
  get nextProbeMs(): number {
    return this.state === 'closed' ? Infinity : this.outage!.nextProbeMs;
  }

  /** The work of a probe starts only now: its lease counts from here. */
  renewLease(ticket: number, endMs: number): void {
    this.outage?.round?.renew(ticket, endMs);
  }

  /** Whether `ticket` is a probe's. */
  isLease(ticket: number): boolean {
    return this.outage?.round?.has(ticket) === true;
  }

  /** `askedMs` is for how long a throttled answer asks to be left in peace. */
  record(
    ticket: number,
    isFailure: boolean,
    isSlow: boolean,
    nowMs: number,
    tookMs = 0,
    askedMs = 0,
  ): void {
    if (this.state === 'closed') {
      if (!this.enter(ticket, isFailure, isSlow, nowMs, tookMs)) return;
      if (askedMs > 0) this.counted.ask(nowMs + askedMs);
      this.conclude(nowMs);
    } else if (this.state === 'half-open') {
      this.settle(nowMs);
      // What opened for slowness is not healed by a slow answer.
      const isTooSlow = tookMs > (this.trippedBy?.slowMs ?? Infinity);
      this.endLease(ticket, isFailure || isTooSlow, nowMs, askedMs);
    }
  }

  /** Counts a call without judging; false if its ticket is of an older generation. */
  enter(
    ticket: number,
    isFailure: boolean,
    isSlow: boolean,
    nowMs: number,
    tookMs = 0,
  ): boolean {
    if (ticket !== this.generation || this.state !== 'closed') return false;
    if (this.operatorMode === 'disabled') return false;
    this.counted.record(isFailure, isSlow, nowMs, tookMs);
    return true;
  }

  /** Judges what has been counted; a window without a failure or slow call has nothing to judge. */
  conclude(nowMs: number): void {
    if (!this.counted.isClean || this.trippedBy !== undefined)
      this.judge(nowMs);
  }

  /** The ticket comes back and proves nothing, unless it is a lease that had hung by `nowMs`. */
  release(ticket: number, nowMs = -Infinity): void {
    this.settle(nowMs);
    this.outage?.round?.giveBack(ticket);
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
    this.outage?.forget();
    this.graceUntilMs = -Infinity;
    this.reset();
    if (mode === 'forced-open') this.owner.changed('opened', nowMs);
    else if (wasOpen) this.owner.changed('closed', nowMs);
  }

  /** Circuits stay as they are; new rules start with empty windows. */
  configure(settings: CircuitSettings): void {
    const isSameTrip = settings.trip === this.settings.trip;
    this.settings = settings;
    if (!isSameTrip) this.counted = new Tally(settings.trip, this.owner);
  }

  /** Takes the counts of `part`, which were recorded here too, out of these. */
  subtract(part: Circuit, nowMs: number): void {
    this.counted.subtract(part.tally, nowMs);
  }

  /** Forgets all counts. */
  empty(): void {
    this.counted.clear();
    this.trippedBy = undefined;
  }

  /** Forgets all counts and every call under way, and stays closed if it is. */
  startAfresh(): void {
    if (this.state !== 'closed') return;
    this.empty();
    this.generation = newTicket();
  }

  /** What it opened for is there no more: its probe need not wait as long. */
  hasten(nowMs: number): void {
    if (this.state === 'open') this.outage!.hasten(nowMs);
  }

  /** What the next call would meet, and when the next probe may go; changes nothing. */
  look(nowMs: number): { state: CircuitState; retryAfterMs?: number } {
    if (this.operatorMode !== 'auto') return { state: this.operatorMode };
    if (this.state === 'closed') return { state: 'closed' };
    return this.outage!.look(this.settings, nowMs);
  }

  private judge(nowMs: number): void {
    const { counted, owner, generation, trippedBy: was } = this;
    const reason = counted.reason(nowMs);
    // A rule of the user's own may call, and so have this opened already.
    if (generation !== this.generation) return;
    this.trippedBy = reason;
    if (reason === undefined) return;
    if (this.operatorMode === 'metrics-only') {
      if (was === undefined) owner.changed('would-open', nowMs);
    } else if (nowMs >= this.graceUntilMs && owner.mayOpen(reason)) {
      this.outage?.stayedClosedUntil(nowMs);
      this.open(nowMs, counted.askedMs(nowMs));
    }
  }

  /** Leases that hung past their end, and a ramp that is over, took effect as of that instant. */
  private settle(nowMs: number): void {
    if (this.state !== 'half-open') return;
    const end = this.outage!.settle(nowMs);
    if (end !== undefined) this.decide(end);
  }

  /** A probe is back; one that was told to wait opens the circuit for as long. */
  private endLease(
    ticket: number,
    isFailure: boolean,
    nowMs: number,
    askedMs: number,
  ): void {
    const { outage } = this;
    if (askedMs <= 0) {
      const outcome = outage!.round?.judge(ticket, isFailure, nowMs);
      if (outcome !== undefined) this.decide({ outcome, atMs: nowMs });
    } else if (outage!.round?.giveBack(ticket) === true) {
      if (isFailure) outage!.recoveryFailed();
      this.trippedBy = ASKED;
      this.open(nowMs, askedMs);
    }
  }

  private decide({ outcome, atMs }: RoundEnd): void {
    const outage = this.outage!;
    if (outcome === 'open') {
      outage.recoveryFailed();
      this.open(atMs);
    } else {
      this.graceUntilMs = atMs + outage.round!.graceMs;
      outage.recovered(atMs);
      this.reset();
      this.owner.changed('closed', atMs);
    }
  }

  private open(nowMs: number, askedMs?: number): void {
    this.outage ??= new Outage(this.random);
    this.outage.open(this.settings, nowMs, askedMs);
    this.state = 'open';
    this.generation = newTicket();
    this.owner.changed('opened', nowMs);
  }

  private halfOpen(nowMs: number): void {
    this.outage!.halfOpen(this.settings, nowMs);
    this.state = 'half-open';
    this.generation = newTicket();
    this.owner.changed('half-opened', nowMs);
  }

  private reset(): void {
    this.state = 'closed';
    this.generation = newTicket();
    this.empty();
  }
}
