/**
 * What the balancer is handed: the hosts in service as one frozen list that stays the same until they
 * or a weight change, so that it can keep what it makes of it. Hosts that start slowly gain weight in
 * steps for that reason, a hundred on their way.
 */
import type { Random } from '../core/random.js';
import type { Host } from './host.js';
import type { BalancerContext, LoadBalancer } from './load-balancer.js';
import { OwnBalancer } from './own-balancer.js';

const STEP_MS = 100;

const NONE: readonly Host[] = [];

export class HostChoice {
  private hosts = NONE;
  private starting = NONE;
  private nextStepMs = Infinity;
  private own: OwnBalancer | undefined;
  /** One for all picks: a call need not make its own. */
  private readonly context: {
    -readonly [K in keyof BalancerContext]: BalancerContext[K];
  };

  constructor(
    random: Random,
    private balancer: LoadBalancer,
  ) {
    this.context = { nowMs: 0, random };
    this.own = ownOf(balancer);
  }

  useBalancer(balancer: LoadBalancer): void {
    this.balancer = balancer;
    this.own = ownOf(balancer);
  }

  /** Undefined where the balancer can be asked now. */
  get whenReady(): Promise<void> | undefined {
    return this.own?.whenReady;
  }

  /** From now on these are chosen from. */
  offer(hosts: readonly Host[]): void {
    this.hosts = Object.freeze([...hosts]);
    this.starting = hosts.filter((host) => host.isStarting);
    this.nextStepMs = this.starting.length === 0 ? Infinity : -Infinity;
  }

  /** Those that may be asked, of them the untried ones if there are any. */
  offered(nowMs: number, tried: readonly Host[] | undefined): readonly Host[] {
    if (nowMs >= this.nextStepMs) this.step(nowMs);
    const { hosts } = this;
    if (tried === undefined) return hosts;
    const untried = hosts.filter((host) => !tried.includes(host));
    return untried.length > 0 && untried.length < hosts.length
      ? Object.freeze(untried)
      : hosts;
  }

  /** One that has a permit left, else the one with the shortest queue. */
  among(hosts: readonly Host[], nowMs: number): Host {
    const host = this.choose(hosts, nowMs);
    if (!host.permits.isFull) return host;
    const free = hosts.filter((other) => !other.permits.isFull);
    return free.length > 0
      ? this.choose(Object.freeze(free), nowMs)
      : shortestQueue(hosts);
  }

  private choose(hosts: readonly Host[], nowMs: number): Host {
    if (hosts.length === 1) return hosts[0]!;
    this.context.nowMs = nowMs;
    return this.balancer.pick(hosts, this.context);
  }

  /** Hosts that start slowly have come nearer to their share. */
  private step(nowMs: number): void {
    for (const host of this.starting) host.gainWeight(nowMs);
    this.offer(this.hosts);
    if (this.starting.length > 0) this.nextStepMs = nowMs + STEP_MS;
  }
}

const ownOf = (balancer: LoadBalancer): OwnBalancer | undefined =>
  balancer instanceof OwnBalancer ? balancer : undefined;

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
