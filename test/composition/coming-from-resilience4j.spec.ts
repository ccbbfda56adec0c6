/**
 * Source: resilience4j, CircuitBreakerConfig.java, CircuitBreakerMetrics.java.
 */
import { describe, expect, it } from 'vitest';
import {
  DaceCircuitOpenError,
  failureRatio,
  probes,
  slowRatio,
  type CircuitOptions,
  type Classify,
  type DependencyOptions,
} from '../../lib/core.js';
import {
  after,
  errorOf,
  fail,
  gate,
  subject,
  watch,
} from '../support/core-toolkit.js';

class IgnoredException extends Error {}
class BusinessException extends Error {}

/** `ignoreExceptions(…)` proves nothing, what `recordException` declines is a success. */
const classify: Classify = (outcome) =>
  outcome instanceof IgnoredException
    ? 'ignored'
    : outcome instanceof BusinessException
      ? 'success'
      : undefined;

const breaker = (
  circuit: CircuitOptions = {},
  options: DependencyOptions = {},
) =>
  subject({
    circuit: { resetTimeoutMs: 60_000, ...circuit },
    classify,
    retry: false,
    timeoutMs: false,
    maxOpenPerNetloc: false,
    ...options,
  });

/** slidingWindow(10, 5, COUNT_BASED), failureRateThreshold(50). */
const countBased = failureRatio({
  ratio: 0.5,
  minimumCalls: 5,
  windowCalls: 10,
});

describe('What a user of resilience4j knows', () => {
  it('does not open below minimumNumberOfCalls even if all have failed', async () => {
    const { dependency } = breaker({ trip: countBased });
    await fail(dependency, 4);
    expect(dependency.snapshot().state).toBe('closed');
    await fail(dependency, 1);
    expect(dependency.snapshot().state).toBe('open');
  });

  it('judges the last calls however old they are (COUNT_BASED)', async () => {
    const { clock, dependency } = breaker({ trip: countBased });
    await fail(dependency, 4);
    await clock.advance(3_600_000);
    await fail(dependency, 1);
    expect(dependency.snapshot().state).toBe('open');
  });

  it('lets new calls push old ones out of the window (COUNT_BASED)', async () => {
    const { dependency } = breaker({ trip: countBased });
    for (let time = 0; time < 6; time++) await dependency.execute(() => 'ok');
    await fail(dependency, 4);
    for (let time = 0; time < 10; time++) await dependency.execute(() => 'ok');
    await fail(dependency, 4);
    expect(dependency.snapshot().state).toBe('closed');
    await fail(dependency, 1);
    expect(dependency.snapshot().state).toBe('open');
  });

  it('judges the last seconds (TIME_BASED)', async () => {
    const trip = failureRatio({ minimumCalls: 5, windowMs: 10_000 });
    const { clock, dependency } = breaker({ trip });
    await fail(dependency, 4);
    await clock.advance(11_000);
    await fail(dependency, 4);
    expect(dependency.snapshot().state).toBe('closed');
    await fail(dependency, 1);
    expect(dependency.snapshot().state).toBe('open');
  });

  it('opens at a failure rate equal to the threshold', async () => {
    const { dependency } = breaker({ trip: countBased });
    for (let time = 0; time < 3; time++) await dependency.execute(() => 'ok');
    await fail(dependency, 2);
    expect(dependency.snapshot().state).toBe('closed');
    await fail(dependency, 1);
    expect(dependency.snapshot()).toMatchObject({
      state: 'open',
      tripped: 'failureRatio',
    });
  });

  it('opens on a success that completes the minimum', async () => {
    const { dependency } = breaker({ trip: countBased });
    await fail(dependency, 4);
    await dependency.execute(() => 'ok');
    expect(dependency.snapshot().state).toBe('open');
  });

  it('knows exceptions that are ignored and those that are a success', async () => {
    const { dependency } = breaker({ trip: countBased });
    await fail(dependency, 10, () => new IgnoredException('not counted'));
    expect(dependency.snapshot().window.calls).toBe(0);
    await fail(dependency, 10, () => new BusinessException('counted'));
    await fail(dependency, 4);
    expect(dependency.snapshot().state).toBe('closed');
    await fail(dependency, 1);
    expect(dependency.snapshot().state).toBe('open');
  });

  it('opens by slow calls (slowCallRateThreshold 60, slowCallDurationThreshold 2 s)', async () => {
    const trip = slowRatio({
      ratio: 0.6,
      slowMs: 2_000,
      minimumCalls: 5,
      windowCalls: 5,
    });
    const { clock, dependency } = breaker({ trip });
    const call = async (ms: number): Promise<void> => {
      const done = watch(
        dependency.execute(() => after(clock, ms, () => 'ok')),
      );
      await clock.advance(ms);
      expect(done.value).toBe('ok');
    };
    for (const ms of [2_001, 2_000, 2_001, 1]) await call(ms);
    expect(dependency.snapshot().state).toBe('closed');
    await call(2_500);
    expect(dependency.snapshot()).toMatchObject({
      state: 'open',
      tripped: 'slowRatio',
    });
  });

  it('permits permittedNumberOfCallsInHalfOpenState and refuses the next', async () => {
    const { clock, dependency } = breaker({
      trip: countBased,
      recovery: probes({ calls: 3, successes: 2 }),
    });
    await fail(dependency, 5);
    await clock.advance(60_000);
    const work = Array.from({ length: 3 }, () => gate());
    const permitted = work.map(({ promise }) =>
      watch(dependency.execute(() => promise)),
    );
    await clock.advance(0);
    expect(await errorOf(dependency.execute(() => 'fourth'))).toBeInstanceOf(
      DaceCircuitOpenError,
    );
    work[0]!.reject(new Error('still ill'));
    work[1]!.resolve('ok');
    await clock.advance(0);
    expect(dependency.snapshot().state).toBe('half-open');
    work[2]!.resolve('ok');
    await clock.advance(0);
    expect(permitted.map(({ state }) => state)).toEqual([
      'rejected',
      'fulfilled',
      'fulfilled',
    ]);
    expect(dependency.snapshot().state).toBe('closed');
  });

  it('opens again as soon as the successes are out of reach; resilience4j waits for all permitted calls', async () => {
    const { clock, dependency } = breaker({
      trip: countBased,
      recovery: probes({ calls: 10, successes: 6 }),
    });
    await fail(dependency, 5);
    await clock.advance(60_000);
    await fail(dependency, 4);
    expect(dependency.snapshot().state).toBe('half-open');
    await fail(dependency, 1);
    expect(dependency.snapshot().state).toBe('open');
  });

  it('is forced open, disabled and watched alone by hand', async () => {
    const { dependency } = breaker({ trip: countBased });
    dependency.control('forced-open');
    expect(await errorOf(dependency.execute(() => 'never'))).toBeInstanceOf(
      DaceCircuitOpenError,
    );
    dependency.control('disabled');
    await fail(dependency, 20);
    expect(dependency.snapshot()).toMatchObject({ state: 'disabled' });
    dependency.control('metrics-only');
    await fail(dependency, 5);
    expect(dependency.snapshot()).toMatchObject({
      state: 'metrics-only',
      tripped: 'failureRatio',
      window: { calls: 5 },
    });
    expect(await dependency.execute(() => 'let in')).toBe('let in');
  });
});
