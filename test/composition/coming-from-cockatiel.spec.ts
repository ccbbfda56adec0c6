/**
 * The same history through cockatiel and through ours.
 *
 * Source: cockatiel 3, dist/CircuitBreakerPolicy.js and dist/breaker; readme, "circuitBreaker".
 */
import {
  circuitBreaker,
  CircuitState,
  ConsecutiveBreaker,
  ConstantBackoff,
  CountBreaker,
  handleAll,
  handleType,
  IterableBackoff,
  retry,
  SamplingBreaker,
  type IBreaker,
  type ICircuitBreakerOptions,
  type Policy,
} from 'cockatiel';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  consecutiveFailures,
  failureRatio,
  type CircuitOptions,
  type DependencyOptions,
} from '../../lib/core.js';
import { gate, subject, watch } from '../support/core-toolkit.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

type Work = () => unknown;

/** Both of them, on one clock; each history is told once. */
function both(
  breaker: IBreaker,
  circuit: CircuitOptions,
  halfOpenAfter: ICircuitBreakerOptions['halfOpenAfter'] = 10_000,
  policy: Policy = handleAll,
  own: DependencyOptions = {},
) {
  const theirs = circuitBreaker(policy, { halfOpenAfter, breaker });
  const { clock, dependency } = subject({
    circuit: { resetTimeoutMs: 10_000, ...circuit },
    retry: false,
    timeoutMs: false,
    maxOpenPerNetloc: false,
    ...own,
  });
  const advance = async (ms: number): Promise<void> => {
    await vi.advanceTimersByTimeAsync(ms);
    await clock.advance(ms);
  };
  return {
    dependency,
    advance,
    async call(work: Work) {
      const their = watch(theirs.execute(work));
      const our = watch(dependency.execute(work));
      await advance(0);
      return { their, our };
    },
    async begin() {
      const gates = [gate(), gate()] as const;
      const their = watch(theirs.execute(() => gates[0].promise));
      const our = watch(dependency.execute(() => gates[1].promise));
      await advance(0);
      return { gates, their, our };
    },
    states: () => ({
      theirs: CircuitState[theirs.state],
      ours: dependency.snapshot().state,
    }),
  };
}

const boom = (): never => {
  throw new Error('boom');
};

const bothClosed = { theirs: 'Closed', ours: 'closed' };
const bothOpen = { theirs: 'Open', ours: 'open' };

/** new ConsecutiveBreaker(2) */
const two = () =>
  both(new ConsecutiveBreaker(2), { trip: consecutiveFailures(2) });

