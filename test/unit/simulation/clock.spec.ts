import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { settled } from '../../../lib/core/clock.js';
import {
  ramp,
  type CircuitOptions,
  type DependencyOptions,
} from '../../../lib/core.js';
import type { Scenario, Simulation } from '../../../lib/testing/index.js';
import { runScenario } from '../../../lib/simulation/simulate.js';
import {
  promisesSettled,
  SimulatedClock,
} from '../../../lib/simulation/clock.js';

/** A chain of promises of that many links, of the kinds that code is made of. */
async function chain(links: number, done: () => void): Promise<void> {
  for (let link = 0; link < links; link++)
    switch (link % 4) {
      case 0:
        await Promise.resolve();
        break;
      case 1:
        await new Promise<void>((resolve) => queueMicrotask(resolve));
        break;
      case 2:
        await Promise.reject(new Error('no')).catch(() => undefined);
        break;
      default:
        await Promise.all([
          Promise.resolve(),
          Promise.resolve().then(() => Promise.resolve()),
        ]);
    }
  done();
}

describe('The pause between two moments of a simulation', () => {
  it('is as long as the longest chain of promises', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(200), { maxLength: 20 }),
        async (lengths) => {
          let open = lengths.length;
          for (const links of lengths) void chain(links, () => (open -= 1));

          await promisesSettled();

          expect(open).toBe(0);
        },
      ),
    );
  });

  it('goes on without a round of the event loop', async () => {
    let isRound = false;
    setImmediate(() => (isRound = true));

    for (let n = 0; n < 1_000; n++) await promisesSettled();

    expect(isRound).toBe(false);
    await settled();
    expect(isRound).toBe(true);
  });
});

const ratio = fc.constantFrom(0, 0, 0.05, 0.4, 1);
const latencyMs = fc.constantFrom(
  0,
  3,
  40,
  { p50: 20, p99: 200 },
  { p50: 200, p99: 900 },
);

const behaviour = {
  latencyMs,
  errorRatio: ratio,
  hangRatio: ratio,
  status: fc.constantFrom(500, 503, 429, 404),
  retryAfterS: fc.constantFrom(undefined, 0, 1),
  refusesConnections: fc.constantFrom(false, false, false, true),
  capacity: fc.constantFrom(undefined, 1, 4),
};

const host = fc.record(
  {
    ...behaviour,
    phases: fc
      .uniqueArray(
        fc.record(
          {
            ...behaviour,
            fromS: fc.integer({ min: 1, max: 7 }),
            rampS: fc.constantFrom(0, 2),
          },
          { requiredKeys: ['fromS'] },
        ),
        { maxLength: 3, selector: ({ fromS }) => fromS },
      )
      .map((phases) => phases.toSorted((a, b) => a.fromS - b.fromS)),
  },
  { requiredKeys: [] },
);

const circuit: fc.Arbitrary<CircuitOptions | false> = fc.oneof(
  fc.constant<false>(false),
  fc.record({
    resetTimeoutMs: fc.constantFrom(200, 1_000),
    recovery: fc.constantFrom(
      undefined,
      ramp({ recoveryMs: 1_000, graceMs: 500 }),
    ),
    openOnRetryAfter: fc.constantFrom(undefined, { maxMs: 1_500 }),
  }),
);

const options: fc.Arbitrary<DependencyOptions> = fc.record({
  enabled: fc.constantFrom(true, true, true, false),
  timeoutMs: fc.constantFrom(300, 1_000, undefined),
  attemptTimeoutMs: fc.constantFrom(100, 250, undefined),
  maxOpenPerNetloc: fc.constantFrom(1, 3, 10, false as const),
  maxQueuedPerNetloc: fc.constantFrom(0, 5, 100),
  rateLimit: fc.constantFrom(undefined, { limit: 20, intervalMs: 500 }),
  retry: fc.record({
    onTimeout: fc.boolean(),
    backoff: fc.constantFrom(undefined, {
      delayMs: 20,
      jitter: 'full' as const,
    }),
  }),
  fallback: fc.constantFrom(
    undefined,
    'a value',
    () => 'a function',
    async () => {
      await Promise.resolve();
      return 'later';
    },
  ),
  circuit,
});

const scenario: fc.Arbitrary<Scenario> = fc.record(
  {
    options,
    hosts: fc.array(host, { minLength: 1, maxLength: 4 }),
    traffic: fc.constantFrom(
      20,
      80,
      [{ fromS: 0, perSecond: 30, arrivals: 'even' as const }],
      [
        { fromS: 1, perSecond: 60 },
        { fromS: 4, perSecond: 0 },
        { fromS: 6, perSecond: 90 },
      ],
    ),
    seconds: fc.integer({ min: 1, max: 9 }),
    seed: fc.nat(),
  },
  { requiredKeys: ['options', 'seconds', 'seed'] },
);

/** Nobody is counted twice or forgotten. */
function expectSoundAccounts({ totals, seconds, hosts }: Simulation): void {
  const add = (one: number, other: number): number => one + other;
  const { callers, unfinished } = totals;
  const gone = Object.values(callers).reduce(add, 0);
  const { succeeded, failed, refused, cancelled } = totals;
  expect(succeeded + failed + refused + cancelled).toBe(gone);
  expect(totals.started).toBe(gone + unfinished);
  expect(unfinished).toBeGreaterThanOrEqual(0);
  expect(callers.succeeded).toBeLessThanOrEqual(succeeded);
  expect(totals.attempts - totals.retries).toBeLessThanOrEqual(totals.started);
  const served = hosts.map((_, at) =>
    seconds.map((second) => second.hosts[at]!.attempts).reduce(add, 0),
  );
  expect(served.reduce(add, 0)).toBe(totals.attempts);
  expect(JSON.parse(JSON.stringify({ totals, seconds }))).toEqual({
    totals,
    seconds,
  });
}

describe('A simulation on its fast clock', () => {
  it('comes to what it comes to when each moment waits for the event loop', async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async (given) => {
        // As `ManualClock.advance` does.
        const slow = await runScenario(given, {}, new SimulatedClock(settled));

        const fast = await runScenario(given, {}, new SimulatedClock());

        expect(fast).toEqual(slow);
        expectSoundAccounts(fast);
      }),
      { numRuns: 120 },
    );
  }, 60_000);
});
