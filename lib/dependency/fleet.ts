/**
 * The circuits and hosts of one dependency and how they stand to each other: the dependency's
 * circuit above, a circuit per host below where there are several, one for each pinned peer beside.
 */
import { takeIn } from '../balancing/answered.js';
import { Host } from '../balancing/host.js';
import { HostFeed, type HostFeedOwner } from '../balancing/host-feed.js';
import { changeOf } from '../balancing/list-change.js';
import { HostSet, type HostSetOwner } from '../balancing/host-set.js';
import { Peers } from '../balancing/peers.js';
import {
  Circuit,
  type CircuitChange,
  type CircuitMode,
} from '../circuit/circuit.js';
import type { Clock } from '../core/clock.js';
import type { Random } from '../core/random.js';
import { Permits } from '../limits/permits.js';
import { circuitOwner, type FleetOwner } from './circuit-owners.js';
import {
  areSameHosts,
  hostSettingOf,
  isNoneIn,
  isSameHost,
  readHosts,
} from './netloc.js';
import type { HostSetting, Settings } from './settings.js';

export class Fleet implements HostSetOwner, HostFeedOwner {
  circuit: Circuit | undefined;
  readonly hosts: HostSet;
  /** The one netloc of a dependency without hosts. */
  readonly nameless: Host;
  /** Where every unpinned call goes, if there is but one place: no choice, no circuit below. */
  sole: Host | undefined = undefined;
  /** Who is listed now, by the options or by their source. */
  listed: readonly HostSetting[];
  feed: HostFeed | undefined;
  readonly readHosts = readHosts;
  private knownPeers: Peers | undefined = undefined;
  /** The operator's, kept while the circuits are switched off. */
  private mode: CircuitMode = 'auto';
  /** Modes that an operator set for one netloc; made when first needed. */
  private modes: Map<string, CircuitMode> | undefined = undefined;

  constructor(private readonly owner: FleetOwner) {
    const { settings } = owner;
    this.nameless = new Host(undefined, this.makePermits());
    this.hosts = new HostSet(this, settings.loadBalancer);
    this.circuit = this.makeCircuit(undefined);
    this.listed = settings.hosts;
    this.feed = this.makeFeed();
    this.listHosts([]);
  }

  /** Made when first asked for: most dependencies pin no call. */
  get peers(): Peers {
    return (this.knownPeers ??= new Peers(
      (netloc) => this.makeHost(hostSettingOf(netloc), true, true),
      () =>
        this.owner.warnOnce(
          'peers',
          'More than 1,000 peers are open or busy: further ones run without a circuit.',
        ),
    ));
  }

  /** All listed, answered and pinned netlocs. */
  get known(): readonly Host[] {
    const { knownPeers, hosts } = this;
    return knownPeers === undefined
      ? hosts.all
      : [...hosts.all, ...knownPeers.all];
  }

  get clock(): Clock {
    return this.owner.clock;
  }

  get random(): Random {
    return this.owner.random;
  }

  get maxOutRatio(): number {
    return this.owner.settings.circuit?.maxOutRatio ?? 0;
  }

  /** The listed host of `netloc`, or the peer that calls are pinned to. */
  pinned(netloc: string): Host {
    return this.hosts.find(netloc) ?? this.peers.get(netloc);
  }

  /** A netloc that the user's balancer function answered: a host from now on. */
  answered(protocol: string, netloc: string): Host {
    const setting = hostSettingOf(netloc, protocol);
    const known = this.hosts.find(setting.netloc);
    if (known?.setting?.protocol === setting.protocol) return known;
    const host = this.makeHost(setting, true);
    const isIn = takeIn(this.hosts, host);
    if (known !== undefined) this.part(known, false, this.clock.nowMs());
    if (isIn) return host;
    host.circuit = undefined;
    this.owner.warnOnce(
      'answered',
      'The balancer function has answered more than 1,000 netlocs that are open or busy: further ones run without a circuit.',
    );
    return host;
  }

  /** An operator's mode, for the dependency and all below it or for one netloc. */
  control(mode: CircuitMode, netloc: string | undefined, nowMs: number): void {
    this.hosts.notice(nowMs);
    if (netloc !== undefined && this.hosts.only?.netloc !== netloc) {
      (this.modes ??= new Map()).set(netloc, mode);
      return this.applyMode(this.pinned(netloc), nowMs);
    }
    if (netloc !== undefined) this.modes?.delete(netloc);
    if (mode !== this.mode) this.hosts.startAfresh();
    this.mode = mode;
    this.circuit?.control(mode, nowMs);
    for (const host of this.known) this.applyMode(host, nowMs);
  }

  /** Circuits, windows, queues and modes stay; what `settings` changes holds from now on. */
  configure(before: Settings, settings: Settings, nowMs: number): void {
    const { circuit, source } = settings;
    const isSwitched =
      (before.circuit === undefined) !== (circuit === undefined);
    if (isSwitched) {
      this.circuit = this.makeCircuit(undefined);
      this.circuit?.control(this.mode, 0);
    } else if (circuit !== undefined) this.circuit?.configure(circuit);
    if (before.loadBalancer !== settings.loadBalancer)
      this.hosts.useBalancer(settings.loadBalancer);
    for (const host of this.everywhere()) {
      if (isSwitched) this.renewCircuit(host, host.isPinned);
      else if (circuit !== undefined) host.circuit?.configure(circuit);
      host.permits.configure(
        settings.maxOpenPerNetloc,
        settings.maxQueuedPerNetloc,
      );
    }
    const old = before.source === source ? undefined : this.changeSource();
    this.relist(source === undefined ? settings.hosts : this.listed, nowMs);
    // Those who wait for its list go on, to what is listed by now.
    old?.stop();
  }

