/**
 * Hosts below, a dependency above, in the plain words of DESIGN §4: each host is a `CircuitModel`,
 * and what the dependency counts is worked out anew from the lists of the hosts in service.
 */
import {
  CircuitModel,
  countsOf,
  inARow,
  inWindow,
  type Entry,
  type ModelMode,
  type ModelSettings,
  type ModelTicket,
  type Outcome,
} from './circuit-model.js';

export interface FleetTickets {
  readonly host: number;
  readonly own: ModelTicket;
  /** Undefined where the dependency did not let it through. */
  readonly above: ModelTicket | undefined;
}

export class FleetModel {
  readonly hosts: readonly CircuitModel[];
  readonly above: CircuitModel;
  private nowMs = 0;
  private readonly ownModes = new Map<number, ModelMode>();

  constructor(
    settings: ModelSettings,
    count: number,
    private readonly maxOutRatio: number,
    private readonly leaseMs: number,
  ) {
    const none = (): number => 0;
    this.hosts = Array.from(
      { length: count },
      (_, index) =>
        new CircuitModel(
          settings,
          none,
          () => this.isRoom,
          ({ change }) => {
            if (change === 'closed') this.returned(index);
          },
        ),
    );
    this.above = new CircuitModel(
      settings,
      none,
      () => true,
      ({ change }) => {
        if (change === 'closed')
          for (const host of this.serving) host.startAfresh();
      },
      {
        entries: () => this.entries,
        inARow: () =>
          Math.min(
            ...this.serving.map((host) => inARow(host.entries)),
            Infinity,
          ),
      },
    );
  }

  get serving(): readonly CircuitModel[] {
    return this.hosts.filter((host) => host.isInService);
  }

  get mostOut(): number {
    const { length } = this.hosts;
    return Math.min(Math.ceil(this.maxOutRatio * length), length - 1);
  }

  /** Verdicts of the hosts in service. */
  private get entries(): Entry[] {
    return this.serving.flatMap((host) => host.entries);
  }

  private get isRoom(): boolean {
    return this.hosts.length - this.serving.length < this.mostOut;
  }

  counts(nowMs: number) {
    return countsOf(inWindow(this.entries, this.above.longestMs, nowMs));
  }

  /** Out hosts whose time is up: one of them is the next unpinned pick. */
  due(nowMs: number): number[] {
    return this.indices(
      (host) => !host.isInService && !host.wouldRefuse(nowMs),
    );
  }

  inService(): number[] {
    return this.indices((host) => host.isInService);
  }

  /** Where an unpinned call may go; empty = refused. `go` tells where it went. */
  admit(nowMs: number): {
    readonly mayGoTo: readonly number[];
    go(host: number): FleetTickets;
    refuse(): void;
  } {
    this.nowMs = nowMs;
    const above = this.above.admit(nowMs, this.leaseMs);
    const due = above?.kind === 'closed' ? this.due(nowMs) : [];
    const mayGoTo = due.length > 0 ? due : this.inService();
    return {
      mayGoTo: above === undefined ? [] : mayGoTo,
      go: (host) => ({
        host,
        own: this.hosts[host]!.admit(nowMs, this.leaseMs)!,
        above,
      }),
      refuse: () => {
        if (above !== undefined) this.above.release(above, nowMs);
      },
    };
  }

  admitPinned(host: number, nowMs: number): FleetTickets | undefined {
    this.nowMs = nowMs;
    if (this.above.mode === 'forced-open') return undefined;
    const own = this.hosts[host]!.admit(nowMs, this.leaseMs);
    return own && { host, own, above: this.above.borrow() };
  }

  record(tickets: FleetTickets, outcome: Outcome, nowMs: number): void {
    this.nowMs = nowMs;
    const { own, above } = tickets;
    const host = this.hosts[tickets.host]!;
    const isCurrent = above !== undefined && this.above.isCurrent(above, nowMs);
    const isCounted =
      isCurrent && host.isInService && host.isCurrent(own, nowMs);
    host.record(own, outcome, nowMs);
    if (isCurrent && above.kind === 'lease')
      this.above.record(above, outcome, nowMs);
    else if (isCounted && host.isInService && this.above.mode !== 'disabled')
      this.above.judge(nowMs);
  }

  release(tickets: FleetTickets, nowMs: number): void {
    this.nowMs = nowMs;
    const { host, own, above } = tickets;
    this.hosts[host]!.release(own, nowMs);
    if (above !== undefined) this.above.release(above, nowMs);
  }

  control(mode: ModelMode, nowMs: number): void {
    this.nowMs = nowMs;
    this.above.control(mode, nowMs);
    for (const host of this.serving) host.startAfresh();
    this.hosts.forEach((host, index) =>
      host.control(this.modeOf(index), nowMs),
    );
  }

  controlHost(index: number, mode: ModelMode, nowMs: number): void {
    this.nowMs = nowMs;
    this.ownModes.set(index, mode);
    this.hosts[index]!.control(mode, nowMs);
  }

  private modeOf(index: number): ModelMode {
    const { mode } = this.above;
    return this.ownModes.get(index) ?? (mode === 'forced-open' ? 'auto' : mode);
  }

  /** There is room again: those that wait for it are judged anew. */
  private returned(index: number): void {
    for (const other of this.serving)
      if (other !== this.hosts[index]) other.rejudge(this.nowMs);
  }

  private indices(test: (host: CircuitModel) => boolean): number[] {
    return this.hosts.flatMap((host, index) => (test(host) ? [index] : []));
  }
}
