import { describe, expect, it } from 'vitest';
import {
  consecutiveFailures,
  DaceCircuitOpenError,
  DaceConfigurationError,
  DaceNoHostsError,
  errorCount,
  failureRatio,
  firstFailure,
  type DependencyOptions,
} from '../../lib/core.js';
import {
  after,
  errorOf,
  eventsOf,
  expectRest,
  fail,
  gate,
  hang,
  refusedConnection,
  subject,
  throwing,
  watch,
} from '../support/core-toolkit.js';

const FRAGILE = { circuit: { trip: firstFailure(), resetTimeoutMs: 1_000 } };

describe('An operator', () => {
  it('forces the circuit open, with no time to wait', async () => {
    const { clock, dependency } = subject();
    dependency.control('forced-open');
    expect(dependency.snapshot().state).toBe('forced-open');
    const error = await errorOf(dependency.execute(() => ''));
    expect(error).toBeInstanceOf(DaceCircuitOpenError);
    expect(error.retryAfterMs).toBeUndefined();
    await clock.advance(1_000_000);
    expect(await errorOf(dependency.execute(() => ''))).toBeInstanceOf(
      DaceCircuitOpenError,
    );
    dependency.control('auto');
    expect(await dependency.execute(() => 'ok')).toBe('ok');
  });

  it('lets running work finish under forced-open', async () => {
    const rig = subject();
    const work = gate();
    const call = watch(rig.dependency.execute(() => work.promise));
    rig.dependency.control('forced-open');
    work.resolve('ok');
    await rig.clock.advance(0);
    expect(call.value).toBe('ok');
    expectRest(rig);
  });

  it('has those that queue refused when their turn comes under forced-open', async () => {
    const rig = subject({ maxOpenPerNetloc: 1 });
    const work = gate();
    const first = watch(rig.dependency.execute(() => work.promise));
    const queued = watch(rig.dependency.execute(() => 'never'));
    rig.dependency.control('forced-open');
    work.resolve('ok');
    await rig.clock.advance(0);
    expect(first.value).toBe('ok');
    expect(queued.error).toBeInstanceOf(DaceCircuitOpenError);
    expectRest(rig);
  });

  it('watches only: counts, refuses nothing, names the rule, tells once', async () => {
    const { dependency } = subject(FRAGILE);
    const events = eventsOf(dependency);
    dependency.control('metrics-only');
    await fail(dependency, 4);
    expect(dependency.snapshot()).toMatchObject({
      state: 'metrics-only',
      tripped: 'firstFailure',
      window: { calls: 4, failures: 4 },
    });
    expect(await dependency.execute(() => 'ok')).toBe('ok');
    expect(
      events.filter((event) => event.type === 'circuit.would-open'),
    ).toHaveLength(1);
    expect(events.some((event) => event.type === 'circuit.opened')).toBe(false);
  });

  it('disables the circuit: nothing is counted or refused', async () => {
    const { dependency } = subject(FRAGILE);
    dependency.control('disabled');
    await fail(dependency, 4);
    expect(dependency.snapshot()).toMatchObject({
      state: 'disabled',
      window: { calls: 0 },
      totals: { failed: 4 },
    });
    expect(await dependency.execute(() => 'ok')).toBe('ok');
  });

  it('leaving a mode starts closed and empty, in a new generation', async () => {
    const { clock, dependency } = subject({
      circuit: { trip: consecutiveFailures(2) },
    });
    dependency.control('metrics-only');
    const old = gate();
    const before = watch(dependency.execute(() => old.promise));
    await fail(dependency, 1);
    dependency.control('auto');
    expect(dependency.snapshot()).toMatchObject({
      state: 'closed',
      window: { calls: 0, failures: 0 },
    });
    old.reject(new Error('old'));
    await clock.advance(0);
    expect(before.state).toBe('rejected');
    expect(dependency.snapshot().window).toMatchObject({ calls: 0 });
    await fail(dependency, 1);
    expect(dependency.snapshot().state).toBe('closed');
  });

  it('closes an open circuit by hand', async () => {
    const { dependency } = subject(FRAGILE);
    await fail(dependency, 1);
    dependency.control('disabled');
    dependency.control('auto');
    expect(dependency.snapshot().state).toBe('closed');
    expect(await dependency.execute(() => 'ok')).toBe('ok');
  });

  it('asking for auto changes nothing of an open circuit', async () => {
    const { dependency } = subject(FRAGILE);
    await fail(dependency, 1);
    dependency.control('auto');
    expect(dependency.snapshot().state).toBe('open');
  });

  it('has modes that survive configure', async () => {
    const { dependency } = subject();
    dependency.control('forced-open');
    dependency.configure({ circuit: { resetTimeoutMs: 5 }, timeoutMs: 9 });
    expect(dependency.snapshot().state).toBe('forced-open');
    dependency.configure({ circuit: false });
    dependency.configure({ circuit: { resetTimeoutMs: 5 } });
    expect(dependency.snapshot().state).toBe('forced-open');
  });

  it('has modes of hosts and peers that survive configure', async () => {
    const { dependency } = subject({ hosts: ['http://a', 'http://b'] });
    dependency.control('forced-open', 'a');
    dependency.control('forced-open', 'peer');
    dependency.configure({ circuit: false });
    expect(await dependency.execute(() => 'ok', { netloc: 'peer' })).toBe('ok');
    dependency.configure({ circuit: {} });
    for (const netloc of ['a', 'peer'])
      expect(
        await errorOf(dependency.execute(() => '', { netloc })),
      ).toMatchObject({ code: 'DACE_CIRCUIT_OPEN' });
    dependency.configure({ hosts: ['http://a'] });
    dependency.configure({ hosts: ['http://a', 'http://b'] });
    expect(await dependency.execute((call) => call.netloc)).toBe('b:80');
  });

  it('finds peers with circuits again after those were off and on', async () => {
    const { dependency } = subject(FRAGILE);
    await dependency.execute(() => 'ok', { netloc: 'peer' });
    dependency.configure({ circuit: false });
    dependency.configure(FRAGILE);
    await fail(dependency, 1, undefined, { netloc: 'peer' });
    expect(
      await errorOf(dependency.execute(() => '', { netloc: 'peer' })),
    ).toBeInstanceOf(DaceCircuitOpenError);
    expect(await dependency.execute(() => 'ok')).toBe('ok');
  });

  it('takes one host out, and it is passed by', async () => {
    const { dependency } = subject({ hosts: ['http://a', 'http://b'] });
    dependency.control('forced-open', 'A');
    for (let n = 0; n < 10; n++)
      expect(await dependency.execute((call) => call.netloc)).toBe('b:80');
    expect(dependency.snapshot().hosts[0]).toMatchObject({
      state: 'forced-open',
      inService: false,
    });
    dependency.control('auto', 'a');
    const seen = new Set<unknown>();
    for (let n = 0; n < 50; n++)
      seen.add(await dependency.execute((call) => call.netloc));
    expect(seen).toContain('a:80');
  });

  it('takes all hosts out, and there is none to ask', async () => {
    const { dependency } = subject({ hosts: ['http://a', 'http://b'] });
    dependency.control('forced-open', 'a');
    dependency.control('forced-open', 'b');
    const error = await errorOf(dependency.execute(() => ''));
    expect(error).toBeInstanceOf(DaceNoHostsError);
    expect(error.status).toBe(503);
    expect(dependency.snapshot().totals).toMatchObject({ refused: 1 });
  });

  it('never changes the way of a call beside the circuits', async () => {
    const { clock, dependency } = subject({ timeoutMs: 10 });
    dependency.control('disabled');
    const call = watch(dependency.execute(hang));
    await clock.advance(10);
    expect(call.error).toMatchObject({ code: 'DACE_TIMEOUT' });
  });
});

