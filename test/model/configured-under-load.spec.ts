/**
 * Options changed while calls run, queue, sleep, probe and are refused: every operation ends once,
 * nothing stays taken, and afterwards the dependency serves as if it had been made that way.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  consecutiveFailures,
  createDependency,
  failureRatio,
  ramp,
  slowRatio,
  type DependencyOptions,
} from '../../lib/core.js';
import { ManualClock } from '../../lib/testing/manual-clock.js';
import {
  after,
  answered,
  expectRest,
  refusedConnection,
  watch,
  type Watched,
} from '../support/core-toolkit.js';

const A = 'http://a';
const B = 'http://b';
const C = 'http://c';

/** Each option with values that differ in what they do. */
const CHANGES: Readonly<
  Record<keyof DependencyOptions, readonly DependencyOptions[]>
> = {
  enabled: [{ enabled: false }, { enabled: true }, { enabled: () => true }],
  critical: [{ critical: true }, { critical: false }],
  hosts: [
    { hosts: [A] },
    { hosts: [A, B] },
    { hosts: [B, C] },
    { hosts: [{ url: A, weight: 3 }, B, C] },
    { hosts: { hosts: () => Promise.resolve([A, C]), refreshMs: false } },
  ],
  loadBalancer: [
    { loadBalancer: 'random' },
    { loadBalancer: 'round-robin' },
    { loadBalancer: 'least-pending' },
    { loadBalancer: 'peak-ewma' },
    { loadBalancer: () => ['http', 'answered'] },
    { loadBalancer: () => Promise.resolve(['http', 'a'] as const) },
  ],
  classify: [{ classify: () => undefined }, { classify: () => 'ignored' }],
  fallback: [{ fallback: 'instead' }, { fallback: () => 'instead' }],
  timeoutMs: [{ timeoutMs: 5 }, { timeoutMs: 5_000 }, { timeoutMs: false }],
  attemptTimeoutMs: [{ attemptTimeoutMs: 3 }, { attemptTimeoutMs: false }],
  abandonAfterMs: [{ abandonAfterMs: 0 }, { abandonAfterMs: 10 }],
  expectedInMs: [{ expectedInMs: 1 }, { expectedInMs: 1_000 }],
  retry: [
    { retry: false },
    { retry: { attempts: 5, on: 'any' } },
    { retry: { onTimeout: true, sameHost: 1 } },
    { retry: { backoff: { delayMs: 7, jitter: 'full' } } },
    { retry: { budget: { windowMs: 100, ratio: 1 } } },
    { retry: { budget: false } },
  ],
  circuit: [
    { circuit: false },
    { circuit: { trip: consecutiveFailures(1), resetTimeoutMs: 5 } },
    { circuit: { trip: failureRatio({ ratio: 0.1, minimumCalls: 1 }) } },
    { circuit: { trip: slowRatio({ slowMs: 1, minimumCalls: 2 }) } },
    { circuit: { trip: failureRatio({ windowCalls: 5 }) } },
    { circuit: { recovery: ramp({ recoveryMs: 20, graceMs: 5 }) } },
    { circuit: { resetTimeoutMs: 0 } },
    { circuit: { leaseMs: 100_000, maxOutRatio: 1 } },
  ],
  maxOpenPerNetloc: [
    { maxOpenPerNetloc: 1 },
    { maxOpenPerNetloc: 3 },
    { maxOpenPerNetloc: false },
  ],
  maxQueuedPerNetloc: [{ maxQueuedPerNetloc: 0 }, { maxQueuedPerNetloc: 9 }],
  queueTimeoutMs: [{ queueTimeoutMs: 2 }, { queueTimeoutMs: 50 }],
  rateLimit: [
    { rateLimit: { limit: 2, intervalMs: 10 } },
    { rateLimit: false },
  ],
  shutdownGraceMs: [{ shutdownGraceMs: 0 }],
  propagateDeadline: [
    { propagateDeadline: true },
    { propagateDeadline: { header: 'x-left' } },
    { propagateDeadline: false },
  ],
  http: [{ http: { poolSize: 1 } }, { http: { headers: { a: 'b' } } }],
};

const change = fc.oneof(
  ...Object.values(CHANGES).map((values) => fc.constantFrom(...values)),
);

type Work = 'answers' | 'fails' | 'refuses' | 'is busy' | 'hangs' | 'throws';

