/**
 * Source: Polly 8, docs/strategies/circuit-breaker.md, CircuitStateController.cs,
 * AdvancedCircuitBehavior.cs, CircuitBreakerConstants.cs.
 */
import { describe, expect, it } from 'vitest';
import {
  DaceCircuitOpenError,
  failureRatio,
  failuresOnly,
  type CircuitOptions,
  type DependencyOptions,
} from '../../lib/core.js';
import {
  errorOf,
  eventsOf,
  fail,
  gate,
  hang,
  subject,
  watch,
} from '../support/core-toolkit.js';

class SomeException extends Error {}
const handled = (): Error => new SomeException('handled');

/** FailureRatio 0.5, MinimumThroughput 2, SamplingDuration 2 s, BreakDuration 1 s. */
const pipeline = (
  circuit: CircuitOptions = {},
  options: DependencyOptions = {},
) =>
  subject({
    circuit: {
      trip: failureRatio({ ratio: 0.5, minimumCalls: 2, windowMs: 2_000 }),
      resetTimeoutMs: 1_000,
      ...circuit,
    },
    classify: failuresOnly(SomeException),
    retry: false,
    timeoutMs: false,
    maxOpenPerNetloc: false,
    ...options,
  });

describe('What a user of Polly knows', () => {
  it('does not break at one failure of three ("simple: happy path")', async () => {
    const { dependency } = pipeline();
    await dependency.execute(() => 'ok');
    await dependency.execute(() => 'ok');
    await fail(dependency, 1, handled);
    expect(dependency.snapshot().state).toBe('closed');
  });

  it('breaks where the ratio is met by the second call ("simple: unhappy path")', async () => {
    const { dependency } = pipeline();
    await dependency.execute(() => 'ok');
    await fail(dependency, 1, handled);
    expect(dependency.snapshot().state).toBe('open');
    expect(await errorOf(dependency.execute(() => 'third'))).toBeInstanceOf(
      DaceCircuitOpenError,
    );
  });

  it('closes by one good probe, breaks again by a bad one ("complex")', async () => {
    const { clock, dependency } = pipeline();
    await fail(dependency, 2, handled);
    await clock.advance(1_000);
    await fail(dependency, 1, handled);
    expect(dependency.snapshot()).toMatchObject({
      state: 'open',
      retryAfterMs: 1_000,
    });
    await clock.advance(1_000);
    await dependency.execute(() => 'alive');
    expect(dependency.snapshot().state).toBe('closed');
  });

  it('leaves unhandled exceptions out of the sample', async () => {
    const { dependency } = pipeline();
    await fail(dependency, 8, () => new TypeError('not handled'));
    expect(dependency.snapshot().window.calls).toBe(0);
    await fail(dependency, 2, handled);
    expect(dependency.snapshot().state).toBe('open');
  });

  it('tells its state and is held open and closed by hand (StateProvider, ManualControl)', async () => {
    const { dependency } = pipeline();
    dependency.control('forced-open');
    expect(dependency.snapshot().state).toBe('forced-open');
    expect(await errorOf(dependency.execute(() => 'isolated'))).toBeInstanceOf(
      DaceCircuitOpenError,
    );
    dependency.control('auto');
    expect(dependency.snapshot()).toMatchObject({
      state: 'closed',
      window: { calls: 0 },
    });
  });

  it('tells of each transition once (OnOpened, OnHalfOpened, OnClosed)', async () => {
    const { clock, dependency } = pipeline();
    const events = eventsOf(dependency);
    await fail(dependency, 2, handled);
    await clock.advance(1_000);
    await dependency.execute(() => 'alive');
    expect(
      events
        .map(({ type }) => type)
        .filter((type) => type.startsWith('circuit')),
    ).toEqual(['circuit.opened', 'circuit.half-opened', 'circuit.closed']);
  });

  it('breaks for longer each time, as a BreakDurationGenerator would say', async () => {
    const { clock, dependency } = pipeline({
      resetBackoff: { factor: 2, maxMs: 3_000 },
    });
    await fail(dependency, 2, handled);
    const breaks: unknown[] = [];
    for (let time = 0; time < 3; time++) {
      const { retryAfterMs } = dependency.snapshot();
      breaks.push(retryAfterMs);
      await clock.advance(retryAfterMs!);
      await fail(dependency, 1, handled);
    }
    expect(breaks).toEqual([1_000, 2_000, 3_000]);
  });

  it('is not closed by a call from before it broke, which Polly takes for the probe’s', async () => {
    const { clock, dependency } = pipeline();
    const [early, probing] = [gate(), gate()];
    void dependency.execute(() => early.promise);
    await fail(dependency, 2, handled);
    await clock.advance(1_000);
    const probe = watch(dependency.execute(() => probing.promise));
    await clock.advance(0);
    early.resolve('late');
    await clock.advance(0);
    expect(dependency.snapshot().state).toBe('half-open');
    probing.reject(handled());
    await clock.advance(0);
    expect(probe.state).toBe('rejected');
    expect(dependency.snapshot().state).toBe('open');
  });

  it('counts a probe that hangs as a failed one; Polly stays half-open for as long as it hangs', async () => {
    const { clock, dependency } = pipeline({ leaseMs: 5_000 });
    await fail(dependency, 2, handled);
    await clock.advance(1_000);
    watch(dependency.execute(hang));
    await clock.advance(5_000);
    expect(dependency.snapshot()).toMatchObject({ state: 'open' });
    await clock.advance(1_000);
    expect(await dependency.execute(() => 'next probe')).toBe('next probe');
  });
});
