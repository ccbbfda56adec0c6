import type {
  BalancerContext,
  HostView,
  LoadBalancer,
} from './load-balancer.js';

/** A balancer that somebody else makes, and perhaps has not made yet. */
export class LateBalancer implements LoadBalancer {
  constructor(
    private readonly isMade: () => boolean,
    private readonly whenMade: Promise<void>,
    /** Throws what to tell the caller where it is not made, or is no balancer. */
    readonly made: () => LoadBalancer,
  ) {}

  /** Undefined from when it is made. */
  get whenReady(): Promise<void> | undefined {
    return this.isMade() ? undefined : this.whenMade;
  }

  pick<H extends HostView>(hosts: readonly H[], context: BalancerContext): H {
    return this.made().pick(hosts, context);
  }
}
