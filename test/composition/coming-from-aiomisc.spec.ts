/**
 * Source: aiomisc, aiomisc/circuit_breaker.py (CircuitBreaker, cutout).
 */
import { describe, expect, it } from 'vitest';
import {
  DaceCircuitOpenError,
  failureRatio,
  failuresOnly,
  ramp,
  type DependencyOptions,
} from '../../lib/core.js';
import { seededRandom } from '../support/chance.js';
import { errorOf, fail, subject } from '../support/core-toolkit.js';

class Overload extends Error {}
const overload = (): Error => new Overload('too much');

/** CircuitBreaker(error_ratio=0.2, response_time=20, exceptions=[…], broken_time=5, recovery_time=10, passing_time=7). */
const breaker = (
  random: () => number = seededRandom(1),
  options: DependencyOptions = {},
) =>
  subject(
    {
      circuit: {
        trip: failureRatio({ ratio: 0.2, windowMs: 20_000, minimumCalls: 10 }),
        resetTimeoutMs: 5_000,
        recovery: ramp({
          recoveryMs: 10_000,
          graceMs: 7_000,
          // The original compares the share of bad buckets with half of error_ratio.
          ratio: 0.1,
          minimumCalls: 10,
        }),
      },
      classify: failuresOnly(Overload),
      retry: false,
      timeoutMs: false,
      ...options,
    },
    { random },
  );

type Subject = ReturnType<typeof breaker>;

async function open({ dependency }: Subject): Promise<void> {
  await fail(dependency, 10, overload);
  expect(dependency.snapshot().state).toBe('open');
}

/** How many of `calls` were let in, at one moment. */
async function admitted({ dependency }: Subject, calls: number) {
  let count = 0;
  for (let call = 0; call < calls; call++)
    await dependency.execute(() => (count += 1)).catch(() => undefined);
  return count;
}

describe('What a user of aiomisc knows', () => {
  it('breaks when error_ratio is reached within response_time', async () => {
    const { clock, dependency } = breaker();
    for (let second = 0; second < 8; second++) {
      await dependency.execute(() => 'ok');
      await clock.advance(1_000);
    }
    await fail(dependency, 1, overload);
    expect(dependency.snapshot().state).toBe('closed');
    await fail(dependency, 1, overload);
    expect(dependency.snapshot().state).toBe('open');
  });

  it('breaks before response_time is over, which the original waits for', async () => {
    const { clock, dependency } = breaker();
    await fail(dependency, 10, overload);
    expect(clock.nowMs()).toBe(0);
    expect(dependency.snapshot().state).toBe('open');
  });

  it('raises without calling for broken_time, and tells how long (get_state_delay)', async () => {
    const rig = breaker();
    await open(rig);
    await rig.clock.advance(2_000);
    expect(await admitted(rig, 50)).toBe(0);
    const refused = await errorOf(rig.dependency.execute(() => 'never'));
    expect(refused).toBeInstanceOf(DaceCircuitOpenError);
    expect(refused.retryAfterMs).toBe(3_000);
    expect(refused.lastFailure.name).toBe('Error');
  });

  it('lets 2^(t / recovery_time) − 1 of the calls in while recovering', async () => {
    for (const [atMs, share] of [
      [2_500, 0.189],
      [5_000, 0.414],
      [7_500, 0.682],
    ] as const) {
      const rig = breaker();
      await open(rig);
      await rig.clock.advance(5_000);
      // Recovering begins with the first to ask, who is refused.
      expect(await admitted(rig, 1)).toBe(0);
      await rig.clock.advance(atMs);
      const calls = 4_000;
      const let_in = await admitted(rig, calls);
      // Five standard deviations of a binomial share.
      const tolerance = 5 * Math.sqrt((share * (1 - share)) / calls);
      expect(Math.abs(let_in / calls - share)).toBeLessThan(tolerance);
    }
  });

  it('breaks again when the calls let in fail', async () => {
    const rig = breaker(() => 0);
    await open(rig);
    await rig.clock.advance(5_000);
    await admitted(rig, 1);
    await rig.clock.advance(1_000);
    expect(await admitted(rig, 9)).toBe(9);
    expect(rig.dependency.snapshot().state).toBe('half-open');
    await fail(rig.dependency, 1, overload);
    expect(rig.dependency.snapshot()).toMatchObject({
      state: 'open',
      retryAfterMs: 5_000,
    });
  });

  it('passes after recovery_time, and cannot break for passing_time', async () => {
    const rig = breaker(() => 0);
    await open(rig);
    await rig.clock.advance(5_000);
    await admitted(rig, 1);
    await rig.clock.advance(5_000);
    await admitted(rig, 3);
    await rig.clock.advance(5_000);
    expect(await admitted(rig, 1)).toBe(1);
    expect(rig.dependency.snapshot().state).toBe('closed');
    await fail(rig.dependency, 20, overload);
    expect(rig.dependency.snapshot()).toMatchObject({
      state: 'closed',
      tripped: 'failureRatio',
    });
    await rig.clock.advance(7_000);
    await fail(rig.dependency, 1, overload);
    expect(rig.dependency.snapshot().state).toBe('open');
  });

  it('leaves exceptions that are not listed out', async () => {
    const { dependency } = breaker();
    await fail(dependency, 50, () => new TypeError('not listed'));
    expect(dependency.snapshot()).toMatchObject({
      state: 'closed',
      window: { calls: 0 },
    });
  });

  it('asks an exception_inspector', async () => {
    class HttpError extends Error {
      constructor(readonly status: number) {
        super(`HTTP ${status}`);
      }
    }
    const { dependency } = breaker(undefined, {
      classify: (outcome) =>
        outcome instanceof HttpError
          ? outcome.status >= 500
            ? 'failure'
            : 'success'
          : undefined,
    });
    await fail(dependency, 10, () => new HttpError(404));
    expect(dependency.snapshot()).toMatchObject({
      state: 'closed',
      window: { calls: 10, failures: 0 },
    });
    await fail(dependency, 10, () => new HttpError(503));
    expect(dependency.snapshot().state).toBe('open');
  });

  it('wraps a function as cutout does', async () => {
    const { dependency } = breaker();
    const protect = dependency.wrap((a: number, b: number) => a + b);
    expect(await protect(2, 3)).toBe(5);
    expect(dependency.snapshot().totals.succeeded).toBe(1);
  });
});
