/**
 * Source: python-circuit, circuit/breaker.py (CircuitBreaker, CircuitBreakerSet).
 */
import { describe, expect, it } from 'vitest';
import {
  DaceCircuitOpenError,
  errorCount,
  failuresOnly,
  type CircuitOptions,
  type DependencyOptions,
} from '../../lib/core.js';
import {
  errorOf,
  fail,
  gate,
  subject,
  watch,
} from '../support/core-toolkit.js';

class RemoteError extends Error {}

/** CircuitBreakerSet(time.time, log): maxfail 3, time_unit 60, reset_timeout 10. */
const set = (circuit: CircuitOptions = {}, options: DependencyOptions = {}) =>
  subject({
    circuit: {
      trip: errorCount({ maxFail: 3, windowMs: 60_000 }),
      resetTimeoutMs: 10_000,
      ...circuit,
    },
    classify: failuresOnly(RemoteError),
    timeoutMs: false,
    ...options,
  });

const remote = (): Error => new RemoteError('oh no');

describe('What a user of python-circuit knows', () => {
  it('opens on the error after maxfail, and not before', async () => {
    const { dependency } = set();
    await fail(dependency, 3, remote);
    expect(dependency.snapshot().state).toBe('closed');
    await fail(dependency, 1, remote);
    expect(dependency.snapshot()).toMatchObject({
      state: 'open',
      tripped: 'errorCount',
    });
  });

  it('lets successes between the errors change nothing', async () => {
    const { dependency } = set();
    for (let time = 0; time < 4; time++) {
      await fail(dependency, 1, remote);
      await dependency.execute(() => 'ok').catch(() => 'refused');
    }
    expect(dependency.snapshot().state).toBe('open');
  });

  it('forgets errors older than time_unit', async () => {
    const { clock, dependency } = set();
    await fail(dependency, 3, remote);
    // Nothing older than 1.1 × windowMs counts.
    await clock.advance(66_000);
    await fail(dependency, 3, remote);
    expect(dependency.snapshot().state).toBe('closed');
  });

  it('counts the registered error types only', async () => {
    const { dependency } = set();
    await fail(dependency, 20, () => new TypeError('not registered'));
    expect(dependency.snapshot()).toMatchObject({
      state: 'closed',
      window: { calls: 0 },
    });
  });

  it('counts a subclass of a registered type, which the original compares by identity and misses', async () => {
    class Derived extends RemoteError {}
    const { dependency } = set();
    await fail(dependency, 4, () => new Derived('derived'));
    expect(dependency.snapshot().state).toBe('open');
  });

  it('keeps one circuit for each peer of the set', async () => {
    const { dependency } = set();
    await fail(dependency, 4, remote, { netloc: 'my-remote-peer' });
    const refused = await errorOf(
      dependency.execute(() => 'never', { netloc: 'my-remote-peer' }),
    );
    expect(refused).toBeInstanceOf(DaceCircuitOpenError);
    expect(
      await dependency.execute(() => 'ok', { netloc: 'another-peer' }),
    ).toBe('ok');
  });

  it('serves a block of code as a guard does, `with circuit.context(peer)`', async () => {
    const { clock, dependency } = set();
    const block = (act: () => void): void => {
      const permit = dependency.acquire({ netloc: 'my-remote-peer' });
      try {
        act();
        permit.success();
      } catch (error) {
        permit.failure(error);
      }
    };
    for (let time = 0; time < 4; time++)
      block(() => {
        throw remote();
      });
    expect(() => block(() => {})).toThrow(DaceCircuitOpenError);
    await clock.advance(10_000);
    block(() => {});
    expect(dependency.snapshot().hosts[0]?.state).toBe('closed');
  });

  it('lets one call through after reset_timeout; the original lets all of them', async () => {
    const { clock, dependency } = set();
    await fail(dependency, 4, remote);
    await clock.advance(9_999);
    expect(dependency.snapshot().retryAfterMs).toBe(1);
    await clock.advance(1);
    const work = gate();
    const probe = watch(dependency.execute(() => work.promise));
    expect(await errorOf(dependency.execute(() => 'second'))).toBeInstanceOf(
      DaceCircuitOpenError,
    );
    work.resolve('alive');
    await clock.advance(0);
    expect(probe.value).toBe('alive');
    expect(dependency.snapshot().state).toBe('closed');
  });

  it('opens again on one failed probe, doubling up to backoff_cap', async () => {
    const { clock, dependency } = set({
      resetBackoff: { factor: 2, maxMs: 35_000 },
    });
    await fail(dependency, 4, remote);
    const openings: unknown[] = [];
    for (let time = 0; time < 4; time++) {
      const { retryAfterMs } = dependency.snapshot();
      openings.push(retryAfterMs);
      await clock.advance(retryAfterMs!);
      await fail(dependency, 1, remote);
    }
    expect(openings).toEqual([10_000, 20_000, 35_000, 35_000]);
  });
});
