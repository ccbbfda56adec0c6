/**
 * The hosts of a dependency: who is in service, who is asked next, and how the circuits of the hosts
 * stand below the dependency's. A verdict goes to its host, then up: the dependency's counts are the
 * sum over the hosts in service, so one dead host of four never opens the dependency.
 */
import { type Circuit, type CircuitChange } from '../circuit/circuit.js';
import type { TripRule } from '../circuit/trip-rules.js';
import type { WindowCounts } from '../core/rolling-window.js';
import type { LoadBalancer } from './balancers.js';
import type { Host } from './host.js';

export interface HostSetOwner {
  readonly random: () => number;
  readonly maxOutRatio: number;
  /** The dependency's circuit, above those of the hosts. */
  readonly circuit: Circuit | undefined;
  /** Its circuit has changed state. */
  hostChanged(host: Host, change: CircuitChange, nowMs: number): void;
  /** It has gone out of service, or come back. */
  hostMoved(host: Host, nowMs: number): void;
}

const NONE: readonly Host[] = [];

export class HostSet {
  private hosts = NONE;
  private inService = NONE;
  private out = NONE;
  private nextProbeMs = Infinity;
  private noticedMs = 0;

  constructor(
    private readonly owner: HostSetOwner,
    private balancer: LoadBalancer,
  ) {}

  get all(): readonly Host[] {
    return this.hosts;
  }

  /** The only host of a dependency that has one, or none. */
  get only(): Host | undefined {
    return this.hosts.length === 1 ? this.hosts[0] : undefined;
  }

  get serving(): readonly Host[] {
    return this.inService;
  }

  /** All hosts are taken out by an operator. */
  get areAllForcedOpen(): boolean {
    return this.hosts.every((host) => host.circuit?.mode === 'forced-open');
  }

  find(netloc: string): Host | undefined {
    return this.hosts.find((host) => host.netloc === netloc);
  }

  setHosts(hosts: readonly Host[]): void {
    this.hosts = hosts;
    this.refresh();
  }

  useBalancer(balancer: LoadBalancer): void {
    this.balancer = balancer;
  }

  /**
   * The host to ask next, one this operation has not `tried` if there is one. An out host whose
   * time is up comes first, as its probe, where `mayProbe`; a full one is passed by. Undefined if
   * no host may be asked.
   */
  pick(
    nowMs: number,
    tried: readonly Host[] | undefined,
    mayProbe: boolean,
  ): Host | undefined {
    this.notice(nowMs);
    if (mayProbe && nowMs >= this.nextProbeMs) {
      const probe = this.dueProbe(nowMs, tried);
      if (probe !== undefined) return probe;
    }
    let hosts = this.inService;
    if (tried !== undefined) {
      const untried = hosts.filter((host) => !tried.includes(host));
      if (untried.length > 0) hosts = untried;
    }
    if (hosts.length === 0)
      // With nobody in service a probe of the dependency is one of a host as well: else neither heals.
      return mayProbe ? undefined : this.dueProbe(nowMs, tried);
    const host = this.choose(hosts, nowMs);
    if (!host.permits.isFull) return host;
    const free = hosts.filter((other) => !other.permits.isFull);
    return free.length > 0 ? this.choose(free, nowMs) : shortestQueue(hosts);
  }

  /** Whether a further attempt would find a host this operation has not tried. */
  hasUntried(tried: readonly Host[]): boolean {
    return this.inService.some((host) => !tried.includes(host));
  }

  /** Takes what came of an attempt to its host and on to the dependency. */
  record(
    host: Host,
    hostTicket: number,
    ticket: number,
    isFailure: boolean,
    isSlow: boolean,
    nowMs: number,
    tookMs: number,
    askedMs: number,
  ): void {
    const above = this.owner.circuit;
    if (above === undefined || host.circuit === undefined) return;
    this.notice(nowMs);
    if (above.isLease(ticket)) {
      host.circuit.record(
        hostTicket,
        isFailure,
        isSlow,
        nowMs,
        tookMs,
        askedMs,
      );
      above.record(ticket, isFailure, isSlow, nowMs, tookMs);
      return;
    }
    // Counted above before the host is judged: if that takes the host out, all of it is subtracted.
    const isCounted =
      host.isInService &&
      host.circuit.mode !== 'disabled' &&
      hostTicket === host.circuit.closedTicket &&
      above.enter(ticket, isFailure, isSlow, nowMs, tookMs);
    host.circuit.record(hostTicket, isFailure, isSlow, nowMs, tookMs, askedMs);
    if (isCounted && host.isInService) above.conclude(nowMs);
  }

  /** Failures in a row that every host in service has had. */
  consecutiveFailures(): number {
    let least = Infinity;
    for (const host of this.inService)
      least = Math.min(least, host.circuit?.tally.consecutiveFailures ?? 0);
    return least === Infinity ? 0 : least;
  }

  /** Whether `rule` holds for each host in service by its own count. */
  holdsEverywhere(rule: TripRule, nowMs: number): boolean {
    return (
      this.inService.length > 0 &&
      this.inService.every((host) => host.circuit?.tally.holds(rule, nowMs))
    );
  }

