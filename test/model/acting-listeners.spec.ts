/**
 * Listeners, `classify`, `retry.on`, rules, balancers, sources, work that is cut and fallbacks that
 * act on their own dependency in the middle of a call or of a change: change options, take hosts
 * out, call, take permits, abort the caller, close. Whatever they do, every operation ends once and
 * nothing stays taken.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  consecutiveFailures,
  createDependency,
  ramp,
  type CircuitMode,
  type Dependency,
  type DependencyOptions,
  type Permit,
} from '../../lib/core.js';
import { ManualClock } from '../../lib/testing/manual-clock.js';
import {
  after,
  expectRest,
  refusedConnection,
  unhandledDuring,
  watch,
  type Watched,
} from '../support/core-toolkit.js';

const HOSTS = ['http://a', 'http://b', 'http://c'];
const FRAGILE = { trip: consecutiveFailures(2), resetTimeoutMs: 3 };

/** What somebody in the middle of a call may do to its dependency. */
interface Life {
  readonly dependency: Dependency;
  readonly callers: AbortController[];
  readonly permits: Permit[];
  call(): void;
  act(): void;
}

const configured =
  (changes: DependencyOptions) =>
  ({ dependency }: Life): void =>
    dependency.configure(changes);
const controlled =
  (mode: CircuitMode, netloc?: string) =>
  ({ dependency }: Life): void =>
    dependency.control(mode, netloc);

const ACTS: readonly ((life: Life) => void)[] = [
  configured({ circuit: false }),
  configured({ circuit: FRAGILE }),
  configured({ hosts: HOSTS.slice(0, 1) }),
  configured({ hosts: HOSTS.slice(1) }),
  configured({ hosts: HOSTS }),
  // A source that tells while it is being listened to, and answers when it is asked.
  ({ dependency, act }) =>
    dependency.configure({
      hosts: {
        refreshMs: 5,
        hosts: async () => {
          act();
          return Promise.resolve(HOSTS.slice(0, 2));
        },
        watch: (tell) => {
          tell(HOSTS.slice(2));
          act();
          return act;
        },
      },
    }),
  // A rule of the user's own.
  ({ dependency, act }) =>
    dependency.configure({
      circuit: {
        ...FRAGILE,
        trip: {
          name: 'own',
          windowMs: 10_000,
          trips: ({ failures }) => {
            act();
            return failures > 1;
          },
        },
      },
    }),
  configured({
    circuit: { ...FRAGILE, recovery: ramp({ recoveryMs: 4, graceMs: 2 }) },
  }),
  ({ dependency, act }) => {
    let turn = 0;
    dependency.configure({
      loadBalancer: () => {
        act();
        return ['http', ['a:80', 'b:80', 'd:80'][turn++ % 3]!];
      },
    });
  },
  ({ dependency, act }) =>
    dependency.configure({
      loadBalancer: {
        pick: (hosts) => {
          act();
          return hosts.at(-1)!;
        },
      },
    }),
  configured({ maxOpenPerNetloc: 1, maxQueuedPerNetloc: 2 }),
  configured({ maxOpenPerNetloc: 5 }),
  configured({ retry: { attempts: 4, on: 'any' } }),
  configured({ retry: { attempts: 3, backoff: { delayMs: 2 } } }),
  configured({ rateLimit: { limit: 3, intervalMs: 5 } }),
  configured({ rateLimit: false }),
  controlled('forced-open'),
  controlled('disabled'),
  controlled('metrics-only'),
  controlled('auto'),
  controlled('forced-open', 'a'),
  controlled('auto', 'a'),
  (life) => life.call(),
  ({ callers }) => callers.shift()?.abort('left'),
  ({ callers }) => callers.pop()?.abort('left'),
  ({ dependency, permits }) => {
    try {
      permits.push(dependency.acquire());
    } catch {
      // Refused.
    }
  },
  ({ permits }) => permits.shift()?.failure(),
  ({ permits }) => permits.shift()?.success(),
  ({ dependency }) => void dependency.snapshot(),
];

const turn = fc.record({
  calls: fc.array(
    fc.record({
      isFailing: fc.boolean(),
      tookMs: fc.constantFrom(0, 0, 2, 9),
      hasFallback: fc.boolean(),
      isHeeding: fc.boolean(),
    }),
    { maxLength: 5 },
  ),
  waitMs: fc.constantFrom(0, 1, 2, 5, 30),
});

