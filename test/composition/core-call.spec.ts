import { describe, expect, it } from 'vitest';
import {
  Call,
  DaceRetryExhaustedError,
  DaceRetryRequestedError,
  DaceShutdownError,
  DaceTimeoutError,
} from '../../lib/core.js';
import {
  after,
  answered,
  errorOf,
  expectRest,
  gate,
  hang,
  subject,
  watch,
} from '../support/core-toolkit.js';

describe('call.signal', () => {
  it('aborts with the timeout that ends the attempt', async () => {
    const { clock, dependency } = subject({ timeoutMs: 50 });
    let signal!: AbortSignal;
    const call = watch(
      dependency.execute((attempt) => {
        ({ signal } = attempt);
        return hang();
      }),
    );
    await clock.advance(49);
    expect(signal.aborted).toBe(false);
    await clock.advance(1);
    expect(signal.aborted).toBe(true);
    expect(signal.reason).toBeInstanceOf(DaceTimeoutError);
    expect(signal.reason).toBe(call.error);
  });

  it('read after the timeout is aborted already', async () => {
    const { clock, dependency } = subject({ timeoutMs: 50 });
    let attempt!: Call;
    void dependency
      .execute((call) => {
        attempt = call;
        return hang();
      })
      .catch(() => {});
    await clock.advance(50);
    expect(attempt.signal.aborted).toBe(true);
    expect(attempt.signal.reason).toMatchObject({
      code: 'DACE_TIMEOUT',
      kind: 'operation',
    });
    expect(attempt.signal).toBe(attempt.signal);
  });

  it('aborts with the caller’s reason, in the same tick', async () => {
    const { dependency } = subject();
    const caller = new AbortController();
    let signal!: AbortSignal;
    const call = dependency.execute(
      (attempt) => {
        ({ signal } = attempt);
        return hang();
      },
      { signal: caller.signal },
    );
    caller.abort('gone');
    expect(signal.reason).toBe('gone');
    expect(await errorOf(call)).toBe('gone');
  });

  it('read after the caller went is aborted already, even for a reason of null', async () => {
    const { dependency } = subject();
    const caller = new AbortController();
    let attempt!: Call;
    const call = dependency.execute(
      (given) => {
        attempt = given;
        return hang();
      },
      { signal: caller.signal },
    );
    caller.abort(null);
    expect(await errorOf(call)).toBe(null);
    expect(attempt.signal.aborted).toBe(true);
    expect(attempt.signal.reason).toBe(null);
  });

  it('aborts with the shutdown once the grace is over', async () => {
    const { clock, dependency } = subject({ shutdownGraceMs: 100 });
    let signal!: AbortSignal;
    const call = watch(
      dependency.execute((attempt) => {
        ({ signal } = attempt);
        return hang();
      }),
    );
    void dependency.close();
    await clock.advance(99);
    expect(signal.aborted).toBe(false);
    await clock.advance(1);
    expect(signal.reason).toBeInstanceOf(DaceShutdownError);
    expect(call.error).toBeInstanceOf(DaceShutdownError);
  });

  it('stays as it is after a normal end', async () => {
    const { clock, dependency } = subject();
    const caller = new AbortController();
    const calls: Call[] = [];
    const keep = (call: Call): void => {
      void call.signal;
      calls.push(call);
    };
    await dependency.execute(keep, { signal: caller.signal });
    await dependency.execute((call) => void calls.push(call), {
      signal: caller.signal,
    });
    await errorOf(
      dependency.execute((call) => {
        keep(call);
        throw new Error('normal too');
      }),
    );
    caller.abort();
    await clock.advance(10_000);
    await dependency.close();
    expect(calls.map((call) => call.signal.aborted)).toEqual([
      false,
      false,
      false,
    ]);
  });

  it('is each attempt’s own', async () => {
    const { clock, dependency } = subject({
      attemptTimeoutMs: 10,
      retry: { onTimeout: true, attempts: 2 },
    });
    const signals: AbortSignal[] = [];
    const answer = watch(
      dependency.execute(({ signal, attempt }) => {
        signals.push(signal);
        return attempt === 1 ? hang() : 'second';
      }),
    );
    await clock.advance(10);
    expect(answer.value).toBe('second');
    expect(signals.map((signal) => signal.aborted)).toEqual([true, false]);
    expect(signals[0]!.reason).toMatchObject({ kind: 'attempt' });
  });

  it('is not aborted in an attempt that has answered in time while the operation goes on', async () => {
    const { clock, dependency } = subject();
    const signals: AbortSignal[] = [];
    const last = gate();
    const answer = watch(
      dependency.execute((call) => {
        signals.push(call.signal);
        if (call.attempt === 1) call.retry();
        return last.promise;
      }),
    );
    await clock.advance(0);
    expect(signals.map((signal) => signal.aborted)).toEqual([false, false]);
    last.resolve('ok');
    await clock.advance(0);
    expect(answer.value).toBe('ok');
  });

  it('may have a listener that throws, which changes nothing for the caller', async () => {
    const { clock, dependency } = subject({ timeoutMs: 10 });
    const seen: unknown[] = [];
    const note = (error: unknown): void => void seen.push(error);
    process.on('uncaughtException', note);
    const kept = process
      .listeners('uncaughtException')
      .filter((listener) => listener !== note);
    for (const listener of kept) process.off('uncaughtException', listener);
    try {
      const call = watch(
        dependency.execute(({ signal }) => {
          signal.addEventListener('abort', () => {
            throw new Error('the listener’s own');
          });
          return hang();
        }),
      );
      await clock.advance(10);
      await new Promise((resolve) => setImmediate(resolve));
      expect(call.error).toBeInstanceOf(DaceTimeoutError);
      expect(dependency.snapshot().totals.failed).toBe(1);
    } finally {
      process.off('uncaughtException', note);
      for (const listener of kept) process.on('uncaughtException', listener);
    }
    expect(seen).toHaveLength(1);
  });
});

