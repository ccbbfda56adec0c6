import { describe, expect, it } from 'vitest';
import { DaceRateLimitedError, DaceTimeoutError } from '../../lib/core.js';
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
  watch,
} from '../support/core-toolkit.js';

describe('The queue of a full netloc', () => {
  it('is first in, first out', async () => {
    const rig = subject({ maxOpenPerNetloc: 1 });
    const order: number[] = [];
    const calls = [1, 2, 3, 4, 5].map((n) =>
      rig.dependency.execute(() => {
        order.push(n);
        return after(rig.clock, 10, () => n);
      }),
    );
    await rig.clock.advance(50);
    expect(await Promise.all(calls)).toEqual([1, 2, 3, 4, 5]);
    expect(order).toEqual([1, 2, 3, 4, 5]);
    expectRest(rig);
  });

  it('is not jumped by a call that comes when a permit is just free', async () => {
    const rig = subject({ maxOpenPerNetloc: 1 });
    const order: string[] = [];
    const first = gate();
    const hogging = rig.dependency.execute(() => first.promise);
    const queued = rig.dependency.execute(() => {
      order.push('queued');
    });
    first.resolve('');
    await hogging;
    const late = rig.dependency.execute(() => {
      order.push('late');
    });
    await Promise.all([queued, late]);
    expect(order).toEqual(['queued', 'late']);
    expectRest(rig);
  });

  it('ends at queueTimeoutMs, kind queue', async () => {
    const rig = subject({ maxOpenPerNetloc: 1, queueTimeoutMs: 30 });
    const hog = gate();
    const hogging = rig.dependency.execute(() => hog.promise);
    const queued = watch(rig.dependency.execute(() => ''));
    await rig.clock.advance(29);
    expect(queued.state).toBe('pending');
    await rig.clock.advance(1);
    expect(queued.error).toBeInstanceOf(DaceTimeoutError);
    expect(queued.error).toMatchObject({ kind: 'queue', timeoutMs: 30 });
    expect(rig.dependency.snapshot()).toMatchObject({
      queued: 0,
      window: { calls: 0 },
      totals: { refused: 1, failed: 0 },
    });
    hog.resolve('');
    await hogging;
    expectRest(rig);
  });

  it('without a deadline ends after 30 s', async () => {
    const rig = subject({ maxOpenPerNetloc: 1, timeoutMs: false });
    void rig.dependency.execute(hang);
    const queued = watch(rig.dependency.execute(() => ''));
    await rig.clock.advance(29_999);
    expect(queued.state).toBe('pending');
    await rig.clock.advance(1);
    expect(queued.error).toMatchObject({ kind: 'queue', timeoutMs: 30_000 });
  });

  it('is bounded; the first refusal alone is a warning that names option, value and netloc', async () => {
    const rig = subject({
      hosts: ['http://a'],
      maxOpenPerNetloc: 1,
      maxQueuedPerNetloc: 2,
    });
    const events = eventsOf(rig.dependency);
    const hog = gate();
    const calls = [1, 2, 3].map(() =>
      rig.dependency.execute(() => hog.promise),
    );
    const errors = [
      await errorOf(rig.dependency.execute(() => '')),
      await errorOf(rig.dependency.execute(() => '')),
    ];
    for (const error of errors) {
      expect(error).toBeInstanceOf(DaceRateLimitedError);
      expect(error).toMatchObject({ netloc: 'a:80', status: 503 });
      expect([1, 2]).toContain(error.limit);
    }
    const warnings = events.filter((event) => event.type === 'warning');
    expect(warnings).toHaveLength(1);
    expect(warnings[0]!.message).toMatch(/maxOpenPerNetloc is 1.*a:80/);
    hog.resolve('');
    await Promise.all(calls);
    expectRest(rig);
  });

  it('gives way when retries meet it, with their deadline', async () => {
    const rig = subject({ maxOpenPerNetloc: 1, timeoutMs: 100 });
    let attempts = 0;
    const call = watch(
      rig.dependency.execute(() => {
        attempts += 1;
        throw refusedConnection();
      }),
    );
    const other = watch(
      rig.dependency.execute(() => after(rig.clock, 50, () => 'other')),
    );
    await rig.clock.advance(50);
    expect(other.value).toBe('other');
    expect(call.error).toMatchObject({ code: 'DACE_RETRY_EXHAUSTED' });
    expect(attempts).toBe(3);
    expectRest(rig);
  });

  it('of each host is its own', async () => {
    const rig = subject({
      hosts: ['http://a', 'http://b'],
      loadBalancer: 'round-robin',
      maxOpenPerNetloc: 1,
      maxQueuedPerNetloc: 0,
    });
    const hog = gate();
    const held = rig.dependency.execute(() => hog.promise, { netloc: 'a' });
    expect(
      await rig.dependency.execute((call) => call.netloc, { netloc: 'b' }),
    ).toBe('b:80');
    hog.resolve('');
    await held;
    expectRest(rig);
  });

  it('false bounds nothing', async () => {
    const rig = subject({ maxOpenPerNetloc: false });
    const work = gate();
    const calls = Array.from({ length: 500 }, () =>
      rig.dependency.execute(() => work.promise),
    );
    expect(rig.dependency.snapshot()).toMatchObject({
      inFlight: 500,
      queued: 0,
    });
    work.resolve('');
    await Promise.all(calls);
    expectRest(rig);
  });

  it('lets the released permit of work that threw at once go on', async () => {
    const rig = subject({ maxOpenPerNetloc: 1, circuit: false, retry: false });
    const work = gate();
    const first = rig.dependency.execute(() => work.promise);
    const rest = Array.from({ length: 50 }, () =>
      watch(rig.dependency.execute(throwing())),
    );
    work.resolve('');
    await first;
    await rig.clock.advance(0);
    expect(rest.every((call) => call.error?.message === 'boom')).toBe(true);
    expectRest(rig);
  });
});

