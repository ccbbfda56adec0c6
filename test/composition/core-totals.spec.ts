import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  consecutiveFailures,
  failureRatio,
  firstFailure,
  type CallOptions,
  type DependencyOptions,
} from '../../lib/core.js';
import {
  after,
  answered,
  expectRest,
  gate,
  refusedConnection,
  subject,
  unhandledDuring,
  watch,
  type Subject,
  type Watched,
} from '../support/core-toolkit.js';

type Step = {
  readonly ms: number;
  readonly end:
    | 'value'
    | 'error'
    | 'connect'
    | 'ignored'
    | 'throttled'
    | 'retry'
    | 'hang'
    | 'late';
};

type Script = {
  readonly kind: 'call' | 'guard';
  readonly waitMs: number;
  readonly steps: readonly Step[];
  readonly abortMs: number | undefined;
  readonly options: CallOptions<string>;
  readonly verdict: 'success' | 'failure' | 'ignore';
};

const maybe = <T>(arb: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arb, { nil: undefined });
const ms = (max: number): fc.Arbitrary<number> => fc.nat(max);

const step: fc.Arbitrary<Step> = fc.record({
  ms: fc.oneof(fc.constant(0), ms(60)),
  end: fc.constantFrom(
    'value',
    'value',
    'value',
    'error',
    'connect',
    'connect',
    'ignored',
    'throttled',
    'retry',
    'hang',
    'late',
  ),
});

const script: fc.Arbitrary<Script> = fc.record({
  kind: fc.constantFrom('call', 'call', 'call', 'call', 'guard'),
  waitMs: fc.oneof(fc.constant(0), ms(30)),
  steps: fc.array(step, { minLength: 1, maxLength: 4 }),
  abortMs: maybe(ms(80)),
  verdict: fc.constantFrom('success', 'failure', 'ignore'),
  options: fc.record(
    {
      fallback: fc.constantFrom('instead', () => 'instead'),
      timeoutMs: fc.integer({ min: 1, max: 120 }),
      netloc: fc.constantFrom('a', 'b', 'peer', 'other peer'),
      idempotent: fc.boolean(),
    },
    { requiredKeys: [] },
  ),
});

const dependencyOptions: fc.Arbitrary<DependencyOptions> = fc.record({
  hosts: fc.constantFrom(
    undefined,
    ['http://a'],
    ['http://a', 'http://b'],
    ['http://a', 'http://b', 'http://c', 'http://d'],
  ),
  loadBalancer: fc.constantFrom(
    'peak-ewma',
    'round-robin',
    'least-pending',
    'random',
  ),
  timeoutMs: fc.constantFrom(100, 100, false as const),
  attemptTimeoutMs: fc.constantFrom(undefined, 30),
  abandonAfterMs: fc.constantFrom(0, 50, 500),
  maxOpenPerNetloc: fc.constantFrom(1, 2, 10),
  maxQueuedPerNetloc: fc.constantFrom(0, 1, 100),
  queueTimeoutMs: fc.constantFrom(undefined, 20),
  rateLimit: fc.constantFrom(false as const, false as const, {
    limit: 5,
    intervalMs: 50,
  }),
  expectedInMs: fc.constantFrom(undefined, 20),
  retry: fc.constantFrom(
    false as const,
    { attempts: 3 },
    { attempts: 3, onTimeout: true, backoff: { delayMs: 7 } },
    { attempts: 4, sameHost: 1, on: 'any' as const, budget: false as const },
  ),
  circuit: fc.constantFrom<DependencyOptions['circuit']>(
    undefined,
    false,
    { trip: firstFailure(), resetTimeoutMs: 40 },
    {
      trip: [consecutiveFailures(3), failureRatio({ minimumCalls: 4 })],
      resetTimeoutMs: 25,
    },
  ),
});

