import { HttpException } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { failuresOnly, firstFailure } from '../../lib/core.js';
import {
  after,
  answered,
  errorOf,
  eventsOf,
  expectRest,
  fail,
  hang,
  refusedConnection,
  subject,
  throwing,
  watch,
} from '../support/core-toolkit.js';

describe('A verdict', () => {
  it.each([
    ['a plain error', () => new Error('x'), 1, 1],
    ['a value that is no error', () => 'x', 1, 1],
    ['a broken connection', refusedConnection, 1, 1],
    ['a 500', () => answered(500), 1, 1],
    ['a 503', () => answered(503), 1, 1],
    [
      'a 503 with Retry-After',
      () => answered(503, { 'retry-after': '1' }),
      1,
      1,
    ],
    ['a 408', () => answered(408), 1, 1],
    ['a 425', () => answered(425), 1, 1],
    ['a 429', () => answered(429), 1, 0],
    ['a 404', () => answered(404), 0, 0],
    ['a Nest 400', () => new HttpException('x', 400), 0, 0],
    ['a Nest 500', () => new HttpException('x', 500), 1, 1],
  ] as [string, () => unknown, number, number][])(
    'on %s',
    async (_name, make, calls, failures) => {
      const { dependency } = subject();
      await fail(dependency, 1, make);
      expect(dependency.snapshot().window).toMatchObject({ calls, failures });
    },
  );

  it('of classify replaces the default, for errors and for results', async () => {
    const { dependency } = subject({
      classify: (outcome) =>
        outcome === 'poor' || outcome instanceof TypeError
          ? 'failure'
          : outcome instanceof RangeError
            ? 'success'
            : undefined,
    });
    await dependency.execute(() => 'poor');
    await fail(dependency, 1, () => new TypeError('x'));
    expect(dependency.snapshot().window).toMatchObject({
      calls: 2,
      failures: 2,
    });
    await fail(dependency, 1, () => new RangeError('x'));
    expect(dependency.snapshot().window).toMatchObject({
      calls: 3,
      failures: 2,
    });
  });

  it('of the call’s classify replaces the dependency’s', async () => {
    const { dependency } = subject({ classify: () => 'failure' });
    await dependency.execute(() => 'ok', { classify: () => 'success' });
    expect(dependency.snapshot().window).toMatchObject({
      calls: 1,
      failures: 0,
    });
  });

  it('of failuresOnly lets other errors prove nothing', async () => {
    const { dependency } = subject({ classify: failuresOnly(TypeError) });
    await fail(dependency, 3, () => new RangeError('x'));
    expect(dependency.snapshot().window.calls).toBe(0);
    await fail(dependency, 1, () => new TypeError('x'));
    await dependency.execute(() => 'ok');
    expect(dependency.snapshot().window).toMatchObject({
      calls: 2,
      failures: 1,
    });
  });

  it('is passed once an attempt', async () => {
    let asked = 0;
    const { dependency } = subject({
      classify: () => {
        asked += 1;
        return undefined;
      },
      hosts: ['http://a', 'http://b'],
    });
    await errorOf(dependency.execute(throwing(refusedConnection)));
    expect(asked).toBe(dependency.snapshot().totals.attempts);
  });

  it('on another dependency’s refusal is none', async () => {
    const other = subject({ circuit: { trip: firstFailure() } }).dependency;
    await fail(other, 1);
    const { dependency } = subject();
    await errorOf(dependency.execute(() => other.execute(() => '')));
    expect(dependency.snapshot().window.calls).toBe(0);
  });

  it('on our own refusals is none', async () => {
    const { dependency } = subject({
      maxOpenPerNetloc: 1,
      maxQueuedPerNetloc: 0,
    });
    const permit = dependency.acquire();
    for (let n = 0; n < 5; n++) await errorOf(dependency.execute(() => ''));
    permit.success();
    expect(dependency.snapshot().window).toMatchObject({ calls: 1 });
  });
});

