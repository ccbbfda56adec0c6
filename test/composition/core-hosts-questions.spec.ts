import { describe, expect, it } from 'vitest';
import {
  consecutiveFailures,
  createDependency,
  dnsHosts,
  type DnsHostsOptions,
} from '../../lib/core.js';
import { ManualClock } from '../../lib/testing/manual-clock.js';
import { fail } from '../support/core-toolkit.js';

/** Source: T. Lehmer's generator, with the multiplier of S. Park and K. Miller, 1988. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

/** A name server that answers at once, and remembers when it was asked. */
function answering(
  clock: ManualClock,
  ttl: number,
  addresses: () => string[] = () => ['10.0.0.1'],
): {
  readonly askedAtMs: number[];
  readonly hosts: () => ReturnType<typeof dnsHosts>;
} {
  const askedAtMs: number[] = [];
  const resolver: NonNullable<DnsHostsOptions['resolver']> = {
    resolve4: async () => {
      askedAtMs.push(clock.nowMs());
      return addresses().map((address) => ({ address, ttl }));
    },
    resolve6: async () => [],
    resolveSrv: async () => [],
  };
  return {
    askedAtMs,
    hosts: () => dnsHosts({ name: 'search.internal', type: 'A', resolver }),
  };
}

describe('A thousand dependencies that ask DNS', () => {
  it('wait behind one alarm, and ask less and less together', async () => {
    const clock = new ManualClock();
    const server = answering(clock, 60);
    const random = seeded(5);
    const dependencies = Array.from({ length: 1_000 }, (_, n) =>
      createDependency(`d${n}`, { hosts: server.hosts() }, { clock, random }),
    );
    await clock.advance(0);
    expect(server.askedAtMs).toHaveLength(1_000);
    expect(clock.pending).toBe(1);

    await clock.advance(70_000);
    const second = server.askedAtMs.slice(1_000);
    expect(second).toHaveLength(1_000);
    expect(Math.min(...second)).toBeGreaterThanOrEqual(54_000);
    expect(Math.max(...second)).toBeLessThanOrEqual(66_000);
    // Evenly it would be 83 a second; a herd would be a thousand.
    for (let fromMs = 54_000; fromMs < 66_000; fromMs += 1_000) {
      const some = second.filter((ms) => ms >= fromMs && ms < fromMs + 1_000);
      expect(some.length).toBeLessThan(150);
    }

    await Promise.all(dependencies.map((each) => each.close()));
    expect(clock.pending).toBe(0);
  });
});

describe('A dependency whose circuit opens and half-opens all the time', () => {
  it('asks DNS once a second at most', async () => {
    const clock = new ManualClock();
    const server = answering(clock, 300);
    const dependency = createDependency(
      'search',
      {
        hosts: server.hosts(),
        circuit: { trip: consecutiveFailures(1), resetTimeoutMs: 10 },
        retry: false,
      },
      { clock, random: () => 0.5 },
    );
    await clock.advance(0);
    for (let n = 0; n < 1_000; n++) {
      await fail(dependency, 1);
      await clock.advance(10);
    }
    expect(server.askedAtMs).toEqual(
      Array.from({ length: 11 }, (_, n) => 1_000 * n),
    );
    await dependency.close();
  });

  it('asks DNS once a second at most where every answer is another', async () => {
    const clock = new ManualClock();
    let last = 0;
    const server = answering(clock, 0, () => [`10.0.0.${last++ % 200}`]);
    const dependency = createDependency(
      'search',
      {
        hosts: server.hosts(),
        circuit: { trip: consecutiveFailures(3), resetTimeoutMs: 30_000 },
        retry: false,
      },
      { clock, random: seeded(3) },
    );
    await clock.advance(0);
    for (let n = 0; n < 3_000; n++) {
      await fail(dependency, 1);
      await clock.advance(10);
    }
    // A time to live of 0 is a second, and hosts that nobody knows get one probe with each answer.
    expect(server.askedAtMs.length).toBeLessThanOrEqual(31);
    const { attempts } = dependency.snapshot().totals;
    expect(attempts).toBeLessThanOrEqual(3 + 31);
    expect(attempts).toBeGreaterThan(20);
    await dependency.close();
  });
});

describe('A question to DNS that is under way when the dependency is closed', () => {
  it('changes nothing, and nobody asks again', async () => {
    const clock = new ManualClock();
    let answer: (
      records: { address: string; ttl: number }[],
    ) => void = () => {};
    let asked = 0;
    const dependency = createDependency(
      'search',
      {
        hosts: dnsHosts({
          name: 'search.internal',
          type: 'A',
          resolver: {
            resolve4: () => {
              asked += 1;
              return new Promise((resolve) => (answer = resolve));
            },
            resolve6: async () => [],
            resolveSrv: async () => [],
          },
        }),
      },
      { clock },
    );
    await clock.advance(0);
    await dependency.close();
    answer([{ address: '10.0.0.1', ttl: 1 }]);
    await clock.advance(60_000);
    expect(asked).toBe(1);
    expect(dependency.snapshot().hosts).toEqual([]);
    expect(clock.pending).toBe(0);
  });
});
