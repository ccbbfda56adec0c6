import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import {
  firstFailure,
  type BalancerFunction,
  type CallOptions,
  type DependencyOptions,
} from '../../lib/core.js';
import {
  errorOf,
  expectRest,
  fail,
  gate,
  hang,
  refusedConnection,
  subject,
  throwing,
  unhandledDuring,
  watch,
} from '../support/core-toolkit.js';

const listeners = (signal: AbortSignal): number =>
  getEventListeners(signal, 'abort').length;

type Stage = readonly [
  name: string,
  options: DependencyOptions,
  work: () => unknown,
  hogs: number,
];

const choosing: BalancerFunction = () =>
  new Promise<[string, string]>(() => {});

const STAGES: readonly Stage[] = [
  ['chooses a host', { loadBalancer: choosing }, () => 'never', 0],
  ['waits in the queue', { maxOpenPerNetloc: 1 }, () => 'never', 1],
  ['runs', { abandonAfterMs: 0 }, hang, 0],
  [
    'sleeps before a retry',
    { retry: { backoff: { delayMs: 1_000 } } },
    throwing(refusedConnection),
    0,
  ],
];

describe('The caller’s signal, while the operation', () => {
  it.each(STAGES)(
    '%s, ends it in the same tick with its reason',
    async (_name, options, work, hogs) => {
      const { clock, dependency } = subject({ circuit: false, ...options });
      for (let n = 0; n < hogs; n++)
        void dependency.execute(hang).catch(() => {});
      const before = dependency.snapshot();
      const caller = new AbortController();
      const reason = new Error('gone');
      const call = watch(
        dependency.execute(work, { signal: caller.signal, fallback: 'never' }),
      );
      await clock.advance(5);
      expect(call.state).toBe('pending');
      expect(listeners(caller.signal)).toBe(1);

      caller.abort(reason);

      const { totals, inFlight, queued } = dependency.snapshot();
      expect(totals).toMatchObject({ cancelled: 1, fallbacks: 0, failed: 0 });
      expect({ inFlight, queued }).toEqual({
        inFlight: before.inFlight,
        queued: 0,
      });
      expect(listeners(caller.signal)).toBe(0);
      for (let turn = 0; turn < 10; turn++) await Promise.resolve();
      expect(call.error).toBe(reason);
    },
  );

  it.each(STAGES)(
    '%s, leaves nothing behind',
    async (_name, options, work, hogs) => {
      const { clock, dependency } = subject({ circuit: false, ...options });
      const hog = gate();
      const hogging = Array.from({ length: hogs }, () =>
        dependency.execute(() => hog.promise),
      );
      const caller = new AbortController();
      const call = watch(dependency.execute(work, { signal: caller.signal }));
      await clock.advance(5);
      caller.abort('gone');
      hog.resolve('');
      await Promise.all(hogging);
      await clock.advance(1);
      expect(call.error).toBe('gone');
      expect(dependency.snapshot().totals.retries).toBe(0);
      expectRest({ clock, dependency });
    },
  );

  it('has not begun, refuses to begin it', async () => {
    const { clock, dependency } = subject();
    let ran = false;
    const error = await errorOf(
      dependency.execute(
        () => {
          ran = true;
        },
        { signal: AbortSignal.abort('before'), fallback: 'never' },
      ),
    );
    expect(error).toBe('before');
    expect(ran).toBe(false);
    expect(dependency.snapshot()).toMatchObject({
      totals: { started: 1, cancelled: 1, attempts: 0 },
    });
    expectRest({ clock, dependency });
  });

  it('would be refused anyway, comes first', async () => {
    const { dependency } = subject({ circuit: { trip: firstFailure() } });
    await fail(dependency, 1);
    const error = await errorOf(
      dependency.execute(() => '', { signal: AbortSignal.abort('before') }),
    );
    expect(error).toBe('before');
  });

  it('is ended by the function itself, drops its result', async () => {
    const { clock, dependency } = subject();
    const caller = new AbortController();
    const error = await errorOf(
      dependency.execute(
        () => {
          caller.abort('from within');
          return 'result';
        },
        { signal: caller.signal },
      ),
    );
    expect(error).toBe('from within');
    expect(dependency.snapshot().totals).toMatchObject({
      cancelled: 1,
      succeeded: 0,
    });
    expectRest({ clock, dependency });
  });

  it('is ended by the function which then throws something retryable, tries no more', async () => {
    const { clock, dependency } = subject();
    const caller = new AbortController();
    let attempts = 0;
    const error = await errorOf(
      dependency.execute(
        () => {
          attempts += 1;
          caller.abort('from within');
          throw refusedConnection();
        },
        { signal: caller.signal },
      ),
    );
    expect(error).toBe('from within');
    await clock.advance(100);
    expect(attempts).toBe(1);
    expectRest({ clock, dependency });
  });

  it('carries the language’s own reason when none is given', async () => {
    const { dependency } = subject();
    const caller = new AbortController();
    const call = dependency.execute(hang, { signal: caller.signal });
    caller.abort();
    const error = await errorOf(call);
    expect(error).toBe(caller.signal.reason);
    expect(error.name).toBe('AbortError');
  });
});

