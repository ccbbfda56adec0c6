/**
 * Choice among hosts, and nothing else: who counts, leases or ejects stands elsewhere. A balancer
 * is handed hosts that may be asked and draws its chance from the context.
 */

/** What a balancer may look at. @publicApi */
export interface HostView {
  /** `host:port`, always with the port. */
  readonly netloc: string;
  readonly weight: number;
  /** Attempts running on it now. */
  readonly inFlight: number;
  /** Estimate of its answer time in milliseconds; absent until it answered. */
  readonly latencyMs?: number | undefined;
  /** When it was last asked, in the clock's monotonic time. */
  readonly askedMs: number;
}

/** @publicApi */
export interface BalancerContext {
  readonly nowMs: number;
  readonly random: () => number;
}

/** Chooses one of `hosts`, which is never empty. Pure but for its own memory. @publicApi */
export interface LoadBalancer {
  pick<H extends HostView>(hosts: readonly H[], context: BalancerContext): H;
}

/**
 * dace's form: answers `[protocol, netloc]`, asked once per attempt.
 *
 * @publicApi
 */
export type BalancerFunction = () =>
  readonly [string, string] | PromiseLike<readonly [string, string]>;

/** @publicApi */
export type LoadBalancerInput =
  | 'round-robin'
  | 'random'
  | 'least-pending'
  | 'peak-ewma'
  | BalancerFunction
  | LoadBalancer;

/**
 * Smooth weighted round robin: in any run the shares follow the weights, with no bursts.
 *
 * Source: nginx, ngx_http_upstream_round_robin.
 */
class RoundRobin implements LoadBalancer {
  private credits = new WeakMap<HostView, number>();
  private next = 0;

  pick<H extends HostView>(hosts: readonly H[]): H {
    const first = hosts[0]!;
    if (hosts.every((host) => host.weight === first.weight)) {
      this.next = (this.next + 1) % hosts.length;
      return hosts[(this.next + hosts.length - 1) % hosts.length]!;
    }
    let total = 0;
    let best = first;
    let bestCredit = -Infinity;
    for (const host of hosts) {
      const credit = (this.credits.get(host) ?? 0) + host.weight;
      this.credits.set(host, credit);
      total += host.weight;
      if (credit > bestCredit) {
        best = host;
        bestCredit = credit;
      }
    }
    this.credits.set(best, bestCredit - total);
    return best;
  }
}

/** Each host with the chance of its weight. */
class RandomChoice implements LoadBalancer {
  pick<H extends HostView>(hosts: readonly H[], context: BalancerContext): H {
    let total = 0;
    for (const host of hosts) total += host.weight;
    let drawn = context.random() * total;
    for (const host of hosts) {
      drawn -= host.weight;
      if (drawn < 0) return host;
    }
    return hosts[hosts.length - 1]!;
  }
}

/** The host with the fewest attempts running for its weight, chance among equals. */
class LeastPending implements LoadBalancer {
  pick<H extends HostView>(hosts: readonly H[], context: BalancerContext): H {
    const start = Math.floor(context.random() * hosts.length);
    let best = hosts[start]!;
    for (let step = 1; step < hosts.length; step++) {
      const host = hosts[(start + step) % hosts.length]!;
      if (host.inFlight / host.weight < best.inFlight / best.weight)
        best = host;
    }
    return best;
  }
}

/** After how long without being asked a host is asked whatever its estimate. */
const FORGOTTEN_MS = 1_000;

/** A difference smaller than this says nothing, and chance decides. */
const LEAD = 1.1;

/**
 * The better of two drawn hosts by estimated wait: answer time × (running + 1) / weight.
 *
 * Where one of the two has no estimate yet, fewer attempts running decide. Each pick looks at one
 * host in turn whether it has been forgotten, so that neither a bad estimate nor a small weight
 * without one can stand for ever.
 * Source: Finagle "Aperture" peak EWMA; M. Mitzenmacher, "The Power of Two Choices", 2001.
 */
class PeakEwma implements LoadBalancer {
  private cursor = 0;

  pick<H extends HostView>(hosts: readonly H[], context: BalancerContext): H {
    const { length } = hosts;
    this.cursor = (this.cursor + 1) % length;
    const next = hosts[this.cursor]!;
    const isForgotten = context.nowMs - next.askedMs >= FORGOTTEN_MS;
    if (length === 1 || isForgotten) return next;
    const one = Math.floor(context.random() * length);
    const step = 1 + Math.floor(context.random() * (length - 1));
    const a = hosts[one]!;
    const b = hosts[(one + step) % length]!;
    const aWait = a.latencyMs;
    const bWait = b.latencyMs;
    const areKnown = aWait !== undefined && bWait !== undefined;
    const aCost = ((areKnown ? aWait : 1) * (a.inFlight + 1)) / a.weight;
    const bCost = ((areKnown ? bWait : 1) * (b.inFlight + 1)) / b.weight;
    return bCost * LEAD < aCost ? b : a;
  }
}

/** The balancer behind a name, or the user's own; a balancer function is asked elsewhere. */
export function balancerOf(input: LoadBalancerInput): LoadBalancer {
  if (typeof input === 'object') return input;
  switch (input) {
    case 'round-robin':
      return new RoundRobin();
    case 'random':
      return new RandomChoice();
    case 'least-pending':
      return new LeastPending();
    default:
      return new PeakEwma();
  }
}
