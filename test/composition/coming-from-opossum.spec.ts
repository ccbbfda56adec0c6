/**
 * The same history through opossum and through ours.
 *
 * Source: opossum 9, lib/circuit.js and lib/status.js; README, "Usage".
 */
import CircuitBreaker from 'opossum';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  failureRatio,
  type CircuitOptions,
  type DependencyOptions,
} from '../../lib/core.js';
import {
  errorOf,
  gate,
  hang,
  subject,
  watch,
  type Gate,
} from '../support/core-toolkit.js';

const breakers: { shutdown(): void }[] = [];

beforeEach(() => {
  vi.useFakeTimers({
    toFake: [
      'Date',
      'setTimeout',
      'clearTimeout',
      'setInterval',
      'clearInterval',
    ],
  });
});
afterEach(() => {
  for (const breaker of breakers.splice(0)) breaker.shutdown();
  vi.useRealTimers();
});

type Work = () => unknown;

/** Both of them, on one clock; each history is told once. */
function both(
  options: CircuitBreaker.Options,
  circuit: CircuitOptions,
  own: DependencyOptions = {},
) {
  const breaker = new CircuitBreaker(
    (work: Work) => Promise.resolve().then(work),
    { timeout: false, resetTimeout: 1_000, ...options },
  );
  breakers.push(breaker);
  const { clock, dependency } = subject({
    circuit: { resetTimeoutMs: 1_000, ...circuit },
    retry: false,
    timeoutMs: false,
    maxOpenPerNetloc: false,
    ...own,
  });
  const advance = async (ms: number): Promise<void> => {
    await vi.advanceTimersByTimeAsync(ms);
    await clock.advance(ms);
  };
  return {
    breaker,
    dependency,
    advance,
    async call(work: Work) {
      const theirs = watch(breaker.fire(work));
      const ours = watch(dependency.execute(work));
      await advance(0);
      return { theirs, ours };
    },
    /** A call of each that ends when the test says so. */
    async begin() {
      const gates = { theirs: gate(), ours: gate() };
      const theirs = watch(breaker.fire(() => gates.theirs.promise));
      const ours = watch(dependency.execute(() => gates.ours.promise));
      await advance(0);
      return { gates, theirs, ours };
    },
    async end(
      { gates }: { gates: { theirs: Gate<string>; ours: Gate<string> } },
      error?: Error,
    ) {
      for (const each of Object.values(gates))
        if (error === undefined) each.resolve('late');
        else each.reject(error);
      await advance(0);
    },
    states: () => ({
      theirs: breaker.opened
        ? 'open'
        : breaker.halfOpen
          ? 'half-open'
          : 'closed',
      ours: dependency.snapshot().state,
    }),
  };
}

const boom = (): never => {
  throw new Error('boom');
};

/** errorThresholdPercentage 50, volumeThreshold 2. */
const half = {
  theirs: { errorThresholdPercentage: 50, volumeThreshold: 2 },
  ours: { trip: failureRatio({ ratio: 0.5, minimumCalls: 2 }) },
};
const bothOpen = { theirs: 'open', ours: 'open' };

describe('What a user of opossum knows', () => {
  it('times out, opens and falls back as in its README', async () => {
    const timeout = 3_000;
    const pair = both(
      { timeout, errorThresholdPercentage: 50, resetTimeout: 30_000 },
      {
        trip: failureRatio({ ratio: 0.5, minimumCalls: 1 }),
        resetTimeoutMs: 30_000,
      },
      { timeoutMs: timeout, fallback: 'Sorry, out of service right now' },
    );
    pair.breaker.fallback(() => 'Sorry, out of service right now');
    const slow = await pair.call(hang);
    await pair.advance(timeout);
    const refused = await pair.call(() => 'never');
    for (const each of [slow.theirs, slow.ours, refused.theirs, refused.ours])
      expect(each.value).toBe('Sorry, out of service right now');
    expect(pair.states()).toEqual(bothOpen);
    await pair.advance(30_000);
    const probe = await pair.call(() => 'back');
    expect([probe.theirs.value, probe.ours.value]).toEqual(['back', 'back']);
    expect(pair.states()).toEqual({ theirs: 'closed', ours: 'closed' });
  });

  it('opens, half-opens and opens again at the same moments', async () => {
    const pair = both(half.theirs, half.ours);
    await pair.call(boom);
    expect(pair.states()).toEqual({ theirs: 'closed', ours: 'closed' });
    await pair.call(boom);
    expect(pair.states()).toEqual(bothOpen);
    await pair.advance(999);
    expect(pair.states()).toEqual(bothOpen);
    await pair.advance(1);
    expect(pair.states()).toEqual({ theirs: 'half-open', ours: 'half-open' });
    await pair.call(boom);
    expect(pair.states()).toEqual(bothOpen);
  });

  it('opens at the very ratio; opossum above it only', async () => {
    const pair = both(half.theirs, half.ours);
    await pair.call(() => 'ok');
    await pair.call(boom);
    expect(pair.states()).toEqual({ theirs: 'closed', ours: 'open' });
  });
});