describe('expectedInMs', () => {
  it('returns a slower answer and counts it as a failure', async () => {
    const rig = subject({ expectedInMs: 20 });
    const work = (ms: number) => () => after(rig.clock, ms, () => ms);
    for (const ms of [19, 20, 21]) {
      const call = watch(rig.dependency.execute(work(ms)));
      await rig.clock.advance(ms);
      expect(call.value).toBe(ms);
    }
    expect(rig.dependency.snapshot()).toMatchObject({
      window: { calls: 3, failures: 1, slow: 1 },
      totals: { succeeded: 3 },
    });
    expectRest(rig);
  });

  it('opens a circuit', async () => {
    const { clock, dependency } = subject({
      expectedInMs: 20,
      circuit: { trip: firstFailure() },
    });
    const call = watch(dependency.execute(() => after(clock, 21, () => 'ok')));
    await clock.advance(21);
    expect(call.value).toBe('ok');
    expect(dependency.snapshot().state).toBe('open');
  });

  it('of one call replaces the dependency’s', async () => {
    const { clock, dependency } = subject({ expectedInMs: 20 });
    const call = watch(
      dependency.execute(() => after(clock, 50, () => 'ok'), {
        expectedInMs: 100,
      }),
    );
    await clock.advance(50);
    expect(call.value).toBe('ok');
    expect(dependency.snapshot().window).toMatchObject({ failures: 0 });
  });

  it('is per attempt, not per operation', async () => {
    const { clock, dependency } = subject({
      expectedInMs: 20,
      retry: { backoff: { delayMs: 50 } },
    });
    const call = watch(
      dependency.execute(({ attempt }) =>
        after(clock, 15, () => {
          if (attempt === 1) throw refusedConnection();
          return 'ok';
        }),
      ),
    );
    await clock.advance(80);
    expect(call.value).toBe('ok');
    expect(dependency.snapshot().window).toMatchObject({
      calls: 2,
      failures: 1,
      slow: 0,
    });
  });
});

describe('An attempt cut by a call’s own shorter deadline', () => {
  const usual = async (rig: ReturnType<typeof subject>, ms: number) => {
    const call = watch(
      rig.dependency.execute(() => after(rig.clock, ms, () => '')),
    );
    await rig.clock.advance(ms);
    expect(call.state).toBe('fulfilled');
  };

  it('sooner than a usual answer proves nothing', async () => {
    const rig = subject({ circuit: { trip: firstFailure() } });
    await usual(rig, 50);
    const call = watch(rig.dependency.execute(hang, { timeoutMs: 49 }));
    await rig.clock.advance(49);
    expect(call.error).toMatchObject({ code: 'DACE_TIMEOUT' });
    expect(rig.dependency.snapshot()).toMatchObject({
      state: 'closed',
      window: { calls: 1, failures: 0 },
    });
  });

  it('after as long as a usual answer is a failure', async () => {
    const rig = subject({ circuit: { trip: firstFailure() } });
    await usual(rig, 50);
    const call = watch(rig.dependency.execute(hang, { timeoutMs: 50 }));
    await rig.clock.advance(50);
    expect(call.state).toBe('rejected');
    expect(rig.dependency.snapshot().state).toBe('open');
  });

  it('is a failure while no usual answer is known', async () => {
    const rig = subject({ circuit: { trip: firstFailure() } });
    void rig.dependency.execute(hang, { timeoutMs: 1 }).catch(() => {});
    await rig.clock.advance(1);
    expect(rig.dependency.snapshot().state).toBe('open');
  });

  it('is a failure whenever it had the dependency’s own attempt timeout', async () => {
    const rig = subject({
      attemptTimeoutMs: 30,
      circuit: { trip: firstFailure() },
    });
    await usual(rig, 29);
    void rig.dependency.execute(hang, { timeoutMs: 100 }).catch(() => {});
    await rig.clock.advance(30);
    expect(rig.dependency.snapshot().state).toBe('open');
  });

  it('by an attempt timeout of the call’s own is judged alike', async () => {
    const rig = subject({ circuit: { trip: firstFailure() } });
    await usual(rig, 50);
    void rig.dependency.execute(hang, { attemptTimeoutMs: 10 }).catch(() => {});
    await rig.clock.advance(10);
    expect(rig.dependency.snapshot().state).toBe('closed');
  });

  it('because little was left of the operation’s time is judged alike', async () => {
    const rig = subject({ timeoutMs: 100, circuit: { trip: firstFailure() } });
    await usual(rig, 50);
    const queued = subject({ timeoutMs: 100 });
    expect(queued.dependency.snapshot().state).toBe('closed');
    const call = watch(
      rig.dependency.execute((each) =>
        each.attempt === 1
          ? after(rig.clock, 80, () => each.retry(answered(404)))
          : hang(),
      ),
    );
    await rig.clock.advance(100);
    expect(call.state).toBe('rejected');
    expect(rig.dependency.snapshot().state).toBe('closed');
  });

  it('lets timeouts not drag the usual answer down or up', async () => {
    const rig = subject({
      circuit: { trip: firstFailure() },
      abandonAfterMs: 0,
    });
    await usual(rig, 50);
    for (let n = 0; n < 50; n++) {
      void rig.dependency.execute(hang, { timeoutMs: 1 }).catch(() => {});
      await rig.clock.advance(1);
    }
    void rig.dependency.execute(hang, { timeoutMs: 49 }).catch(() => {});
    await rig.clock.advance(49);
    expect(rig.dependency.snapshot().state).toBe('closed');
  });

  it('gives a probe’s lease back', async () => {
    const rig = subject({
      circuit: { trip: firstFailure(), resetTimeoutMs: 100 },
    });
    await usual(rig, 50);
    await fail(rig.dependency, 1);
    await rig.clock.advance(100);
    void rig.dependency.execute(hang, { timeoutMs: 10 }).catch(() => {});
    await rig.clock.advance(10);
    expect(rig.dependency.snapshot().state).toBe('half-open');
    expect(await rig.dependency.execute(() => 'probe')).toBe('probe');
  });
});

