import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it } from 'vitest';
import {
  createDependency,
  DaceConfigurationError,
  firstFailure,
} from '../../lib/core.js';
import { ManualClock } from '../../lib/testing/manual-clock.js';
import {
  after,
  errorOf,
  expectRest,
  fail,
  gate,
  hang,
  refusedConnection,
  subject,
  thenable,
  throwing,
  watch,
} from '../support/core-toolkit.js';

describe('dependency.wrap', () => {
  it('keeps this and the arguments', async () => {
    const { dependency } = subject();
    class Till {
      readonly rate = 2;
      charge = dependency.wrap(function (this: Till, a: number, b: number) {
        return this.rate * (a + b);
      });
    }
    expect(await new Till().charge(3, 4)).toBe(14);
  });

  it('keeps the arguments for each attempt', async () => {
    const { dependency } = subject();
    const seen: unknown[][] = [];
    const wrapped = dependency.wrap((...args: unknown[]) => {
      seen.push(args);
      if (seen.length === 1) throw refusedConnection();
      return args.length;
    });
    expect(await wrapped(1, 'two', null)).toBe(3);
    expect(seen).toEqual([
      [1, 'two', null],
      [1, 'two', null],
    ]);
  });

  it('gives a promise, whatever the function does', async () => {
    const { dependency } = subject();
    const thrower = dependency.wrap(throwing());
    const call = thrower();
    expect(call).toBeInstanceOf(Promise);
    expect(await errorOf(call)).toMatchObject({ message: 'boom' });
  });

  it('takes options for every call', async () => {
    const rig = subject();
    const wrapped = rig.dependency.wrap(hang, {
      timeoutMs: 10,
      fallback: 'late',
    });
    const calls = [watch(wrapped()), watch(wrapped())];
    await rig.clock.advance(10);
    expect(calls.map((call) => call.value)).toEqual(['late', 'late']);
  });

  it('tells of wrong options when it wraps', () => {
    const { dependency } = subject();
    expect(() => dependency.wrap(() => '', { timeoutMs: -1 })).toThrow(
      DaceConfigurationError,
    );
  });

  it('passes an array, a function or undefined through as they are', async () => {
    const { dependency } = subject();
    const identity = dependency.wrap(<T>(value: T) => value);
    const fn = (): number => 1;
    for (const value of [[1], undefined, null, fn, thenable(1 as never)])
      expect(await identity(value as unknown)).toBe(value);
  });
});

describe('execute', () => {
  it('given options undefined is given none', async () => {
    const { dependency } = subject();
    expect(await dependency.execute(() => 'ok', undefined)).toBe('ok');
  });

  it('takes each option undefined as if absent', async () => {
    const rig = subject({ timeoutMs: 10, fallback: 'kept' });
    const call = watch(
      rig.dependency.execute(hang, {
        signal: undefined,
        fallback: undefined,
        timeoutMs: undefined,
        attemptTimeoutMs: undefined,
        retry: undefined,
        idempotent: undefined,
        netloc: undefined,
        expectedInMs: undefined,
        classify: undefined,
      }),
    );
    await rig.clock.advance(10);
    expect(call.value).toBe('kept');
  });

  it('inside execute is two operations', async () => {
    const { dependency } = subject();
    expect(
      await dependency.execute(() => dependency.execute(() => 'inner')),
    ).toBe('inner');
    expect(dependency.snapshot().totals).toMatchObject({
      started: 2,
      succeeded: 2,
    });
  });

  it('awaits a promise of another make', async () => {
    const { dependency } = subject();
    const promise = Promise.resolve('ok');
    const good = thenable<string>((...heard) => promise.then(...heard));
    expect(await dependency.execute(() => good)).toBe('ok');
    const broken = thenable<string>(() => {
      throw new Error('a broken then');
    });
    expect(await errorOf(dependency.execute(() => broken))).toMatchObject({
      message: 'a broken then',
    });
  });
});

