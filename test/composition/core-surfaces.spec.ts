import { describe, expect, it } from 'vitest';
import {
  consecutiveFailures,
  createDependency,
  DaceCircuitOpenError,
  DaceConfigurationError,
  DaceRetryExhaustedError,
  DaceTimeoutError,
  firstFailure,
  isDaceError,
} from '../../lib/core.js';
import {
  answered,
  errorOf,
  fail,
  hang,
  refusedConnection,
  subject,
  throwing,
  watch,
} from '../support/core-toolkit.js';

describe('What surfaces when', () => {
  it('tries are used up is exhausted, with the last error as cause', async () => {
    const { dependency } = subject();
    const errors: Error[] = [];
    const error = await errorOf(
      dependency.execute(() => {
        errors.push(refusedConnection());
        throw errors.at(-1);
      }),
    );
    expect(error).toBeInstanceOf(DaceRetryExhaustedError);
    expect(error).toMatchObject({
      code: 'DACE_RETRY_EXHAUSTED',
      attempts: 3,
      causeCode: 'ECONNREFUSED',
      status: 503,
      statusCode: 503,
      expose: false,
    });
    expect(error.cause).toBe(errors[2]);
    expect(error.message.endsWith(errors[2]!.message)).toBe(true);
    expect(isDaceError(error, 'DACE_RETRY_EXHAUSTED')).toBe(true);
  });

  it('tries are used up by timeouts is exhausted, 504', async () => {
    const { clock, dependency } = subject({
      attemptTimeoutMs: 10,
      retry: { onTimeout: true },
    });
    const call = watch(dependency.execute(hang));
    await clock.advance(30);
    expect(call.error).toBeInstanceOf(DaceRetryExhaustedError);
    expect(call.error).toMatchObject({ status: 504, attempts: 3 });
    expect(call.error.cause).toBeInstanceOf(DaceTimeoutError);
    expect(call.error.cause.kind).toBe('attempt');
  });

  it('only one try is allowed is the error itself', async () => {
    for (const retry of [false, { attempts: 1 }] as const) {
      const { dependency } = subject({ retry });
      const error = refusedConnection();
      expect(await errorOf(dependency.execute(throwing(() => error)))).toBe(
        error,
      );
    }
  });

  it('it may not be repeated is the error itself', async () => {
    const { dependency } = subject();
    const error = new Error('opaque');
    let attempts = 0;
    expect(
      await errorOf(
        dependency.execute(() => {
          attempts += 1;
          throw error;
        }),
      ),
    ).toBe(error);
    expect(attempts).toBe(1);
  });

  it('an attempt timeout may not be repeated is the timeout itself', async () => {
    const { clock, dependency } = subject({ attemptTimeoutMs: 10 });
    const call = watch(dependency.execute(hang));
    await clock.advance(10);
    expect(call.error).toBeInstanceOf(DaceTimeoutError);
    expect(call.error.kind).toBe('attempt');
  });

  it('a later attempt may not be repeated is that attempt’s error itself', async () => {
    const { dependency } = subject();
    const opaque = new Error('opaque');
    const error = await errorOf(
      dependency.execute(({ attempt }) => {
        throw attempt === 1 ? refusedConnection() : opaque;
      }),
    );
    expect(error).toBe(opaque);
  });

  it('the budget is empty is the last error itself', async () => {
    const { dependency } = subject({
      circuit: false,
      retry: { budget: { ratio: 0.01, minRetries: 0 } },
    });
    const error = refusedConnection();
    expect(await errorOf(dependency.execute(throwing(() => error)))).toBe(
      error,
    );
  });

  it('the deadline is too near is the last error itself', async () => {
    const { dependency } = subject({
      timeoutMs: 100,
      retry: { backoff: { delayMs: 100 } },
    });
    const error = refusedConnection();
    expect(await errorOf(dependency.execute(throwing(() => error)))).toBe(
      error,
    );
  });

  it('the circuit would still refuse is the last error itself', async () => {
    const { dependency } = subject({ circuit: { trip: firstFailure() } });
    const error = refusedConnection();
    expect(await errorOf(dependency.execute(throwing(() => error)))).toBe(
      error,
    );
  });

  it('a later attempt is refused by the circuit is the error of the one before', async () => {
    const { clock, dependency } = subject({
      retry: { backoff: { delayMs: 10 } },
    });
    const error = refusedConnection();
    const call = watch(dependency.execute(throwing(() => error)));
    await clock.advance(5);
    dependency.control('forced-open');
    await clock.advance(5);
    expect(call.error).toBe(error);
    expect(dependency.snapshot().totals).toMatchObject({
      failed: 1,
      refused: 0,
    });
  });

  it('a later attempt is refused by the rate is the error of the one before', async () => {
    const { dependency } = subject({
      rateLimit: { limit: 1, intervalMs: 10_000 },
    });
    const error = refusedConnection();
    expect(await errorOf(dependency.execute(throwing(() => error)))).toBe(
      error,
    );
  });

  it('a later attempt is refused by full netlocs is the error of the one before', async () => {
    const { clock, dependency } = subject({
      maxOpenPerNetloc: 1,
      maxQueuedPerNetloc: 0,
      retry: { backoff: { delayMs: 10 } },
    });
    const error = refusedConnection();
    const call = watch(dependency.execute(throwing(() => error)));
    await clock.advance(5);
    void dependency.execute(hang).catch(() => {});
    await clock.advance(5);
    expect(call.error).toBe(error);
  });

  it('a later attempt waits too long in the queue is the error of the one before', async () => {
    const { clock, dependency } = subject({
      maxOpenPerNetloc: 1,
      queueTimeoutMs: 20,
      retry: { backoff: { delayMs: 10 } },
    });
    const error = refusedConnection();
    const call = watch(dependency.execute(throwing(() => error)));
    await clock.advance(5);
    void dependency.execute(hang).catch(() => {});
    await clock.advance(25);
    expect(call.error).toBe(error);
    expect(dependency.snapshot().totals).toMatchObject({
      failed: 1,
      refused: 0,
    });
  });

  it('an exhausted inner dependency fails is not exhausted again by ours', async () => {
    const inner = subject().dependency;
    const outer = subject().dependency;
    const error = await errorOf(
      outer.execute(() => inner.execute(throwing(refusedConnection))),
    );
    expect(error).toBeInstanceOf(DaceRetryExhaustedError);
    expect(inner.snapshot().totals.started).toBe(1);
  });

  it('the answer is one that retry.on accepts is that answer, once tries are used up', async () => {
    const { dependency } = subject({
      retry: { on: (outcome) => outcome === 'later' },
    });
    let attempts = 0;
    const answer = await dependency.execute(() => {
      attempts += 1;
      return 'later';
    });
    expect(answer).toBe('later');
    expect(attempts).toBe(3);
    expect(dependency.snapshot().totals).toMatchObject({
      succeeded: 1,
      failed: 0,
      retries: 2,
    });
  });

  it('a result is judged a failure is that result, not tried again', async () => {
    const { dependency } = subject({
      classify: (outcome) => (outcome === 'bad' ? 'failure' : undefined),
    });
    let attempts = 0;
    expect(
      await dependency.execute(() => {
        attempts += 1;
        return 'bad';
      }),
    ).toBe('bad');
    expect(attempts).toBe(1);
    expect(dependency.snapshot().window).toMatchObject({ failures: 1 });
  });

  it('a fetch Response of 500 is returned is that response, and it counts', async () => {
    const { dependency } = subject();
    const response = new Response('', { status: 500 });
    expect(await dependency.execute(() => response)).toBe(response);
    expect(dependency.snapshot().window).toMatchObject({
      calls: 1,
      failures: 1,
    });
    await dependency.execute(() => new Response('', { status: 404 }));
    expect(dependency.snapshot().window.calls).toBe(1);
  });

  it('the circuit is open is a refusal with the time until the next probe', async () => {
    const { clock, dependency } = subject({
      circuit: { trip: firstFailure(), resetTimeoutMs: 5_000 },
    });
    await fail(dependency, 1, () => new TypeError('no'));
    await clock.advance(800);
    const error = await errorOf(dependency.execute(() => ''));
    expect(error).toBeInstanceOf(DaceCircuitOpenError);
    expect(error).toMatchObject({
      code: 'DACE_CIRCUIT_OPEN',
      status: 503,
      retryAfterMs: 4_200,
      lastFailure: { name: 'TypeError' },
      message: 'Circuit of "payments" is open; next probe in 4,200 ms',
    });
    expect(error.stack).not.toMatch(/\n\s+at /);
  });

  it('the work throws what is no error is that', async () => {
    const { dependency } = subject();
    expect(await errorOf(dependency.execute(throwing(() => 'text')))).toBe(
      'text',
    );
    expect(await errorOf(dependency.execute(throwing(() => undefined)))).toBe(
      undefined,
    );
  });

  it('the work is no function is a rejection that says so', async () => {
    const { dependency } = subject();
    const error = await errorOf(dependency.execute('work' as never));
    expect(error).toBeInstanceOf(DaceConfigurationError);
  });

  it('call options are wrong is one rejection with every problem', async () => {
    const { dependency } = subject();
    const error = await errorOf(
      dependency.execute(() => '', {
        timeoutMs: NaN,
        retry: { attempts: 0 },
      }),
    );
    expect(error).toBeInstanceOf(DaceConfigurationError);
    expect(error.problems.length).toBeGreaterThanOrEqual(2);
    expect(dependency.snapshot().totals.started).toBe(0);
  });

  it('options of the dependency are wrong is thrown at once', () => {
    expect(() => createDependency('payments', { timeoutMs: -1 })).toThrow(
      DaceConfigurationError,
    );
    expect(() => createDependency('1payments')).toThrow(DaceConfigurationError);
  });
});

