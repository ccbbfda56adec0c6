/**
 * Hosts below, a dependency above, in the plain words of DESIGN §4: each host is a `CircuitModel`,
 * and what the dependency counts is worked out anew from the lists of the hosts in service.
 */
import {
  ASKED,
  CircuitModel,
  type Answer,
  type ModelMode,
  type ModelSettings,
  type ModelTicket,
  type Reason,
} from './circuit-model.js';
import {
  countsFor,
  countsOf,
  inARow,
  inWindow,
  type Entry,
  type ModelCounts,
  type ModelRule,
} from './model-rules.js';

export interface FleetTickets {
  /** Of the list; the peer that no list names is the one after the last. */
  readonly host: number;
  readonly own: ModelTicket;
  /** Undefined where the dependency did not let it through. */
  readonly above: ModelTicket | undefined;
}

export interface FleetSettings extends ModelSettings {
  readonly count: number;
  readonly maxOutRatio: number;
  readonly leaseMs: number;
}

export class FleetModel {
  readonly hosts: readonly CircuitModel[];
  readonly above: CircuitModel;
  /** A peer that no list names, once a call was pinned to it. */
  peer: CircuitModel | undefined;
  /** A host is back, and those that wait for room have not been judged anew. */
  private isRoomAgain = false;
  /** When each was last asked. */
  private readonly askedMs: number[] = [];
  private readonly ownModes = new Map<number, ModelMode>();

  constructor(
    private readonly settings: FleetSettings,
    private readonly random: () => number,
  ) {
    this.hosts = Array.from(
      { length: settings.count },
      (_, index) =>
        new CircuitModel(settings, random, {
          mayOpen: (reason) => this.isRoom && !this.isPast(index, reason),
          tell: ({ change }) => {
            if (change === 'closed') this.isRoomAgain = true;
          },
          peers: (rule, nowMs) => this.peersOf(index, rule, nowMs),
        }),
    );
    this.above = new CircuitModel(settings, random, {
      tell: ({ change }) => {
        if (change === 'closed')
          for (const host of this.serving) host.startAfresh();
      },
      entries: () => this.entries,
      inARow: () =>
        Math.min(...this.serving.map((host) => inARow(host.entries)), Infinity),
      holdsEverywhere: (rule, nowMs) =>
        this.serving.length > 0 &&
        this.serving.every((host) => host.holds(rule, nowMs)),
    });
  }

  get serving(): readonly CircuitModel[] {
    return this.hosts.filter((host) => host.isInService);
  }

  get mostOut(): number {
    const { length } = this.hosts;
    const { maxOutRatio } = this.settings;
    return Math.min(Math.ceil(maxOutRatio * length), length - 1);
  }

  /** Answers of the hosts in service. */
  private get entries(): Entry[] {
    return this.serving.flatMap((host) => host.entries);
  }

  private get isRoom(): boolean {
    return this.hosts.length - this.serving.length < this.mostOut;
  }

  /** A host that answered well does not go out for what failed before. */
  private isPast(index: number, reason: Reason): boolean {
    const isWell = inARow(this.hosts[index]!.entries) === 0;
    return isWell && reason !== ASKED && reason.slowMs === undefined;
  }

  counts(nowMs: number): ModelCounts {
    return countsOf(inWindow(this.entries, this.above.longestMs, nowMs));
  }

  /** Lets happen everywhere what time alone has brought; whether that was anything. */
  settle(nowMs: number): boolean {
    const circuits = [
      this.above,
      ...this.hosts,
      ...(this.peer ? [this.peer] : []),
    ];
    const happened = () =>
      circuits.reduce((sum, { events }) => sum + events.length, 0);
    const before = happened();
    for (const circuit of circuits) circuit.settle(nowMs);
    return happened() > before;
  }

  /** Somebody asks: whoever waits for room is judged anew if there is some. */
  notice(nowMs: number): void {
    this.settle(nowMs);
    if (!this.isRoomAgain) return;
    this.isRoomAgain = false;
    for (const host of this.serving) host.rejudge(nowMs);
  }

  /** Where an unpinned call may go; empty = refused. `go` tells where it went. */
  admit(nowMs: number): {
    readonly mayGoTo: readonly number[];
    /** The dependency's own circuit refused it. */
    readonly isAboveShut: boolean;
    go(host: number): FleetTickets;
    refuse(): void;
  } {
    this.settle(nowMs);
    const { leaseMs } = this.settings;
    const above = this.above.ask(nowMs, leaseMs);
    if (above !== undefined) this.notice(nowMs);
    // A dependency probes by hosts in service and by due ones in turn.
    const mayProbe =
      above?.kind === 'closed' || (above !== undefined && this.isTurnOfOut);
    const due = mayProbe ? this.due(nowMs) : [];
    const mayGoTo = due.length > 0 ? due : this.inService();
    return {
      mayGoTo: above === undefined ? [] : mayGoTo,
      isAboveShut: above === undefined,
      go: (host) => {
        this.askedMs[host] = nowMs;
        const own = this.hosts[host]!.admit(nowMs, leaseMs);
        return { host, own, above };
      },
      refuse: () => {
        if (above !== undefined) this.above.release(above, nowMs);
      },
    };
  }