describe('rateLimit', () => {
  const options = { rateLimit: { limit: 4, intervalMs: 1_000 } };

  it('lets a burst of its limit through and refuses the next with the time to wait', async () => {
    const rig = subject(options);
    for (let n = 0; n < 4; n++) await rig.dependency.execute(() => '');
    const error = await errorOf(rig.dependency.execute(() => ''));
    expect(error).toBeInstanceOf(DaceRateLimitedError);
    expect(error).toMatchObject({ limit: 4, retryAfterMs: 250 });
    expect(rig.dependency.snapshot()).toMatchObject({
      window: { calls: 4 },
      totals: { refused: 1 },
    });
    expectRest(rig);
  });

  it('is refilled evenly', async () => {
    const { clock, dependency } = subject(options);
    for (let n = 0; n < 4; n++) await dependency.execute(() => '');
    await clock.advance(249);
    const error = await errorOf(dependency.execute(() => ''));
    expect(error.retryAfterMs).toBeCloseTo(1, 3);
    await clock.advance(1);
    expect(await dependency.execute(() => 'ok')).toBe('ok');
    await clock.advance(10_000);
    for (let n = 0; n < 4; n++) await dependency.execute(() => '');
    expect(await errorOf(dependency.execute(() => ''))).toBeInstanceOf(
      DaceRateLimitedError,
    );
  });

  it('takes one token an attempt', async () => {
    const { dependency } = subject({
      ...options,
      retry: { attempts: 3 },
      circuit: false,
    });
    await errorOf(dependency.execute(throwing(refusedConnection)));
    await dependency.execute(() => '');
    expect(await errorOf(dependency.execute(() => ''))).toBeInstanceOf(
      DaceRateLimitedError,
    );
  });

  it('gives the permit back when it refuses', async () => {
    const rig = subject({
      rateLimit: { limit: 1, intervalMs: 1_000 },
      maxOpenPerNetloc: 1,
      maxQueuedPerNetloc: 0,
    });
    await rig.dependency.execute(() => '');
    for (let n = 0; n < 5; n++)
      expect(await errorOf(rig.dependency.execute(() => ''))).toMatchObject({
        limit: 1,
        retryAfterMs: 1_000,
      });
    await rig.clock.advance(1_000);
    expect(await rig.dependency.execute(() => 'ok')).toBe('ok');
    expectRest(rig);
  });

  it('refuses one that had queued, and the next in the queue has its turn', async () => {
    const rig = subject({
      rateLimit: { limit: 1, intervalMs: 1_000 },
      maxOpenPerNetloc: 1,
    });
    const work = gate();
    const first = watch(rig.dependency.execute(() => work.promise));
    const queued = [1, 2, 3].map(() => watch(rig.dependency.execute(() => '')));
    work.resolve('ok');
    await rig.clock.advance(0);
    expect(first.value).toBe('ok');
    expect(queued.map((call) => call.error?.code)).toEqual(
      Array(3).fill('DACE_RATE_LIMITED'),
    );
    expectRest(rig);
  });

  it('is one bucket for all hosts', async () => {
    const { dependency } = subject({
      ...options,
      hosts: ['http://a', 'http://b', 'http://c'],
    });
    for (let n = 0; n < 4; n++) await dependency.execute(() => '');
    expect(await errorOf(dependency.execute(() => ''))).toBeInstanceOf(
      DaceRateLimitedError,
    );
  });
});

