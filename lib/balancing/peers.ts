/**
 * A bounded set of hosts that no list names: peers that calls are pinned to, and netlocs that a
 * balancer function answers. Idle closed ones make room for new ones; an open one never does.
 */
import type { Host } from './host.js';

const MOST = 1_000;

export class Peers {
  private readonly byNetloc = new Map<string, Host>();

  constructor(
    private readonly make: (netloc: string) => Host,
    private readonly wasFull: () => void,
  ) {}

  get all(): readonly Host[] {
    return [...this.byNetloc.values()];
  }

  get(netloc: string): Host {
    const known = this.byNetloc.get(netloc);
    if (known !== undefined) {
      this.byNetloc.delete(netloc);
      this.byNetloc.set(netloc, known);
      return known;
    }
    const host = this.make(netloc);
    if (this.byNetloc.size < MOST || this.evict()) {
      this.byNetloc.set(netloc, host);
    } else {
      host.circuit = undefined;
      this.wasFull();
    }
    return host;
  }

  find(netloc: string): Host | undefined {
    return this.byNetloc.get(netloc);
  }

  /** It is listed now, and no longer a peer. */
  forget(netloc: string): void {
    this.byNetloc.delete(netloc);
  }

  /** Drops the idle peer that was asked longest ago. */
  private evict(): boolean {
    for (const [netloc, host] of this.byNetloc) {
      if (!host.isIdle) continue;
      this.byNetloc.delete(netloc);
      return true;
    }
    return false;
  }
}
