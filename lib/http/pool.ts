import { Client, Pool } from 'undici';
import type { Dispatcher } from 'undici';

/**
 * undici's pool sets a connection aside when it takes no further request, until it has drained. One
 * that refused a request for its form (a header that must not be, a line break in the path) holds
 * nothing that could drain: as many such requests as there are connections, and the pool would stand
 * still for ever.
 */
class SoundClient extends Client {
  override dispatch(
    options: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler,
  ): boolean {
    return super.dispatch(options, handler) || this.stats.size === 0;
  }
}

/**
 * Makes the pools of one dependency, each the connections to one origin. An agent forgets a pool that it
 * has closed, though answers may come in there for as long as they like: all are known here.
 */
export class Pools {
  private readonly made = new Set<Pool>();

  make(origin: string | URL, options: object): Pool {
    // One that has closed is destroyed then.
    for (const pool of this.made) if (pool.destroyed) this.made.delete(pool);
    const pool = new Pool(origin, {
      ...options,
      factory: (of, given) => new SoundClient(of, given),
    });
    this.made.add(pool);
    return pool;
  }

  /** Cuts every connection, of pools too that wait for their last answer. */
  async destroy(reason: Error | null): Promise<void> {
    await Promise.all([...this.made].map((pool) => pool.destroy(reason)));
    this.made.clear();
  }
}
