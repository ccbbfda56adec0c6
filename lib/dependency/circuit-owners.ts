/**
 * Whom the circuits of a dependency ask before they open, and tell what has become of them.
 */
import type { Host } from '../balancing/host.js';
import type { HostSet } from '../balancing/host-set.js';
import type {
  CircuitChange,
  CircuitOwner,
  Reason,
} from '../circuit/circuit.js';
import type { TripRule } from '../circuit/trip-rules.js';
import type { WindowCounts } from '../core/rolling-window.js';
import type { Clock } from '../core/clock.js';
import type { HostSetting } from '../core/host-setting.js';
import type { Random } from '../core/random.js';
import type { Settings } from './settings.js';

export interface FleetOwner {
  readonly settings: Settings;
  /** Whether a function of the user's answers where to go. */
  readonly isAnsweredByFunction: boolean;
  readonly random: Random;
  readonly clock: Clock;
  /** A circuit's state has changed: the dependency's where there is no host. */
  circuitChanged(
    host: Host | undefined,
    change: CircuitChange,
    nowMs: number,
  ): void;
  /** A host has gone out of service, or come back. */
  hostMoved(host: Host, nowMs: number): void;
  /** A source's list has taken the place of `before`. */
  hostsListed(
    before: readonly HostSetting[],
    now: readonly HostSetting[],
  ): void;
  hostsFailed(error: unknown, isWorthTelling: boolean): void;
  /** Nothing runs any more at a host that is listed no more. */
  hostDrained(host: Host): void;
  ruleFailed(rule: TripRule, error: unknown): void;
  warnOnce(subject: string, message: string): void;
  /** Makes a change once no other is being made: now, or when that is complete. */
  change(step: () => void): void;
}

/** The dependency's circuit: what it counts is the sum over its hosts. */
class AboveHosts implements CircuitOwner {
  constructor(
    private readonly fleet: { readonly hosts: HostSet },
    private readonly owner: FleetOwner,
  ) {}

  mayOpen(): boolean {
    return true;
  }

  changed(change: CircuitChange, nowMs: number): void {
    if (change === 'closed') this.fleet.hosts.startAfresh();
    this.owner.circuitChanged(undefined, change, nowMs);
  }

  ruleFailed(rule: TripRule, error: unknown): void {
    this.owner.ruleFailed(rule, error);
  }

  consecutiveFailures(): number | undefined {
    const { hosts } = this.fleet;
    return hosts.all.length > 1 ? hosts.consecutiveFailures() : undefined;
  }

  holdsEverywhere(rule: TripRule, nowMs: number): boolean | undefined {
    const { hosts } = this.fleet;
    return hosts.all.length > 1
      ? hosts.holdsEverywhere(rule, nowMs)
      : undefined;
  }
}

/** A pinned peer's circuit stands for itself. */
class OfPeer implements CircuitOwner {
  constructor(
    protected readonly host: Host,
    protected readonly owner: FleetOwner,
  ) {}

  mayOpen(): boolean {
    return true;
  }

  changed(change: CircuitChange, nowMs: number): void {
    this.owner.circuitChanged(this.host, change, nowMs);
  }

  ruleFailed(rule: TripRule, error: unknown): void {
    this.owner.ruleFailed(rule, error);
  }
}

/** A host's circuit: whether it may open depends on how many are out, and on its last answer. */
class OfHost extends OfPeer {
  constructor(
    host: Host,
    private readonly fleet: { readonly hosts: HostSet },
    owner: FleetOwner,
  ) {
    super(host, owner);
  }

  peers(rule: TripRule, nowMs: number): WindowCounts | undefined {
    return this.fleet.hosts.peersOf(this.host, rule, nowMs);
  }

  override mayOpen(reason?: Reason): boolean {
    const isPast = reason !== undefined && this.host.isPast(reason);
    return !isPast && this.fleet.hosts.mayGoOut();
  }

  override changed(change: CircuitChange, nowMs: number): void {
    if (!this.host.hasLeft) this.fleet.hosts.changed(this.host, change, nowMs);
  }
}

/** Whom a circuit asks: that of `host`, or without one the dependency's. */
export function circuitOwner(
  host: Host | undefined,
  fleet: { readonly hosts: HostSet },
  owner: FleetOwner,
): CircuitOwner {
  if (host === undefined) return new AboveHosts(fleet, owner);
  return host.isPinned
    ? new OfPeer(host, owner)
    : new OfHost(host, fleet, owner);
}