describe('Refusals are never repeated', () => {
  it.each([
    ['any', 'any'],
    ['a function that says yes', () => true],
    ['their class', [DaceCircuitOpenError]],
  ] as const)('not even with retry.on %s', async (_name, on) => {
    const other = subject({ circuit: { trip: firstFailure() } }).dependency;
    await fail(other, 1);
    const { dependency } = subject({ retry: { on } });
    let attempts = 0;
    const error = await errorOf(
      dependency.execute(() => {
        attempts += 1;
        return other.execute(() => '');
      }),
    );
    expect(attempts).toBe(1);
    expect(error).toMatchObject({ code: 'DACE_CIRCUIT_OPEN' });
  });
});

describe('retry.on', () => {
  class Flaky extends Error {}

  it.each([
    ['any', 'any', () => new Error('x'), 3],
    ['a class', Flaky, () => new Flaky('x'), 3],
    ['a class it is not', Flaky, () => new Error('x'), 1],
    ['several classes', [TypeError, Flaky], () => new Flaky('x'), 3],
    ['a function', (e: unknown) => e instanceof Flaky, () => new Flaky('x'), 3],
    ['a function of another mind', () => false, () => new Flaky('x'), 1],
    ['any, for an answer that is ignored', 'any', () => answered(404), 1],
  ] as const)('%s', async (_name, on, make, expected) => {
    const { dependency } = subject({ retry: { on: on as 'any' } });
    let attempts = 0;
    await errorOf(
      dependency.execute(() => {
        attempts += 1;
        throw make();
      }),
    );
    expect(attempts).toBe(expected);
  });

  it('any repeats attempt timeouts as well', async () => {
    const { clock, dependency } = subject({
      attemptTimeoutMs: 10,
      retry: { on: 'any' },
    });
    const call = watch(dependency.execute(hang));
    await clock.advance(30);
    expect(call.error).toMatchObject({ attempts: 3 });
  });
});

describe('A retry that finds the circuit open again', () => {
  it('does not count as refused', async () => {
    const { dependency } = subject({
      circuit: { trip: consecutiveFailures(2) },
    });
    const error = refusedConnection();
    expect(await errorOf(dependency.execute(throwing(() => error)))).toBe(
      error,
    );
    expect(dependency.snapshot().totals).toMatchObject({
      started: 1,
      failed: 1,
      attempts: 2,
    });
  });
});
