import type {
  BalancerContext,
  HostView,
  LoadBalancer,
} from './load-balancer.js';
import { KeptLots } from './lots.js';

/** After how long without being asked a host is asked whatever its estimate. */
const FORGOTTEN_MS = 1_000;

/** A difference smaller than this says nothing, and the first drawn is taken. */
const LEAD = 1.1;

/**
 * The better of two hosts, drawn by their weights, by estimated wait: answer time × (1 + running for
 * its weight). Hosts that are alike get what they weigh.
 *
 * Where one of the two has no estimate yet, fewer attempts running decide. Each pick looks at one
 * host in turn whether it has been forgotten, so that neither a bad estimate nor a small weight
 * without one can stand for ever.
 * Source: Finagle "Aperture" peak EWMA; M. Mitzenmacher, "The Power of Two Choices", 2001.
 */
export class PeakEwma implements LoadBalancer {
  /** Made when it first chooses: most dependencies have one host, or none. */
  private kept: KeptLots | undefined = undefined;
  private cursor = 0;

  pick<H extends HostView>(hosts: readonly H[], context: BalancerContext): H {
    const { length } = hosts;
    this.cursor = (this.cursor + 1) % length;
    const next = hosts[this.cursor]!;
    const isForgotten = context.nowMs - next.askedMs >= FORGOTTEN_MS;
    if (length === 1 || isForgotten) return next;
    const lots = (this.kept ??= new KeptLots()).of(hosts);
    const one = lots.draw(context.random);
    const other = lots.drawOther(one, context.random);
    const a = hosts[one]!;
    const b = hosts[other]!;
    const aWait = a.latencyMs;
    const bWait = b.latencyMs;
    const areKnown = aWait !== undefined && bWait !== undefined;
    const { burdens } = lots;
    const aLoad = 1 + a.inFlight * burdens[one]!;
    const bLoad = 1 + b.inFlight * burdens[other]!;
    const aCost = areKnown ? aWait * aLoad : aLoad;
    const bCost = areKnown ? bWait * bLoad : bLoad;
    return bCost * LEAD < aCost ? b : a;
  }
}