describe('Retry-After', () => {
  const busy = (seconds: string) => answered(503, { 'retry-after': seconds });

  it('is waited for before the same host, in place of the backoff', async () => {
    const rig = subject({
      timeoutMs: 10_000,
      retry: { backoff: { delayMs: 5 } },
    });
    const begun: number[] = [];
    const call = watch(
      rig.dependency.execute(
        ({ attempt }) => {
          begun.push(rig.clock.nowMs());
          if (attempt === 1) throw busy('2');
          return 'ok';
        },
        { idempotent: true },
      ),
    );
    await rig.clock.advance(2_000);
    expect(call.value).toBe('ok');
    expect(begun).toEqual([0, 2_000]);
    expectRest(rig);
  });

  it('may be a date', async () => {
    const rig = subject({ timeoutMs: 10_000 });
    const date = new Date(rig.clock.dateMs() + 3_000).toUTCString();
    const call = watch(
      rig.dependency.execute(
        ({ attempt }) => {
          if (attempt === 1) throw answered(429, { 'retry-after': date });
          return rig.clock.nowMs();
        },
        { idempotent: true },
      ),
    );
    await rig.clock.advance(3_000);
    expect(call.value).toBe(3_000);
  });

  it('is not waited for before another host', async () => {
    const rig = subject({
      hosts: ['http://a', 'http://b'],
      retry: { backoff: { delayMs: 5 } },
    });
    const begun: unknown[] = [];
    const call = watch(
      rig.dependency.execute(
        ({ attempt, netloc }) => {
          begun.push([rig.clock.nowMs(), netloc]);
          if (attempt === 1) throw busy('2');
          return 'ok';
        },
        { idempotent: true },
      ),
    );
    await rig.clock.advance(5);
    expect(call.value).toBe('ok');
    expect(begun.map(([at]: any) => at)).toEqual([0, 5]);
    expect(new Set(begun.map(([, netloc]: any) => netloc)).size).toBe(2);
  });

  it('is waited for before the same host of several, where sameHost asks for it', async () => {
    const rig = subject({
      hosts: ['http://a', 'http://b'],
      timeoutMs: 10_000,
      retry: { sameHost: 1 },
    });
    const begun: number[] = [];
    void rig.dependency
      .execute(
        ({ attempt }) => {
          begun.push(rig.clock.nowMs());
          if (attempt === 1) throw busy('2');
          return 'ok';
        },
        { idempotent: true },
      )
      .catch(() => {});
    await rig.clock.advance(2_000);
    expect(begun).toEqual([0, 2_000]);
  });

  it('is waited for before a pinned peer', async () => {
    const rig = subject({ hosts: ['http://a', 'http://b'], timeoutMs: 10_000 });
    const begun: number[] = [];
    const call = watch(
      rig.dependency.execute(
        ({ attempt }) => {
          begun.push(rig.clock.nowMs());
          if (attempt === 1) throw busy('2');
          return 'ok';
        },
        { idempotent: true, netloc: 'a' },
      ),
    );
    await rig.clock.advance(2_000);
    expect(call.value).toBe('ok');
    expect(begun).toEqual([0, 2_000]);
  });

  it('past the deadline has it give up now, with the time on the error', async () => {
    const rig = subject({ timeoutMs: 1_000 });
    const busyNow = busy('7');
    const error = await errorOf(
      rig.dependency.execute(
        throwing(() => busyNow),
        { idempotent: true },
      ),
    );
    expect(error).toBe(busyNow);
    expect(error.retryAfterMs).toBe(7_000);
    expect(rig.dependency.snapshot().totals.attempts).toBe(1);
    expectRest(rig);
  });

  it('stands on the exhausted error as well', async () => {
    const rig = subject({ timeoutMs: 10_000, retry: { attempts: 2 } });
    const call = watch(
      rig.dependency.execute(
        throwing(() => busy('1')),
        { idempotent: true },
      ),
    );
    await rig.clock.advance(1_000);
    expect(call.error).toMatchObject({
      code: 'DACE_RETRY_EXHAUSTED',
      retryAfterMs: 1_000,
    });
  });

  it.each(['soon', '', '-5', '1.5e3x'])(
    'that cannot be read, %j, is as if absent',
    async (text) => {
      const rig = subject();
      expect(
        await rig.dependency.execute(
          ({ attempt }) => {
            if (attempt === 1) throw busy(text);
            return 'ok';
          },
          { idempotent: true },
        ),
      ).toBe('ok');
      expectRest(rig);
    },
  );

  it('is taken from a fetch Response that retry.on does not like', async () => {
    const rig = subject({
      timeoutMs: 10_000,
      retry: { on: (outcome) => (outcome as Response).status === 503 },
    });
    const call = watch(
      rig.dependency.execute(({ attempt }) =>
        attempt === 1
          ? new Response('', { status: 503, headers: { 'retry-after': '2' } })
          : new Response('fine'),
      ),
    );
    await rig.clock.advance(1_999);
    expect(call.state).toBe('pending');
    await rig.clock.advance(1);
    expect(call.value?.status).toBe(200);
    expectRest(rig);
  });
});

