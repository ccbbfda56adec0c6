/**
 * Choice among hosts, and nothing else: who counts, leases or ejects stands elsewhere. A balancer
 * is handed hosts that may be asked and draws its chance from the context.
 */
import { LeastPending } from './least-pending.js';
import type { LoadBalancer, LoadBalancerInput } from './load-balancer.js';
import { OwnBalancer } from './own-balancer.js';
import { PeakEwma } from './peak-ewma.js';
import { RandomChoice } from './random-choice.js';
import { RoundRobin } from './round-robin.js';

export type {
  BalancerContext,
  BalancerFunction,
  HostView,
  LoadBalancer,
  LoadBalancerInput,
} from './load-balancer.js';

/** The balancer behind a name, or the user's own; a balancer function is asked elsewhere. */
export function balancerOf(input: LoadBalancerInput): LoadBalancer {
  if (typeof input === 'object') return new OwnBalancer(input);
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
