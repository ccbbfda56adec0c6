import { describe, expect, it } from 'vitest';
import {
  consecutiveFailures,
  outlier,
  type DependencyOptions,
} from '../../lib/core.js';
import type { Subject } from '../support/core-toolkit.js';
import { after, subject } from '../support/core-toolkit.js';

type Listing = Subject & { list(hosts: readonly string[]): void };

/** A dependency whose list of hosts is in the test's hand, and that draws its chance from a seed. */
async function listing(
  hosts: readonly string[],
  options: DependencyOptions = {},
): Promise<Listing> {
  let change: (hosts: readonly string[]) => void = () => {};
  const made = subject(
    {
      hosts: {
        hosts: async () => hosts,
        watch: (onChange) => {
          change = onChange;
          return () => {};
        },
      },
      retry: false,
      maxOpenPerNetloc: 1_000,
      ...options,
    },
    { random: seeded(7) },
  );
  await made.clock.advance(0);
  return { ...made, list: (now) => change(now) };
}

/** Source: T. Lehmer's generator, with the multiplier of S. Park and K. Miller, 1988. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

/** One call every `everyMs`, each taking `tookMs` of its host; who was asked, and how often. */
async function load(
  { dependency, clock }: Listing,
  forMs: number,
  {
    everyMs = 5,
    tookMs = (_netloc: string): number => 20,
    isFailing = (_netloc: string): boolean => false,
  } = {},
): Promise<Map<string, number>> {
  const asked = new Map<string, number>();
  const calls: Promise<unknown>[] = [];
  for (let atMs = 0; atMs < forMs; atMs += everyMs) {
    const call = dependency.execute((each) => {
      const netloc = each.netloc!;
      asked.set(netloc, (asked.get(netloc) ?? 0) + 1);
      return after(clock, tookMs(netloc), () => {
        if (isFailing(netloc)) throw new Error('out of order');
      });
    });
    calls.push(call.catch(() => undefined));
    await clock.advance(everyMs);
  }
  await clock.advance(1_000);
  await Promise.all(calls);
  return asked;
}

const BALANCERS = [
  'round-robin',
  'random',
  'least-pending',
  'peak-ewma',
] as const;

describe('A new host among others under load', () => {
  it.each(BALANCERS)(
    'gets far less than its part at first and all of it later, by %s',
    async (loadBalancer) => {
      const made = await listing(['a', 'b', 'c'], { loadBalancer });
      await load(made, 2_000);
      made.list(['a', 'b', 'c', 'd']);
      // Twenty at a time, so that every balancer has something to weigh.
      const first = await load(made, 1_000, { everyMs: 1 });
      expect(first.get('d:80')).toBeLessThan(1_000 / 4 / 2);
      expect(first.get('d:80')).toBeGreaterThan(0);
      await load(made, 12_000, { everyMs: 20 });
      const later = await load(made, 2_000);
      expect(later.get('d:80')).toBeGreaterThan(60);
      expect(later.get('d:80')).toBeLessThan(140);
    },
  );

  it.each(BALANCERS)(
    'is not taken out for being slower at first, by %s',
    async (loadBalancer) => {
      const made = await listing(['a', 'b', 'c'], {
        loadBalancer,
        attemptTimeoutMs: 200,
        circuit: { trip: outlier() },
      });
      await load(made, 2_000);
      made.list(['a', 'b', 'c', 'd']);
      const startMs = made.clock.nowMs();
      await load(made, 12_000, {
        everyMs: 10,
        // Cold for three seconds, and then as the others are.
        tookMs: (netloc) =>
          netloc === 'd:80' && made.clock.nowMs() - startMs < 3_000 ? 120 : 20,
      });
      expect(
        made.dependency.snapshot().hosts.map(({ inService }) => inService),
      ).toEqual([true, true, true, true]);
    },
  );

  it.each(BALANCERS)(
    'is taken out all the same when it fails, by %s',
    async (loadBalancer) => {
      const made = await listing(['a', 'b', 'c'], { loadBalancer });
      await load(made, 2_000);
      made.list(['a', 'b', 'c', 'd']);
      const isFailing = (netloc: string): boolean => netloc === 'd:80';
      const asked = await load(made, 5_000, { isFailing });
      const { hosts, state } = made.dependency.snapshot();
      expect(state).toBe('closed');
      expect(hosts).toMatchObject([
        { inService: true },
        { inService: true },
        { inService: true },
        { netloc: 'd:80', inService: false },
      ]);
      expect(asked.get('d:80')).toBeLessThan(25);
    },
  );
});

describe('Those that stay while others come', () => {
  const shareOf = async (made: Listing, netloc: string): Promise<number> => {
    const asked = await load(made, 1_000);
    return asked.get(netloc)! / 200;
  };

  it.each(BALANCERS)(
    'never get more than twice their part, by %s',
    async (loadBalancer) => {
      for (const now of [
        ['a', 'b', 'c', 'z'],
        ['a', 'b', 'y', 'z'],
        ['a', 'x', 'y', 'z'],
      ]) {
        const made = await listing(['a', 'b', 'c', 'd'], { loadBalancer });
        await load(made, 2_000);
        made.list(now);
        expect(await shareOf(made, 'a:80')).toBeLessThan(2 * 0.25 + 0.1);
      }
    },
  );

  it('never do where the others come one by one', async () => {
    const made = await listing(['a', 'b', 'c', 'd'], {
      loadBalancer: 'round-robin',
    });
    await load(made, 2_000);
    for (const now of [
      ['a', 'b', 'c', 'z'],
      ['a', 'b', 'y', 'z'],
      ['a', 'x', 'y', 'z'],
    ]) {
      made.list(now);
      expect(await shareOf(made, 'a:80')).toBeLessThanOrEqual(2 * 0.25);
    }
  });

  it('are not counted upon while they are out', async () => {
    const made = await listing(['a', 'b', 'c', 'd'], {
      loadBalancer: 'round-robin',
      circuit: { trip: consecutiveFailures(5), resetTimeoutMs: 60_000 },
    });
    const isFailing = (netloc: string): boolean => /^[bc]/.test(netloc);
    await load(made, 2_000, { isFailing });
    expect(
      made.dependency.snapshot().hosts.map(({ inService }) => inService),
    ).toEqual([true, false, false, true]);
    made.list(['a', 'b', 'c', 'z']);
    // Two are in service: a half each, and no more.
    expect(await shareOf(made, 'a:80')).toBeLessThanOrEqual(0.5);
  });
});
