import { describe, expect, it } from 'vitest';
import { DaceRateLimitedError } from '../../lib/core.js';
import {
  errorOf,
  expectRest,
  gate,
  hang,
  subject,
  unhandledDuring,
  watch,
} from '../support/core-toolkit.js';

const NARROW = {
  maxOpenPerNetloc: 1,
  maxQueuedPerNetloc: 0,
  attemptTimeoutMs: 50,
  abandonAfterMs: 1_000,
  circuit: false,
} as const;

describe('Timed-out work that goes on', () => {
  it('is abandoned, no longer in flight, and keeps its permit', async () => {
    const { clock, dependency } = subject(NARROW);
    const call = watch(dependency.execute(hang));
    expect(dependency.snapshot()).toMatchObject({ inFlight: 1, abandoned: 0 });
    await clock.advance(50);
    expect(call.state).toBe('rejected');
    expect(dependency.snapshot()).toMatchObject({ inFlight: 0, abandoned: 1 });
    expect(await errorOf(dependency.execute(() => 'ok'))).toBeInstanceOf(
      DaceRateLimitedError,
    );
  });

  it('gives its permit back when it settles, and its result is dropped', async () => {
    const { clock, dependency } = subject(NARROW);
    const work = gate();
    const call = watch(dependency.execute(() => work.promise));
    await clock.advance(50);
    const { totals, window } = dependency.snapshot();
    work.resolve('late');
    await clock.advance(0);
    expect(call).toMatchObject({ state: 'rejected' });
    expect(dependency.snapshot()).toMatchObject({
      abandoned: 0,
      totals,
      window,
    });
    expectRest({ clock, dependency });
    expect(await dependency.execute(() => 'ok')).toBe('ok');
  });

  it('gives its permit back abandonAfterMs after its end', async () => {
    const { clock, dependency } = subject(NARROW);
    void dependency.execute(hang).catch(() => {});
    await clock.advance(50 + 999);
    expect(dependency.snapshot().abandoned).toBe(1);
    await clock.advance(1);
    expectRest({ clock, dependency });
    expect(await dependency.execute(() => 'ok')).toBe('ok');
  });

  it('gives its permit back once, however it settles afterwards', async () => {
    const { clock, dependency } = subject(NARROW);
    const work = gate();
    void dependency.execute(() => work.promise).catch(() => {});
    await clock.advance(1_050);
    work.resolve('very late');
    await clock.advance(0);
    const next = gate();
    const one = watch(dependency.execute(() => next.promise));
    expect(await errorOf(dependency.execute(() => 'two'))).toBeInstanceOf(
      DaceRateLimitedError,
    );
    next.resolve('one');
    await clock.advance(0);
    expect(one.value).toBe('one');
    expectRest({ clock, dependency });
  });

  it('may reject late without anybody hearing of it', async () => {
    const unhandled = await unhandledDuring(async () => {
      const { clock, dependency } = subject(NARROW);
      const settled = gate();
      const released = gate();
      const early = watch(dependency.execute(() => settled.promise));
      await clock.advance(50);
      settled.reject(new Error('late'));
      await clock.advance(0);
      const late = watch(dependency.execute(() => released.promise));
      await clock.advance(2_000);
      released.reject(new Error('later still'));
      await clock.advance(0);
      expect([early.state, late.state]).toEqual(['rejected', 'rejected']);
      expectRest({ clock, dependency });
    });
    expect(unhandled).toEqual([]);
  });

  it('is shown on its host', async () => {
    const { clock, dependency } = subject({
      ...NARROW,
      hosts: ['http://a', 'http://b'],
      loadBalancer: 'round-robin',
    });
    void dependency.execute(hang).catch(() => {});
    await clock.advance(50);
    const { hosts, abandoned } = dependency.snapshot();
    expect(abandoned).toBe(1);
    expect(hosts.map((host) => host.abandoned)).toContain(1);
    expect(hosts.map((host) => host.inFlight)).toEqual([0, 0]);
  });

  it('holds back those that queue behind it until it settles', async () => {
    const { clock, dependency } = subject({
      ...NARROW,
      maxQueuedPerNetloc: 10,
    });
    const work = gate();
    void dependency.execute(() => work.promise).catch(() => {});
    const queued = watch(dependency.execute(() => 'next'));
    await clock.advance(200);
    expect(queued.state).toBe('pending');
    work.resolve('late');
    await clock.advance(0);
    expect(queued.value).toBe('next');
    expectRest({ clock, dependency });
  });

  it('that was cancelled keeps its permit just so', async () => {
    const { clock, dependency } = subject(NARROW);
    const caller = new AbortController();
    const call = watch(dependency.execute(hang, { signal: caller.signal }));
    await clock.advance(10);
    caller.abort();
    await clock.advance(0);
    expect(call.state).toBe('rejected');
    expect(dependency.snapshot()).toMatchObject({ inFlight: 0, abandoned: 1 });
    await clock.advance(999);
    expect(dependency.snapshot().abandoned).toBe(1);
    await clock.advance(1);
    expectRest({ clock, dependency });
  });

  it('keeps a permit for each attempt of a retried operation', async () => {
    const { clock, dependency } = subject({
      ...NARROW,
      maxOpenPerNetloc: 3,
      retry: { onTimeout: true, attempts: 3 },
    });
    const call = watch(dependency.execute(hang));
    await clock.advance(150);
    expect(call.error).toMatchObject({ code: 'DACE_RETRY_EXHAUSTED' });
    expect(dependency.snapshot()).toMatchObject({ inFlight: 0, abandoned: 3 });
    await clock.advance(1_000);
    expectRest({ clock, dependency });
  });
});
