import { HostFeed } from '../../lib/balancing/host-feed.js';
import type { HostSource } from '../../lib/balancing/host-source.js';
import { readHosts } from '../../lib/dependency/netloc.js';
import { ManualClock } from '../../lib/testing/manual-clock.js';

/** A feed whose owner only remembers. */
export function feedOf(
  source: HostSource,
  draw: () => number = () => 0.5,
): {
  readonly clock: ManualClock;
  readonly feed: HostFeed;
  readonly lists: string[][];
  readonly failures: string[];
  readonly told: string[];
} {
  const clock = new ManualClock();
  const lists: string[][] = [];
  const failures: string[] = [];
  const told: string[] = [];
  const feed = new HostFeed(source, {
    clock,
    random: draw,
    readHosts,
    hostsAnswered: (hosts) => {
      lists.push(hosts.map(({ netloc }) => netloc));
    },
    hostsFailed: (error, isWorthTelling) => {
      const { message } = error as Error;
      failures.push(message);
      if (isWorthTelling) told.push(message);
    },
  });
  return { clock, feed, lists, failures, told };
}

/** A source that remembers when it was asked. */
export function asked(
  clock: () => number,
  answer: (times: number) => readonly string[] | Promise<readonly string[]>,
  more: Partial<HostSource> = {},
): HostSource & { readonly times: number[] } {
  const times: number[] = [];
  return {
    times,
    hosts: async () => {
      times.push(clock());
      return answer(times.length);
    },
    ...more,
  };
}

export const down = (): never => {
  throw new Error('registry is down');
};
