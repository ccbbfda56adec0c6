import { describe, expect, it } from 'vitest';
import {
  consecutiveFailures,
  failureRatio,
  outlier,
  ramp,
  slowRatio,
  type DependencyOptions,
} from '../../lib/core.js';
import { seededRandom } from '../support/chance.js';
import {
  after,
  answered,
  errorOf,
  eventsOf,
  fail,
  hang,
  subject,
  type Subject,
} from '../support/core-toolkit.js';

const FOUR = ['a:80', 'b:80', 'c:80', 'd:80'];
const ONE_TRY = { retry: false } as const;

/** One call after the other, each told how long it takes and what becomes of it. */
async function take(
  { clock, dependency }: Subject,
  ms: number,
  settle: () => unknown = () => 'ok',
): Promise<void> {
  const call = dependency
    .execute(() => after(clock, ms, settle), ONE_TRY)
    .catch(() => {});
  await clock.advance(ms);
  await call;
}

const boom = (): never => {
  throw new Error('boom');
};

describe('slowRatio with slowMs', () => {
  const options: DependencyOptions = {
    circuit: { trip: slowRatio({ slowMs: 100, minimumCalls: 4 }) },
  };

  it('opens on slow successes, which are returned and are no failures', async () => {
    const made = subject(options);
    await take(made, 10);
    await take(made, 100);
    await take(made, 101);
    expect(made.dependency.snapshot()).toMatchObject({
      state: 'closed',
      window: { calls: 3, failures: 0 },
    });
    await take(made, 101);
    expect(made.dependency.snapshot()).toMatchObject({
      state: 'open',
      tripped: 'slowRatio',
      totals: { succeeded: 4, failed: 0 },
    });
  });

  it('counts slow failures and timeouts too', async () => {
    const made = subject({ ...options, attemptTimeoutMs: 200 });
    await take(made, 10);
    await take(made, 10);
    await take(made, 150, boom);
    const call = errorOf(made.dependency.execute(hang, ONE_TRY));
    await made.clock.advance(200);
    await call;
    expect(made.dependency.snapshot().state).toBe('open');
  });

  it('does not count fast failures', async () => {
    const made = subject(options);
    for (let call = 0; call < 30; call++) await take(made, 5, boom);
    expect(made.dependency.snapshot().state).toBe('closed');
  });
});

describe('slowRatio without slowMs', () => {
  it('goes by expectedInMs, the call’s own included', async () => {
    const made = subject({
      expectedInMs: 50,
      circuit: { trip: slowRatio({ minimumCalls: 2 }) },
    });
    await take(made, 60);
    const { clock, dependency } = made;
    const patient = dependency.execute(() => after(clock, 90, () => 'ok'), {
      ...ONE_TRY,
      expectedInMs: 100,
    });
    await clock.advance(90);
    expect(await patient).toBe('ok');
    expect(dependency.snapshot()).toMatchObject({
      state: 'open',
      window: { calls: 2, failures: 1, slow: 1 },
    });
  });
});

describe('windowCalls', () => {
  it('judges the last calls, however long ago', async () => {
    const made = subject({
      circuit: { trip: failureRatio({ windowCalls: 4 }) },
    });
    await take(made, 1, boom);
    await made.clock.advance(3_600_000);
    await take(made, 1);
    await take(made, 1);
    expect(made.dependency.snapshot().state).toBe('closed');
    await take(made, 1, boom);
    expect(made.dependency.snapshot()).toMatchObject({
      state: 'open',
      tripped: 'failureRatio',
    });
  });

  it('opens a dependency of several hosts only when it holds for each in service', async () => {
    const made = subject({
      hosts: FOUR,
      loadBalancer: 'round-robin',
      circuit: {
        trip: failureRatio({ windowCalls: 2, ratio: 1 }),
        maxOutRatio: 0.25,
      },
    });
    const { dependency } = made;
    const sick = async (...netlocs: string[]): Promise<void> => {
      for (const netloc of netlocs)
        await fail(dependency, 2, undefined, { netloc });
    };
    await sick('a:80', 'b:80', 'c:80');
    expect(dependency.snapshot()).toMatchObject({
      state: 'closed',
      hosts: [
        { inService: false, state: 'open' },
        { inService: true, tripped: 'failureRatio' },
        { inService: true, tripped: 'failureRatio' },
        { inService: true },
      ],
    });
    await sick('d:80');
    expect(dependency.snapshot().state).toBe('open');
  });
});