describe('What a user of cockatiel knows', () => {
  it('opens after five failures in a row and tries again after ten seconds, as in its readme', async () => {
    const pair = both(new ConsecutiveBreaker(5), {
      trip: consecutiveFailures(5),
    });
    for (let time = 0; time < 4; time++) await pair.call(boom);
    await pair.call(() => 'ok');
    for (let time = 0; time < 4; time++) await pair.call(boom);
    expect(pair.states()).toEqual(bothClosed);
    await pair.call(boom);
    expect(pair.states()).toEqual(bothOpen);
    await pair.advance(9_999);
    const refused = await pair.call(() => 'never');
    expect([refused.their.state, refused.our.state]).toEqual([
      'rejected',
      'rejected',
    ]);
    await pair.advance(1);
    const probe = await pair.call(() => 'back');
    expect([probe.their.value, probe.our.value]).toEqual(['back', 'back']);
    expect(pair.states()).toEqual(bothClosed);
  });

  it('opens by a share of the last calls (CountBreaker), at the ratio where cockatiel asks for more', async () => {
    const pair = both(
      new CountBreaker({ threshold: 0.5, size: 4, minimumNumberOfCalls: 4 }),
      { trip: failureRatio({ ratio: 0.5, windowCalls: 4, minimumCalls: 4 }) },
    );
    for (const work of [() => 'ok', () => 'ok', boom]) await pair.call(work);
    await pair.advance(3_600_000);
    expect(pair.states()).toEqual(bothClosed);
    await pair.call(boom);
    expect(pair.states()).toEqual({ theirs: 'Closed', ours: 'open' });
  });

  it('waits longer each time (halfOpenAfter with a backoff)', async () => {
    const pair = both(
      new ConsecutiveBreaker(1),
      {
        trip: consecutiveFailures(1),
        resetTimeoutMs: 1_000,
        resetBackoff: { factor: 2, maxMs: 4_000 },
      },
      new IterableBackoff([1_000, 2_000, 4_000]),
    );
    await pair.call(boom);
    for (const openMs of [1_000, 2_000, 4_000]) {
      await pair.advance(openMs - 1);
      const early = await pair.call(boom);
      expect([early.their.error?.name, early.our.error?.name]).toEqual([
        'Error',
        'DaceCircuitOpenError',
      ]);
      expect(early.their.error?.message).toMatch(/breaker is open/);
      await pair.advance(1);
      expect((await pair.call(boom)).our.error?.message).toBe('boom');
    }
  });

  it('tries once more than maxAttempts says', async () => {
    const policy = retry(handleAll, {
      maxAttempts: 3,
      backoff: new ConstantBackoff(0),
    });
    let theirs = 0;
    const their = watch(
      policy.execute(() => {
        theirs += 1;
        boom();
      }),
    );
    await vi.advanceTimersByTimeAsync(10);
    const { clock, dependency } = subject({
      retry: { attempts: 4, on: 'any', budget: false },
      circuit: false,
    });
    let ours = 0;
    const our = watch(
      dependency.execute(() => {
        ours += 1;
        boom();
      }),
    );
    await clock.advance(0);
    expect([their.state, our.state]).toEqual(['rejected', 'rejected']);
    expect({ theirs, ours }).toEqual({ theirs: 4, ours: 4 });
  });
});

describe('Where cockatiel is not right', () => {
  it('a call from before the opening fails the probe of another', async () => {
    const pair = two();
    const early = await pair.begin();
    await pair.call(boom);
    await pair.call(boom);
    await pair.advance(10_000);
    const probe = await pair.begin();
    for (const each of early.gates) each.reject(new Error('late'));
    await pair.advance(0);
    expect(pair.states()).toEqual({ theirs: 'Open', ours: 'half-open' });
    for (const each of probe.gates) each.resolve('alive');
    await pair.advance(0);
    expect(pair.states()).toEqual({ theirs: 'Open', ours: 'closed' });
  });

  it('failures of an hour ago open it (SamplingBreaker over 10 s)', async () => {
    const pair = both(
      new SamplingBreaker({ threshold: 0.5, duration: 10_000, minimumRps: 1 }),
      { trip: failureRatio({ ratio: 0.5, windowMs: 10_000 }) },
    );
    for (let time = 0; time < 9; time++) await pair.call(boom);
    await pair.advance(3_600_000);
    await pair.call(boom);
    expect(pair.states()).toEqual({ theirs: 'Open', ours: 'closed' });
  });

  it('everybody waits for a probe that hangs', async () => {
    const pair = two();
    await pair.call(boom);
    await pair.call(boom);
    await pair.advance(10_000);
    await pair.begin();
    const next = await pair.call(() => 'ok');
    expect([next.their.state, next.our.state]).toEqual(['pending', 'rejected']);
    await pair.advance(3_600_000);
    expect(next.their.state).toBe('pending');
    expect((await pair.call(() => 'ok')).our.value).toBe('ok');
  });

  it('an error that it does not handle closes it, though it proves nothing', async () => {
    class Handled extends Error {}
    const pair = both(
      new ConsecutiveBreaker(2),
      { trip: consecutiveFailures(2) },
      10_000,
      handleType(Handled),
      {
        classify: (outcome) =>
          outcome instanceof Error && !(outcome instanceof Handled)
            ? 'ignored'
            : undefined,
      },
    );
    const handled = (): never => {
      throw new Handled('down');
    };
    await pair.call(handled);
    await pair.call(handled);
    expect(pair.states()).toEqual(bothOpen);
    await pair.advance(10_000);
    await pair.call(boom);
    expect(pair.states()).toEqual({ theirs: 'Closed', ours: 'half-open' });
  });
});
