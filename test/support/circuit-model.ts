/**
 * The circuit as DESIGN §4 and §13 tell it, written the slow and plain way: every verdict is kept in
 * a list with its time, counts are worked out anew by filtering bucket numbers, hung leases are
 * looked for at every step. It shares no code with the circuit it is compared to.
 */

export type ModelMode = 'auto' | 'forced-open' | 'metrics-only' | 'disabled';
export type Outcome = 'success' | 'failure' | 'slow';

/** A rule in words of the model: what must be so among the verdicts it is shown. */
export interface ModelRule {
  readonly name: string;
  /** Undefined = the circuit's longest window. */
  readonly windowMs?: number;
  holds(seen: {
    readonly calls: number;
    readonly failures: number;
    readonly inARow: number;
  }): boolean;
}

export interface ModelSettings {
  readonly rules: readonly ModelRule[];
  readonly calls: number;
  readonly successes: number;
  readonly resetTimeoutMs: number;
  readonly factor: number;
  readonly maxMs: number;
  readonly jitter: number;
}

export interface Entry {
  readonly atMs: number;
  readonly outcome: Outcome;
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

const BUCKETS = 10;

/** Verdicts of `entries` whose bucket is one of the last ten. */
export function inWindow(
  entries: readonly Entry[],
  windowMs: number,
  nowMs: number,
): Entry[] {
  const numberOf = (atMs: number): number =>
    Math.floor(atMs / (windowMs / BUCKETS));
  return entries.filter(
    ({ atMs }) => numberOf(nowMs) - numberOf(atMs) < BUCKETS,
  );
}

export function isFailed({ outcome }: Entry): boolean {
  return outcome !== 'success';
}

export function countsOf(entries: readonly Entry[]) {
  const calls = entries.length;
  const failures = entries.filter(isFailed).length;
  const slow = entries.filter(({ outcome }) => outcome === 'slow').length;
  return {
    calls,
    failures,
    slow,
    failureRatio: calls === 0 ? 0 : failures / calls,
  };
}

export function inARow(entries: readonly Entry[]): number {
  const lastSuccess = entries.findLastIndex((entry) => !isFailed(entry));
  return entries.length - 1 - lastSuccess;
}

export class CircuitModel {
  mode: ModelMode = 'auto';
  state: 'closed' | 'open' | 'half-open' = 'closed';
  tripped: string | undefined;
  untilMs = NaN;
  /** Everything that happened, hung leases at the instant they ended. */
  readonly events: ModelEvent[] = [];
  /** Verdicts since the counts were last emptied. */
  entries: Entry[] = [];
  private era = 0;
  private round = 0;
  private leases: ModelLease[] = [];
  private failedRecoveries = 0;
  private lastOpeningMs = 0;
  private closedAtMs = -Infinity;

  constructor(
    private readonly settings: ModelSettings,
    private readonly random: () => number,
    private readonly mayOpen: () => boolean,
    private readonly tell: (event: ModelEvent) => void = () => {},
    /** What the rules are shown where it is not this circuit's own list. */
    private readonly shown?: {
      entries(): readonly Entry[];
      inARow(): number;
    },
  ) {}

  get longestMs(): number {
    const spans = this.settings.rules.flatMap(({ windowMs }) => windowMs ?? []);
    return spans.length === 0 ? 10_000 : Math.max(...spans);
  }

  get isInService(): boolean {
    return this.state === 'closed' && this.mode !== 'forced-open';
  }

  /** Takes note of every lease that hung past its end by `nowMs`. */
  settle(nowMs: number): void {
    while (this.state === 'half-open') {
      const [hung] = this.running()
        .filter(({ endMs }) => endMs <= nowMs)
        .sort((a, b) => a.endMs - b.endMs);
      if (hung === undefined) return;
      hung.fate = 'lost';
      this.decide(hung.endMs);
    }
  }

  wouldRefuse(nowMs: number): boolean {
    this.settle(nowMs);
    if (this.mode === 'forced-open') return true;
    if (this.state === 'open') return nowMs < this.untilMs;
    return this.state === 'half-open' && !this.hasRoom();
  }

  admit(nowMs: number, leaseMs: number): ModelTicket | undefined {
    if (this.wouldRefuse(nowMs)) return undefined;
    if (this.state === 'closed') return { kind: 'closed', era: this.era };
    if (this.state === 'open') {
      this.state = 'half-open';
      this.round += 1;
      this.leases = [];
      this.happened('half-opened', nowMs);
    }
    const lease: ModelLease = {
      round: this.round,
      endMs: nowMs + leaseMs,
      fate: 'running',
    };
    this.leases.push(lease);
    return { kind: 'lease', lease };
  }