  /** No host is known yet and the source is being asked, or who chooses is not made yet. */
  get isAwaitingHosts(): boolean {
    const { feed, hosts } = this;
    if (hosts.all.length > 0) return hosts.whenReady !== undefined;
    if (feed === undefined || feed.hasList) return false;
    feed.refreshEarly();
    return feed.isAwaited;
  }

  hostsAnswered(hosts: readonly HostSetting[], nowMs: number): void {
    const { feed } = this;
    this.owner.change(() => {
      const { listed } = this;
      if (feed !== this.feed || areSameHosts(listed, hosts)) return;
      this.relist(hosts, nowMs);
      this.owner.hostsListed(listed, hosts);
    });
  }

  hostsFailed(error: unknown, isWorthTelling: boolean): void {
    this.owner.hostsFailed(error, isWorthTelling);
  }

  hostChanged(host: Host, change: CircuitChange, nowMs: number): void {
    this.owner.circuitChanged(host, change, nowMs);
  }

  hostMoved(host: Host, nowMs: number): void {
    this.owner.hostMoved(host, nowMs);
  }

  /** Every netloc there is, the nameless one included. */
  everywhere(): readonly Host[] {
    return [this.nameless, ...this.known];
  }

  private makeFeed(): HostFeed | undefined {
    const { source } = this.owner.settings;
    return source && new HostFeed(source, this);
  }

  /** The list stays until the new source has answered; the old one's feed is to be stopped. */
  private changeSource(): HostFeed | undefined {
    const { feed, circuit } = this;
    // What calls without hosts have counted is no host's.
    if (this.listed.length === 0) circuit?.startAfresh();
    this.feed = this.makeFeed();
    this.feed?.start();
    return feed;
  }

  private listHosts(answered: readonly Host[]): void {
    this.hosts.setHosts([...this.makeHosts(this.listed), ...answered]);
    const { all } = this.hosts;
    const none = this.feed === undefined ? this.nameless : undefined;
    const isOne = all.length < 2 && !this.owner.isAnsweredByFunction;
    this.sole = isOne ? (all[0] ?? none) : undefined;
    this.nameless.hasLeft = this.sole !== this.nameless;
  }

  /** What a host that leaves has counted leaves with it; a new one starts slowly. */
  private relist(listed: readonly HostSetting[], nowMs: number): void {
    const before = this.hosts.all;
    const answered = this.owner.isAnsweredByFunction
      ? before.filter(isNoneIn(this.listed)).filter(isNoneIn(listed))
      : [];
    for (const host of answered)
      if (host.circuit === undefined) this.renewCircuit(host, true);
    this.listed = listed;
    this.listHosts(answered);
    const { gone, slow, isMixed, isReplaced } = changeOf(before, this.hosts);
    const isFirst = before.length === 0 && this.feed !== undefined;
    if (isMixed && !isFirst) {
      this.circuit?.startAfresh();
      this.hosts.startAfresh();
    }
    if (isReplaced) this.circuit?.hasten(nowMs);
    if (slow.length > 0) this.hosts.welcome(slow, nowMs);
    for (const host of gone) this.part(host, isMixed, nowMs);
    this.hosts.readmit(nowMs);
  }

  /** What runs there ends as it will; nothing new goes there. */
  private part(host: Host, isForgotten: boolean, nowMs: number): void {
    const { circuit, permits, isInService } = host;
    if (circuit !== undefined && isInService && !isForgotten)
      this.circuit?.subtract(circuit, nowMs);
    host.hasLeft = true;
    circuit?.startAfresh();
    permits.scatter();
    permits.whenIdle(() => this.owner.hostDrained(host));
  }

  private makePermits(): Permits {
    const { maxOpenPerNetloc, maxQueuedPerNetloc } = this.owner.settings;
    return new Permits(maxOpenPerNetloc, maxQueuedPerNetloc);
  }

  /** Hosts that stay keep all that is known of them. */
  private makeHosts(list: readonly HostSetting[]): readonly Host[] {
    const isOneOfMany = list.length > 1;
    const byNetloc = new Map(this.hosts.all.map((host) => [host.netloc, host]));
    return list.map((setting) => {
      const known = byNetloc.get(setting.netloc);
      if (known?.setting === undefined || !isSameHost(known.setting, setting))
        return this.makeHost(setting, isOneOfMany);
      known.setting = setting;
      if (known.circuit === undefined || !isOneOfMany)
        this.renewCircuit(known, isOneOfMany);
      return known;
    });
  }

  private makeHost(
    setting: HostSetting,
    hasCircuit: boolean,
    isPinned = false,
  ): Host {
    if (!isPinned) this.knownPeers?.forget(setting.netloc);
    const host = new Host(setting, this.makePermits(), isPinned);
    this.renewCircuit(host, hasCircuit);
    return host;
  }

  private renewCircuit(host: Host, hasCircuit: boolean): void {
    host.circuit = hasCircuit ? this.makeCircuit(host) : undefined;
    this.applyMode(host, 0);
  }

  private applyMode(host: Host, nowMs: number): void {
    const above = this.circuit?.mode ?? 'auto';
    const mode =
      this.modes?.get(host.netloc) ??
      (above === 'forced-open' ? 'auto' : above);
    const { circuit } = host;
    if (circuit === undefined || circuit.mode === mode) return;
    if (host.isInService && !host.isPinned)
      this.circuit?.subtract(circuit, nowMs);
    circuit.control(mode, nowMs);
    if (!host.isPinned) this.hosts.refresh();
  }

  private makeCircuit(host: Host | undefined): Circuit | undefined {
    const { circuit } = this.owner.settings;
    if (circuit === undefined) return undefined;
    return new Circuit(
      circuit,
      circuitOwner(host, this, this.owner),
      this.owner.random,
    );
  }
}