describe('The retry budget', () => {
  it('bounds a total outage to 1.2 attempts an operation and three more', async () => {
    const rig = subject({ circuit: false });
    for (let n = 0; n < 1_000; n++)
      await errorOf(rig.dependency.execute(throwing(refusedConnection)));
    const { attempts, retries } = rig.dependency.snapshot().totals;
    expect(attempts).toBeLessThanOrEqual(1.2 * 1_000 + 3);
    expect(retries).toBeGreaterThanOrEqual(0.19 * 1_000);
    expectRest(rig);
  });

  it('bounds it in every window', async () => {
    const { clock, dependency } = subject({ circuit: false });
    let before = 0;
    for (let second = 0; second < 60; second++) {
      for (let n = 0; n < 100; n++)
        await errorOf(dependency.execute(throwing(refusedConnection)));
      await clock.advance(1_000);
      if (second % 10 !== 9) continue;
      const { attempts } = dependency.snapshot().totals;
      expect(attempts - before).toBeLessThanOrEqual(1.2 * 1_000 + 3 + 20);
      before = attempts;
    }
  });

  it('always allows a few', async () => {
    const { dependency } = subject({ circuit: false });
    await errorOf(dependency.execute(throwing(refusedConnection)));
    expect(dependency.snapshot().totals.retries).toBe(2);
    await errorOf(dependency.execute(throwing(refusedConnection)));
    expect(dependency.snapshot().totals.retries).toBe(3);
  });

  it('with an open circuit lets an outage cost probes only', async () => {
    const rig = subject({ circuit: { resetTimeoutMs: 1_000 } });
    for (let n = 0; n < 1_000; n++) {
      await errorOf(rig.dependency.execute(throwing(refusedConnection)));
      await rig.clock.advance(10);
    }
    const { attempts } = rig.dependency.snapshot().totals;
    // Ten seconds: what opens it, and a probe a second.
    expect(attempts).toBeLessThanOrEqual(5 + 3 + 10);
    expectRest(rig);
  });

  it('false bounds nothing', async () => {
    const { dependency } = subject({
      circuit: false,
      retry: { budget: false },
    });
    for (let n = 0; n < 50; n++)
      await errorOf(dependency.execute(throwing(refusedConnection)));
    expect(dependency.snapshot().totals.attempts).toBe(150);
    expect(dependency.snapshot().budget).toBeUndefined();
  });
});
