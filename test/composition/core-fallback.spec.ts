import { describe, expect, it } from 'vitest';
import {
  DaceCircuitOpenError,
  DaceConfigurationError,
  DaceForeignHostError,
  DaceNoHostsError,
  DaceRateLimitedError,
  DaceRetryExhaustedError,
  DaceShutdownError,
  DaceTimeoutError,
  failuresOnly,
  firstFailure,
  type Call,
  type Dependency,
} from '../../lib/core.js';
import {
  answered,
  errorOf,
  eventsOf,
  expectRest,
  fail,
  hang,
  refusedConnection,
  subject,
  thenable,
  throwing,
  watch,
} from '../support/core-toolkit.js';

describe('A fallback value', () => {
  it.each([
    ['null', null],
    ['0', 0],
    ['the empty string', ''],
    ['false', false],
    ['NaN', NaN],
  ])('answers, even %s', async (_name, fallback) => {
    const { dependency } = subject();
    expect(await dependency.execute(throwing(), { fallback })).toBe(fallback);
  });

  it('answers as the same object', async () => {
    const { dependency } = subject();
    const fallback = { hits: [] };
    expect(await dependency.execute(throwing(), { fallback })).toBe(fallback);
  });

  it('given as undefined is as if absent', async () => {
    const { dependency } = subject({ fallback: undefined });
    const error = await errorOf(
      dependency.execute(throwing(), { fallback: undefined }),
    );
    expect(error.message).toBe('boom');
  });

  it('of the dependency serves execute, and gives way to the call’s', async () => {
    const { dependency } = subject({ fallback: 'dependency’s' });
    expect(await dependency.execute(throwing())).toBe('dependency’s');
    expect(await dependency.execute(throwing(), { fallback: 'own' })).toBe(
      'own',
    );
    expect(await dependency.execute(throwing(), { fallback: undefined })).toBe(
      'dependency’s',
    );
  });

  it('is counted, and the operation has failed all the same', async () => {
    const subjectNow = subject();
    const { dependency } = subjectNow;
    const events = eventsOf(dependency);
    await dependency.execute(throwing(), { fallback: 1 });
    expect(dependency.snapshot().totals).toMatchObject({
      started: 1,
      failed: 1,
      fallbacks: 1,
      succeeded: 0,
    });
    expect(events.map((event) => event.type)).toContain('fallback.used');
    expectRest(subjectNow);
  });

  it('is not used by work that succeeds', async () => {
    const { dependency } = subject();
    expect(await dependency.execute(() => 'own', { fallback: 'other' })).toBe(
      'own',
    );
    expect(dependency.snapshot().totals.fallbacks).toBe(0);
  });
});

describe('A fallback function', () => {
  it('answers at once or later', async () => {
    const { dependency } = subject();
    expect(await dependency.execute(throwing(), { fallback: () => 1 })).toBe(1);
    expect(
      await dependency.execute(throwing(), {
        fallback: () => Promise.resolve(2),
      }),
    ).toBe(2);
    expect(
      await dependency.execute(throwing(), {
        fallback: () => {
          const later = Promise.resolve(3);
          return thenable<number>((...heard) => later.then(...heard));
        },
      }),
    ).toBe(3);
  });

  it('is handed the error and the last attempt’s call', async () => {
    const { dependency } = subject();
    const calls: Call[] = [];
    let given: [unknown, Call] | undefined;
    await dependency.execute(
      (call) => {
        calls.push(call);
        throw refusedConnection();
      },
      {
        fallback: (error: unknown, call: Call) => {
          given = [error, call];
        },
      },
    );
    expect(given?.[0]).toBeInstanceOf(DaceRetryExhaustedError);
    expect(given?.[1].attempt).toBe(3);
    expect(given?.[1].dependencyId).toBe('payments');
  });

  it('is handed a call of attempt 0 when none began', async () => {
    const { dependency } = subject({ circuit: { trip: firstFailure() } });
    await fail(dependency, 1);
    const attempt = await dependency.execute(() => -1, {
      fallback: (_error: unknown, call: Call) => call.attempt,
    });
    expect(attempt).toBe(0);
  });

  it.each([
    ['throws', throwing(() => new Error('own'))],
    ['rejects', () => Promise.reject(new Error('own'))],
    [
      'rejects in another way',
      () => {
        const later = Promise.reject(new Error('own'));
        return thenable((...heard) => later.then(...heard));
      },
    ],
  ])(
    'that %s surfaces its own error, caused by the first',
    async (_how, fallback) => {
      const { dependency } = subject();
      const error = await errorOf(dependency.execute(throwing(), { fallback }));
      expect(error.message).toBe('own');
      expect(error.cause).toMatchObject({ message: 'boom' });
    },
  );

  it('keeps a cause that its error has', async () => {
    const { dependency } = subject();
    const own = new Error('own', { cause: 'mine' });
    const error = await errorOf(
      dependency.execute(throwing(), { fallback: throwing(() => own) }),
    );
    expect(error).toBe(own);
    expect(error.cause).toBe('mine');
  });

  it('may throw what is no error, or what cannot be changed', async () => {
    const { dependency } = subject();
    const frozen = Object.freeze(new Error('frozen'));
    expect(
      await errorOf(
        dependency.execute(throwing(), { fallback: throwing(() => 'text') }),
      ),
    ).toBe('text');
    expect(
      await errorOf(
        dependency.execute(throwing(), { fallback: throwing(() => frozen) }),
      ),
    ).toBe(frozen);
  });

  it('may rethrow the error it was handed, without a circle of causes', async () => {
    const { dependency } = subject();
    const error = await errorOf(
      dependency.execute(throwing(), {
        fallback: (given: unknown) => {
          throw given;
        },
      }),
    );
    expect(error.message).toBe('boom');
    expect(error.cause).not.toBe(error);
  });
});

