/**
 * The hosts of a dependency: who is in service, who is asked next, and how the circuits of the hosts
 * stand below the dependency's. A verdict goes to its host, then up: the dependency's counts are the
 * sum over the hosts in service, so one dead host of four never opens the dependency.
 */
import { type Circuit, type CircuitChange } from '../circuit/circuit.js';
import type { TripRule } from '../circuit/trip-rules.js';
import {
  addCounts,
  NO_COUNTS,
  type WindowCounts,
} from '../core/rolling-window.js';
import { balancerOf, type LoadBalancerInput } from './balancers.js';
import type { Host } from './host.js';
import { HostChoice } from './host-choice.js';

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
  /** Made when there is somebody to choose from. */
  private made: HostChoice | undefined = undefined;

  constructor(
    private readonly owner: HostSetOwner,
    private balancer: LoadBalancerInput,
  ) {}

  private get choice(): HostChoice {
    if (this.made !== undefined) return this.made;
    this.made = new HostChoice(this.owner.random, balancerOf(this.balancer));
    this.made.offer(this.inService);
    return this.made;
  }

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

  useBalancer(balancer: LoadBalancerInput): void {
    this.balancer = balancer;
    this.made?.useBalancer(balancerOf(balancer));
  }

  /** Undefined where there is no choice, or who chooses can be asked now. */
  get whenReady(): Promise<void> | undefined {
    return this.hosts.length < 2 ? undefined : this.choice.whenReady;
  }

  /** They have come, or come back, and start slowly. */
  welcome(hosts: readonly Host[], nowMs: number): void {
    for (const host of hosts) host.returned(nowMs);
    this.made?.offer(this.inService);
  }

  /**
   * The host to ask next, one this operation has not `tried` if there is one. An out host whose
   * time is up comes first, as its probe; where `mayProbe` is false, since the call is a probe of the
   * dependency, by turns with those in service. A full one is passed by. Undefined if no host may be
   * asked.
   */
  pick(
    nowMs: number,
    tried: readonly Host[] | undefined,
    mayProbe: boolean,
  ): Host | undefined {
    this.notice(nowMs);
    if (nowMs >= this.nextProbeMs && (mayProbe || this.isTurnOfOut)) {
      const probe = this.dueProbe(nowMs, tried);
      if (probe !== undefined) return probe;
    }
    const hosts = this.choice.offered(nowMs, tried);
    return hosts.length > 0 ? this.choice.among(hosts, nowMs) : undefined;
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
      // If that closes it those in service start afresh, before the host needs the room of one of them.
      const isOut = !host.isInService;
      if (isOut) above.record(ticket, isFailure, isSlow, nowMs, tookMs);
      host.circuit.record(
        hostTicket,
        isFailure,
        isSlow,
        nowMs,
        tookMs,
        askedMs,
      );
      if (!isOut) above.record(ticket, isFailure, isSlow, nowMs, tookMs);
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
    if (isSummedUp) return addCounts(above.tally.read(nowMs, rule), own, -1);
    const peers = this.inService.filter((other) => other !== host);
    return peers
      .map(({ circuit }) => circuit?.tally.read(nowMs, rule) ?? NO_COUNTS)
      .reduce((sum, counts) => addCounts(sum, counts, 1), NO_COUNTS);
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

  /**
   * Of a list that has become shorter too many may be out: those due next come back. Of one that has
   * become longer there is room for some that are tripped.
   */
  readmit(nowMs: number): void {
    const due = this.out
      .filter(({ circuit }) => circuit?.mode === 'auto')
      .toSorted((a, b) => a.circuit!.nextProbeMs - b.circuit!.nextProbeMs);
    const tooMany = Math.max(0, this.out.length - this.mostOut);
    for (const { circuit } of due.slice(0, tooMany)) {
      circuit?.control('disabled', nowMs);
      circuit?.control('auto', nowMs);
    }
    for (const { circuit } of this.inService) circuit?.rejudge(nowMs);
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
    this.welcome([host], nowMs);
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
    this.made?.offer(this.inService);
    this.reschedule();
  }

  /**
   * Of those in service each may be dead, while one that is out is well: asked by turns, neither keeps
   * the dependency open for good.
   */
  private get isTurnOfOut(): boolean {
    const { inService, out } = this;
    return inService.length === 0 || lastAsked(inService) >= lastAsked(out);
  }

  private dueProbe(
    nowMs: number,
    tried: readonly Host[] | undefined,
  ): Host | undefined {
    this.reschedule();
    // Of a ramp a host gets its part of what would be its share.
    const share = 1 / this.hosts.length;
    const longestAgoFirst = this.out.toSorted((a, b) => a.askedMs - b.askedMs);
    return longestAgoFirst.find(
      (host) =>
        tried?.includes(host) !== true &&
        !host.permits.isFull &&
        host.circuit?.isDrawn(nowMs, share) === true,
    );
  }
}

const lastAsked = (hosts: readonly Host[]): number =>
  hosts.reduce((last, { askedMs }) => Math.max(last, askedMs), -Infinity);