  /** What all hosts in service but `host` have counted together. */
  peersOf(host: Host, rule: TripRule, nowMs: number): WindowCounts | undefined {
    if (this.inService.length < 2) return undefined;
    const above = this.owner.circuit;
    const own = host.circuit?.tally.read(nowMs, rule) ?? NO_COUNTS;
    const isSummedUp =
      above?.isClosed === true &&
      above.mode !== 'disabled' &&
      host.circuit?.mode !== 'disabled';
    if (isSummedUp) return added(above.tally.read(nowMs, rule), own, -1);
    const peers = this.inService.filter((other) => other !== host);
    return peers
      .map(({ circuit }) => circuit?.tally.read(nowMs, rule) ?? NO_COUNTS)
      .reduce((sum, counts) => added(sum, counts, 1), NO_COUNTS);
  }

  /** At most `ceil(maxOutRatio × hosts)`, and never the last one, may be out. */
  mayGoOut(): boolean {
    return this.hosts.length - this.inService.length < this.mostOut;
  }

  private get mostOut(): number {
    const { length } = this.hosts;
    // A hair less, since 0.07 of 100 is a little over 7 in doubles.
    const most = Math.ceil(this.owner.maxOutRatio * length - 1e-9);
    return Math.max(0, Math.min(most, length - 1));
  }

  /** Of a list that has become shorter too many may be out: those due next come back. */
  readmit(nowMs: number): void {
    const due = this.out
      .filter(({ circuit }) => circuit?.mode === 'auto')
      .toSorted((a, b) => a.circuit!.nextProbeMs - b.circuit!.nextProbeMs);
    for (const { circuit } of due.slice(0, this.out.length - this.mostOut)) {
      circuit?.control('disabled', nowMs);
      circuit?.control('auto', nowMs);
    }
  }

  changed(host: Host, change: CircuitChange, nowMs: number): void {
    const wasInService = this.inService.includes(host);
    if (wasInService && !host.isInService && host.circuit !== undefined)
      this.owner.circuit?.subtract(host.circuit, nowMs);
    this.refresh();
    this.owner.hostChanged(host, change, nowMs);
    if (wasInService === host.isInService) return;
    this.owner.hostMoved(host, nowMs);
    if (!host.isInService) return;
    host.returned(nowMs);
    for (const other of this.inService)
      if (other !== host)
        other.circuit?.rejudge(Math.max(nowMs, this.noticedMs));
  }

  /** The dependency starts afresh, and with it the counts it is the sum of. */
  startAfresh(): void {
    for (const host of this.inService) host.circuit?.startAfresh();
  }

  /** A probe's ticket came back without a verdict: the host may be probed again. */
  release(host: Host, ticket: number, nowMs?: number): void {
    if (nowMs !== undefined) this.notice(nowMs);
    host.circuit?.release(ticket, nowMs);
    if (!host.isInService) this.reschedule();
  }

  /** What time has brought about: ramps that are over, leases that hang. */
  notice(nowMs: number): void {
    this.noticedMs = nowMs;
    const above = this.owner.circuit;
    if (above?.isClosed === false) above.refuses(nowMs);
    if (nowMs < this.nextProbeMs) return;
    for (const host of this.out) host.circuit?.refuses(nowMs);
  }

  private reschedule(): void {
    let next = Infinity;
    for (const host of this.out)
      next = Math.min(next, host.circuit?.nextProbeMs ?? Infinity);
    this.nextProbeMs = next;
  }

  /** Sorts anew who is in service and who is out. */
  refresh(): void {
    const { hosts } = this;
    const areAllIn = hosts.every((host) => host.isInService);
    this.inService = areAllIn
      ? hosts
      : hosts.filter((host) => host.isInService);
    this.out = areAllIn ? NONE : hosts.filter((host) => !host.isInService);
    this.reschedule();
  }

  private dueProbe(
    nowMs: number,
    tried: readonly Host[] | undefined,
  ): Host | undefined {
    this.reschedule();
    // Of a ramp a host gets its part of what would be its share.
    const share = 1 / this.hosts.length;
    return this.out.find(
      (host) =>
        tried?.includes(host) !== true &&
        !host.permits.isFull &&
        host.circuit?.isDrawn(nowMs, share) === true,
    );
  }

  private choose(hosts: readonly Host[], nowMs: number): Host {
    if (hosts.length === 1) return hosts[0]!;
    return this.balancer.pick(hosts, { nowMs, random: this.owner.random });
  }
}

const NO_COUNTS: WindowCounts = {
  calls: 0,
  failures: 0,
  slow: 0,
  failureRatio: 0,
};

function added(
  one: WindowCounts,
  other: WindowCounts,
  sign: 1 | -1,
): WindowCounts {
  const calls = Math.max(0, one.calls + sign * other.calls);
  const failures = Math.max(0, one.failures + sign * other.failures);
  const slow = Math.max(0, one.slow + sign * other.slow);
  const failureRatio = calls === 0 ? 0 : failures / calls;
  return { calls, failures, slow, failureRatio };
}

/** Where to wait when every host is full. */
function shortestQueue(hosts: readonly Host[]): Host {
  let best = hosts[0]!;
  for (const host of hosts)
    if (
      host.permits.hasQueueRoom &&
      (!best.permits.hasQueueRoom || host.permits.queued < best.permits.queued)
    )
      best = host;
  return best;
}
