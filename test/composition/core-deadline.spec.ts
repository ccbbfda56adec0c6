import { describe, expect, it } from 'vitest';
import { DaceTimeoutError, firstFailure } from '../../lib/core.js';
import {
  after,
  errorOf,
  expectRest,
  fail,
  hang,
  refusedConnection,
  subject,
  throwing,
  watch,
} from '../support/core-toolkit.js';

describe('The deadline of an operation', () => {
  it('cuts work that hangs, at its time and not before', async () => {
    const { clock, dependency } = subject({ timeoutMs: 100 });
    const call = watch(dependency.execute(hang));
    await clock.advance(99);
    expect(call.state).toBe('pending');
    await clock.advance(1);
    expect(call.error).toBeInstanceOf(DaceTimeoutError);
    expect(call.error).toMatchObject({
      kind: 'operation',
      timeoutMs: 100,
      status: 504,
      statusCode: 504,
      expose: false,
      dependencyId: 'payments',
    });
  });

  it('leaves the attempt its own shorter timeout', async () => {
    const { clock, dependency } = subject({
      timeoutMs: 100,
      attemptTimeoutMs: 40,
    });
    const call = watch(dependency.execute(hang));
    await clock.advance(39);
    expect(call.state).toBe('pending');
    await clock.advance(1);
    expect(call.error).toMatchObject({ kind: 'attempt', timeoutMs: 40 });
  });

  it('spans all attempts and clamps the last to what remains', async () => {
    const { clock, dependency } = subject({
      timeoutMs: 100,
      attemptTimeoutMs: 60,
      retry: { onTimeout: true },
    });
    const remaining: number[] = [];
    const call = watch(
      dependency.execute((attempt) => {
        remaining.push(attempt.remainingMs());
        return hang();
      }),
    );
    await clock.advance(99);
    expect(call.state).toBe('pending');
    await clock.advance(1);
    expect(remaining).toEqual([60, 40]);
    expect(call.error).toBeInstanceOf(DaceTimeoutError);
    expect(call.error.kind).toBe('operation');
  });

  it('is what a timeout names when an attempt would end exactly on it', async () => {
    const { clock, dependency } = subject({
      timeoutMs: 100,
      attemptTimeoutMs: 50,
      retry: { onTimeout: true, attempts: 5 },
    });
    let attempts = 0;
    const call = watch(
      dependency.execute(() => {
        attempts += 1;
        return hang();
      }),
    );
    await clock.advance(100);
    expect(attempts).toBe(2);
    expect(call.error).toMatchObject({ kind: 'operation', timeoutMs: 100 });
  });

  it('names the operation for a single attempt whose timeout equals it', async () => {
    const { clock, dependency } = subject({
      timeoutMs: 80,
      attemptTimeoutMs: 80,
    });
    const call = watch(dependency.execute(hang));
    await clock.advance(80);
    expect(call.error).toMatchObject({ kind: 'operation' });
  });

  it('spans failing attempts', async () => {
    const { clock, dependency } = subject({
      timeoutMs: 100,
      retry: { attempts: 10 },
    });
    let attempts = 0;
    const call = watch(
      dependency.execute(() => {
        attempts += 1;
        return after(clock, 40, throwing(refusedConnection));
      }),
    );
    await clock.advance(100);
    expect(attempts).toBe(3);
    expect(call.error).toMatchObject({ kind: 'operation' });
    await clock.advance(100);
    expect(attempts).toBe(3);
  });

  it('spans the waits between attempts', async () => {
    const { clock, dependency } = subject({
      timeoutMs: 100,
      retry: { attempts: 10, backoff: { delayMs: 30, factor: 1 } },
    });
    const begun: number[] = [];
    const call = watch(
      dependency.execute(() => {
        begun.push(clock.nowMs());
        throw refusedConnection();
      }),
    );
    await clock.advance(1_000);
    // Retries at 30, 60 and 90; the wait from 90 would end past 100.
    expect(begun).toEqual([0, 30, 60, 90]);
    expect(call.error).toMatchObject({ code: 'ECONNREFUSED' });
    expectRest({ clock, dependency });
  });

  it('spans queueing, and what it ends there was refused', async () => {
    const { clock, dependency } = subject({
      timeoutMs: 100,
      maxOpenPerNetloc: 1,
    });
    void dependency.execute(hang, { timeoutMs: false }).catch(() => {});
    let ran = false;
    const queued = watch(
      dependency.execute(() => {
        ran = true;
      }),
    );
    await clock.advance(99);
    expect(queued.state).toBe('pending');
    expect(dependency.snapshot().queued).toBe(1);
    await clock.advance(1);
    expect(queued.error).toBeInstanceOf(DaceTimeoutError);
    expect(queued.error.kind).toBe('operation');
    expect(ran).toBe(false);
    expect(dependency.snapshot()).toMatchObject({
      queued: 0,
      totals: { started: 2, refused: 1, failed: 0 },
    });
  });

  it('counts the time spent in the queue against the attempt', async () => {
    const { clock, dependency } = subject({
      timeoutMs: 100,
      maxOpenPerNetloc: 1,
    });
    const first = dependency.execute(() => after(clock, 70, () => 'first'));
    let remaining = 0;
    const second = watch(
      dependency.execute((call) => {
        remaining = call.remainingMs();
        return hang();
      }),
    );
    await clock.advance(70);
    expect(await first).toBe('first');
    expect(remaining).toBe(30);
    await clock.advance(29);
    expect(second.state).toBe('pending');
    await clock.advance(1);
    expect(second.error).toMatchObject({ kind: 'operation' });
  });
});