describe('No circuit', () => {
  it.each([
    ['circuit: false', { circuit: false }],
    ['a reset timeout of 0', { circuit: { resetTimeoutMs: 0 } }],
    [
      'a reset timeout of 0 with a rule',
      { circuit: { resetTimeoutMs: 0, trip: firstFailure() } },
    ],
  ] as [string, DependencyOptions][])(
    'by %s never refuses',
    async (_name, options) => {
      const rig = subject(options);
      await fail(rig.dependency, 100);
      expect(await rig.dependency.execute(() => 'ok')).toBe('ok');
      expect(rig.dependency.snapshot()).toMatchObject({
        state: 'disabled',
        totals: { failed: 100, succeeded: 1 },
      });
      await fail(rig.dependency, 10, undefined, { netloc: 'peer' });
      expect(await rig.dependency.execute(() => 'ok', { netloc: 'peer' })).toBe(
        'ok',
      );
      expectRest(rig);
    },
  );

  it('among hosts keeps them all in service', async () => {
    const { dependency } = subject({
      circuit: false,
      hosts: ['http://a', 'http://b'],
    });
    await fail(dependency, 100);
    expect(
      dependency.snapshot().hosts.map((host) => [host.state, host.inService]),
    ).toEqual([
      ['disabled', true],
      ['disabled', true],
    ]);
  });
});

