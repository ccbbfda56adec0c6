import type {
  BalancerContext,
  HostView,
  LoadBalancer,
} from './load-balancer.js';
import { KeptLots } from './lots.js';

/** Among more hosts than that the fewest of those drawn are near enough to the fewest of all. */
const MOST_LOOKED_AT = 32;
const DRAWS = 4;

/**
 * The host with the fewest attempts pending for its weight; of several that have none, one by the
 * chance of its weight.
 *
 * Up to four hosts are drawn and the first that is idle is taken; else up to 32 hosts are all looked
 * at, of more the best of those drawn.
 * Source: M. Mitzenmacher, "The Power of Two Choices", 2001; docs/decisions/0009.
 */
export class LeastPending implements LoadBalancer {
  private readonly kept = new KeptLots();

  pick<H extends HostView>(
    hosts: readonly H[],
    { nowMs, random }: BalancerContext,
  ): H {
    const lots = this.kept.of(hosts);
    const { burdens } = lots;
    let best = 0;
    let fewest = Infinity;
    for (let each = 0; each < DRAWS; each++) {
      const index = lots.draw(random);
      const pending = hosts[index]!.pendingAt(nowMs);
      if (pending === 0) return hosts[index]!;
      const load = pending * burdens[index]!;
      if (load >= fewest) continue;
      best = index;
      fewest = load;
    }
    if (hosts.length > MOST_LOOKED_AT) return hosts[best]!;
    for (let index = 0; index < hosts.length; index++) {
      const load = hosts[index]!.pendingAt(nowMs) * burdens[index]!;
      if (load >= fewest) continue;
      best = index;
      fewest = load;
    }
    return hosts[best]!;
  }
}
