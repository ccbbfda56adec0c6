/**
 * Lists of hosts that change while the app runs come from a source: DNS, a registry, a file.
 */
import type { HostInput } from '../core/host-setting.js';

/**
 * Where the hosts of a dependency are found out.
 *
 * State:  asked at start, then every `refreshMs` (±10 %), a second after a failure (then doubling, up
 *         to 30 s), and early, at most once a second, when the dependency's circuit opens or no host
 *         can be picked. An answer replaces the list; while there is none the last one stays.
 * Units:  milliseconds.
 * Errors: one that throws, takes longer than 10 s, or answers what is no list of hosts changes no
 *         call: the last list stays, the event `hosts.failed` and a warning say so.
 * @publicApi
 */
export interface HostSource {
  /** All hosts as of now; an empty list means that there are none. */
  hosts(): PromiseLike<readonly HostInput[]>;
  /**
   * Calls `onChange` when the hosts have changed, with the new list or with nothing to be asked for
   * it; the returned function ends that.
   */
  watch?(onChange: (hosts?: readonly HostInput[]) => void): () => void;
  /**
   * How long an answer holds, read after each; `false` = until `watch` says so.
   *
   * @default 30000, without an end where there is `watch`
   */
  readonly refreshMs?: number | false | undefined;
}

export function isHostSource(value: unknown): value is HostSource {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { hosts?: unknown }).hosts === 'function'
  );
}
