import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  createDependency,
  DaceTimeoutError,
  firstFailure,
  withDeadline,
  type Call,
  type Dependency,
  type DependencyOptions,
} from '../../lib/core.js';
import { ManualClock } from '../../lib/testing/manual-clock.js';
import {
  after,
  errorOf,
  expectRest,
  hang,
  refusedConnection,
  watch,
} from '../support/core-toolkit.js';

const HANDED_ON = { propagateDeadline: true } as const;

/** Dependencies on one clock, which hand deadlines on unless told otherwise. */
function world(all: Record<string, DependencyOptions>) {
  const clock = new ManualClock();
  const made: Record<string, Dependency> = {};
  for (const [id, options] of Object.entries(all))
    made[id] = createDependency(
      id,
      { ...HANDED_ON, ...options },
      { clock, random: () => 0.5 },
    );
  return { clock, ...made } as { clock: ManualClock } & Record<
    'outer' | 'middle' | 'inner',
    Dependency
  >;
}

const remaining = (call: Call): number => call.remainingMs();

afterEach(() => {
  vi.restoreAllMocks();
});

describe('An operation inside an attempt, with propagateDeadline', () => {
  it('has the time that is left of the attempt', async () => {
    const { clock, outer, inner } = world({
      outer: { timeoutMs: 500 },
      inner: { timeoutMs: 2_000 },
    });
    const left = watch(
      outer.execute(async () => {
        await after(clock, 200, () => {});
        return inner.execute(remaining);
      }),
    );
    await clock.advance(200);
    expect(left.value).toBe(300);
  });

  it('keeps a deadline of its own that is earlier', async () => {
    const { outer, inner } = world({
      outer: { timeoutMs: 500 },
      inner: { timeoutMs: 2_000 },
    });
    const left = outer.execute(() =>
      inner.execute(remaining, { timeoutMs: 50 }),
    );
    expect(await left).toBe(50);
  });

  it('has the time of one attempt, not that of all of them', async () => {
    const { outer, inner } = world({
      outer: { timeoutMs: 500, attemptTimeoutMs: 80 },
      inner: {},
    });
    expect(await outer.execute(() => inner.execute(remaining))).toBe(80);
  });

  it('is bound through any number of calls, and through one that hands nothing on', async () => {
    const { clock, outer, middle, inner } = world({
      outer: { timeoutMs: 500 },
      middle: { propagateDeadline: false },
      inner: {},
    });
    const lefts = watch(
      outer.execute(() =>
        middle.execute(async (call) => {
          await after(clock, 100, () => {});
          const deep = await inner.execute(() => inner.execute(remaining));
          return [call.remainingMs(), deep];
        }),
      ),
    );
    await clock.advance(100);
    expect(lefts.value).toEqual([4_900, 400]);
  });

  it('is bound by a call without a timeout of its own, and then cut as any', async () => {
    const { clock, outer, inner } = world({
      outer: { timeoutMs: 500, fallback: 'instead' },
      inner: { timeoutMs: false },
    });
    let error: unknown;
    const answer = watch(
      outer.execute(async () => {
        await after(clock, 100, () => {});
        error = await errorOf(inner.execute(hang));
        throw error;
      }),
    );
    await clock.advance(499);
    expect(answer.state).toBe('pending');
    await clock.advance(1);
    expect(answer.value).toBe('instead');
    expect(error).toBeInstanceOf(DaceTimeoutError);
    expect(error).toMatchObject({
      dependencyId: 'inner',
      kind: 'operation',
      timeoutMs: 400,
      status: 504,
    });
  });

  it('is not bound by a call that has no end', async () => {
    const { outer, inner } = world({
      outer: { timeoutMs: false },
      inner: { timeoutMs: false },
    });
    expect(await outer.execute(() => inner.execute(remaining))).toBe(Infinity);
  });

  it('spends the time that is left on all its tries', async () => {
    const { clock, outer, inner } = world({
      outer: { timeoutMs: 500 },
      inner: { retry: { attempts: 9, backoff: { delayMs: 200, factor: 1 } } },
    });
    const lefts: number[] = [];
    const answer = watch(
      outer.execute(() =>
        inner.execute((call) => {
          lefts.push(call.remainingMs());
          throw refusedConnection();
        }),
      ),
    );
    await clock.advance(400);
    expect(lefts).toEqual([500, 300, 100]);
    expect(answer.error.code).toBe('ECONNREFUSED');
  });

  it('waits in a queue no longer than that', async () => {
    const { clock, outer, inner } = world({
      outer: { timeoutMs: 500 },
      inner: { maxOpenPerNetloc: 1 },
    });
    const first = watch(inner.execute(hang));
    let error: any;
    const second = watch(
      outer.execute(async () => {
        error = await errorOf(inner.execute(() => 'never'));
        return 'caught';
      }),
    );
    await clock.advance(500);
    expect(error).toMatchObject({ kind: 'operation', timeoutMs: 500 });
    expect(second.state).not.toBe('pending');
    expect(first.state).toBe('pending');
    expect(inner.snapshot()).toMatchObject({
      queued: 0,
      totals: { refused: 1 },
    });
  });

  it('begins a waiting attempt with what is left by then', async () => {
    const { clock, outer, inner } = world({
      outer: { timeoutMs: 500 },
      inner: { maxOpenPerNetloc: 1 },
    });
    const first = inner.execute(() => after(clock, 200, () => 'first'));
    const second = watch(outer.execute(() => inner.execute(remaining)));
    await clock.advance(200);
    expect(await first).toBe('first');
    expect(second.value).toBe(300);
  });
});

