import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import {
  consecutiveFailures,
  type CallOptions,
  type DependencyOptions,
} from '../../lib/core.js';
import {
  after,
  answered,
  expectRest,
  gate,
  hang,
  refusedConnection,
  subject,
  throwing,
  unhandledDuring,
  watch,
  type Subject,
} from '../support/core-toolkit.js';

const listeners = (signal: AbortSignal): number =>
  getEventListeners(signal, 'abort').length;

type Outcome = readonly [
  name: string,
  work: (rig: Subject) => () => unknown,
  options: CallOptions<unknown>,
];

/** Every way in which a call may end. */
const OUTCOMES: readonly Outcome[] = [
  ['an answer', () => () => 'fine', {}],
  [
    'a later answer',
    ({ clock }) =>
      () =>
        after(clock, 1, () => 'fine'),
    {},
  ],
  ['a failure', () => throwing(), {}],
  ['a failure that is ignored', () => throwing(() => answered(404)), {}],
  ['tries used up', () => throwing(refusedConnection), {}],
  [
    'tries used up after pauses',
    () => throwing(refusedConnection),
    { retry: { backoff: { delayMs: 1 } } },
  ],
  ['a timeout', () => hang, { timeoutMs: 1 }],
  ['a timeout of an attempt', () => hang, { attemptTimeoutMs: 1 }],
  ['a fallback', () => throwing(), { fallback: 'instead' }],
  ['a fallback’s answer', () => throwing(), { fallback: async () => 'x' }],
  ['a fallback’s error', () => throwing(), { fallback: throwing() }],
  [
    'a fallback’s late error',
    () => throwing(),
    { fallback: () => Promise.reject(new Error('late')) },
  ],
  ['a netloc of its own', () => () => 'fine', { netloc: 'peer' }],
  ['a wrong option', () => () => 'fine', { timeoutMs: -1 }],
];

const DEPENDENCIES: readonly (readonly [string, DependencyOptions])[] = [
  ['a plain dependency', { circuit: false }],
  ['one that is open', { circuit: { trip: consecutiveFailures(1) } }],
  ['one that is full', { maxOpenPerNetloc: 1, circuit: false }],
  [
    'one whose rate is used up',
    { rateLimit: { limit: 1, intervalMs: 1_000_000 }, circuit: false },
  ],
  ['one that is switched off', { enabled: false }],
  ['one of three hosts', { hosts: ['http://a', 'http://b', 'http://c'] }],
  ['one that asks a function', { loadBalancer: async () => ['http', 'a'] }],
];

describe.each(DEPENDENCIES)(
  'A signal that serves ten thousand calls of %s',
  (_, given) => {
    it('carries no listener when they are over', async () => {
      const rig = subject({
        maxOpenPerNetloc: 20,
        abandonAfterMs: 1,
        ...given,
      });
      const { signal } = new AbortController();
      let ended = 0;
      const seen = await unhandledDuring(async () => {
        for (let turn = 0; turn < 10_000 / OUTCOMES.length / 5; turn++) {
          for (let each = 0; each < 5; each++)
            for (const [, work, options] of OUTCOMES) {
              const end = (): void => void (ended += 1);
              rig.dependency
                .execute(work(rig), { ...options, signal })
                .then(end, end);
            }
          await rig.clock.advance(given.enabled === false ? 5 : 10_000);
        }
      });
      expect(seen).toEqual([]);
      const isBound = given.enabled !== false;
      // What hangs there hangs for ever, as there is no timeout.
      const hung = isBound ? 0 : (ended / (OUTCOMES.length - 2)) * 2;
      expect(ended + hung).toBeGreaterThanOrEqual(9_900);
      expect(listeners(signal)).toBe(hung);
      if (isBound) expectRest(rig);
    }, 60_000);
  },
);