describe('The caller’s async context is what', () => {
  const store = new AsyncLocalStorage<string>();
  const inContext = <T>(name: string, run: () => T): T => store.run(name, run);

  it('the function sees', async () => {
    const { dependency } = subject();
    expect(
      await inContext('me', () =>
        dependency.execute(async () => {
          await Promise.resolve();
          return store.getStore();
        }),
      ),
    ).toBe('me');
  });

  it('a function that had to queue sees, whoever freed its place', async () => {
    const rig = subject({ maxOpenPerNetloc: 1 });
    const hog = gate();
    const hogging = inContext('hog', () =>
      rig.dependency.execute(() => hog.promise),
    );
    const calls = ['one', 'two', 'three'].map((name) =>
      inContext(name, () =>
        rig.dependency.execute(() =>
          after(rig.clock, 1, () => '').then(() => store.getStore()),
        ),
      ),
    );
    inContext('other', () => hog.resolve(''));
    await hogging;
    await inContext('clock', () => rig.clock.advance(10));
    expect(await Promise.all(calls)).toEqual(['one', 'two', 'three']);
    expectRest(rig);
  });

  it('a function sees after a sleep', async () => {
    const rig = subject({ retry: { backoff: { delayMs: 10 } } });
    const seen: unknown[] = [];
    const call = inContext('me', () =>
      rig.dependency.execute(() => {
        seen.push(store.getStore());
        if (seen.length < 3) throw refusedConnection();
        return store.getStore();
      }),
    );
    await inContext('clock', () => rig.clock.advance(100));
    expect(await call).toBe('me');
    expect(seen).toEqual(['me', 'me', 'me']);
  });

  it('a function sees after no sleep', async () => {
    const { dependency } = subject();
    const seen: unknown[] = [];
    const work = gate();
    const call = inContext('me', () =>
      dependency.execute(({ attempt }) => {
        seen.push(store.getStore());
        return attempt === 1 ? work.promise : 'ok';
      }),
    );
    inContext('other', () => work.reject(refusedConnection()));
    await call;
    expect(seen).toEqual(['me', 'me']);
  });

  it('a function sees after an attempt timeout', async () => {
    const rig = subject({ attemptTimeoutMs: 10, retry: { onTimeout: true } });
    const seen: unknown[] = [];
    const call = inContext('me', () =>
      rig.dependency.execute(({ attempt }) => {
        seen.push(store.getStore());
        return attempt < 3 ? hang() : 'ok';
      }),
    );
    await inContext('clock', () => rig.clock.advance(20));
    expect(await call).toBe('ok');
    expect(seen).toEqual(['me', 'me', 'me']);
  });

  it('a function of one call’s retry.onTimeout sees', async () => {
    const rig = subject({ attemptTimeoutMs: 10 });
    const seen: unknown[] = [];
    const call = inContext('me', () =>
      rig.dependency.execute(
        ({ attempt }) => {
          seen.push(store.getStore());
          return attempt === 1 ? hang() : 'ok';
        },
        { retry: { onTimeout: true } },
      ),
    );
    await inContext('clock', () => rig.clock.advance(20));
    expect(await call).toBe('ok');
    expect(seen).toEqual(['me', 'me']);
  });

  it('a function sees once an async balancer has answered', async () => {
    const choice = gate<[string, string]>();
    const rig = subject({ loadBalancer: () => choice.promise });
    const call = inContext('me', () =>
      rig.dependency.execute(() => store.getStore()),
    );
    inContext('other', () => choice.resolve(['http', 'a']));
    expect(await call).toBe('me');
  });

  it.each([
    ['a failure', {}, throwing(), 0],
    ['a late failure', {}, async () => Promise.reject(new Error('x')), 0],
    ['a timeout', { timeoutMs: 10 }, hang, 10],
    ['a wait in the queue', { maxOpenPerNetloc: 1, timeoutMs: 10 }, null, 10],
    [
      'a sleep',
      { retry: { backoff: { delayMs: 5 } } },
      throwing(refusedConnection),
      50,
    ],
  ] as const)(
    'a function fallback sees after %s',
    async (_name, options, work, ms) => {
      const rig = subject(options);
      if (work === null)
        void rig.dependency.execute(hang, { timeoutMs: 1_000 }).catch(() => {});
      const call = inContext('me', () =>
        rig.dependency.execute(work ?? (() => 'never'), {
          fallback: () => store.getStore(),
        }),
      );
      await inContext('clock', () => rig.clock.advance(ms));
      expect(await call).toBe('me');
    },
  );

  it('a dependency’s function fallback sees after a timeout', async () => {
    const rig = subject({ timeoutMs: 10, fallback: () => store.getStore() });
    const call = inContext('me', () => rig.dependency.execute(hang));
    await inContext('clock', () => rig.clock.advance(10));
    expect(await call).toBe('me');
  });

  it('a function fallback sees after a refusal', async () => {
    const rig = subject({ circuit: { trip: firstFailure() } });
    await fail(rig.dependency, 1);
    expect(
      await inContext('me', () =>
        rig.dependency.execute(() => '', { fallback: () => store.getStore() }),
      ),
    ).toBe('me');
  });

  it('a function fallback sees when a queued call is shut down', async () => {
    const rig = subject({ maxOpenPerNetloc: 1, shutdownGraceMs: 0 });
    void rig.dependency.execute(hang).catch(() => {});
    const call = inContext('me', () =>
      rig.dependency.execute(() => '', { fallback: () => store.getStore() }),
    );
    void inContext('closer', () => rig.dependency.close());
    expect(await call).toBe('me');
    await rig.clock.advance(10);
  });

  it('a function sees in each of two dependencies on one clock', async () => {
    const clock = new ManualClock();
    const options = { attemptTimeoutMs: 10, retry: { onTimeout: true } };
    const calls = ['one', 'two'].map((name) => {
      const dependency = createDependency(name, options, { clock });
      return inContext(name, () =>
        dependency.execute(({ attempt }) =>
          attempt === 1 ? hang() : store.getStore(),
        ),
      );
    });
    await clock.advance(10);
    expect(await Promise.all(calls)).toEqual(['one', 'two']);
  });
});