describe('An operation without propagateDeadline', () => {
  it('neither inherits a deadline nor hands its own on', async () => {
    const { outer, middle, inner } = world({
      outer: { timeoutMs: 500 },
      middle: { timeoutMs: 40, propagateDeadline: false },
      inner: { timeoutMs: 900 },
    });
    const inherited = await outer.execute(() => middle.execute(remaining));
    const handedOn = await middle.execute(() => inner.execute(remaining));
    expect([inherited, handedOn]).toEqual([40, 900]);
  });

  it('enters no async context, which costs more than the rest of a call', async () => {
    const { inner } = world({ inner: { propagateDeadline: false } });
    const run = vi.spyOn(AsyncLocalStorage.prototype, 'run');
    await inner.execute(() => 'plain');
    expect(run).not.toHaveBeenCalled();

    inner.configure(HANDED_ON);
    await inner.execute(() => 'nothing to hand on', { timeoutMs: false });
    expect(run).not.toHaveBeenCalled();

    await inner.execute(() => 'handed on');
    expect(run).toHaveBeenCalledTimes(1);
  });
});

describe('A deadline that has passed', () => {
  const late = async (options: DependencyOptions = {}) => {
    const all = world({ outer: { timeoutMs: 100 }, inner: options });
    let attempts = 0;
    let outcome: unknown;
    const answer = watch(
      all.outer.execute(async () => {
        await after(all.clock, 150, () => {});
        outcome = await all.inner
          .execute(() => (attempts += 1))
          .catch((error: unknown) => error);
      }),
    );
    await all.clock.advance(150);
    expect(answer.error).toMatchObject({ dependencyId: 'outer' });
    return { ...all, outcome, attempts };
  };

  it('refuses at once what cut work begins, and no attempt of it runs', async () => {
    const { clock, inner, outcome, attempts } = await late();
    expect(outcome).toBeInstanceOf(DaceTimeoutError);
    expect(outcome).toMatchObject({
      code: 'DACE_TIMEOUT',
      dependencyId: 'inner',
      kind: 'operation',
      timeoutMs: 0,
      statusCode: 504,
      message:
        'No time is left for a call to "inner": the deadline it inherits has passed',
    });
    expect(attempts).toBe(0);
    expect(inner.snapshot().totals).toMatchObject({
      started: 1,
      refused: 1,
      attempts: 0,
    });
    expectRest({ clock, dependency: inner });
  });

  it('leaves the fallback its turn', async () => {
    const { inner, outcome } = await late({ fallback: 'instead' });
    expect(outcome).toBe('instead');
    expect(inner.snapshot().totals).toMatchObject({ refused: 1, fallbacks: 1 });
  });

  it('is told as a refusal to whoever listens', async () => {
    const { inner } = world({ inner: {} });
    const types: string[] = [];
    inner.on(({ type }) => types.push(type));
    await errorOf(withDeadline(0, () => inner.execute(() => 1)));
    expect(types).toEqual(['operation.started', 'operation.refused']);
  });

  it('is told after a shutdown, and before an open circuit', async () => {
    const { inner } = world({ inner: { circuit: { trip: firstFailure() } } });
    await errorOf(inner.execute(() => Promise.reject(new Error('down'))));
    const open = await errorOf(inner.execute(() => 1));
    const passed = await errorOf(withDeadline(0, () => inner.execute(() => 1)));
    await inner.close();
    const closed = await errorOf(withDeadline(0, () => inner.execute(() => 1)));
    expect([open.code, passed.code, closed.code]).toEqual([
      'DACE_CIRCUIT_OPEN',
      'DACE_TIMEOUT',
      'DACE_SHUTDOWN',
    ]);
  });

  it('refuses a guard too', () => {
    const clock = new ManualClock();
    const inner = createDependency('inner', HANDED_ON, { clock });
    const taken = withDeadline(10, () => inner.acquire());
    taken.success();
    expect(() => withDeadline(0, () => inner.acquire())).toThrow(
      'No time is left',
    );
    expect(inner.snapshot().totals).toMatchObject({
      started: 2,
      succeeded: 1,
      refused: 1,
    });
  });

  it('is no fault of the dependency whose attempt asked too late', async () => {
    const { outer, inner } = world({
      outer: { circuit: { trip: firstFailure() }, retry: { on: 'any' } },
      inner: {},
    });
    const error = await errorOf(
      outer.execute(() => withDeadline(0, () => inner.execute(() => 1))),
    );
    expect(error.dependencyId).toBe('inner');
    expect(outer.snapshot()).toMatchObject({
      state: 'closed',
      window: { failures: 0 },
      totals: { attempts: 1 },
    });
  });
});

