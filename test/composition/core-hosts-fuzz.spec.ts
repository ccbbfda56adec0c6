import { describe, expect, it } from 'vitest';
import {
  consecutiveFailures,
  failureRatio,
  outlier,
  probes,
  ramp,
  type DependencyOptions,
  type HostInput,
} from '../../lib/core.js';
import {
  expectRest,
  gate,
  subject,
  type Gate,
  type Subject,
} from '../support/core-toolkit.js';

/** Source: T. Lehmer's generator, with the multiplier of S. Park and K. Miller, 1988. */
function seeded(seed: number): () => number {
  let state = 1 + (seed % 2_147_483_646);
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

const CIRCUITS: readonly NonNullable<DependencyOptions['circuit']>[] = [
  {},
  { trip: consecutiveFailures(2), resetTimeoutMs: 2_000, maxOutRatio: 1 },
  {
    trip: [failureRatio({ minimumCalls: 4, windowMs: 5_000 }), outlier()],
    resetTimeoutMs: 1_000,
    resetBackoff: { factor: 2, maxMs: 8_000, jitter: 0.5 },
    recovery: probes({ calls: 3, successes: 2 }),
  },
  {
    trip: failureRatio({ minimumCalls: 3, windowCalls: 6 }),
    resetTimeoutMs: 1_500,
    recovery: ramp({ recoveryMs: 3_000, graceMs: 1_000 }),
    maxOutRatio: 0.3,
  },
];

interface Running {
  readonly netloc: string;
  readonly work: Gate<string>;
}

/** A life of lists, calls and time, all drawn; what must always hold is looked at after each step. */
async function live(seed: number, steps: number): Promise<void> {
  const random = seeded(seed);
  const below = (n: number): number => Math.floor(random() * n);
  let current: readonly HostInput[] = ['http://a:8080'];
  let tell: (hosts: readonly HostInput[]) => void = () => {};
  const names = ['a', 'b', 'c', 'd', 'e', 'f'];
  const draw = (): HostInput[] => {
    const first = below(names.length);
    return Array.from({ length: below(5) }, (_, n) => ({
      url: `${below(8) === 0 ? 'https' : 'http'}://${names[(first + n) % names.length]}:8080`,
      weight: 1 + below(3),
    }));
  };
  const made = subject(
    {
      hosts: {
        hosts: async () => current,
        watch: (onChange) => {
          tell = onChange;
          return () => {};
        },
      },
      circuit: CIRCUITS[seed % CIRCUITS.length],
      loadBalancer: (
        ['round-robin', 'random', 'least-pending', 'peak-ewma'] as const
      )[below(4)],
      retry: seed % 3 === 0 ? { attempts: 2, on: 'any' } : false,
      maxOpenPerNetloc: 1 + below(4),
      timeoutMs: 30_000,
      attemptTimeoutMs: 3_000,
    },
    { random },
  );
  const { dependency, clock } = made;
  await clock.advance(0);
  let listed = ['a:8080'];
  const running = new Set<Running>();
  const strays: string[] = [];
  const calls: Promise<unknown>[] = [];
  const call = (netloc?: string): void => {
    const done = dependency.execute(
      async (each) => {
        const now = each.netloc!;
        if (netloc === undefined && !listed.includes(now)) strays.push(now);
        const entry = { netloc: now, work: gate() };
        running.add(entry);
        try {
          return await entry.work.promise;
        } finally {
          running.delete(entry);
        }
      },
      { netloc },
    );
    calls.push(done.catch(() => undefined));
  };

  const bad = new Set<string>();
  for (let step = 0; step < steps; step++) {
    const what = below(10);
    if (what === 0) {
      const hosts = draw();
      listed = hosts.map(({ url }: any) => new URL(url).host);
      current = hosts;
      tell(hosts);
    } else if (what === 1) {
      const name = `${names[below(names.length)]}:8080`;
      if (!bad.delete(name)) bad.add(name);
    } else if (what === 2) await clock.advance(below(4_000));
    else if (what <= 6) call(below(12) === 0 ? 'b:8080' : undefined);
    else
      for (const { netloc, work } of [...running].slice(0, below(4)))
        if (bad.has(netloc)) work.reject(new Error('out of order'));
        else work.resolve('well');
    await clock.advance(below(50));
    expectSound(made, listed, seed % CIRCUITS.length === CIRCUITS.length - 1);
  }

  expect(strays).toEqual([]);
  // Everybody is well again, and is so for a while: nothing is left of what has been.
  current = ['http://y:8080', 'http://z:8080'];
  tell(current);
  listed = ['y:8080', 'z:8080'];
  for (let n = 0; n < 100; n++) {
    for (const { work } of running) work.resolve('well');
    call();
    await clock.advance(1_000);
  }
  for (const { work } of running) work.resolve('well');
  await clock.advance(60_000);
  await Promise.all(calls);
  expect(await dependency.execute(() => 'well')).toBe('well');
  const { state, hosts } = dependency.snapshot();
  expect(state).toBe('closed');
  const own = hosts.filter((host) => !('pinned' in host));
  expect(own).toMatchObject([{ inService: true }, { inService: true }]);
  await dependency.close();
  expectRest(made);
}

function expectSound(
  { dependency }: Subject,
  listed: readonly string[],
  isRamp: boolean,
): void {
  const { hosts, window, state, totals } = dependency.snapshot();
  const own = hosts.filter((host) => !('pinned' in host));
  expect(own.map(({ netloc }) => netloc)).toEqual(listed);
  const serving = own.filter(({ inService }) => inService);
  if (own.length > 1) {
    expect(serving.length).toBeGreaterThan(0);
    // A ramp that is over shows an empty window until the next call, which empties those of hosts too.
    if (state === 'closed' && (window.calls > 0 || !isRamp)) {
      const sum = (key: 'calls' | 'failures'): number =>
        serving.reduce((all, host) => all + host.window[key], 0);
      expect({ calls: window.calls, failures: window.failures }).toEqual({
        calls: sum('calls'),
        failures: sum('failures'),
      });
    }
  } else expect(serving).toHaveLength(own.length);
  const ended =
    totals.succeeded + totals.failed + totals.refused + totals.cancelled;
  expect(ended).toBeLessThanOrEqual(totals.started);
}

describe('A dependency whose list changes while hosts fail and heal', () => {
  // The last ones have found what was wrong once.
  const lives = Array.from({ length: 36 }, (_, n) => n);
  it.each([...lives, 1037, 1150, 1156, 1164])(
    'keeps its counts, asks nobody who is not listed, and gets well: life %s',
    (seed) => live(seed, 250),
  );
});