describe('Where opossum is not right', () => {
  it('a call from before the opening closes its half-open circuit', async () => {
    const pair = both(half.theirs, half.ours);
    const early = await pair.begin();
    await pair.call(boom);
    await pair.call(boom);
    expect(pair.states()).toEqual(bothOpen);
    await pair.advance(1_000);
    await pair.end(early);
    expect(pair.states()).toEqual({ theirs: 'closed', ours: 'half-open' });
  });

  it('a call from before the opening fails the probe of another', async () => {
    const pair = both(half.theirs, half.ours);
    const early = await pair.begin();
    await pair.call(boom);
    await pair.call(boom);
    await pair.advance(1_000);
    const probe = await pair.begin();
    await pair.end(early, new Error('late'));
    expect(pair.states()).toEqual({ theirs: 'open', ours: 'half-open' });
    await pair.end(probe);
    expect(pair.states()).toEqual({ theirs: 'open', ours: 'closed' });
  });

  it('its own refusals for lack of room are failures of the dependency', async () => {
    const pair = both({ ...half.theirs, capacity: 1 }, half.ours, {
      maxOpenPerNetloc: 1,
      maxQueuedPerNetloc: 0,
    });
    const running = await pair.begin();
    for (let time = 0; time < 3; time++) await pair.call(() => 'no room');
    expect(pair.states()).toEqual({ theirs: 'open', ours: 'closed' });
    await pair.end(running);
    expect([running.theirs.value, running.ours.value]).toEqual([
      'late',
      'late',
    ]);
  });

  it('calls that still run count as if they were good ones', async () => {
    const pair = both(half.theirs, half.ours);
    const running = [];
    for (let time = 0; time < 10; time++) running.push(await pair.begin());
    for (let time = 0; time < 9; time++) await pair.call(boom);
    // 9 of 9 answers are errors; opossum reckons 9 of 19.
    expect(pair.states()).toEqual({ theirs: 'closed', ours: 'open' });
  });

  it('a probe that never ends keeps it half-open for ever', async () => {
    const pair = both(half.theirs, { ...half.ours, leaseMs: 5_000 });
    await pair.call(boom);
    await pair.call(boom);
    await pair.advance(1_000);
    await pair.begin();
    await pair.advance(3_600_000);
    const next = await pair.call(() => 'anybody there?');
    expect((await errorOf(Promise.reject(next.theirs.error))).code).toBe(
      'EOPENBREAKER',
    );
    expect(next.ours.value).toBe('anybody there?');
    expect(pair.states()).toEqual({ theirs: 'half-open', ours: 'closed' });
  });

  it('an error that errorFilter lets pass closes it, though it proves nothing', async () => {
    class NotFound extends Error {}
    const isNotFound = (error: unknown): boolean => error instanceof NotFound;
    const pair = both({ ...half.theirs, errorFilter: isNotFound }, half.ours, {
      classify: (outcome) => (isNotFound(outcome) ? 'ignored' : undefined),
    });
    await pair.call(boom);
    await pair.call(boom);
    await pair.advance(1_000);
    await pair.call(() => {
      throw new NotFound('of a gateway in front');
    });
    expect(pair.states()).toEqual({ theirs: 'closed', ours: 'half-open' });
  });
});
