import type { HostView, LoadBalancer } from './load-balancer.js';

/** When a host was first due, its turns since, and its weight: it is due at `first + turns / weight`. */
interface Turns {
  first: number;
  turns: number;
  weight: number;
  place: number;
}

/**
 * Weighted round robin without bursts: each host is due `weight` times in a unit of virtual time, at
 * even distances, and who is due first is picked. Whole weights are kept exactly in each round.
 *
 * Hosts of the same weight have their turns spread between each other's. A host that joins starts
 * where the others are; one whose weight changes keeps the part of its wait that is over.
 * Source: A. Demers, S. Keshav, S. Shenker, "Analysis and Simulation of a Fair Queueing Algorithm",
 * 1989; as Envoy's edf_scheduler.h, but for the spreading. docs/decisions/0009.
 */
export class RoundRobin implements LoadBalancer {
  private hosts: readonly HostView[] | undefined = undefined;
  /** A list that was handed out once, without those that were tried or are full. */
  private narrowed: readonly HostView[] | undefined;
  private known = new Map<HostView, Turns>();
  private all: readonly Turns[] = [];
  /** By place when each is due, and the places as a heap of who is due first. */
  private due = new Float64Array(0);
  private heap = new Int32Array(0);
  private now = 0;

  pick<H extends HostView>(hosts: readonly H[]): H {
    if (hosts !== this.hosts) {
      if (hosts !== this.narrowed && this.knows(hosts))
        return this.pickAmong(hosts);
      this.take(hosts);
    }
    const place = this.heap[0]!;
    this.now = this.due[place]!;
    this.turn(place);
    this.sink(0);
    return hosts[place]!;
  }

  /** Who is due first of fewer than all; the others lose nothing by it. */
  private pickAmong<H extends HostView>(hosts: readonly H[]): H {
    this.narrowed = hosts;
    let best = hosts[0]!;
    let bestPlace = this.known.get(best)!.place;
    for (const host of hosts) {
      const { place } = this.known.get(host)!;
      if (!this.isBefore(place, bestPlace)) continue;
      best = host;
      bestPlace = place;
    }
    this.turn(bestPlace);
    this.sink(this.heap.indexOf(bestPlace));
    return best;
  }

  private turn(place: number): void {
    const host = this.all[place]!;
    host.turns += 1;
    this.due[place] = host.first + host.turns / host.weight;
  }

  private knows(hosts: readonly HostView[]): boolean {
    return hosts.every((host) => this.known.has(host));
  }

  /** A new list, or new weights. */
  private take(hosts: readonly HostView[]): void {
    const { known } = this;
    const joined = new Map<number, Turns[]>();
    this.known = new Map();
    this.all = hosts.map((host, place) => {
      const { weight } = host;
      const before = known.get(host);
      const turns = before ?? { first: this.now, turns: 0, weight, place };
      turns.place = place;
      this.known.set(host, turns);
      if (before === undefined) {
        const alike = joined.get(weight);
        if (alike === undefined) joined.set(weight, [turns]);
        else alike.push(turns);
      } else if (before.weight !== weight) this.reweigh(before, weight);
      return turns;
    });
    for (const [weight, alike] of joined)
      alike.forEach((turns, rank) => {
        turns.first += (rank + 0.5) / alike.length / weight;
      });
    this.hosts = hosts;
    this.narrowed = undefined;
    this.due = Float64Array.from(
      this.all,
      ({ first, turns, weight }) => first + turns / weight,
    );
    this.heap = Int32Array.from(this.all, (_, place) => place);
    for (let at = (hosts.length >> 1) - 1; at >= 0; at--) this.sink(at);
  }

  private reweigh(turns: Turns, weight: number): void {
    const due = turns.first + turns.turns / turns.weight;
    const left = ((due - this.now) * turns.weight) / weight;
    turns.first = this.now + left;
    turns.turns = 0;
    turns.weight = weight;
  }

  private isBefore(one: number, other: number): boolean {
    const difference = this.due[one]! - this.due[other]!;
    return difference < 0 || (difference === 0 && one < other);
  }

  /** Restores the heap below `at`, whose place is due later than it was. */
  private sink(at: number): void {
    const { heap } = this;
    const { length } = heap;
    const place = heap[at]!;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= length) break;
      if (child + 1 < length && this.isBefore(heap[child + 1]!, heap[child]!))
        child += 1;
      if (!this.isBefore(heap[child]!, place)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = place;
  }
}