type Case = readonly [
  name: string,
  options: Parameters<typeof subject>[0],
  run: (
    dependency: Dependency,
    fallback: (error: unknown) => string,
    clock: ReturnType<typeof subject>['clock'],
  ) => Promise<unknown>,
  expected: unknown,
];

const CASES: readonly Case[] = [
  [
    'an error thrown at once',
    {},
    (dependency, fallback) => dependency.execute(throwing(), { fallback }),
    Error,
  ],
  [
    'a rejection',
    {},
    (dependency, fallback) =>
      dependency.execute(() => Promise.reject(new TypeError('no')), {
        fallback,
      }),
    TypeError,
  ],
  [
    'tries used up',
    {},
    (dependency, fallback) =>
      dependency.execute(throwing(refusedConnection), { fallback }),
    DaceRetryExhaustedError,
  ],
  [
    'an attempt timeout',
    { attemptTimeoutMs: 10 },
    async (dependency, fallback, clock) => {
      const call = dependency.execute(hang, { fallback });
      await clock.advance(10);
      return call;
    },
    DaceTimeoutError,
  ],
  [
    'the deadline',
    { timeoutMs: 10 },
    async (dependency, fallback, clock) => {
      const call = dependency.execute(hang, { fallback });
      await clock.advance(10);
      return call;
    },
    DaceTimeoutError,
  ],
  [
    'a wait in the queue',
    { maxOpenPerNetloc: 1, queueTimeoutMs: 10 },
    async (dependency, fallback, clock) => {
      void dependency.execute(hang).catch(() => {});
      const call = dependency.execute(() => '', { fallback });
      await clock.advance(10);
      return call;
    },
    DaceTimeoutError,
  ],
  [
    'an open circuit',
    { circuit: { trip: firstFailure() } },
    async (dependency, fallback) => {
      await fail(dependency, 1);
      return dependency.execute(() => '', { fallback });
    },
    DaceCircuitOpenError,
  ],
  [
    'a full netloc',
    { maxOpenPerNetloc: 1, maxQueuedPerNetloc: 0 },
    (dependency, fallback) => {
      void dependency.execute(hang).catch(() => {});
      return dependency.execute(() => '', { fallback });
    },
    DaceRateLimitedError,
  ],
  [
    'an empty bucket',
    { rateLimit: { limit: 1, intervalMs: 1_000 } },
    async (dependency, fallback) => {
      await dependency.execute(() => '');
      return dependency.execute(() => '', { fallback });
    },
    DaceRateLimitedError,
  ],
  [
    'no host to ask',
    { hosts: ['http://a', 'http://b'] },
    (dependency, fallback) => {
      dependency.control('forced-open', 'a:80');
      dependency.control('forced-open', 'b:80');
      return dependency.execute(() => '', { fallback });
    },
    DaceNoHostsError,
  ],
  [
    'shutdown',
    {},
    async (dependency, fallback) => {
      await dependency.close();
      return dependency.execute(() => '', { fallback });
    },
    DaceShutdownError,
  ],
  [
    'call.retry() not granted',
    { retry: { attempts: 1 } },
    (dependency, fallback) =>
      dependency.execute((call) => call.retry(new Error('again')), {
        fallback,
      }),
    DaceRetryExhaustedError,
  ],
  [
    'another dependency’s refusal',
    {},
    async (dependency, fallback) => {
      const other = subject({ circuit: { trip: firstFailure() } }).dependency;
      await fail(other, 1);
      return dependency.execute(() => other.execute(() => ''), { fallback });
    },
    DaceCircuitOpenError,
  ],
  [
    'another dependency’s timeout',
    {},
    async (dependency, fallback, clock) => {
      const other = subject({ timeoutMs: 10 });
      const call = dependency.execute(() => other.dependency.execute(hang), {
        fallback,
      });
      await clock.advance(0);
      await other.clock.advance(10);
      return call;
    },
    DaceTimeoutError,
  ],
  [
    'a timeout that classify calls ignored',
    { timeoutMs: 10, classify: () => 'ignored' },
    async (dependency, fallback, clock) => {
      const call = dependency.execute(hang, { fallback });
      await clock.advance(10);
      return call;
    },
    DaceTimeoutError,
  ],
  [
    'an answer of the server’s fault',
    {},
    (dependency, fallback) =>
      dependency.execute(
        throwing(() => answered(500)),
        { fallback },
      ),
    Error,
  ],
  [
    'an answer that asks for less',
    {},
    (dependency, fallback) =>
      dependency.execute(
        throwing(() => answered(429)),
        { fallback },
      ),
    Error,
  ],
];

