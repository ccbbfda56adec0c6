/**
 * The circuit as DESIGN §4 and §13 tell it, written the slow and plain way: lists of everything that
 * happened, filtered anew for each question. It shares no code with the circuit it is compared to.
 */
import {
  countsFor,
  countsOf,
  inARow,
  inWindow,
  longestMsOf,
  type Entry,
  type ModelCounts,
  type ModelRule,
} from './model-rules.js';

export type ModelMode = 'auto' | 'forced-open' | 'metrics-only' | 'disabled';

/** What came of a call; `askedMs` is for how long it asks to be left in peace. */
export interface Answer {
  readonly isFailure: boolean;
  readonly isLate: boolean;
  readonly tookMs: number;
  readonly askedMs: number;
}

export type ModelRecovery =
  | {
      readonly kind: 'probes';
      readonly calls: number;
      readonly successes: number;
    }
  | {
      readonly kind: 'ramp';
      readonly recoveryMs: number;
      readonly graceMs: number;
      readonly ratio: number;
      readonly minimumCalls: number;
    };

export interface ModelSettings {
  readonly rules: readonly ModelRule[];
  readonly recovery: ModelRecovery;
  readonly resetTimeoutMs: number;
  readonly factor: number;
  readonly maxMs: number;
  readonly jitter: number;
}

interface ModelLease {
  readonly round: number;
  endMs: number;
  fate: 'running' | 'won' | 'lost' | 'given back';
}

/** What a model call holds while it runs. */
export type ModelTicket =
  | { readonly kind: 'closed'; readonly era: number }
  | { readonly kind: 'lease'; readonly lease: ModelLease };

export interface ModelEvent {
  readonly change: 'opened' | 'half-opened' | 'closed' | 'would-open';
  readonly atMs: number;
}

export interface ModelLook {
  readonly state: 'closed' | 'open' | 'half-open' | Exclude<ModelMode, 'auto'>;
  readonly retryAfterMs?: number;
}

/** What a circuit is told of those around it; nothing = it stands for itself. */
export interface Surroundings {
  mayOpen?(reason: Reason): boolean;
  tell?(event: ModelEvent): void;
  /** What rules over spans are shown where it is not this circuit's own list. */
  entries?(): readonly Entry[];
  inARow?(): number;
  /** Whether a rule over the last calls holds for everybody. */
  holdsEverywhere?(rule: ModelRule, nowMs: number): boolean;
  peers?(rule: ModelRule, nowMs: number): ModelCounts | undefined;
}

/** Why it opened, or would have. */
export type Reason = Pick<ModelRule, 'name' | 'slowMs'>;

export const ASKED: Reason = { name: 'retryAfter' };

export class CircuitModel {
  mode: ModelMode = 'auto';
  state: 'closed' | 'open' | 'half-open' = 'closed';
  untilMs = NaN;
  /** Everything that happened, hung leases and ramps at the instant they ended. */
  readonly events: ModelEvent[] = [];
  /** Answers since the counts were last emptied. */
  entries: Entry[] = [];
  private reason: Reason | undefined;
  /** Until when answers since then asked to be left in peace. */
  private asks: number[] = [];
  private era = 0;
  private round = 0;
  private roundStartMs = NaN;
  private leases: ModelLease[] = [];
  private failedRecoveries = 0;
  private lastOpeningMs = 0;
  private closedAtMs = -Infinity;
  private graceUntilMs = -Infinity;

  constructor(
    private readonly settings: ModelSettings,
    private readonly random: () => number,
    private readonly around: Surroundings = {},
  ) {}

  get longestMs(): number {
    return longestMsOf(this.settings.rules);
  }

  /** Name of the rule that opened it, or would have. */
  get tripped(): string | undefined {
    return this.reason?.name;
  }

  get isInService(): boolean {
    return this.state === 'closed' && this.mode !== 'forced-open';
  }

  /** Lets everything happen that time alone has brought by `nowMs`, in its order. */
  settle(nowMs: number): void {
    while (this.state === 'half-open') {
      const [hung] = this.leasesThat('running').toSorted(
        (a, b) => a.endMs - b.endMs,
      );
      const hangsMs = hung?.endMs ?? Infinity;
      const overMs = this.isAnythingSeen ? this.rampEndMs : Infinity;
      if (Math.min(hangsMs, overMs) > nowMs) return;
      if (overMs > hangsMs) hung!.fate = 'lost';
      this.decide(Math.min(hangsMs, overMs));
    }
  }