describe('outlier()', () => {
  it('takes the one host out that fails more than its peers, and never opens the dependency', async () => {
    const { clock, dependency } = subject({
      hosts: FOUR,
      loadBalancer: 'round-robin',
      circuit: { trip: outlier() },
    });
    const events = eventsOf(dependency);
    const work = (isSick: (netloc: string) => boolean) =>
      dependency
        .execute(({ netloc }) => {
          if (isSick(netloc!)) throw new Error('boom');
        }, ONE_TRY)
        .catch(() => {});
    for (let call = 0; call < 60; call++)
      await work((netloc) => netloc === 'b:80');
    expect(
      dependency.snapshot().hosts.map(({ inService }) => inService),
    ).toEqual([true, false, true, true]);
    expect(events.find(({ type }) => type === 'host.out')).toMatchObject({
      netloc: 'b:80',
      tripped: 'outlier',
    });
    await clock.advance(60_000);
    for (let call = 0; call < 400; call++) await work(() => true);
    expect(dependency.snapshot().state).toBe('closed');
  });

  it('never holds for a dependency without peers', async () => {
    const { dependency } = subject({ circuit: { trip: outlier() } });
    await fail(dependency, 200);
    expect(dependency.snapshot().state).toBe('closed');
  });

  it('never holds for a pinned peer', async () => {
    const { dependency } = subject({ circuit: { trip: outlier() } });
    await fail(dependency, 100, undefined, { netloc: 'x:1' });
    expect(dependency.snapshot().hosts).toMatchObject([{ state: 'closed' }]);
  });
});

describe('openOnRetryAfter', () => {
  const asked = (status: number, retryAfter: string) =>
    answered(status, { 'retry-after': retryAfter });
  const options: DependencyOptions = {
    circuit: {
      trip: consecutiveFailures(50),
      openOnRetryAfter: { maxMs: 30_000 },
    },
  };

  it.each([429, 503])('opens for as long as a %i asks for', async (status) => {
    const { clock, dependency } = subject(options);
    await fail(dependency, 1, () => asked(status, '20'));
    expect(dependency.snapshot()).toMatchObject({
      state: 'open',
      retryAfterMs: 20_000,
      tripped: 'retryAfter',
    });
    const refusal = await errorOf(dependency.execute(() => 'ok'));
    expect(refusal).toMatchObject({
      code: 'DACE_CIRCUIT_OPEN',
      retryAfterMs: 20_000,
    });
    await clock.advance(20_000);
    expect(await dependency.execute(() => 'ok')).toBe('ok');
    expect(dependency.snapshot().state).toBe('closed');
  });

  it('at most for maxMs', async () => {
    const { dependency } = subject(options);
    await fail(dependency, 1, () => asked(429, '3600'));
    expect(dependency.snapshot().retryAfterMs).toBe(30_000);
  });

  it('reads a date by the wall clock', async () => {
    const { clock, dependency } = subject(options);
    const at = new Date(clock.dateMs() + 7_000).toUTCString();
    await fail(dependency, 1, () => asked(429, at));
    expect(dependency.snapshot().retryAfterMs).toBe(7_000);
  });

  it.each([
    ['without the header', () => answered(429)],
    ['with one that cannot be read', () => asked(429, 'soon')],
    ['with 0', () => asked(429, '0')],
    ['of another status', () => asked(500, '20')],
  ])('does nothing on an answer %s', async (_, make) => {
    const { dependency } = subject(options);
    await fail(dependency, 1, make);
    expect(dependency.snapshot().state).toBe('closed');
  });

  it('is off where nobody asked for it', async () => {
    const { dependency } = subject({
      circuit: { trip: consecutiveFailures(50) },
    });
    await fail(dependency, 1, () => asked(429, '20'));
    expect(dependency.snapshot().state).toBe('closed');
  });

  it('takes the host out that said so, and the others go on', async () => {
    const { clock, dependency } = subject({
      ...options,
      hosts: FOUR,
      loadBalancer: 'round-robin',
    });
    const seen: string[] = [];
    const result = await dependency.execute(
      (call) => {
        seen.push(call.netloc!);
        if (call.netloc === 'a:80') throw asked(503, '20');
        return call.netloc;
      },
      { idempotent: true },
    );
    expect(seen).toEqual(['a:80', result]);
    expect(result).not.toBe('a:80');
    expect(dependency.snapshot()).toMatchObject({
      state: 'closed',
      hosts: [{ inService: false, tripped: 'retryAfter' }, {}, {}, {}],
    });
    await clock.advance(20_000);
    const next = await dependency.execute((call) => call.netloc);
    expect(next).toBe('a:80');
    expect(dependency.snapshot().hosts[0]).toMatchObject({ inService: true });
  });

  it('opens a pinned peer alone', async () => {
    const { dependency } = subject(options);
    await fail(dependency, 1, () => asked(429, '20'), { netloc: 'x:1' });
    expect(dependency.snapshot()).toMatchObject({
      state: 'closed',
      hosts: [{ netloc: 'x:1', state: 'open' }],
    });
  });

  it('has a retry that waits for the same host be its probe', async () => {
    const { clock, dependency } = subject({ ...options, timeoutMs: 60_000 });
    let tries = 0;
    const call = dependency.execute(
      () => {
        tries += 1;
        if (tries === 1) throw asked(503, '20');
        return 'ok';
      },
      { idempotent: true },
    );
    await clock.advance(20_000);
    expect(await call).toBe('ok');
    expect(dependency.snapshot()).toMatchObject({
      state: 'closed',
      totals: { attempts: 2, retries: 1 },
    });
  });
});