  admitPinned(host: number, nowMs: number): FleetTickets | undefined {
    if (host < this.hosts.length) this.notice(nowMs);
    const { leaseMs, count } = this.settings;
    const circuit = this.circuitOf(host, nowMs);
    if (this.above.mode === 'forced-open') return undefined;
    const own = circuit.ask(nowMs, leaseMs);
    const above = host < count ? this.above.borrow(nowMs) : undefined;
    if (own !== undefined) this.askedMs[host] = nowMs;
    return own && { host, own, above };
  }

  record(tickets: FleetTickets, answer: Answer, nowMs: number): void {
    if (tickets.host < this.hosts.length) this.notice(nowMs);
    const { own, above } = tickets;
    const host = this.circuitOf(tickets.host, nowMs);
    const isCurrent = above !== undefined && this.above.isCurrent(above, nowMs);
    const isCounted =
      isCurrent &&
      host.isInService &&
      host.mode !== 'disabled' &&
      host.isCurrent(own, nowMs);
    const isProbe = isCurrent && above.kind === 'lease';
    const isProbeOfOut = isProbe && !host.isInService;
    // What a throttled answer asks for is between the caller and that host.
    if (isProbeOfOut)
      this.above.record(above, { ...answer, askedMs: 0 }, nowMs);
    host.record(own, answer, nowMs);
    if (tickets.host < this.hosts.length) this.notice(nowMs);
    if (isProbe && !isProbeOfOut)
      this.above.record(above, { ...answer, askedMs: 0 }, nowMs);
    else if (
      !isProbe &&
      isCounted &&
      host.isInService &&
      this.above.mode !== 'disabled'
    )
      this.above.judge(nowMs);
  }

  release({ host, own, above }: FleetTickets, nowMs: number): void {
    this.notice(nowMs);
    this.circuitOf(host, nowMs).release(own, nowMs);
    if (above !== undefined) this.above.release(above, nowMs);
  }

  control(mode: ModelMode, nowMs: number): void {
    this.notice(nowMs);
    if (mode !== this.above.mode) {
      this.above.control(mode, nowMs);
      for (const host of this.serving) host.startAfresh();
    }
    this.hosts.forEach((host, index) =>
      host.control(this.modeOf(index), nowMs),
    );
    this.peer?.control(this.modeOf(this.hosts.length), nowMs);
    this.notice(nowMs);
  }

  controlOne(index: number, mode: ModelMode, nowMs: number): void {
    this.notice(nowMs);
    this.ownModes.set(index, mode);
    this.circuitOf(index, nowMs).control(mode, nowMs);
    this.notice(nowMs);
  }

  /** Out hosts that may be the next unpinned pick; a ramp's chance says at once which one it is. */
  /** Whether those that are out have waited at least as long as those in service. */
  private get isTurnOfOut(): boolean {
    const lastAsked = (isInService: boolean): number =>
      Math.max(
        -Infinity,
        ...this.indices((host) => host.isInService === isInService).map(
          (at) => this.askedMs[at] ?? -Infinity,
        ),
      );
    const isNobodyElse = this.serving.length === 0;
    return isNobodyElse || lastAsked(false) <= lastAsked(true);
  }

  /** Those that were asked longest ago come first. */
  private due(nowMs: number): number[] {
    const askedMs = (at: number): number => this.askedMs[at] ?? -Infinity;
    const due = this.indices(
      (host) => !host.isInService && !host.wouldRefuse(nowMs),
    ).toSorted((a, b) =>
      askedMs(a) < askedMs(b) ? -1 : askedMs(a) > askedMs(b) ? 1 : 0,
    );
    if (this.settings.recovery.kind === 'probes') return due;
    const share = 1 / this.hosts.length;
    const drawn = due.find((at) => this.hosts[at]!.isLetIn(nowMs, share));
    return drawn === undefined ? [] : [drawn];
  }

  private inService(): number[] {
    return this.indices((host) => host.isInService);
  }

  private circuitOf(index: number, nowMs: number): CircuitModel {
    if (index < this.hosts.length) return this.hosts[index]!;
    if (this.peer === undefined) {
      this.peer = new CircuitModel(this.settings, this.random);
      this.peer.control(this.modeOf(index), nowMs);
    }
    return this.peer;
  }

  /** What all others in service have counted; undefined without others. */
  private peersOf(
    index: number,
    rule: ModelRule,
    nowMs: number,
  ): ModelCounts | undefined {
    const others = this.serving.filter((host) => host !== this.hosts[index]);
    if (others.length === 0) return undefined;
    const entries = others.flatMap((host) => host.entries);
    return countsFor(rule, entries, this.above.longestMs, nowMs);
  }

  private modeOf(index: number): ModelMode {
    const { mode } = this.above;
    return this.ownModes.get(index) ?? (mode === 'forced-open' ? 'auto' : mode);
  }

  private indices(test: (host: CircuitModel) => boolean): number[] {
    return this.hosts.flatMap((host, index) => (test(host) ? [index] : []));
  }
}
