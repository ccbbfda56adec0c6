/**
 * The circuits and hosts of one dependency and how they stand to each other: the dependency's
 * circuit above, a circuit per host below where there are several, one for each pinned peer beside.
 */
import { balancerOf } from '../balancing/balancers.js';
import { Host } from '../balancing/host.js';
import { HostSet, type HostSetOwner } from '../balancing/host-set.js';
import { Peers } from '../balancing/peers.js';
import {
  Circuit,
  type CircuitChange,
  type CircuitMode,
  type CircuitOwner,
} from '../circuit/circuit.js';
import type { Random } from '../core/random.js';
import { Permits } from '../limits/permits.js';
import {
  AboveHosts,
  OfHost,
  OfPeer,
  type FleetOwner,
} from './circuit-owners.js';
import { hostSettingOf } from './netloc.js';
import type { HostSetting, Settings } from './settings.js';

/** Netlocs that a balancer function may answer; beyond that idle ones make room. */
const MOST_ANSWERED = 1_000;

export class Fleet implements HostSetOwner {
  circuit: Circuit | undefined;
  readonly hosts: HostSet;
  /** The one netloc of a dependency without hosts. */
  readonly nameless: Host;
  /** Where every unpinned call goes, if there is but one place: no choice, no circuit below. */
  sole: Host | undefined = undefined;
  private knownPeers: Peers | undefined = undefined;
  /** The operator's, kept while the circuits are switched off. */
  private mode: CircuitMode = 'auto';
  /** Modes that an operator set for one netloc; made when first needed. */
  private modes: Map<string, CircuitMode> | undefined = undefined;

  constructor(private readonly owner: FleetOwner) {
    const { settings } = owner;
    this.nameless = new Host(undefined, this.makePermits());
    this.hosts = new HostSet(this, balancerOf(settings.loadBalancer));
    this.circuit = this.makeCircuit(undefined);
    this.listHosts(settings);
  }

  /** Made when first asked for: most dependencies pin no call. */
  get peers(): Peers {
    return (this.knownPeers ??= new Peers(
      (netloc) => this.makePeer(netloc),
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
    if (known !== undefined) return known;
    const host = this.makeHost(setting, true);
    const { all } = this.hosts;
    if (all.length < MOST_ANSWERED) {
      this.hosts.setHosts([...all, host]);
      return host;
    }
    const idle = all.find((other) => other.isIdle);
    if (idle !== undefined) {
      this.hosts.setHosts([...all.filter((other) => other !== idle), host]);
      return host;
    }
    host.circuit = undefined;
    this.owner.warnOnce(
      'answered',
      'The balancer function has answered more than 1,000 netlocs that are open or busy: further ones run without a circuit.',
    );
    return host;
  }

  /** An operator's mode, for the dependency and all below it or for one netloc. */
  control(mode: CircuitMode, netloc: string | undefined, nowMs: number): void {
    if (netloc !== undefined && this.hosts.only?.netloc !== netloc) {
      (this.modes ??= new Map()).set(netloc, mode);
      this.applyMode(this.pinned(netloc), nowMs);
      return;
    }
    if (mode !== this.mode) this.hosts.startAfresh();
    this.mode = mode;
    this.circuit?.control(mode, nowMs);
    for (const host of this.known) this.applyMode(host, nowMs);
  }

  /** Circuits, windows, queues and modes stay; what `settings` changes holds from now on. */
  configure(before: Settings, settings: Settings, nowMs: number): void {
    const { circuit } = settings;
    const isSwitched =
      (before.circuit === undefined) !== (circuit === undefined);
    if (isSwitched) {
      this.circuit = this.makeCircuit(undefined);
      this.circuit?.control(this.mode, 0);
    } else if (circuit !== undefined) this.circuit?.configure(circuit);
    if (before.loadBalancer !== settings.loadBalancer)
      this.hosts.useBalancer(balancerOf(settings.loadBalancer));
    for (const host of this.everywhere()) {
      if (isSwitched) this.renewCircuit(host, host.isPinned);
      else if (circuit !== undefined) host.circuit?.configure(circuit);
      host.permits.configure(
        settings.maxOpenPerNetloc,
        settings.maxQueuedPerNetloc,
      );
    }
    const isSameList = before.hosts === settings.hosts && !isSwitched;
    if (typeof settings.loadBalancer === 'function' && isSameList)
      this.sole = undefined;
    else this.relist(settings, nowMs);
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

  private listHosts({ hosts, loadBalancer }: Settings): void {
    this.hosts.setHosts(this.makeHosts(hosts));
    const { all } = this.hosts;
    const isOne = all.length < 2 && typeof loadBalancer !== 'function';
    this.sole = isOne ? (all[0] ?? this.nameless) : undefined;
  }

  /** What a host that leaves has counted leaves with it; a new one starts slowly. */
  private relist(settings: Settings, nowMs: number): void {
    const before = this.hosts.all;
    this.listHosts(settings);
    const { all } = this.hosts;
    if (before.length > 1 !== all.length > 1) {
      // The sum over several hosts and the count of a single one do not mix.
      this.circuit?.startAfresh();
      this.hosts.startAfresh();
    }
    for (const { circuit, isInService } of before.filter(isNoneOf(all))) {
      if (circuit === undefined) continue;
      if (isInService) this.circuit?.subtract(circuit, nowMs);
      circuit.startAfresh();
    }
    if (before.length > 0)
      for (const host of all.filter(isNoneOf(before))) host.returned(nowMs);
  }

  private makePermits(): Permits {
    const { maxOpenPerNetloc, maxQueuedPerNetloc } = this.owner.settings;
    return new Permits(maxOpenPerNetloc, maxQueuedPerNetloc);
  }

  /** Hosts that stay keep all that is known of them. */
  private makeHosts(list: readonly HostSetting[]): readonly Host[] {
    const isOneOfMany = list.length > 1;
    return list.map((setting) => {
      const known = this.hosts.find(setting.netloc);
      if (known === undefined || known.setting?.baseUrl !== setting.baseUrl)
        return this.makeHost(setting, isOneOfMany);
      if (known.circuit === undefined || !isOneOfMany)
        this.renewCircuit(known, isOneOfMany);
      return known;
    });
  }

  private makeHost(setting: HostSetting, hasCircuit: boolean): Host {
    const host = new Host(setting, this.makePermits());
    this.renewCircuit(host, hasCircuit);
    return host;
  }

  private makePeer(netloc: string): Host {
    const host = new Host(hostSettingOf(netloc), this.makePermits(), true);
    this.renewCircuit(host, true);
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
    return new Circuit(circuit, this.circuitOwner(host), this.owner.random);
  }

  private circuitOwner(host: Host | undefined): CircuitOwner {
    if (host === undefined) return new AboveHosts(this, this.owner);
    return host.isPinned
      ? new OfPeer(host, this.owner)
      : new OfHost(host, this, this.owner);
  }
}

const isNoneOf = (hosts: readonly Host[]) => (host: Host) =>
  !hosts.includes(host);
