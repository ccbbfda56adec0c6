import { describe, expect, it } from 'vitest';
import { DaceShutdownError } from '../../lib/core.js';
import {
  after,
  errorOf,
  eventsOf,
  expectRest,
  gate,
  hang,
  refusedConnection,
  subject,
  throwing,
  unhandledDuring,
  watch,
} from '../support/core-toolkit.js';

describe('A closing dependency', () => {
  it('refuses new calls', async () => {
    const rig = subject();
    await rig.dependency.close();
    const error = await errorOf(rig.dependency.execute(() => ''));
    expect(error).toBeInstanceOf(DaceShutdownError);
    expect(error).toMatchObject({ code: 'DACE_SHUTDOWN', status: 503 });
    expect(rig.dependency.snapshot().totals).toMatchObject({ refused: 1 });
    expect(
      await errorOf(rig.dependency.execute(() => '', { netloc: 'p' })),
    ).toBeInstanceOf(DaceShutdownError);
    expectRest(rig);
  });

  it('refuses those that queue, at once', async () => {
    const rig = subject({ maxOpenPerNetloc: 1 });
    const work = gate();
    const running = watch(rig.dependency.execute(() => work.promise));
    const queued = watch(rig.dependency.execute(() => 'never'));
    const closing = watch(rig.dependency.close());
    await rig.clock.advance(0);
    expect(queued.error).toBeInstanceOf(DaceShutdownError);
    expect(running.state).toBe('pending');
    expect(closing.state).toBe('pending');
    work.resolve('in time');
    await rig.clock.advance(0);
    expect(running.value).toBe('in time');
    expect(closing.state).toBe('fulfilled');
    expect(rig.dependency.snapshot().totals).toMatchObject({
      refused: 1,
      succeeded: 1,
    });
    expectRest(rig);
  });

  it('ends sleeps with the error they slept on', async () => {
    const rig = subject({ retry: { backoff: { delayMs: 1_000 } } });
    const call = watch(rig.dependency.execute(throwing(refusedConnection)));
    await rig.clock.advance(10);
    const closing = watch(rig.dependency.close());
    await rig.clock.advance(0);
    expect(call.error).toMatchObject({ code: 'ECONNREFUSED' });
    expect(closing.state).toBe('fulfilled');
    expectRest(rig);
  });

  it('ends those that wait for an async balancer', async () => {
    const rig = subject({
      loadBalancer: () => new Promise<[string, string]>(() => {}),
    });
    const call = watch(rig.dependency.execute(() => 'never'));
    const closing = watch(rig.dependency.close());
    await rig.clock.advance(0);
    expect(call.error).toBeInstanceOf(DaceShutdownError);
    expect(closing.state).toBe('fulfilled');
    expectRest(rig);
  });

  it('gives running work its grace, then aborts it', async () => {
    const rig = subject({ shutdownGraceMs: 500, timeoutMs: 60_000 });
    const quick = watch(
      rig.dependency.execute(() => after(rig.clock, 499, () => 'in time')),
    );
    const slow = watch(rig.dependency.execute(hang));
    const closing = watch(rig.dependency.close());
    await rig.clock.advance(499);
    expect(quick.value).toBe('in time');
    expect([slow.state, closing.state]).toEqual(['pending', 'pending']);
    await rig.clock.advance(1);
    expect(slow.error).toBeInstanceOf(DaceShutdownError);
    expect(closing.state).toBe('fulfilled');
    expect(rig.clock.pending).toBe(0);
    expect(rig.dependency.snapshot().totals).toMatchObject({
      started: 2,
      succeeded: 1,
      failed: 1,
    });
  });

  it('with a grace of 0 aborts at once', async () => {
    const rig = subject({ shutdownGraceMs: 0 });
    const slow = watch(rig.dependency.execute(hang));
    const closing = watch(rig.dependency.close());
    await rig.clock.advance(0);
    expect(slow.error).toBeInstanceOf(DaceShutdownError);
    expect(closing.state).toBe('fulfilled');
    expect(rig.clock.pending).toBe(0);
  });

  it('begins no retry for work that fails in its grace', async () => {
    for (const backoff of [{ delayMs: 0 }, { delayMs: 100 }]) {
      const rig = subject({ retry: { backoff } });
      const work = gate();
      let attempts = 0;
      const call = watch(
        rig.dependency.execute(() => {
          attempts += 1;
          return work.promise;
        }),
      );
      const closing = watch(rig.dependency.close());
      await rig.clock.advance(10);
      work.reject(refusedConnection());
      await rig.clock.advance(0);
      expect(attempts).toBe(1);
      expect(call.error).toMatchObject({ code: 'ECONNREFUSED' });
      expect(closing.state).toBe('fulfilled');
      expectRest(rig);
    }
  });

  it('begins no retry for work that times out in its grace', async () => {
    const rig = subject({
      attemptTimeoutMs: 50,
      retry: { onTimeout: true },
    });
    let attempts = 0;
    const call = watch(
      rig.dependency.execute(() => {
        attempts += 1;
        return hang();
      }),
    );
    void rig.dependency.close();
    await rig.clock.advance(50);
    expect(attempts).toBe(1);
    expect(call.error).toMatchObject({ code: 'DACE_TIMEOUT' });
  });

  it('still has fallbacks answer for those it ends', async () => {
    const rig = subject({ maxOpenPerNetloc: 1, shutdownGraceMs: 0 });
    const running = rig.dependency.execute(hang, { fallback: 'r' });
    const queued = rig.dependency.execute(() => '', { fallback: 'q' });
    void rig.dependency.close();
    await rig.clock.advance(0);
    expect(await Promise.all([running, queued])).toEqual(['r', 'q']);
    expect(
      await rig.dependency.execute(() => '', { fallback: () => 'late' }),
    ).toBe('late');
  });

  it('closes once, however often it is asked', async () => {
    const rig = subject({ shutdownGraceMs: 100 });
    const slow = watch(rig.dependency.execute(hang));
    const closings = [rig.dependency.close(), rig.dependency.close()].map(
      watch,
    );
    await rig.clock.advance(60);
    const third = watch(rig.dependency.close());
    await rig.clock.advance(40);
    expect(slow.state).toBe('rejected');
    expect([...closings, third].map((each) => each.state)).toEqual(
      Array(3).fill('fulfilled'),
    );
    await rig.dependency.close();
  });

  it('takes no timer with it for abandoned work', async () => {
    const rig = subject({ attemptTimeoutMs: 10 });
    const call = watch(rig.dependency.execute(hang));
    await rig.clock.advance(10);
    expect(call.state).toBe('rejected');
    expect(rig.dependency.snapshot().abandoned).toBe(1);
    await rig.dependency.close();
    expect(rig.clock.pending).toBe(0);
  });

  it('drops what work brings after its grace, with no unhandled rejection', async () => {
    const unhandled = await unhandledDuring(async () => {
      const rig = subject({ shutdownGraceMs: 10 });
      const work = gate();
      const call = watch(rig.dependency.execute(() => work.promise));
      void rig.dependency.close();
      await rig.clock.advance(10);
      expect(call.error).toBeInstanceOf(DaceShutdownError);
      work.reject(new Error('late'));
      await rig.clock.advance(0);
      expectRest(rig);
    });
    expect(unhandled).toEqual([]);
  });

  it('lets a held guard be, and hears its verdict', async () => {
    const rig = subject();
    const permit = rig.dependency.acquire();
    const closing = watch(rig.dependency.close());
    await rig.clock.advance(10_000);
    expect(closing.state).toBe('fulfilled');
    permit.success();
    expectRest(rig);
  });

  it('tells those who listen of what it ends, and then no more', async () => {
    const rig = subject({ maxOpenPerNetloc: 1, shutdownGraceMs: 0 });
    void rig.dependency.execute(hang).catch(() => {});
    void rig.dependency.execute(hang).catch(() => {});
    const events = eventsOf(rig.dependency);
    void rig.dependency.close();
    await rig.clock.advance(0);
    expect(events.map((event) => event.type)).toEqual(
      expect.arrayContaining(['operation.refused', 'operation.failed']),
    );
    const count = events.length;
    await errorOf(rig.dependency.execute(() => ''));
    expect(events).toHaveLength(count);
  });

  it('still shows its snapshot', async () => {
    const rig = subject({ hosts: ['http://a', 'http://b'] });
    await rig.dependency.execute(() => '');
    await rig.dependency.close();
    expect(rig.dependency.snapshot()).toMatchObject({
      state: 'closed',
      totals: { succeeded: 1 },
    });
  });

  it('with the caller leaving at the same time ends once', async () => {
    const rig = subject({ shutdownGraceMs: 0 });
    const caller = new AbortController();
    const call = watch(
      rig.dependency.execute(
        ({ signal }) => {
          signal.addEventListener('abort', () => caller.abort('gone'));
          return hang();
        },
        { signal: caller.signal },
      ),
    );
    void rig.dependency.close();
    await rig.clock.advance(0);
    expect(call.state).toBe('rejected');
    const { totals, inFlight, abandoned } = rig.dependency.snapshot();
    expect(totals.failed + totals.cancelled).toBe(1);
    expect({ inFlight, abandoned }).toEqual({ inFlight: 0, abandoned: 1 });
  });
});