describe('A fallback answers for', () => {
  it.each(CASES)('%s', async (_name, options, run, expected) => {
    const { clock, dependency } = subject(options);
    let given: unknown;
    const answer = await run(
      dependency,
      (error) => {
        given = error;
        return 'fallback';
      },
      clock,
    );
    expect(answer).toBe('fallback');
    expect(given).toBeInstanceOf(expected);
  });
});

describe('A fallback is not asked for', () => {
  const never = (): never => {
    throw new Error('the fallback ran');
  };

  it('the caller’s cancellation', async () => {
    const { dependency } = subject();
    const caller = new AbortController();
    const call = dependency.execute(hang, {
      signal: caller.signal,
      fallback: never,
    });
    caller.abort('enough');
    expect(await errorOf(call)).toBe('enough');
  });

  it('the caller’s cancellation, seen through the work’s own error', async () => {
    const { dependency } = subject();
    const caller = new AbortController();
    const call = dependency.execute(
      ({ signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('cut')));
        }),
      { signal: caller.signal, fallback: never },
    );
    caller.abort('enough');
    expect(await errorOf(call)).toBe('enough');
  });

  it('a foreign host', async () => {
    const { dependency } = subject();
    const foreign = new DaceForeignHostError({
      dependencyId: 'payments',
      reason: 'elsewhere',
    });
    expect(
      await errorOf(
        dependency.execute(
          throwing(() => foreign),
          { fallback: never },
        ),
      ),
    ).toBe(foreign);
  });

  it('a wrong configuration', async () => {
    const { dependency } = subject();
    const wrong = new DaceConfigurationError({
      dependencyId: 'payments',
      message: 'wrong',
    });
    expect(
      await errorOf(
        dependency.execute(
          throwing(() => wrong),
          { fallback: never },
        ),
      ),
    ).toBe(wrong);
    expect(
      await errorOf(
        dependency.execute(() => '', { timeoutMs: -1, fallback: never }),
      ),
    ).toBeInstanceOf(DaceConfigurationError);
  });

  it.each([400, 401, 403, 404, 409, 410, 422])(
    'an answer with status %i',
    async (status) => {
      const { dependency } = subject();
      const error = answered(status);
      expect(
        await errorOf(
          dependency.execute(
            throwing(() => error),
            { fallback: never },
          ),
        ),
      ).toBe(error);
    },
  );

  it.each([408, 425])(
    'but for an answer with status %i it is',
    async (status) => {
      const { dependency } = subject();
      expect(
        await dependency.execute(
          throwing(() => answered(status)),
          {
            fallback: 'f',
          },
        ),
      ).toBe('f');
    },
  );

  it('what classify calls ignored', async () => {
    const { dependency } = subject();
    const error = await errorOf(
      dependency.execute(throwing(), {
        classify: () => 'ignored',
        fallback: never,
      }),
    );
    expect(error.message).toBe('boom');
  });

  it('what failuresOnly leaves out', async () => {
    class Down extends Error {}
    const { dependency } = subject({ classify: failuresOnly(Down) });
    const error = await errorOf(
      dependency.execute(throwing(), { fallback: never }),
    );
    expect(error.message).toBe('boom');
    expect(
      await dependency.execute(
        throwing(() => new Down()),
        { fallback: 'f' },
      ),
    ).toBe('f');
  });

  it('a result, even one that is judged a failure', async () => {
    const { dependency } = subject();
    expect(
      await dependency.execute(() => 'poor', {
        classify: () => 'failure',
        fallback: never,
      }),
    ).toBe('poor');
    expect(dependency.snapshot()).toMatchObject({
      window: { calls: 1, failures: 1 },
      totals: { succeeded: 1, failed: 0 },
      lastFailure: { name: 'result' },
    });
  });
});

describe('A fallback while the caller goes away', () => {
  it('is left to itself, and the caller’s reason surfaces', async () => {
    const { clock, dependency } = subject();
    const caller = new AbortController();
    const call = watch(
      dependency.execute(throwing(), { signal: caller.signal, fallback: hang }),
    );
    await clock.advance(0);
    expect(call.state).toBe('pending');
    caller.abort('enough');
    await clock.advance(0);
    expect(call.error).toBe('enough');
    expectRest({ clock, dependency });
  });
});