describe('configure', () => {
  it('merges by key and leaves the rest', async () => {
    const { clock, dependency } = subject({
      attemptTimeoutMs: 10,
      timeoutMs: 1_000,
      retry: { attempts: 3, onTimeout: true },
      fallback: 'kept',
    });
    dependency.configure({ retry: { attempts: 2 } });
    const call = watch(dependency.execute(hang));
    await clock.advance(20);
    expect(call.value).toBe('kept');
    expect(dependency.snapshot().totals).toMatchObject({ attempts: 2 });
  });

  it('takes undefined as if absent', async () => {
    const { clock, dependency } = subject({ timeoutMs: 10 });
    dependency.configure({ timeoutMs: undefined });
    const call = watch(dependency.execute(hang));
    await clock.advance(10);
    expect(call.error).toMatchObject({ timeoutMs: 10 });
  });

  it('holds from the next admission on', async () => {
    const { clock, dependency } = subject({ timeoutMs: 100 });
    const before = watch(dependency.execute(hang));
    dependency.configure({ timeoutMs: 10 });
    const next = watch(dependency.execute(hang));
    await clock.advance(10);
    expect([before.state, next.state]).toEqual(['pending', 'rejected']);
    await clock.advance(90);
    expect(before.error).toMatchObject({ timeoutMs: 100 });
  });

  it('that is wrong throws and keeps all', async () => {
    const { clock, dependency } = subject({ timeoutMs: 10, fallback: 'kept' });
    expect(() =>
      dependency.configure({
        fallback: 'lost',
        timeoutMs: 50,
        maxOpenPerNetloc: 0,
      }),
    ).toThrow(DaceConfigurationError);
    const call = watch(dependency.execute(hang));
    await clock.advance(10);
    expect(call.value).toBe('kept');
    dependency.configure({ timeoutMs: 20 });
    const later = watch(dependency.execute(hang));
    await clock.advance(19);
    expect(later.state).toBe('pending');
    await clock.advance(1);
    expect(later.value).toBe('kept');
  });

  it('checks the whole, what was there before included', () => {
    const { dependency } = subject({ timeoutMs: 100, attemptTimeoutMs: 50 });
    expect(() => dependency.configure({ timeoutMs: 40 })).toThrow(
      DaceConfigurationError,
    );
    dependency.configure({ timeoutMs: 40, attemptTimeoutMs: 20 });
  });

  it('leaves an open circuit open', async () => {
    const { dependency } = subject(FRAGILE);
    await fail(dependency, 1);
    dependency.configure({ timeoutMs: 7 });
    expect(dependency.snapshot()).toMatchObject({
      state: 'open',
      retryAfterMs: 1_000,
    });
  });

  it('leaves windows alone unless the rules are new', async () => {
    const { dependency } = subject({
      circuit: { trip: failureRatio({ minimumCalls: 100 }) },
    });
    await fail(dependency, 3);
    dependency.configure({ circuit: { resetTimeoutMs: 77 } });
    expect(dependency.snapshot().window.failures).toBe(3);
    dependency.configure({ circuit: { trip: errorCount({ maxFail: 3 }) } });
    expect(dependency.snapshot().window.failures).toBe(0);
    await fail(dependency, 3);
    expect(dependency.snapshot().state).toBe('closed');
    await fail(dependency, 1);
    expect(dependency.snapshot()).toMatchObject({
      state: 'open',
      retryAfterMs: 77,
      tripped: 'errorCount',
    });
  });

  it('that widens a netloc lets those in the queue go', async () => {
    const rig = subject({ maxOpenPerNetloc: 1 });
    const work = gate();
    const calls = [1, 2, 3].map(() =>
      watch(rig.dependency.execute(() => work.promise)),
    );
    rig.dependency.configure({ maxOpenPerNetloc: 3 });
    await rig.clock.advance(0);
    expect(rig.dependency.snapshot()).toMatchObject({ inFlight: 3, queued: 0 });
    work.resolve('ok');
    await rig.clock.advance(0);
    expect(calls.map((call) => call.value)).toEqual(['ok', 'ok', 'ok']);
    expectRest(rig);
  });

  it('that narrows a netloc waits until it has room again', async () => {
    const rig = subject({ maxOpenPerNetloc: 3 });
    const gates = [gate(), gate(), gate()];
    const running = gates.map((each) =>
      watch(rig.dependency.execute(() => each.promise)),
    );
    rig.dependency.configure({ maxOpenPerNetloc: 1 });
    const next = watch(rig.dependency.execute(() => 'next'));
    gates[0]!.resolve('');
    gates[1]!.resolve('');
    await rig.clock.advance(0);
    expect(next.state).toBe('pending');
    gates[2]!.resolve('');
    await rig.clock.advance(0);
    expect(next.value).toBe('next');
    expect(running.map((call) => call.state)).toEqual(
      Array(3).fill('fulfilled'),
    );
    expectRest(rig);
  });

  it('switches circuits off and on', async () => {
    const { dependency } = subject(FRAGILE);
    await fail(dependency, 1);
    dependency.configure({ circuit: false });
    expect(await dependency.execute(() => 'ok')).toBe('ok');
    dependency.configure({ circuit: { trip: firstFailure() } });
    await fail(dependency, 1);
    expect(dependency.snapshot().state).toBe('open');
  });

  it('adds and removes hosts, keeping what is known of those that stay', async () => {
    const rig = subject({
      ...FRAGILE,
      hosts: ['http://a', 'http://b'],
      retry: false,
    });
    await fail(rig.dependency, 1, undefined, { netloc: 'b' });
    rig.dependency.configure({ hosts: ['http://b', 'http://c'] });
    expect(
      rig.dependency
        .snapshot()
        .hosts.map((host) => [host.netloc, host.inService]),
    ).toEqual([
      ['b:80', false],
      ['c:80', true],
    ]);
    expect(await rig.dependency.execute((call) => call.netloc)).toBe('c:80');
    expectRest(rig);
  });

  it('removes hosts while calls run and queue there', async () => {
    const rig = subject({
      hosts: ['http://a', 'http://b'],
      maxOpenPerNetloc: 1,
      loadBalancer: 'round-robin',
    });
    const work = gate();
    const calls = [1, 2, 3, 4].map(() =>
      watch(rig.dependency.execute(() => work.promise)),
    );
    rig.dependency.configure({ hosts: ['http://c', 'http://d'] });
    work.resolve('ok');
    await rig.clock.advance(0);
    expect(calls.map((call) => call.state)).toEqual(Array(4).fill('fulfilled'));
    expectRest(rig);
  });

  it('sets and lifts a rate limit', async () => {
    const { dependency } = subject();
    dependency.configure({ rateLimit: { limit: 1, intervalMs: 1_000 } });
    await dependency.execute(() => 'ok');
    expect(await errorOf(dependency.execute(() => ''))).toMatchObject({
      code: 'DACE_RATE_LIMITED',
    });
    dependency.configure({ rateLimit: false });
    expect(await dependency.execute(() => 'ok')).toBe('ok');
  });

  it('keeps what the budget has counted', async () => {
    const { dependency } = subject({
      circuit: false,
      retry: { attempts: 2, budget: { ratio: 0.01, minRetries: 2 } },
    });
    for (let n = 0; n < 2; n++)
      await errorOf(dependency.execute(throwing(refusedConnection)));
    expect(dependency.snapshot().budget).toEqual({ left: 0 });
    dependency.configure({ retry: { budget: { minRetries: 3 } } });
    expect(dependency.snapshot().budget).toEqual({ left: 1 });
  });
});