describe('What an attempt leaves behind', () => {
  it('is bound no longer once the attempt has ended as it should', async () => {
    const { clock, outer, inner } = world({
      outer: { timeoutMs: 100 },
      inner: { timeoutMs: 900 },
    });
    let left: unknown;
    await outer.execute(() => {
      void after(clock, 50, () => {}).then(async () => {
        left = await inner.execute(remaining);
      });
    });
    await clock.advance(50);
    expect(left).toBe(900);
  });

  it('is still bound by an attempt further out that goes on', async () => {
    const { clock, outer, middle, inner } = world({
      outer: { timeoutMs: 400 },
      middle: { timeoutMs: 100 },
      inner: { timeoutMs: 900 },
    });
    let left: unknown;
    const answer = watch(
      outer.execute(async () => {
        await middle.execute(() => {
          void after(clock, 50, () => {}).then(async () => {
            left = await inner.execute(remaining);
          });
        });
        await after(clock, 80, () => {});
      }),
    );
    await clock.advance(80);
    expect(answer.state).toBe('fulfilled');
    expect(left).toBe(350);
  });

  it('is free when the work of a cut attempt has settled late', async () => {
    const { clock, outer, inner } = world({
      outer: { timeoutMs: 100 },
      inner: { timeoutMs: 900 },
    });
    const outcomes: unknown[] = [];
    const ask = () =>
      inner.execute(remaining).then(
        (ms) => outcomes.push(ms),
        (error: Error) => outcomes.push(error.name),
      );
    const answer = watch(
      outer.execute(async () => {
        void after(clock, 150, () => {}).then(ask);
        void after(clock, 250, () => {}).then(ask);
        await after(clock, 200, () => {});
      }),
    );
    await clock.advance(250);
    expect(answer.state).toBe('rejected');
    expect(outcomes).toEqual(['DaceTimeoutError', 900]);
  });

  it('is free half a minute after the deadline of work that never settles', async () => {
    const { clock, outer, inner } = world({
      outer: { timeoutMs: 100 },
      inner: { timeoutMs: 900 },
    });
    const outcomes: unknown[] = [];
    const ask = () =>
      inner.execute(remaining).then(
        (ms) => outcomes.push(ms),
        (error: Error) => outcomes.push(error.name),
      );
    const answer = watch(
      outer.execute(() => {
        void after(clock, 30_100, () => {}).then(ask);
        void after(clock, 30_101, () => {}).then(ask);
        return hang();
      }),
    );
    await clock.advance(30_101);
    expect(answer.state).toBe('rejected');
    expect(outcomes).toEqual(['DaceTimeoutError', 900]);
  });

  it('is bound after its caller has given up, until the deadline', async () => {
    const { clock, outer, inner } = world({
      outer: { timeoutMs: 100 },
      inner: { timeoutMs: 900 },
    });
    const controller = new AbortController();
    let left: unknown;
    const answer = watch(
      outer.execute(
        async () => {
          await after(clock, 60, () => {});
          left = await inner.execute(remaining);
        },
        { signal: controller.signal },
      ),
    );
    await clock.advance(10);
    controller.abort(new Error('gone'));
    await clock.advance(50);
    expect(answer.error.message).toBe('gone');
    expect(left).toBe(40);
  });
});