  /** A call that another circuit judges enters while this one lets calls through. */
  borrow(): ModelTicket | undefined {
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

  record(ticket: ModelTicket, outcome: Outcome, nowMs: number): void {
    if (!this.isCurrent(ticket, nowMs)) return;
    if (ticket.kind === 'lease') {
      ticket.lease.fate = outcome === 'success' ? 'won' : 'lost';
      this.decide(nowMs);
    } else if (this.mode !== 'disabled') {
      this.entries.push({ atMs: nowMs, outcome });
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
    if (this.state === 'closed' && this.tripped !== undefined)
      this.judge(nowMs);
  }

  control(mode: ModelMode, nowMs: number): void {
    this.settle(nowMs);
    if (mode === this.mode) return;
    const wasIn = this.isInService;
    this.mode = mode;
    this.failedRecoveries = 0;
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

  counts(nowMs: number) {
    return countsOf(inWindow(this.entries, this.longestMs, nowMs));
  }

  judge(nowMs: number): void {
    const entries = this.shown?.entries() ?? this.entries;
    const rule = this.settings.rules.find((each) =>
      each.holds({
        ...countsOf(inWindow(entries, each.windowMs ?? this.longestMs, nowMs)),
        inARow: this.shown?.inARow() ?? inARow(entries),
      }),
    );
    const before = this.tripped;
    this.tripped = rule?.name;
    if (rule === undefined) return;
    if (this.mode === 'metrics-only') {
      if (before === undefined) this.happened('would-open', nowMs);
    } else if (this.mayOpen()) {
      if (nowMs - this.closedAtMs >= this.lastOpeningMs)
        this.failedRecoveries = 0;
      this.becomeOpen(nowMs);
    }
  }

  private running(): ModelLease[] {
    return this.leases.filter(({ fate }) => fate === 'running');
  }

  private hasRoom(): boolean {
    const taken = this.leases.filter(({ fate }) => fate !== 'given back');
    return taken.length < this.settings.calls;
  }

  private decide(nowMs: number): void {
    const { calls, successes } = this.settings;
    const won = this.leases.filter(({ fate }) => fate === 'won').length;
    const lost = this.leases.filter(({ fate }) => fate === 'lost').length;
    if (won >= successes) {
      this.closedAtMs = nowMs;
      this.becomeClosed();
      this.happened('closed', nowMs);
    } else if (lost > calls - successes) {
      this.failedRecoveries += 1;
      this.becomeOpen(nowMs);
    }
  }

  private becomeOpen(nowMs: number): void {
    const { resetTimeoutMs, factor, maxMs, jitter } = this.settings;
    let lengthMs = resetTimeoutMs;
    for (let k = 0; k < this.failedRecoveries; k++) lengthMs *= factor;
    lengthMs = Math.min(lengthMs, Math.max(maxMs, resetTimeoutMs));
    if (jitter > 0) lengthMs *= 1 + jitter * this.random();
    this.lastOpeningMs = lengthMs;
    this.untilMs = nowMs + lengthMs;
    this.state = 'open';
    this.era += 1;
    this.happened('opened', nowMs);
  }

  private becomeClosed(): void {
    this.state = 'closed';
    this.era += 1;
    this.entries = [];
    this.tripped = undefined;
  }

  private happened(change: ModelEvent['change'], atMs: number): void {
    const event = { change, atMs };
    this.events.push(event);
    this.tell(event);
  }
}

/** The circuit's rules in words of the model. */
export const modelRules = {
  failureRatio: (
    ratio: number,
    minimumCalls: number,
    windowMs: number,
  ): ModelRule => ({
    name: 'failureRatio',
    windowMs,
    holds: ({ calls, failures }) =>
      calls >= minimumCalls && failures / calls >= ratio,
  }),
  consecutiveFailures: (count: number): ModelRule => ({
    name: 'consecutiveFailures',
    holds: (seen) => seen.inARow >= count,
  }),
  errorCount: (maxFail: number, windowMs: number): ModelRule => ({
    name: 'errorCount',
    windowMs,
    holds: ({ failures }) => failures >= maxFail + 1,
  }),
  firstFailure: (): ModelRule => ({
    name: 'firstFailure',
    holds: (seen) => seen.inARow > 0,
  }),
  atLowVolume: (): ModelRule => ({
    name: 'consecutiveFailures',
    windowMs: 10_000,
    holds: (seen) => seen.calls < 10 && seen.inARow >= 5,
  }),
};

/** What DESIGN says holds without `circuit.trip`. */
export const defaultModelRules: readonly ModelRule[] = [
  modelRules.failureRatio(0.5, 10, 10_000),
  modelRules.consecutiveFailures(20),
  modelRules.atLowVolume(),
];