describe('A dependency that is not enabled', () => {
  it('runs the work once, with no stage and no count', async () => {
    const rig = subject({
      enabled: false,
      timeoutMs: 10,
      fallback: 'never',
      rateLimit: { limit: 1, intervalMs: 1_000 },
      maxOpenPerNetloc: 1,
      maxQueuedPerNetloc: 0,
      ...FRAGILE,
    });
    const { clock, dependency } = rig;
    const error = refusedConnection();
    for (let n = 0; n < 3; n++)
      expect(await errorOf(dependency.execute(throwing(() => error)))).toBe(
        error,
      );
    const slow = [1, 2, 3].map(() =>
      watch(dependency.execute(() => after(clock, 500, () => 'late'))),
    );
    await clock.advance(500);
    expect(slow.map((call) => call.value)).toEqual(Array(3).fill('late'));
    const { totals, window, state } = dependency.snapshot();
    expect(Object.values(totals).every((count) => count === 0)).toBe(true);
    expect(window.calls).toBe(0);
    expect(state).toBe('closed');
    expectRest(rig);
  });

  it('still goes to a host, and pinned to a pinned one', async () => {
    const { dependency } = subject({
      enabled: false,
      hosts: ['http://a', 'http://b'],
    });
    expect(['a:80', 'b:80']).toContain(
      await dependency.execute((call) => call.netloc),
    );
    expect(
      await dependency.execute((call) => call.netloc, { netloc: 'b' }),
    ).toBe('b:80');
    expect(await dependency.execute((call) => call.attempt)).toBe(1);
  });

  it('may be switched by a function, asked for each call', async () => {
    let isEnabled = true;
    const { dependency } = subject({ enabled: () => isEnabled, ...FRAGILE });
    await fail(dependency, 1);
    expect(await errorOf(dependency.execute(() => ''))).toBeInstanceOf(
      DaceCircuitOpenError,
    );
    isEnabled = false;
    expect(await dependency.execute(() => 'ok')).toBe('ok');
    isEnabled = true;
    expect(await errorOf(dependency.execute(() => ''))).toBeInstanceOf(
      DaceCircuitOpenError,
    );
  });

  it('does not begin for a caller who has left before', async () => {
    const { dependency } = subject({ enabled: false });
    let ran = false;
    const error = await errorOf(
      dependency.execute(
        () => {
          ran = true;
        },
        { signal: AbortSignal.abort('before') },
      ),
    );
    expect(error).toBe('before');
    expect(ran).toBe(false);
  });

  it('lets a guard pass, uncounted', async () => {
    const rig = subject({ enabled: false, ...FRAGILE, maxOpenPerNetloc: 1 });
    const permits = [rig.dependency.acquire(), rig.dependency.acquire()];
    for (const permit of permits) permit.failure();
    expect(rig.dependency.snapshot()).toMatchObject({
      state: 'closed',
      totals: { started: 0, failed: 0, refused: 0 },
    });
    expectRest(rig);
  });
});
