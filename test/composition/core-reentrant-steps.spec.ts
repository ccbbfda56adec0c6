import { describe, expect, it } from 'vitest';
import {
  consecutiveFailures,
  type Call,
  type Dependency,
  type TripRule,
} from '../../lib/core.js';
import { answer, type Attempt } from '../../lib/dependency/attempt.js';
import {
  answered,
  errorOf,
  eventsOf,
  expectRest,
  fail,
  hang,
  subject,
  throwing,
  unhandledDuring,
  watch,
} from '../support/core-toolkit.js';

describe('A trip rule', () => {
  /** Its rule acts at each failure, and then holds. */
  function ruled(act: (dependency: Dependency) => void) {
    const trip: TripRule = {
      name: 'own',
      trips: ({ failures }) => {
        if (failures > 0) act(rig.dependency);
        return failures > 0;
      },
    };
    const rig = subject({ circuit: { trip, resetTimeoutMs: 5 } });
    return rig;
  }

  it('that forces its circuit open lets no probe through', async () => {
    const { dependency, clock } = ruled((own) => own.control('forced-open'));
    await fail(dependency, 1);
    await clock.advance(10);

    const error = await errorOf(dependency.execute(() => 'let in'));

    expect(error).toMatchObject({ code: 'DACE_CIRCUIT_OPEN' });
    expect(dependency.snapshot().state).toBe('forced-open');
  });

  it('that switches its circuit off leaves it off', async () => {
    const { dependency } = ruled((own) => own.control('disabled'));

    await fail(dependency, 1);

    expect(await dependency.execute(() => 'let in')).toBe('let in');
  });

  it('that calls its dependency opens it once', async () => {
    let left = 3;
    const { dependency } = ruled((own) => {
      if (left-- > 0) watch(own.execute(throwing()));
    });
    const events = eventsOf(dependency);

    await fail(dependency, 1);

    const opened = events.filter(({ type }) => type === 'circuit.opened');
    expect(opened).toHaveLength(1);
  });

  it('that switches the circuits off is done with when the verdict is in', async () => {
    const { dependency } = ruled((own) => own.configure({ circuit: false }));

    await fail(dependency, 2);

    expect(dependency.snapshot().state).toBe('disabled');
    expect(await dependency.execute(() => 'let in')).toBe('let in');
  });
});

describe('A call', () => {
  it('whose caller leaves while its answers are dropped is not repeated', async () => {
    const { dependency, clock } = subject({ retry: { on: 'any' } });
    const caller = new AbortController();
    let runs = 0;
    const body = (call: Call): void =>
      void (call as Attempt).holdPermit(
        () => caller.abort('left'),
        () => 0,
      );

    const call = watch(
      dependency.execute(
        (own) => {
          runs += 1;
          body(own);
          throw new Error('boom');
        },
        { signal: caller.signal },
      ),
    );
    await clock.advance(60_000);

    expect(runs).toBe(1);
    expect(call.error).toBe('left');
    expectRest({ dependency, clock });
  });

  it('that answers while its timeout is judged has answered', async () => {
    let late: Call | undefined;
    const { dependency, clock } = subject({
      timeoutMs: 10,
      classify: () => {
        if (late !== undefined) answer(late, 'after all');
        return undefined;
      },
    });
    const call = watch(
      dependency.execute((own) => {
        late = own;
        return hang();
      }),
    );

    await clock.advance(60_000);

    expect(call.value).toBe('after all');
    expect(dependency.snapshot().totals).toMatchObject({ succeeded: 1 });
    expectRest({ dependency, clock });
  });

  it('ends where the reasons for a retry lead back to themselves', async () => {
    const { dependency, clock } = subject();
    const unhandled = await unhandledDuring(async () => {
      const call = watch(
        dependency.execute(async (own) => {
          const one = await errorOf(Promise.resolve().then(() => own.retry()));
          const other = await errorOf(
            Promise.resolve().then(() => own.retry(one)),
          );
          Object.defineProperty(one, 'cause', { value: other });
          throw other;
        }),
      );
      await clock.advance(1_000);
      expect(call.error).toMatchObject({ code: 'DACE_RETRY_EXHAUSTED' });
    });
    expect(unhandled).toEqual([]);
    expectRest({ dependency, clock });
  });

  it('ends as it would where what came of it cannot be counted', async () => {
    let isWell = true;
    const { dependency, clock } = subject(
      {
        retry: false,
        circuit: {
          trip: consecutiveFailures(1),
          resetBackoff: { jitter: 1 },
        },
      },
      {
        random: () => {
          if (isWell) return 0.5;
          throw new Error('no chance');
        },
      },
    );
    const events = eventsOf(dependency);
    isWell = false;

    const error = await errorOf(dependency.execute(throwing()));

    expect(error).toMatchObject({ message: 'boom' });
    expect(events.filter(({ type }) => type === 'warning')).toHaveLength(1);
    expectRest({ dependency, clock });
  });

  it('ends where who frames its answer throws', async () => {
    const { dependency, clock } = subject();
    const onAnswer = throwing();

    const error = await errorOf(
      dependency.executeWith(() => 'fine', undefined, { onAnswer }),
    );

    expect(error).toMatchObject({ message: 'boom' });
    expectRest({ dependency, clock });
  });

  it('ends where nothing can be noted on its error', async () => {
    const { dependency, clock } = subject({
      timeoutMs: 100,
      retry: { on: 'any' },
    });
    const busy = answered(503, { 'retry-after': '60' });
    Object.defineProperty(busy, 'retryAfterMs', { value: 1 });

    const error = await errorOf(dependency.execute(throwing(() => busy)));

    expect(error).toBe(busy);
    expectRest({ dependency, clock });
  });

  it('of a dependency that is switched off cannot be given up when it is over', async () => {
    const { dependency } = subject({ enabled: false });
    const cancels: ((reason: unknown) => void)[] = [];
    const onStart = (cancel: (reason: unknown) => void): void =>
      void cancels.push(cancel);
    const signal = await dependency.executeWith(
      (own) => own.signal,
      undefined,
      { onStart },
    );
    await Promise.resolve();

    cancels[0]!('left');

    expect(signal.aborted).toBe(false);
  });
});
