/**
 * The user's own balancer, whose choice is looked at: one of the hosts it was handed, or an error that
 * says what came instead.
 */
import { LateBalancer } from './late-balancer.js';
import type {
  BalancerContext,
  HostView,
  LoadBalancer,
} from './load-balancer.js';

/** What the user's balancer did in place of choosing. */
export class BalancerFault extends Error {}

export class OwnBalancer implements LoadBalancer {
  constructor(private readonly own: LoadBalancer) {}

  /** Undefined where it can be asked now. */
  get whenReady(): Promise<void> | undefined {
    return this.own instanceof LateBalancer ? this.own.whenReady : undefined;
  }

  pick<H extends HostView>(hosts: readonly H[], context: BalancerContext): H {
    const host = this.asked(hosts, context);
    if (hosts.includes(host)) return host;
    throw new BalancerFault(
      `pick must answer one of the hosts it is given, and answered ${told(host)}`,
    );
  }

  private asked<H extends HostView>(
    hosts: readonly H[],
    context: BalancerContext,
  ): H {
    const { own } = this;
    const balancer = own instanceof LateBalancer ? own.made() : own;
    try {
      return balancer.pick(hosts, context);
    } catch (cause) {
      throw new BalancerFault(`pick threw ${told(cause)}`, { cause });
    }
  }
}

/** What came, as far as it can be said whatever it is. */
function told(value: unknown): string {
  try {
    if (value instanceof Error) return `${value.name}: ${value.message}`;
    if (typeof value === 'string') return JSON.stringify(value);
    if (typeof value === 'function') return 'a function';
    if (typeof value !== 'object' || value === null) return String(value);
    const { netloc, then } = value as { netloc?: unknown; then?: unknown };
    if (typeof then === 'function')
      return 'a Promise: a balancer that has to wait is a function, () => [protocol, netloc]';
    return typeof netloc === 'string'
      ? `an object with the netloc ${JSON.stringify(netloc)}`
      : 'an object';
  } catch {
    return 'something that cannot be read';
  }
}
