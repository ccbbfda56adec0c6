/**
 * What a change of the list of hosts means to others: to the connections, and to whoever listens.
 */
import type { Host } from '../balancing/host.js';
import type { Clock } from '../core/clock.js';
import { DaceShutdownError } from '../core/errors.js';
import type { Listeners } from '../core/events.js';
import type { HostSetting } from '../core/host-setting.js';
import type { TransportSettings } from '../http/http-options.js';
import { HttpTransport } from '../http/transport.js';
import type { LiveWork } from './live-work.js';
import { isSameHost } from './netloc.js';
import type { Settings } from './settings.js';

/** A dependency, as far as its hosts go. */
interface Listing {
  readonly id: string;
  readonly settings: Settings;
  readonly listeners: Listeners;
  readonly fleet: { readonly listed: readonly HostSetting[] };
}

/** What HTTP knows of a dependency, whose hosts may come from a source. */
export function httpOf({ settings, fleet }: Listing): TransportSettings {
  const { http, source, propagateDeadline, attemptTimeoutMs } = settings;
  const isListed = source !== undefined;
  const hosts = fleet.listed;
  return { http, hosts, isListed, propagateDeadline, attemptTimeoutMs };
}

/** The connections of a dependency: of one that has let go of everything, none that can be used. */
export function transportOf(
  listing: Listing & {
    readonly isClosed: boolean;
    readonly clock: Clock;
    readonly live: LiveWork;
  },
): HttpTransport {
  const { id, clock, live, isClosed } = listing;
  const transport = new HttpTransport(id, httpOf(listing), {
    nowMs: () => clock.nowMs(),
    startTimer: (ms, fn) => live.startTimer(ms, fn),
  });
  if (isClosed && live.isEmpty)
    void transport.destroy(new DaceShutdownError({ dependencyId: id }));
  return transport;
}

/** Whether one of the hosts has the connections of `setting`, which is listed no more. */
export function isReached(
  hosts: { find(netloc: string): Host | undefined },
  { netloc, protocol }: HostSetting,
): boolean {
  return hosts.find(netloc)?.setting?.protocol === protocol;
}

export function tellHosts(
  { id: dependencyId, listeners }: Listing,
  before: readonly HostSetting[],
  now: readonly HostSetting[],
): void {
  if (!listeners.wantsRare) return;
  const added = missingFrom(before, now);
  const removed = missingFrom(now, before);
  listeners.emit({ type: 'hosts.changed', dependencyId, added, removed });
}

export function tellHostsFailed(
  { id: dependencyId, listeners, fleet }: Listing,
  error: unknown,
  isWorthTelling: boolean,
): void {
  if (!listeners.wantsRare) return;
  listeners.emit({ type: 'hosts.failed', dependencyId, error });
  if (!isWorthTelling) return;
  const { length } = fleet.listed;
  const rest =
    length === 0
      ? 'there is none to call'
      : `the last list stays in use (${length} ${length === 1 ? 'host' : 'hosts'})`;
  const message = `The source of its hosts has failed; ${rest}.`;
  listeners.emit({ type: 'warning', dependencyId, message, error });
}

function missingFrom(
  some: readonly HostSetting[],
  all: readonly HostSetting[],
): string[] {
  const known = new Map(some.map((host) => [host.netloc, host]));
  return all
    .filter((host) => {
      const other = known.get(host.netloc);
      return other === undefined || !isSameHost(other, host);
    })
    .map(({ netloc }) => netloc);
}