describe('call.remainingMs', () => {
  it('runs down to nothing', async () => {
    const { clock, dependency } = subject({ timeoutMs: 100 });
    let attempt!: Call;
    void dependency
      .execute((call) => {
        attempt = call;
        return hang();
      })
      .catch(() => {});
    expect(attempt.remainingMs()).toBe(100);
    await clock.advance(60);
    expect(attempt.remainingMs()).toBe(40);
    await clock.advance(1_000);
    expect(attempt.remainingMs()).toBe(0);
  });
});

describe('call.retry()', () => {
  it('has the work run again, whatever it was', async () => {
    const { clock, dependency } = subject();
    const attempts: number[] = [];
    const answer = await dependency.execute((call) => {
      attempts.push(call.attempt);
      if (call.attempt < 3) call.retry();
      return 'third';
    });
    expect(answer).toBe('third');
    expect(attempts).toEqual([1, 2, 3]);
    expect(dependency.snapshot().totals).toMatchObject({
      started: 1,
      succeeded: 1,
      attempts: 3,
      retries: 2,
    });
    expectRest({ clock, dependency });
  });

  it('is heard however late', async () => {
    const { clock, dependency } = subject();
    const answer = watch(
      dependency.execute((call) =>
        call.attempt === 1 ? after(clock, 20, () => call.retry()) : 'second',
      ),
    );
    await clock.advance(20);
    expect(answer.value).toBe('second');
  });

  it('may be thrown by hand', async () => {
    const { dependency } = subject();
    expect(
      await dependency.execute((call) => {
        if (call.attempt === 1)
          throw new DaceRetryRequestedError({ dependencyId: 'payments' });
        return 'second';
      }),
    ).toBe('second');
  });

  it('with no try left surfaces as exhausted, the reason as cause', async () => {
    const { dependency } = subject({ retry: { attempts: 2 } });
    const reason = new Error('not yet');
    const error = await errorOf(
      dependency.execute((call) => call.retry(reason)),
    );
    expect(error).toBeInstanceOf(DaceRetryExhaustedError);
    expect(error).toMatchObject({ attempts: 2, cause: reason, status: 503 });
    expect(error.message.endsWith('not yet')).toBe(true);
  });

  it('surfaces so with a single attempt, and with retry switched off', async () => {
    const reason = new Error('not yet');
    for (const retry of [{ attempts: 1 }, false] as const) {
      const { dependency } = subject({ retry });
      const error = await errorOf(
        dependency.execute((call) => call.retry(reason)),
      );
      expect(error).toBeInstanceOf(DaceRetryExhaustedError);
      expect(error).toMatchObject({ attempts: 1, cause: reason });
    }
  });

  it('surfaces so without a reason', async () => {
    const { dependency } = subject({ retry: false });
    const error = await errorOf(dependency.execute((call) => call.retry()));
    expect(error).toBeInstanceOf(DaceRetryExhaustedError);
    expect(error.attempts).toBe(1);
  });

  it('surfaces so when the budget is empty', async () => {
    const { dependency } = subject({
      retry: { attempts: 9, budget: { ratio: 0.01, minRetries: 1 } },
      circuit: false,
    });
    const reason = new Error('not yet');
    const error = await errorOf(
      dependency.execute((call) => call.retry(reason)),
    );
    expect(error).toBeInstanceOf(DaceRetryExhaustedError);
    expect(error).toMatchObject({ attempts: 2, cause: reason });
  });

  it('surfaces so when the deadline is too near', async () => {
    const { clock, dependency } = subject({
      timeoutMs: 100,
      retry: { backoff: { delayMs: 100 } },
    });
    const error = await errorOf(
      dependency.execute((call) => call.retry(new Error('not yet'))),
    );
    expect(error).toBeInstanceOf(DaceRetryExhaustedError);
    expect(error).toMatchObject({ attempts: 1, cause: { message: 'not yet' } });
    expectRest({ clock, dependency });
  });

  it('surfaces so when the next attempt is refused', async () => {
    const { clock, dependency } = subject({
      rateLimit: { limit: 1, intervalMs: 10_000 },
    });
    const error = await errorOf(
      dependency.execute((call) => call.retry(new Error('not yet'))),
    );
    expect(error).toMatchObject({
      code: 'DACE_RETRY_EXHAUSTED',
      attempts: 1,
      cause: { message: 'not yet' },
    });
    expectRest({ clock, dependency });
  });

  it('is 504 when its reason is a timeout', async () => {
    const { dependency } = subject({ retry: false });
    const reason = Object.assign(new Error('slow'), { code: 'ETIMEDOUT' });
    const error = await errorOf(
      dependency.execute((call) => call.retry(reason)),
    );
    expect(error).toMatchObject({ status: 504, causeCode: 'ETIMEDOUT' });
  });

  it('is judged as its reason would be', async () => {
    const { dependency } = subject({ retry: { attempts: 1 } });
    await errorOf(dependency.execute((call) => call.retry(answered(404))));
    expect(dependency.snapshot().window.calls).toBe(0);
    await errorOf(dependency.execute((call) => call.retry(answered(429))));
    expect(dependency.snapshot().window).toMatchObject({
      calls: 1,
      failures: 0,
    });
    await errorOf(dependency.execute((call) => call.retry(answered(500))));
    expect(dependency.snapshot().window).toMatchObject({
      calls: 2,
      failures: 1,
    });
    await errorOf(dependency.execute((call) => call.retry()));
    expect(dependency.snapshot().window).toMatchObject({
      calls: 3,
      failures: 2,
    });
  });

  it('repeats even what is judged ignored', async () => {
    const { dependency } = subject();
    expect(
      await dependency.execute((call) =>
        call.attempt === 1 ? call.retry(answered(404)) : 'second',
      ),
    ).toBe('second');
  });

  it('not granted may still be answered by a fallback', async () => {
    const { dependency } = subject({ retry: false });
    expect(
      await dependency.execute((call) => call.retry(new Error('no')), {
        fallback: 'instead',
      }),
    ).toBe('instead');
  });

  it('of another dependency’s call is not ours to grant', async () => {
    const outer = subject().dependency;
    let attempts = 0;
    const error = await errorOf(
      outer.execute(() => {
        attempts += 1;
        throw new DaceRetryRequestedError({ dependencyId: 'another' });
      }),
    );
    expect(attempts).toBe(1);
    expect(error).toBeInstanceOf(DaceRetryRequestedError);
  });
});

describe('Call.injected', () => {
  it('explains itself when it is used', () => {
    expect(() => Call.injected.attempt).toThrow(/placeholder/);
    expect(() => Call.injected.http).toThrow(/@DaceCall/);
    expect(() => Call.injected.remainingMs()).toThrow(/placeholder/);
  });
});