describe('Those who act on a dependency in the middle of its calls', () => {
  it('wedge nothing, and every call ends once', async () => {
    let acted = 0;
    let ended = 0;
    const body = fc.asyncProperty(
      fc.array(turn, { minLength: 3, maxLength: 12, size: 'max' }),
      fc.array(fc.option(fc.constantFrom(...ACTS), { nil: undefined }), {
        minLength: 20,
        maxLength: 200,
        size: 'max',
      }),
      fc.boolean(),
      // Which of the acts closes it, if one does.
      fc.option(fc.nat(150), { nil: undefined, freq: 2 }),
      async (turns, acts, isClosedInside, closingAct) => {
        const clock = new ManualClock();
        const left = [...acts];
        const callers: AbortController[] = [];
        const permits: Permit[] = [];
        const calls: Watched<unknown>[] = [];
        let depth = 0;
        let closing: Watched<void> | undefined;
        const act = (): void => {
          if (depth > 3) return;
          const next = left.shift();
          if (next === undefined) return;
          acted += 1;
          depth += 1;
          try {
            if (acts.length - left.length === closingAct)
              closing = watch(dependency.close());
            else next(life);
          } finally {
            depth -= 1;
          }
        };
        const dependency = createDependency(
          'payments',
          {
            hosts: HOSTS,
            timeoutMs: 20,
            abandonAfterMs: 5,
            circuit: FRAGILE,
            classify: () => act() as undefined,
            retry: {
              on: () => {
                act();
                return true;
              },
            },
            loadBalancer: {
              pick: (hosts) => {
                act();
                return hosts[0]!;
              },
            },
          },
          { clock, random: () => 0.5, onEvent: act },
        );
        const one = (
          isFailing = true,
          tookMs = 0,
          hasFallback = false,
          isHeeding = false,
        ): void => {
          const caller = new AbortController();
          callers.push(caller);
          calls.push(
            watch(
              dependency.execute(
                (call) => {
                  if (isHeeding) call.signal.addEventListener('abort', act);
                  act();
                  return after(clock, tookMs, () => {
                    if (isFailing) throw refusedConnection();
                    return 'fine';
                  });
                },
                {
                  signal: caller.signal,
                  ...(hasFallback && {
                    fallback: () => {
                      act();
                      return 'instead';
                    },
                  }),
                },
              ),
            ),
          );
        };
        const life: Life = { dependency, callers, permits, call: one, act };

        const seen = await unhandledDuring(async () => {
          for (const { calls: asked, waitMs } of turns) {
            for (const { isFailing, tookMs, hasFallback, isHeeding } of asked)
              one(isFailing, tookMs, hasFallback, isHeeding);
            act();
            await clock.advance(waitMs);
          }
          left.length = 0;
          for (const permit of permits.splice(0)) permit.ignore();
          // A source would have the clock wait for ever.
          dependency.configure({ hosts: HOSTS });
          if (isClosedInside) closing = watch(dependency.close());
          await clock.advance(30_000);
        });

        expect(seen).toEqual([]);
        for (const call of calls) expect(call.state).not.toBe('pending');
        expect(closing?.state).not.toBe('pending');
        ended += calls.length;
        expectRest({ clock, dependency });
        if (closing !== undefined) return;
        dependency.control('auto');
        dependency.control('auto', 'a');
        dependency.configure({
          hosts: HOSTS,
          loadBalancer: 'round-robin',
          retry: false,
          rateLimit: false,
          maxOpenPerNetloc: 1,
          maxQueuedPerNetloc: 0,
          circuit: { ...FRAGILE, resetTimeoutMs: 1 },
        });
        for (let each = 0; each < 30; each++) {
          for (const netloc of [undefined, 'a', 'b', 'c'])
            watch(dependency.execute(() => 'heals', { netloc }));
          await clock.advance(1_000);
        }
        for (const netloc of ['a', 'b', 'c'])
          expect(await dependency.execute(() => netloc, { netloc })).toBe(
            netloc,
          );
      },
    );
    await fc.assert(body, { numRuns: 200 });
    expect(acted).toBeGreaterThan(4_000);
    expect(ended).toBeGreaterThan(2_000);
  }, 240_000);
});