describe('A cancelled call', () => {
  it('is counted nowhere but among the cancelled', async () => {
    const { clock, dependency } = subject({
      hosts: ['http://a', 'http://b'],
      abandonAfterMs: 0,
    });
    const caller = new AbortController();
    const call = watch(dependency.execute(hang, { signal: caller.signal }));
    await clock.advance(1_000);
    caller.abort();
    await clock.advance(0);
    expect(call.state).toBe('rejected');
    const { window, hosts, totals, lastFailure } = dependency.snapshot();
    expect(window).toMatchObject({ calls: 0, failures: 0 });
    expect(hosts.map((host) => host.window.calls)).toEqual([0, 0]);
    expect(hosts.map((host) => host.latencyMs)).toEqual([undefined, undefined]);
    expect(lastFailure).toBeUndefined();
    expect(totals).toMatchObject({ started: 1, cancelled: 1, attempts: 1 });
    expectRest({ clock, dependency });
  });

  it('gives a probe’s lease back', async () => {
    const { clock, dependency } = subject({
      circuit: { trip: firstFailure(), resetTimeoutMs: 100 },
      maxOpenPerNetloc: 5,
    });
    await fail(dependency, 1);
    await clock.advance(100);
    const caller = new AbortController();
    const probe = watch(dependency.execute(hang, { signal: caller.signal }));
    expect(await errorOf(dependency.execute(() => ''))).toMatchObject({
      code: 'DACE_CIRCUIT_OPEN',
    });
    caller.abort();
    await clock.advance(0);
    expect(probe.state).toBe('rejected');
    expect(dependency.snapshot().state).toBe('half-open');
    expect(await dependency.execute(() => 'next probe')).toBe('next probe');
    expect(dependency.snapshot().state).toBe('closed');
  });

  it('gives a host’s lease back', async () => {
    const { clock, dependency } = subject({
      hosts: ['http://a', 'http://b'],
      loadBalancer: { pick: (hosts) => hosts[0]! },
      circuit: { trip: firstFailure(), resetTimeoutMs: 100 },
      retry: false,
    });
    await fail(dependency, 1);
    expect(dependency.snapshot().hosts[0]).toMatchObject({ inService: false });
    await clock.advance(100);
    const caller = new AbortController();
    let netloc: string | undefined;
    const probe = watch(
      dependency.execute(
        (call) => {
          netloc = call.netloc;
          return hang();
        },
        { signal: caller.signal },
      ),
    );
    expect(netloc).toBe('a:80');
    caller.abort();
    await clock.advance(0);
    expect(probe.state).toBe('rejected');
    expect(await dependency.execute((call) => call.netloc)).toBe('a:80');
    expect(dependency.snapshot().hosts[0]).toMatchObject({ inService: true });
  });

  it('takes no place in the queue of others', async () => {
    const { clock, dependency } = subject({ maxOpenPerNetloc: 1 });
    const hog = gate();
    void dependency.execute(() => hog.promise);
    const caller = new AbortController();
    const gone = watch(
      dependency.execute(() => 'gone', { signal: caller.signal }),
    );
    const next = watch(dependency.execute(() => 'next'));
    caller.abort();
    hog.resolve('');
    await clock.advance(0);
    expect([gone.state, next.value]).toEqual(['rejected', 'next']);
    expectRest({ clock, dependency });
  });

  it('asks no late answer of an async balancer for anything', async () => {
    const choice = gate<[string, string]>();
    const { clock, dependency } = subject({
      loadBalancer: () => choice.promise,
    });
    const caller = new AbortController();
    let ran = false;
    const call = watch(
      dependency.execute(
        () => {
          ran = true;
        },
        { signal: caller.signal },
      ),
    );
    await clock.advance(0);
    caller.abort('gone');
    choice.resolve(['http', 'a']);
    await clock.advance(0);
    expect(call.error).toBe('gone');
    expect(ran).toBe(false);
    expectRest({ clock, dependency });
  });

  it('lets no late rejection of an async balancer go unhandled', async () => {
    const unhandled = await unhandledDuring(async () => {
      const choice = gate<[string, string]>();
      const { clock, dependency } = subject({
        loadBalancer: () => choice.promise,
      });
      const caller = new AbortController();
      const call = watch(
        dependency.execute(() => '', { signal: caller.signal }),
      );
      await clock.advance(0);
      caller.abort('gone');
      choice.reject(new Error('late'));
      await clock.advance(0);
      expect(call.error).toBe('gone');
    });
    expect(unhandled).toEqual([]);
  });
});

describe('A signal that is never used', () => {
  it.each([
    ['success', () => 'ok', {}],
    ['failure', throwing(), {}],
    ['several attempts', throwing(refusedConnection), {}],
    ['a fallback', throwing(), { fallback: 1 }],
  ] as [string, () => unknown, CallOptions<number>][])(
    'carries no listener after %s',
    async (_name, work, options) => {
      const { clock, dependency } = subject();
      const { signal } = new AbortController();
      await dependency
        .execute(work, { ...options, signal })
        .catch(() => undefined);
      await clock.advance(0);
      expect(listeners(signal)).toBe(0);
    },
  );

  it('carries no listener after a timeout or a refusal', async () => {
    const { clock, dependency } = subject({
      timeoutMs: 10,
      circuit: { trip: firstFailure() },
    });
    const { signal } = new AbortController();
    const slow = watch(dependency.execute(hang, { signal }));
    await clock.advance(10);
    expect(slow.state).toBe('rejected');
    const refused = watch(dependency.execute(hang, { signal }));
    await clock.advance(0);
    expect(refused.error).toMatchObject({ code: 'DACE_CIRCUIT_OPEN' });
    expect(listeners(signal)).toBe(0);
  });

  it('serves a thousand calls at once and carries none afterwards', async () => {
    const { clock, dependency } = subject({ maxOpenPerNetloc: false });
    const { signal } = new AbortController();
    const warnings: unknown[] = [];
    const note = (warning: Error): void => void warnings.push(warning.name);
    process.on('warning', note);
    const work = gate();
    const calls = Array.from({ length: 1_000 }, () =>
      dependency.execute(() => work.promise, { signal }),
    );
    work.resolve('');
    await Promise.all(calls);
    await clock.advance(0);
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', note);
    expect(listeners(signal)).toBe(0);
    expect(warnings).toEqual([]);
  });
});