  wouldRefuse(nowMs: number): boolean {
    this.settle(nowMs);
    if (this.mode === 'forced-open') return true;
    if (this.state === 'open') return nowMs < this.untilMs;
    return this.state === 'half-open' && !this.hasRoom();
  }

  /** Whether one of `1 / share` calls that is not refused is let in: chance decides in a ramp. */
  isLetIn(nowMs: number, share = 1): boolean {
    if (this.wouldRefuse(nowMs)) return false;
    const { recovery } = this.settings;
    if (this.state === 'closed' || recovery.kind === 'probes') return true;
    this.beginRecovery(nowMs);
    const t = nowMs - this.roundStartMs;
    const part = Math.min(1, 2 ** (t / recovery.recoveryMs) - 1) * share;
    if (part === 0 || part === 1) return part === 1;
    return this.random() < part;
  }

  /** Of a call that is let in. */
  admit(nowMs: number, leaseMs: number): ModelTicket {
    if (this.state === 'closed') return { kind: 'closed', era: this.era };
    this.beginRecovery(nowMs);
    const lease: ModelLease = {
      round: this.round,
      endMs: nowMs + leaseMs,
      fate: 'running',
    };
    this.leases.push(lease);
    return { kind: 'lease', lease };
  }

  ask(nowMs: number, leaseMs: number): ModelTicket | undefined {
    return this.isLetIn(nowMs) ? this.admit(nowMs, leaseMs) : undefined;
  }

  /** A call that another circuit judges enters while this one lets calls through. */
  borrow(nowMs: number): ModelTicket | undefined {
    this.settle(nowMs);
    return this.isInService ? { kind: 'closed', era: this.era } : undefined;
  }

  isCurrent(ticket: ModelTicket, nowMs: number): boolean {
    this.settle(nowMs);
    return ticket.kind === 'closed'
      ? this.state === 'closed' && ticket.era === this.era
      : this.state === 'half-open' &&
          ticket.lease.round === this.round &&
          ticket.lease.fate === 'running';
  }

  record(ticket: ModelTicket, answer: Answer, nowMs: number): void {
    if (!this.isCurrent(ticket, nowMs)) return;
    const { isFailure, isLate, tookMs, askedMs } = answer;
    if (ticket.kind === 'lease') {
      // What opened for slowness is not healed by a slow answer.
      const { slowMs = Infinity } = this.reason ?? {};
      const isLost = isFailure || tookMs > slowMs;
      ticket.lease.fate = isLost ? 'lost' : 'won';
      if (askedMs > 0) {
        if (isLost) this.failedRecoveries += 1;
        this.reason = ASKED;
        this.becomeOpen(nowMs, askedMs);
      } else this.decide(nowMs);
    } else if (this.mode !== 'disabled') {
      this.entries.push({ atMs: nowMs, isFailure, isLate, tookMs });
      if (askedMs > 0) this.asks.push(nowMs + askedMs);
      this.judge(nowMs);
    }
  }

  release(ticket: ModelTicket, nowMs: number): void {
    if (ticket.kind === 'lease' && this.isCurrent(ticket, nowMs))
      ticket.lease.fate = 'given back';
  }

  /** The work starts only now. */
  renew(ticket: ModelTicket, endMs: number, nowMs: number): void {
    if (ticket.kind === 'lease' && this.isCurrent(ticket, nowMs))
      ticket.lease.endMs = endMs;
  }

  rejudge(nowMs: number): void {
    if (this.state === 'closed' && this.reason !== undefined) this.judge(nowMs);
  }

  control(mode: ModelMode, nowMs: number): void {
    this.settle(nowMs);
    if (mode === this.mode) return;
    const wasIn = this.isInService;
    this.mode = mode;
    this.failedRecoveries = 0;
    this.graceUntilMs = -Infinity;
    this.becomeClosed();
    if (mode === 'forced-open') this.happened('opened', nowMs);
    else if (!wasIn) this.happened('closed', nowMs);
  }

  startAfresh(): void {
    if (this.state === 'closed') this.becomeClosed();
  }

  look(nowMs: number): ModelLook {
    this.settle(nowMs);
    if (this.mode !== 'auto') return { state: this.mode };
    if (this.state !== 'open') return { state: this.state };
    return nowMs >= this.untilMs
      ? { state: 'half-open' }
      : { state: 'open', retryAfterMs: this.untilMs - nowMs };
  }

  counts(nowMs: number): ModelCounts {
    return countsOf(inWindow(this.entries, this.longestMs, nowMs));
  }