describe('What may be repeated without asking', () => {
  it.each([
    ['a connection never made', refusedConnection, {}, 3],
    [
      'a name that is not found',
      () =>
        Object.assign(new Error('x'), {
          code: 'ENOTFOUND',
          syscall: 'getaddrinfo',
        }),
      {},
      3,
    ],
    [
      'fetch’s error for it',
      () => new TypeError('fetch failed', { cause: refusedConnection() }),
      {},
      3,
    ],
    [
      'a reset of opaque work',
      () => Object.assign(new Error('x'), { code: 'ECONNRESET' }),
      {},
      1,
    ],
    [
      'a reset of idempotent work',
      () => Object.assign(new Error('x'), { code: 'ECONNRESET' }),
      { idempotent: true },
      3,
    ],
    ['a 500 of opaque work', () => answered(500), {}, 1],
    ['a 500 of idempotent work', () => answered(500), { idempotent: true }, 3],
    ['a 404 of idempotent work', () => answered(404), { idempotent: true }, 1],
    [
      'a plain error of idempotent work',
      () => new Error('x'),
      { idempotent: true },
      3,
    ],
    [
      'a connection never made, with retry: false',
      refusedConnection,
      { retry: false },
      1,
    ],
  ] as [string, () => unknown, object, number][])(
    '%s',
    async (_name, make, options, expected) => {
      const { dependency } = subject({ retry: { attempts: 3 } });
      await errorOf(dependency.execute(throwing(make), options));
      expect(dependency.snapshot().totals.attempts).toBe(expected);
    },
  );

  it('tells of each retry before it', async () => {
    const { clock, dependency } = subject({
      retry: { backoff: { delayMs: 10, factor: 3 } },
    });
    const events = eventsOf(dependency);
    const call = watch(dependency.execute(throwing(refusedConnection)));
    await clock.advance(1_000);
    expect(call.state).toBe('rejected');
    expect(
      events
        .filter((event) => event.type === 'retry.scheduled')
        .map((event) => [event.attempt, event.delayMs]),
    ).toEqual([
      [2, 10],
      [3, 30],
    ]);
  });
});