describe('ramp(), in front of a dependency', () => {
  const options: DependencyOptions = {
    retry: false,
    circuit: {
      trip: consecutiveFailures(1),
      recovery: ramp({ recoveryMs: 10_000, graceMs: 5_000 }),
    },
  };

  it('lets a growing part of the calls in, refuses the others, then closes', async () => {
    const random = seededRandom(1);
    const { clock, dependency } = subject(options, { random });
    await fail(dependency, 1);
    await clock.advance(10_000);
    const shares: number[] = [];
    for (let second = 0; second < 10; second++) {
      const { attempts } = dependency.snapshot().totals;
      for (let call = 0; call < 200; call++) {
        await dependency.execute(() => 'ok').catch(() => {});
        await clock.advance(5);
      }
      shares.push((dependency.snapshot().totals.attempts - attempts) / 200);
    }
    const expected = shares.map((_, second) => 2 ** ((second + 0.5) / 10) - 1);
    shares.forEach((share, second) =>
      expect(share).toBeCloseTo(expected[second]!, 0.5),
    );
    expect(dependency.snapshot().state).toBe('closed');
    await fail(dependency, 1);
    expect(dependency.snapshot()).toMatchObject({
      state: 'closed',
      tripped: 'consecutiveFailures',
    });
  });

  it('refuses with an error that names no time', async () => {
    const { clock, dependency } = subject(options);
    await fail(dependency, 1);
    await clock.advance(10_000);
    const refusal = await errorOf(dependency.execute(() => 'ok'));
    expect(refusal.code).toBe('DACE_CIRCUIT_OPEN');
    expect(refusal.retryAfterMs).toBeUndefined();
    expect(refusal.message).toContain('half-open');
    expect(() => dependency.acquire()).toThrow('payments');
  });

  it('gives a host its part of its share, and never refuses for it', async () => {
    const random = seededRandom(2);
    const { clock, dependency } = subject(
      { ...options, hosts: FOUR, loadBalancer: 'round-robin' },
      { random },
    );
    await fail(dependency, 1, undefined, { netloc: 'a:80' });
    expect(dependency.snapshot().hosts[0]!.inService).toBe(false);
    await clock.advance(10_000);
    const counts: number[] = [];
    for (let second = 0; second < 10; second++) {
      let onHost = 0;
      for (let call = 0; call < 400; call++) {
        const netloc = await dependency.execute((each) => each.netloc);
        if (netloc === 'a:80') onHost += 1;
        await clock.advance(2.5);
      }
      counts.push(onHost / 400);
    }
    counts.forEach((share, second) =>
      expect(share).toBeCloseTo((2 ** ((second + 0.5) / 10) - 1) / 4, 1),
    );
    expect(counts[0]).toBeLessThan(0.05);
    expect(counts[9]).toBeGreaterThan(0.15);
    await dependency.execute(() => 'ok');
    expect(dependency.snapshot()).toMatchObject({
      hosts: [{ inService: true, state: 'closed' }, {}, {}, {}],
      totals: { refused: 0 },
    });
  });
});