async function play(
  rig: Subject,
  scripts: readonly Script[],
): Promise<readonly [Script, Watched<unknown>][]> {
  const { clock, dependency } = rig;
  const played: [Script, Watched<unknown>][] = [];
  const hung: ReturnType<typeof gate<string>>[] = [];
  for (const each of scripts) {
    await clock.advance(each.waitMs);
    if (each.kind === 'guard') {
      try {
        const permit = dependency.acquire(
          each.options.netloc === undefined
            ? {}
            : { netloc: each.options.netloc },
        );
        const { verdict } = each;
        void after(clock, each.steps[0]!.ms, () => {
          permit[verdict]();
        });
      } catch {
        // Refused; the totals say so.
      }
      continue;
    }
    const caller = new AbortController();
    let n = 0;
    const work = (call: { retry(): never }): unknown => {
      const now = each.steps[Math.min(n++, each.steps.length - 1)]!;
      const settle = (): unknown => {
        if (now.end === 'value') return 'value';
        if (now.end === 'connect') throw refusedConnection();
        if (now.end === 'ignored') throw answered(404);
        if (now.end === 'throttled')
          throw answered(429, { 'retry-after': '0' });
        if (now.end === 'retry') return call.retry();
        throw new Error('error');
      };
      if (now.end === 'hang') {
        const never = gate();
        hung.push(never);
        return never.promise;
      }
      if (now.end === 'late') return after(clock, 300, settle);
      return now.ms === 0 ? settle() : after(clock, now.ms, settle);
    };
    const { abortMs, options } = each;
    played.push([
      each,
      watch(
        dependency.execute<unknown, string>(work, {
          ...options,
          ...(abortMs !== undefined && { signal: caller.signal }),
        }),
      ),
    ]);
    if (abortMs === 0) caller.abort('gone');
    else if (abortMs !== undefined)
      void after(clock, abortMs, () => caller.abort('gone'));
  }
  await clock.advance(40_000);
  for (const never of hung) never.resolve('very late');
  await clock.advance(40_000);
  return played;
}

describe('At rest, after any script of calls and guards,', () => {
  it('started is succeeded + failed + refused + cancelled, nothing waits, and the dependency lives', async () => {
    const unhandled = await unhandledDuring(async () => {
      await fc.assert(
        fc.asyncProperty(
          dependencyOptions,
          fc.array(script, { minLength: 1, maxLength: 25 }),
          async (options, scripts) => {
            const subjectNow = subject(options);
            const played = await play(subjectNow, scripts);
            const { dependency, clock } = subjectNow;
            expectRest(subjectNow);
            const { totals } = dependency.snapshot();
            expect(totals.started).toBe(scripts.length);
            expect(totals.attempts).toBeGreaterThanOrEqual(totals.retries);

            const ended = played.map(([, call]) => call);
            expect(ended.every(({ state }) => state !== 'pending')).toBe(true);
            const guards = scripts.filter(({ kind }) => kind === 'guard');
            const values = ended.filter(({ value }) => value !== undefined);
            const instead = values.filter(({ value }) => value === 'instead');
            expect(instead).toHaveLength(totals.fallbacks);
            const succeeded = values.length - instead.length;
            expect(totals.succeeded).toBeGreaterThanOrEqual(succeeded);
            expect(totals.succeeded).toBeLessThanOrEqual(
              succeeded + guards.length,
            );
            const gone = ended.filter(({ error }) => error === 'gone');
            expect(totals.cancelled).toBeGreaterThanOrEqual(gone.length);

            // No lease, permit or place is lost: everybody is served again.
            await clock.advance(1_000_000);
            for (const netloc of [undefined, 'a', 'peer']) {
              const call = watch(dependency.execute(() => 'ok', { netloc }));
              await clock.advance(1_000);
              expect(call.value).toBe('ok');
            }
            expectRest(subjectNow);
          },
        ),
        { numRuns: 300 },
      );
    });
    expect(unhandled).toEqual([]);
  }, 60_000);

  it('closed half-way, everything ends and no alarm is left', async () => {
    await fc.assert(
      fc.asyncProperty(
        dependencyOptions,
        fc.array(script, { minLength: 1, maxLength: 15 }),
        fc.nat(15),
        async (options, scripts, count) => {
          const rig = subject({ ...options, shutdownGraceMs: 20 });
          const { clock, dependency } = rig;
          const closer = after(clock, count * 10, () => dependency.close());
          const played = await play(rig, scripts);
          await closer;
          expect(clock.pending).toBe(0);
          expect(played.every(([, call]) => call.state !== 'pending')).toBe(
            true,
          );
          const { totals, queued } = dependency.snapshot();
          expect(queued).toBe(0);
          expect(
            totals.succeeded +
              totals.failed +
              totals.refused +
              totals.cancelled,
          ).toBe(totals.started);
        },
      ),
      { numRuns: 200 },
    );
  }, 60_000);
});
