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
    const it = subject();
    await it.dependency.close();
    const error = await errorOf(it.dependency.execute(() => ''));
    expect(error).toBeInstanceOf(DaceShutdownError);
    expect(error).toMatchObject({ code: 'DACE_SHUTDOWN', status: 503 });
    expect(it.dependency.snapshot().totals).toMatchObject({ refused: 1 });
    expect(
      await errorOf(it.dependency.execute(() => '', { netloc: 'p' })),
    ).toBeInstanceOf(DaceShutdownError);
    expectRest(it);
  });

  it('refuses those that queue, at once', async () => {
    const it = subject({ maxOpenPerNetloc: 1 });
    const work = gate();
    const running = watch(it.dependency.execute(() => work.promise));
    const queued = watch(it.dependency.execute(() => 'never'));
    const closing = watch(it.dependency.close());
    await it.clock.advance(0);
    expect(queued.error).toBeInstanceOf(DaceShutdownError);
    expect(running.state).toBe('pending');
    expect(closing.state).toBe('pending');
    work.resolve('in time');
    await it.clock.advance(0);
    expect(running.value).toBe('in time');
    expect(closing.state).toBe('fulfilled');
    expect(it.dependency.snapshot().totals).toMatchObject({
      refused: 1,
      succeeded: 1,
    });
    expectRest(it);
  });

  it('ends sleeps with the error they slept on', async () => {
    const it = subject({ retry: { backoff: { delayMs: 1_000 } } });
    const call = watch(it.dependency.execute(throwing(refusedConnection)));
    await it.clock.advance(10);
    const closing = watch(it.dependency.close());
    await it.clock.advance(0);
    expect(call.error).toMatchObject({ code: 'ECONNREFUSED' });
    expect(closing.state).toBe('fulfilled');
    expectRest(it);
  });

  it('ends those that wait for an async balancer', async () => {
    const it = subject({
      loadBalancer: () => new Promise<[string, string]>(() => {}),
    });
    const call = watch(it.dependency.execute(() => 'never'));
    const closing = watch(it.dependency.close());
    await it.clock.advance(0);
    expect(call.error).toBeInstanceOf(DaceShutdownError);
    expect(closing.state).toBe('fulfilled');
    expectRest(it);
  });

  it('gives running work its grace, then aborts it', async () => {
    const it = subject({ shutdownGraceMs: 500, timeoutMs: 60_000 });
    const quick = watch(
      it.dependency.execute(() => after(it.clock, 499, () => 'in time')),
    );
    const slow = watch(it.dependency.execute(hang));
    const closing = watch(it.dependency.close());
    await it.clock.advance(499);
    expect(quick.value).toBe('in time');
    expect([slow.state, closing.state]).toEqual(['pending', 'pending']);
    await it.clock.advance(1);
    expect(slow.error).toBeInstanceOf(DaceShutdownError);
    expect(closing.state).toBe('fulfilled');
    expect(it.clock.pending).toBe(0);
    expect(it.dependency.snapshot().totals).toMatchObject({
      started: 2,
      succeeded: 1,
      failed: 1,
    });
  });

  it('with a grace of 0 aborts at once', async () => {
    const it = subject({ shutdownGraceMs: 0 });
    const slow = watch(it.dependency.execute(hang));
    const closing = watch(it.dependency.close());
    await it.clock.advance(0);
    expect(slow.error).toBeInstanceOf(DaceShutdownError);
    expect(closing.state).toBe('fulfilled');
    expect(it.clock.pending).toBe(0);
  });

  it('begins no retry for work that fails in its grace', async () => {
    for (const backoff of [{ delayMs: 0 }, { delayMs: 100 }]) {
      const it = subject({ retry: { backoff } });
      const work = gate();
      let attempts = 0;
      const call = watch(
        it.dependency.execute(() => {
          attempts += 1;
          return work.promise;
        }),
      );
      const closing = watch(it.dependency.close());
      await it.clock.advance(10);
      work.reject(refusedConnection());
      await it.clock.advance(0);
      expect(attempts).toBe(1);
      expect(call.error).toMatchObject({ code: 'ECONNREFUSED' });
      expect(closing.state).toBe('fulfilled');
      expectRest(it);
    }
  });

  it('begins no retry for work that times out in its grace', async () => {
    const it = subject({
      attemptTimeoutMs: 50,
      retry: { onTimeout: true },
    });
    let attempts = 0;
    const call = watch(
      it.dependency.execute(() => {
        attempts += 1;
        return hang();
      }),
    );
    void it.dependency.close();
    await it.clock.advance(50);
    expect(attempts).toBe(1);
    expect(call.error).toMatchObject({ code: 'DACE_TIMEOUT' });
  });

  it('still has fallbacks answer for those it ends', async () => {
    const it = subject({ maxOpenPerNetloc: 1, shutdownGraceMs: 0 });
    const running = it.dependency.execute(hang, { fallback: 'r' });
    const queued = it.dependency.execute(() => '', { fallback: 'q' });
    void it.dependency.close();
    await it.clock.advance(0);
    expect(await Promise.all([running, queued])).toEqual(['r', 'q']);
    expect(
      await it.dependency.execute(() => '', { fallback: () => 'late' }),
    ).toBe('late');
  });

  it('closes once, however often it is asked', async () => {
    const it = subject({ shutdownGraceMs: 100 });
    const slow = watch(it.dependency.execute(hang));
    const closings = [it.dependency.close(), it.dependency.close()].map(watch);
    await it.clock.advance(60);
    const third = watch(it.dependency.close());
    await it.clock.advance(40);
    expect(slow.state).toBe('rejected');
    expect([...closings, third].map((each) => each.state)).toEqual(
      Array(3).fill('fulfilled'),
    );
    await it.dependency.close();
  });

  it('takes no timer with it for abandoned work', async () => {
    const it = subject({ attemptTimeoutMs: 10 });
    const call = watch(it.dependency.execute(hang));
    await it.clock.advance(10);
    expect(call.state).toBe('rejected');
    expect(it.dependency.snapshot().abandoned).toBe(1);
    await it.dependency.close();
    expect(it.clock.pending).toBe(0);
  });

  it('drops what work brings after its grace, with no unhandled rejection', async () => {
    const unhandled = await unhandledDuring(async () => {
      const it = subject({ shutdownGraceMs: 10 });
      const work = gate();
      const call = watch(it.dependency.execute(() => work.promise));
      void it.dependency.close();
      await it.clock.advance(10);
      expect(call.error).toBeInstanceOf(DaceShutdownError);
      work.reject(new Error('late'));
      await it.clock.advance(0);
      expectRest(it);
    });
    expect(unhandled).toEqual([]);
  });

  it('lets a held guard be, and hears its verdict', async () => {
    const it = subject();
    const permit = it.dependency.acquire();
    const closing = watch(it.dependency.close());
    await it.clock.advance(10_000);
    expect(closing.state).toBe('fulfilled');
    permit.success();
    expectRest(it);
  });

  it('tells those who listen of what it ends, and then no more', async () => {
    const it = subject({ maxOpenPerNetloc: 1, shutdownGraceMs: 0 });
    void it.dependency.execute(hang).catch(() => {});
    void it.dependency.execute(hang).catch(() => {});
    const events = eventsOf(it.dependency);
    void it.dependency.close();
    await it.clock.advance(0);
    expect(events.map((event) => event.type)).toEqual(
      expect.arrayContaining(['operation.refused', 'operation.failed']),
    );
    const count = events.length;
    await errorOf(it.dependency.execute(() => ''));
    expect(events).toHaveLength(count);
  });

  it('still shows its snapshot', async () => {
    const it = subject({ hosts: ['http://a', 'http://b'] });
    await it.dependency.execute(() => '');
    await it.dependency.close();
    expect(it.dependency.snapshot()).toMatchObject({
      state: 'closed',
      totals: { succeeded: 1 },
    });
  });

  it('with the caller leaving at the same time ends once', async () => {
    const it = subject({ shutdownGraceMs: 0 });
    const caller = new AbortController();
    const call = watch(
      it.dependency.execute(
        ({ signal }) => {
          signal.addEventListener('abort', () => caller.abort('gone'));
          return hang();
        },
        { signal: caller.signal },
      ),
    );
    void it.dependency.close();
    await it.clock.advance(0);
    expect(call.state).toBe('rejected');
    const { totals, inFlight, abandoned } = it.dependency.snapshot();
    expect(totals.failed + totals.cancelled).toBe(1);
    expect({ inFlight, abandoned }).toEqual({ inFlight: 0, abandoned: 1 });
  });
});