  holds(rule: ModelRule, nowMs: number): boolean {
    const { around, entries, longestMs } = this;
    const isOfCalls = rule.windowCalls !== undefined;
    if (isOfCalls && around.holdsEverywhere !== undefined)
      return around.holdsEverywhere(rule, nowMs);
    const shown = around.entries?.() ?? entries;
    const counts = countsFor(rule, shown, longestMs, nowMs);
    const inRow = around.inARow?.() ?? inARow(shown);
    const peers = around.peers?.(rule, nowMs);
    return rule.holds({ ...counts, inARow: inRow }, peers);
  }

  judge(nowMs: number): void {
    const askedUntilMs = Math.max(...this.asks.filter((ms) => ms > nowMs));
    const isAsked = askedUntilMs > nowMs;
    const before = this.reason;
    this.reason = isAsked
      ? ASKED
      : this.settings.rules.find((rule) => this.holds(rule, nowMs));
    if (this.reason === undefined) return;
    if (this.mode === 'metrics-only') {
      if (before === undefined) this.happened('would-open', nowMs);
    } else if (nowMs >= this.graceUntilMs && this.mayOpen(this.reason)) {
      if (nowMs - this.closedAtMs >= this.lastOpeningMs)
        this.failedRecoveries = 0;
      this.becomeOpen(nowMs, isAsked ? askedUntilMs - nowMs : undefined);
    }
  }

  private mayOpen(reason: Reason): boolean {
    return this.around.mayOpen?.(reason) ?? true;
  }

  private leasesThat(...fates: readonly ModelLease['fate'][]): ModelLease[] {
    return this.leases.filter(({ fate }) => fates.includes(fate));
  }

  private hasRoom(): boolean {
    const { recovery } = this.settings;
    const taken = this.leasesThat('running', 'won', 'lost').length;
    return recovery.kind === 'ramp' || taken < recovery.calls;
  }

  private get isAnythingSeen(): boolean {
    return this.leasesThat('won', 'lost').length > 0;
  }

  private get rampEndMs(): number {
    const { recovery } = this.settings;
    return recovery.kind === 'ramp'
      ? this.roundStartMs + recovery.recoveryMs
      : Infinity;
  }

  private decide(nowMs: number): void {
    const { recovery } = this.settings;
    const won = this.leasesThat('won').length;
    const lost = this.leasesThat('lost').length;
    if (recovery.kind === 'probes') {
      const { calls, successes } = recovery;
      if (won >= successes) this.recover(nowMs, 0);
      else if (lost > calls - successes) this.failToRecover(nowMs);
      return;
    }
    const isOver = nowMs >= this.rampEndMs;
    if (!isOver && won + lost < recovery.minimumCalls) return;
    if (lost / (won + lost) >= recovery.ratio) this.failToRecover(nowMs);
    else if (isOver) this.recover(nowMs, recovery.graceMs);
  }

  private failToRecover(nowMs: number): void {
    this.failedRecoveries += 1;
    this.becomeOpen(nowMs);
  }

  private recover(nowMs: number, graceMs: number): void {
    this.closedAtMs = nowMs;
    this.graceUntilMs = nowMs + graceMs;
    this.becomeClosed();
    this.happened('closed', nowMs);
  }

  /** The first who asks after the opening begins it. */
  private beginRecovery(nowMs: number): void {
    if (this.state === 'half-open') return;
    this.state = 'half-open';
    this.round += 1;
    this.roundStartMs = nowMs;
    this.leases = [];
    this.happened('half-opened', nowMs);
  }

  private becomeOpen(nowMs: number, askedMs?: number): void {
    this.lastOpeningMs = askedMs ?? this.openingMs();
    this.untilMs = nowMs + this.lastOpeningMs;
    this.state = 'open';
    this.era += 1;
    this.happened('opened', nowMs);
  }

  private openingMs(): number {
    const { resetTimeoutMs, factor, maxMs, jitter } = this.settings;
    let lengthMs = resetTimeoutMs;
    for (let k = 0; k < this.failedRecoveries; k++) lengthMs *= factor;
    lengthMs = Math.min(lengthMs, Math.max(maxMs, resetTimeoutMs));
    return jitter > 0 ? lengthMs * (1 + jitter * this.random()) : lengthMs;
  }

  private becomeClosed(): void {
    this.state = 'closed';
    this.era += 1;
    this.entries = [];
    this.asks = [];
    this.reason = undefined;
  }

  private happened(change: ModelEvent['change'], atMs: number): void {
    const event = { change, atMs };
    this.events.push(event);
    this.around.tell?.(event);
  }
}
