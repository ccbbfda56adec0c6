import { describe, expect, it } from 'vitest';
import {
  createDependency,
  DaceConfigurationError,
  realClock,
  withDeadline,
  type Call,
} from '../../lib/core.js';
import { ManualClock } from '../../lib/testing/manual-clock.js';
import {
  after,
  errorOf,
  hang,
  thenable,
  unhandledDuring,
  watch,
} from '../support/core-toolkit.js';

const remaining = (call: Call): number => call.remainingMs();

function onHand() {
  const clock = new ManualClock();
  const payments = createDependency(
    'payments',
    { propagateDeadline: true, timeoutMs: 5_000 },
    { clock },
  );
  const left = () => payments.execute(remaining);
  return { clock, payments, left };
}

describe('withDeadline', () => {
  it('bounds what runs inside it by a span of time', async () => {
    const { clock, left } = onHand();
    const answer = watch(
      withDeadline(
        300,
        async () => {
          await after(clock, 100, () => {});
          return left();
        },
        { clock },
      ),
    );
    await clock.advance(100);
    expect(answer.value).toBe(200);
  });

  it('bounds nothing that does not ask for it', async () => {
    const clock = new ManualClock();
    const plain = createDependency('plain', {}, { clock });
    const left = withDeadline(300, () => plain.execute(remaining), { clock });
    expect(await left).toBe(5_000);
  });

  it('leaves the earlier of two, whichever is further out', async () => {
    const { clock, left } = onHand();
    const inside = (outer: number, inner: number) =>
      withDeadline(outer, () => withDeadline(inner, left, { clock }), {
        clock,
      });
    expect(await inside(300, 200)).toBe(200);
    expect(await inside(200, 300)).toBe(200);
  });

  it('runs outside everything with false', async () => {
    const { clock, left } = onHand();
    const answer = withDeadline(0, () => withDeadline(false, left), { clock });
    expect(await answer).toBe(5_000);
  });

  it('binds nothing that it left behind when it was over', async () => {
    const { clock, left } = onHand();
    let late: unknown;
    const leaveBehind = () => {
      void after(clock, 10, () => {}).then(async () => {
        late = await left();
      });
    };
    await withDeadline(300, async () => leaveBehind(), { clock });
    await clock.advance(10);
    expect(late).toBe(5_000);

    withDeadline(300, leaveBehind, { clock });
    await clock.advance(10);
    expect(late).toBe(5_000);
  });

  it('goes on for a promise of another make', async () => {
    const { clock, left } = onHand();
    let late: unknown;
    withDeadline(
      300,
      () => {
        void after(clock, 10, () => {}).then(async () => {
          late = await left();
        });
        return thenable<void>(() => hang());
      },
      { clock },
    );
    await clock.advance(10);
    expect(late).toBe(290);
  });

  it('does not start a query by asking whether it has ended', () => {
    let started = 0;
    const query = thenable<void>(() => {
      started += 1;
      return hang();
    });
    expect(withDeadline(300, () => query)).toBe(query);
    expect(started).toBe(0);
  });

  it('gives the answer and the error as they are', async () => {
    expect(withDeadline(10, () => 'at once')).toBe('at once');
    expect(await withDeadline(10, async () => 'later')).toBe('later');
    expect(() =>
      withDeadline(10, () => {
        throw new Error('thrown');
      }),
    ).toThrow('thrown');
    const error = await errorOf(
      withDeadline(10, () => Promise.reject(new Error('rejected'))),
    );
    expect(error.message).toBe('rejected');
  });

  it('hides no rejection that nobody takes, and tells none twice', async () => {
    const boom = new Error('boom');
    const rejected = () => withDeadline(10, () => Promise.reject(boom));
    const forgotten = await unhandledDuring(async () => void rejected());
    const taken = await unhandledDuring(() => rejected().catch(() => {}));
    expect({ forgotten, taken }).toEqual({ forgotten: [boom], taken: [] });
  });

  it('counts real time where no clock is given', async () => {
    const payments = createDependency('payments', { propagateDeadline: true });
    const startMs = realClock.nowMs();
    const left = await withDeadline(1_000, () => payments.execute(remaining));
    const tookMs = realClock.nowMs() - startMs;
    expect(left).toBeLessThanOrEqual(1_000);
    expect(left).toBeGreaterThanOrEqual(1_000 - tookMs);
  });

  it.each([NaN, -1, 2_147_483_648, Infinity, '100', undefined, true])(
    'refuses %s',
    (ms) => {
      expect(() => withDeadline(ms as number, () => 1)).toThrow(
        DaceConfigurationError,
      );
    },
  );
});
