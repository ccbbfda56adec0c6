import type {
  BalancerContext,
  HostView,
  LoadBalancer,
} from './load-balancer.js';
import { KeptLots } from './lots.js';

/** Each host with the chance of its weight. */
export class RandomChoice implements LoadBalancer {
  private readonly lots = new KeptLots();

  pick<H extends HostView>(hosts: readonly H[], context: BalancerContext): H {
    return hosts[this.lots.of(hosts).draw(context.random)]!;
  }
}
