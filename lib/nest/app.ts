/** What decorated methods need of the app they run in; `DaceRegistry` is one. */
import type { Dependency } from '../dependency/dependency.js';

export interface App {
  /** The executor of `id`, or an error that names the known ones. */
  get(id: string): Dependency;
  has(id: string): boolean;
  /** The error for an id that nobody registered. */
  unknown(id: string, users: readonly string[]): Error;
  /** While the app is put together: waits for `id`, if it is on its way. */
  whenAdded(id: string): Promise<void> | undefined;
  /** Whether the app's container constructed, or was given, what `isIt` tells. */
  holds(isIt: (candidate: object) => boolean): boolean;
  /** What `cancelOnDisconnect` of the module says. */
  readonly cancelOnDisconnect: boolean | undefined;
}
