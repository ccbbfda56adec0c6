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

/** The connections to one origin. */
export const makePool = (origin: string | URL, options: object): Pool =>
  new Pool(origin, {
    ...options,
    factory: (of, given) => new SoundClient(of, given),
  });