describe('A caller who leaves', () => {
  it('while a fallback thinks hears of it in the same tick', async () => {
    const { clock, dependency } = subject();
    const caller = new AbortController();
    const thinking = gate();
    const call = watch(
      dependency.execute(throwing(), {
        signal: caller.signal,
        fallback: () => thinking.promise,
      }),
    );
    await clock.advance(1);
    expect(call.state).toBe('pending');
    caller.abort('gone');
    await Promise.resolve();
    await Promise.resolve();

    expect(call.error).toBe('gone');
    const seen = await unhandledDuring(async () => {
      thinking.reject(new Error('too late'));
    });
    expect(seen).toEqual([]);
    expect(listeners(caller.signal)).toBe(0);
  });

  it('by the fallback itself is not kept waiting for it', async () => {
    const rig = subject();
    const caller = new AbortController();
    const seen = await unhandledDuring(async () => {
      const call = watch(
        rig.dependency.execute(throwing(), {
          signal: caller.signal,
          fallback: () => {
            caller.abort('gone');
            return Promise.reject(new Error('of the fallback'));
          },
        }),
      );
      const hanging = new AbortController();
      const other = watch(
        rig.dependency.execute(throwing(), {
          signal: hanging.signal,
          fallback: () => {
            hanging.abort('gone too');
            return hang();
          },
        }),
      );
      await rig.clock.advance(1);

      expect(call.error).toBe('gone');
      expect(other.error).toBe('gone too');
    });
    expect(seen).toEqual([]);
    expectRest(rig);
  });

  it('by classify, retry.on or the balancer ends it once', async () => {
    for (const options of ['classify', 'retry.on', 'pick'] as const) {
      const caller = new AbortController();
      const leave = (): undefined => {
        caller.abort(options);
        return undefined;
      };
      const rig = subject({
        hosts: ['http://a', 'http://b'],
        ...(options === 'classify' && { classify: leave }),
        ...(options === 'retry.on' && { retry: { on: () => !!leave() } }),
        ...(options === 'pick' && {
          loadBalancer: {
            pick: (hosts: readonly never[]) => {
              leave();
              return hosts[0]!;
            },
          },
        }),
      });
      const call = watch(
        rig.dependency.execute(throwing(), { signal: caller.signal }),
      );
      await rig.clock.advance(1);

      expect(call.error).toBe(options);
      expect(rig.dependency.snapshot()).toMatchObject({
        inFlight: 0,
        totals: { started: 1, cancelled: 1, failed: 0 },
      });
      expectRest(rig);
    }
  });

  it('a probe leaves the circuit as it was, whatever the probe does', async () => {
    const rig = subject({
      circuit: { trip: consecutiveFailures(1), resetTimeoutMs: 10 },
    });
    await rig.dependency.execute(throwing()).catch(() => undefined);
    await rig.clock.advance(10);
    const caller = new AbortController();
    const probe = watch(
      rig.dependency.execute(
        (call) =>
          new Promise((_, reject) => {
            call.signal.addEventListener('abort', () =>
              reject(new Error('cut')),
            );
          }),
        { signal: caller.signal },
      ),
    );
    await rig.clock.advance(1);
    expect(rig.dependency.snapshot().state).toBe('half-open');
    caller.abort('gone');
    await rig.clock.advance(1);

    expect(probe.error).toBe('gone');
    expect(rig.dependency.snapshot().state).toBe('half-open');
    expect(await rig.dependency.execute(() => 'probe')).toBe('probe');
    expect(rig.dependency.snapshot().state).toBe('closed');
    expectRest(rig);
  });
});

describe('A caller who leaves a dependency that is switched off', () => {
  it('hears of it in the same tick, and so does the work', async () => {
    const rig = subject({ enabled: false });
    const caller = new AbortController();
    let seen: unknown;
    const call = watch(
      rig.dependency.execute(
        (within) => {
          within.signal.addEventListener('abort', () => {
            seen = within.signal.reason;
          });
          return hang();
        },
        { signal: caller.signal },
      ),
    );
    await rig.clock.advance(1);
    expect(call.state).toBe('pending');
    caller.abort('gone');
    await Promise.resolve();
    await Promise.resolve();

    expect(call.error).toBe('gone');
    expect(seen).toBe('gone');
    expect(listeners(caller.signal)).toBe(0);
    expectRest(rig);
  });

  it('while its hosts are asked for has nothing begun', async () => {
    const list = gate<readonly string[]>();
    const rig = subject({
      enabled: false,
      hosts: { hosts: () => list.promise, refreshMs: false },
    });
    const caller = new AbortController();
    let isBegun = false;
    const call = watch(
      rig.dependency.execute(
        () => {
          isBegun = true;
        },
        { signal: caller.signal },
      ),
    );
    await rig.clock.advance(1);
    caller.abort('gone');
    await rig.clock.advance(1);
    expect(call.error).toBe('gone');
    list.resolve(['http://a']);
    await rig.clock.advance(1);

    expect(isBegun).toBe(false);
    expect(listeners(caller.signal)).toBe(0);
    await rig.dependency.close();
  });

  it('keeps the late rejection of the work to itself', async () => {
    const rig = subject({ enabled: false });
    const caller = new AbortController();
    const work = gate();
    const seen = await unhandledDuring(async () => {
      const call = watch(
        rig.dependency.execute(() => work.promise, { signal: caller.signal }),
      );
      await rig.clock.advance(1);
      caller.abort('gone');
      work.reject(new Error('late'));
      await rig.clock.advance(1);
      expect(call.error).toBe('gone');
    });

    expect(seen).toEqual([]);
    expect(listeners(caller.signal)).toBe(0);
  });
});

describe('A signal of another make', () => {
  /** As polyfills and other realms have them. */
  const foreign = () => {
    const heard = new Set<() => void>();
    return {
      aborted: false,
      reason: undefined as unknown,
      addEventListener: (_: string, fn: () => void) => void heard.add(fn),
      removeEventListener: (_: string, fn: () => void) => void heard.delete(fn),
      heard,
      abort(reason: unknown) {
        this.aborted = true;
        this.reason = reason;
        for (const fn of heard) fn();
      },
    };
  };

  it.each([{}, { enabled: false }])(
    'is heard, and let go of: %o',
    async (given) => {
      const rig = subject(given);
      const caller = foreign();
      const signal = caller as unknown as AbortSignal;
      const call = watch(rig.dependency.execute(hang, { signal }));
      await rig.clock.advance(1);
      expect(caller.heard.size).toBe(1);
      caller.abort('gone');
      await rig.clock.advance(1);

      expect(call.error).toBe('gone');
      expect(caller.heard.size).toBe(0);
      const late = watch(rig.dependency.execute(() => 'never', { signal }));
      await rig.clock.advance(1);
      expect(late.error).toBe('gone');
    },
  );

  it('that cannot be let go of is refused', async () => {
    const { removeEventListener: _, ...signal } = foreign();
    const { dependency } = subject();

    await expect(
      dependency.execute(() => 'never', {
        signal: signal as unknown as AbortSignal,
      }),
    ).rejects.toThrow('signal is an object: expected an AbortSignal');
  });
});