describe('A fallback', () => {
  it('inherits what the caller has left, not the deadline that has just passed', async () => {
    const { clock, outer, middle, inner } = world({
      outer: { timeoutMs: 400 },
      middle: { timeoutMs: 100 },
      inner: { timeoutMs: 900 },
    });
    const left = watch(
      outer.execute(() =>
        middle.execute(hang, { fallback: () => inner.execute(remaining) }),
      ),
    );
    await clock.advance(100);
    expect(left.value).toBe(300);
  });
});

describe('A dependency that is switched off', () => {
  it('is not bound, and hides nothing from what it calls', async () => {
    const { outer, middle, inner } = world({
      outer: { timeoutMs: 400 },
      middle: { enabled: false },
      inner: { timeoutMs: 900 },
    });
    const lefts = await outer.execute(() =>
      middle.execute(async (call) => [
        call.remainingMs(),
        await inner.execute(remaining),
      ]),
    );
    expect(lefts).toEqual([Infinity, 400]);
  });
});

describe('Dependencies on different clocks', () => {
  it('have the time that is left in common', async () => {
    const outerClock = new ManualClock();
    const innerClock = new ManualClock();
    await innerClock.advance(1_000_000);
    const outer = createDependency(
      'outer',
      { ...HANDED_ON, timeoutMs: 500 },
      { clock: outerClock },
    );
    const inner = createDependency('inner', HANDED_ON, { clock: innerClock });
    const left = watch(
      outer.execute(async () => {
        await after(outerClock, 200, () => {});
        return inner.execute(remaining);
      }),
    );
    await outerClock.advance(200);
    expect(left.value).toBe(300);
  });

  it('and of different copies of the package have it too', async () => {
    vi.resetModules();
    const copy = await import('../../lib/core.js');
    expect(copy.createDependency).not.toBe(createDependency);
    const { clock, outer } = world({ outer: { timeoutMs: 500 } });
    const inner = copy.createDependency('inner', HANDED_ON, { clock });
    expect(await outer.execute(() => inner.execute(remaining))).toBe(500);
  });
});

describe('A hasty caller further out', () => {
  const answerIn = (clock: ManualClock, ms: number) => () =>
    after(clock, ms, () => 'answer');

  it('proves nothing where a usual answer takes longer than it waits', async () => {
    const { clock, outer, inner } = world({
      outer: { timeoutMs: 100 },
      inner: { circuit: { trip: firstFailure() } },
    });
    void inner.execute(answerIn(clock, 200));
    await clock.advance(200);

    const answer = watch(outer.execute(() => inner.execute(hang)));
    await clock.advance(100);

    expect(answer.state).toBe('rejected');
    expect(inner.snapshot()).toMatchObject({
      state: 'closed',
      window: { calls: 1, failures: 0 },
    });
  });

  it('does not hide a dependency that hangs', async () => {
    const { clock, outer, inner } = world({
      outer: { timeoutMs: 100 },
      inner: { circuit: { trip: firstFailure() } },
    });
    const answer = watch(outer.execute(() => inner.execute(hang)));
    await clock.advance(100);
    expect(answer.state).toBe('rejected');
    expect(inner.snapshot().state).toBe('open');
  });
});