const step = fc.record({
  works: fc.array(
    fc.record({
      work: fc.constantFrom<Work>(
        'answers',
        'answers',
        'fails',
        'refuses',
        'is busy',
        'hangs',
        'throws',
      ),
      tookMs: fc.constantFrom(0, 1, 4, 12),
      netloc: fc.constantFrom(undefined, undefined, undefined, 'a', 'peer'),
    }),
    { maxLength: 6 },
  ),
  change: fc.option(change, { nil: undefined }),
  waitMs: fc.constantFrom(0, 0, 1, 2, 5, 20, 10_000),
});

const ERRORS: Partial<Record<Work, () => Error>> = {
  fails: () => new Error('failed'),
  refuses: refusedConnection,
  'is busy': () => answered(503, { 'retry-after': '1' }),
};

function workOf(clock: ManualClock, work: Work, tookMs: number): unknown {
  if (work === 'throws') throw new Error('thrown');
  // Long, and yet it settles: without any timeout nobody else would end it.
  const ms = work === 'hangs' ? 20_000 : tookMs;
  return after(clock, ms, () => {
    const error = ERRORS[work];
    if (error !== undefined) throw error();
    return work;
  });
}

describe('Every option, changed while there is load', () => {
  it('loses no operation and wedges nothing', async () => {
    const used = new Set<string>();
    let ended = 0;
    await fc.assert(
      fc.asyncProperty(
        change,
        fc.array(step, { minLength: 5, maxLength: 25, size: 'max' }),
        fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
        async (first, steps, chances) => {
          const clock = new ManualClock();
          const random = () => chances.next().value as number;
          const dependency = createDependency('payments', first, {
            clock,
            random,
          });
          const rig = { clock, dependency };
          const calls: Watched<unknown>[] = [];
          for (const { works, change: next, waitMs } of steps) {
            for (const { work, tookMs, netloc } of works)
              calls.push(
                watch(
                  dependency.execute(
                    () => workOf(clock, work, tookMs) as string,
                    { netloc },
                  ),
                ),
              );
            if (next !== undefined) {
              for (const name of Object.keys(next)) used.add(name);
              try {
                dependency.configure(next);
              } catch (error) {
                // An attempt's timeout may not exceed that of the whole.
                expect(String(error)).toMatch(/attemptTimeoutMs|leaseMs/);
              }
            }
            await clock.advance(waitMs);
          }
          // Whatever hangs has settled by then, and whatever is open probes again.
          await clock.advance(120_000);
          for (const call of calls) expect(call.state).not.toBe('pending');
          ended += calls.length;
          expectRestOf(rig);

          dependency.configure({
            ...USUAL,
            circuit: { ...USUAL.circuit, resetTimeoutMs: 1 },
          });
          for (let each = 0; each < 40; each++) {
            for (const netloc of [undefined, 'a', 'b', 'peer'])
              watch(dependency.execute(() => 'heals', { netloc }));
            await clock.advance(1_000);
          }
          expect(await dependency.execute(() => 'serves')).toBe('serves');
          // A permit that was not given back would be missed here.
          for (const netloc of ['a', 'b', 'peer'])
            expect(await dependency.execute(() => netloc, { netloc })).toBe(
              netloc,
            );
          await dependency.close();
          await clock.advance(0);
          expectRestOf(rig);
        },
      ),
      { numRuns: 600 },
    );
    expect([...used].toSorted()).toEqual(Object.keys(CHANGES).toSorted());
    expect(ended).toBeGreaterThan(5_000);
  }, 240_000);
});

const USUAL = {
  enabled: true,
  timeoutMs: 5_000,
  attemptTimeoutMs: false,
  classify: () => undefined,
  expectedInMs: 10_000,
  circuit: { trip: failureRatio(), leaseMs: 6_000 },
  maxOpenPerNetloc: 1,
  maxQueuedPerNetloc: 0,
  queueTimeoutMs: 5_000,
  rateLimit: false,
  loadBalancer: 'random',
  hosts: [A, B],
} as const satisfies DependencyOptions;

/** A source is watched by an alarm of its own, which is not a call's. */
function expectRestOf(rig: Parameters<typeof expectRest>[0]): void {
  const { source } = rig.dependency.snapshot();
  if (source === undefined) expectRest(rig);
}
