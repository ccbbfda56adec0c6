/**
 * Source: failfast, README and failfast/__init__.py (decorator `failfast`).
 */
import { describe, expect, it } from 'vitest';
import {
  DaceCircuitOpenError,
  failuresOnly,
  firstFailure,
  type DependencyOptions,
} from '../../lib/core.js';
import {
  errorOf,
  fail,
  gate,
  subject,
  watch,
} from '../support/core-toolkit.js';

class Timeout extends Error {}
class NotFound extends Error {}

/** @failfast("sales_api", 60, exceptions=[Timeout]) */
const salesApi = (options: DependencyOptions = {}) =>
  subject({
    circuit: { trip: firstFailure(), resetTimeoutMs: 60_000 },
    classify: failuresOnly(Timeout),
    retry: false,
    timeoutMs: false,
    maxOpenPerNetloc: false,
    ...options,
  });

const late = (): Error => new Timeout('took more than 3 seconds');

describe('What a user of failfast knows', () => {
  it('refuses for timeout_seconds after the first error', async () => {
    const { clock, dependency } = salesApi();
    await fail(dependency, 1, late);
    await clock.advance(59_999);
    let calls = 0;
    const refused = await errorOf(dependency.execute(() => (calls += 1)));
    expect(refused).toBeInstanceOf(DaceCircuitOpenError);
    expect(calls).toBe(0);
  });

  it('serves a cached value in the meantime', async () => {
    const { dependency } = salesApi();
    await fail(dependency, 1, late);
    expect(
      await dependency.execute(() => 'fresh', { fallback: 'cached' }),
    ).toBe('cached');
  });

  it('passes other exceptions on and stays closed', async () => {
    const { dependency } = salesApi();
    const error = await errorOf(
      dependency.execute(() => {
        throw new NotFound('no such invoice');
      }),
    );
    expect(error).toBeInstanceOf(NotFound);
    expect(dependency.snapshot().state).toBe('closed');
  });

  it('is the bare function where it is not enabled', async () => {
    const { dependency } = salesApi({ enabled: false });
    await fail(dependency, 5, late);
    expect(await dependency.execute(() => 'called')).toBe('called');
  });

  it('lets one call find out whether it is over, where the original lets all of them', async () => {
    const { clock, dependency } = salesApi();
    await fail(dependency, 1, late);
    await clock.advance(60_000);
    const work = gate();
    const probe = watch(dependency.execute(() => work.promise));
    const crowd = Array.from({ length: 10 }, () =>
      watch(dependency.execute(() => 'too early')),
    );
    await clock.advance(0);
    expect(crowd.map(({ state }) => state)).toEqual(
      Array.from({ length: 10 }, () => 'rejected'),
    );
    work.resolve('back');
    await clock.advance(0);
    expect(probe.value).toBe('back');
    expect(await dependency.execute(() => 'everybody')).toBe('everybody');
  });

  it('lets a call that failed before the opening not lengthen it, as the original does', async () => {
    const { clock, dependency } = salesApi();
    const straggler = gate();
    const first = watch(dependency.execute(() => straggler.promise));
    await clock.advance(0);
    await fail(dependency, 1, late);
    await clock.advance(30_000);
    straggler.reject(late());
    await clock.advance(0);
    expect(first.state).toBe('rejected');
    expect(dependency.snapshot().retryAfterMs).toBe(30_000);
  });
});
