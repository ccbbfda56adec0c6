/**
 * Netlocs that a balancer function answers: hosts from when they are first seen.
 */
import type { Host } from './host.js';
import type { HostSet } from './host-set.js';

/** Beyond that, idle ones make room. */
const MOST = 1_000;

/**
 * Adds `host` to the hosts, in place of one that is reached in another way there; false if all
 * of them are open or busy and there is no room.
 */
export function takeIn(hosts: HostSet, host: Host): boolean {
  const { all } = hosts;
  const same = all.findIndex(({ netloc }) => netloc === host.netloc);
  if (same >= 0) {
    hosts.setHosts(all.with(same, host));
    return true;
  }
  const idle = all.length < MOST ? undefined : all.find((each) => each.isIdle);
  if (all.length >= MOST && idle === undefined) return false;
  hosts.setHosts([...all.filter((other) => other !== idle), host]);
  return true;
}