describe('A wait that would end too late', () => {
  it.each([
    ['at the deadline', 50],
    ['past the deadline', 51],
  ])('%s is not begun: the last error at once', async (_when, delayMs) => {
    const { clock, dependency } = subject({
      timeoutMs: 100,
      retry: { backoff: { delayMs } },
    });
    const call = watch(
      dependency.execute(() => after(clock, 50, throwing(refusedConnection))),
    );
    await clock.advance(50);
    expect(call.error).toMatchObject({ code: 'ECONNREFUSED' });
    expectRest({ clock, dependency });
  });

  it('just before the deadline is begun', async () => {
    const { clock, dependency } = subject({
      timeoutMs: 100,
      retry: { backoff: { delayMs: 49 } },
    });
    const call = watch(
      dependency.execute((attempt) =>
        attempt.attempt === 2
          ? 'second'
          : after(clock, 50, throwing(refusedConnection)),
      ),
    );
    await clock.advance(98);
    expect(call.state).toBe('pending');
    await clock.advance(1);
    expect(call.value).toBe('second');
  });

  it('at whose end the circuit would still refuse is not begun', async () => {
    const { clock, dependency } = subject({
      circuit: { trip: firstFailure(), resetTimeoutMs: 1_000 },
      retry: { backoff: { delayMs: 999 } },
    });
    const error = await errorOf(
      dependency.execute(throwing(refusedConnection)),
    );
    expect(error).toMatchObject({ code: 'ECONNREFUSED' });
    expect(dependency.snapshot().totals.retries).toBe(0);
    expectRest({ clock, dependency });
  });

  it('at whose end the circuit would let a probe through is begun', async () => {
    const { clock, dependency } = subject({
      circuit: { trip: firstFailure(), resetTimeoutMs: 1_000 },
      retry: { backoff: { delayMs: 1_000 } },
    });
    const call = watch(
      dependency.execute(({ attempt }) => {
        if (attempt === 1) throw refusedConnection();
        return 'probe';
      }),
    );
    await clock.advance(999);
    expect(dependency.snapshot().state).toBe('open');
    await clock.advance(1);
    expect(call.value).toBe('probe');
    expect(dependency.snapshot().state).toBe('closed');
  });

  it('of no length is not begun either while the circuit is open', async () => {
    const { clock, dependency } = subject({
      circuit: { trip: firstFailure() },
    });
    let attempts = 0;
    const error = await errorOf(
      dependency.execute(() => {
        attempts += 1;
        throw refusedConnection();
      }),
    );
    expect(attempts).toBe(1);
    expect(error).toMatchObject({ code: 'ECONNREFUSED' });
    expectRest({ clock, dependency });
  });

  it('is judged by the circuit of the pinned peer, not of the dependency', async () => {
    const { clock, dependency } = subject({
      circuit: { trip: firstFailure(), resetTimeoutMs: 1_000 },
      retry: { backoff: { delayMs: 10 } },
    });
    await fail(dependency, 1);
    expect(dependency.snapshot().state).toBe('open');
    const pinned = await errorOf(
      dependency.execute(throwing(refusedConnection), { netloc: 'peer' }),
    );
    expect(pinned).toMatchObject({ code: 'ECONNREFUSED' });
    expectRest({ clock, dependency });
  });
});

describe('The timeout of one call', () => {
  it('replaces the dependency’s, shorter', async () => {
    const { clock, dependency } = subject({ timeoutMs: 1_000 });
    const call = watch(dependency.execute(hang, { timeoutMs: 20 }));
    await clock.advance(20);
    expect(call.error).toMatchObject({ kind: 'operation', timeoutMs: 20 });
  });

  it('replaces the dependency’s, longer, derived attempt timeout included', async () => {
    const { clock, dependency } = subject({ timeoutMs: 100 });
    const call = watch(dependency.execute(hang, { timeoutMs: 500 }));
    await clock.advance(499);
    expect(call.state).toBe('pending');
    await clock.advance(1);
    expect(call.error).toMatchObject({ kind: 'operation', timeoutMs: 500 });
  });

  it('clamps an attempt timeout that is longer', async () => {
    const { clock, dependency } = subject({
      timeoutMs: 1_000,
      attemptTimeoutMs: 500,
    });
    const call = watch(dependency.execute(hang, { timeoutMs: 30 }));
    await clock.advance(30);
    expect(call.error).toMatchObject({ kind: 'operation', timeoutMs: 30 });
  });

  it('false lets it run as long as it likes', async () => {
    const { clock, dependency } = subject({ timeoutMs: false });
    let remaining = 0;
    const call = watch(
      dependency.execute((attempt) => {
        remaining = attempt.remainingMs();
        return after(clock, 1_000_000, () => 'late');
      }),
    );
    await clock.advance(999_999);
    expect(call.state).toBe('pending');
    await clock.advance(1);
    expect(call.value).toBe('late');
    expect(remaining).toBe(Infinity);
    expectRest({ clock, dependency });
  });

  it('false with an attempt timeout bounds the attempt alone', async () => {
    const { clock, dependency } = subject({
      timeoutMs: false,
      attemptTimeoutMs: 50,
    });
    const call = watch(dependency.execute(hang));
    await clock.advance(50);
    expect(call.error).toMatchObject({ kind: 'attempt', timeoutMs: 50 });
  });

  it('carries no stack, because that is most of its cost', async () => {
    const { clock, dependency } = subject({ timeoutMs: 10 });
    const call = watch(dependency.execute(hang));
    await clock.advance(10);
    expect(call.error.stack).not.toMatch(/\n\s+at /);
  });
});
