/**
 * Listeners, `classify`, `retry.on`, rules, balancers, sources, work that is cut and fallbacks that
 * act on their own dependency in the middle of a call or of a change: change options, take hosts
 * out, call, take permits, abort the caller, close. Whatever they do, every operation ends once and
 * nothing stays taken.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDependency, type Call, type Permit } from '../../lib/core.js';
import type { Attempt } from '../../lib/dependency/attempt.js';
import type { ExecuteHooks } from '../../lib/dependency/call-settings.js';
import { ManualClock } from '../../lib/testing/manual-clock.js';
import { ACTS, FRAGILE, HOSTS, type Life } from '../support/acts.js';
import {
  after,
  expectRest,
  refusedConnection,
  thenable,
  unhandledDuring,
  watch,
  type Watched,
} from '../support/core-toolkit.js';

/** One call, and where in it code of the user's runs besides. */
interface Manner {
  readonly isFailing: boolean;
  readonly tookMs: number;
  readonly hasFallback: boolean;
  readonly isHeeding: boolean;
  /** A body is read beside the work, and hears when it is dropped. */
  readonly hasBody: boolean;
  readonly isThenable: boolean;
  /** A framework frames it. */
  readonly isFramed: boolean;
  readonly netloc: string | undefined;
}

const USUAL: Manner = {
  isFailing: true,
  tookMs: 0,
  hasFallback: false,
  isHeeding: false,
  hasBody: false,
  isThenable: false,
  isFramed: false,
  netloc: undefined,
};

const rarely = fc.constantFrom(false, false, true);
const turn = fc.record({
  calls: fc.array(
    fc.record<Manner>({
      isFailing: fc.boolean(),
      tookMs: fc.constantFrom(0, 0, 2, 9),
      hasFallback: fc.boolean(),
      isHeeding: fc.boolean(),
      hasBody: rarely,
      isThenable: rarely,
      isFramed: rarely,
      netloc: fc.constantFrom(undefined, undefined, undefined, 'a', 'd'),
    }),
    { maxLength: 5 },
  ),
  waitMs: fc.constantFrom(0, 1, 2, 5, 30, 1_100),
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
        const closings: Watched<void>[] = [];
        const cancels: ((reason: unknown) => void)[] = [];
        const attempts: Call[] = [];
        const act = (): void => {
          if (depth > 3) return;
          const next = left.shift();
          if (next === undefined) return;
          acted += 1;
          depth += 1;
          try {
            if (acts.length - left.length === closingAct)
              closings.push(watch(dependency.close()));
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
        const failure = (): Error =>
          Object.defineProperty(refusedConnection(), 'name', {
            get: () => {
              act();
              return 'Refused';
            },
          });
        const work = (call: Call, manner: Manner): unknown => {
          attempts.push(call);
          if (manner.isHeeding) call.signal.addEventListener('abort', act);
          if (manner.hasBody) (call as Attempt).holdPermit?.(act, () => 0);
          act();
          const done = after(clock, manner.tookMs, () => {
            if (manner.isFailing) throw failure();
            return 'fine';
          });
          if (!manner.isThenable) return done;
          return thenable((yes, no) => {
            act();
            return done.then(yes, no);
          });
        };
        const hooks: ExecuteHooks = {
          onStart: (cancel) => {
            cancels.push(cancel);
            act();
          },
          isAnswered: () => {
            act();
            return false;
          },
          onAnswer: (value) => {
            act();
            return value;
          },
        };
        const one = (manner: Manner): void => {
          const caller = new AbortController();
          callers.push(caller);
          const fallback = (): string => {
            act();
            return 'instead';
          };
          const options = {
            signal: caller.signal,
            netloc: manner.netloc,
            ...(manner.hasFallback && { fallback }),
          };
          calls.push(
            watch(
              dependency.executeWith<unknown, unknown>(
                (call) => work(call, manner),
                options,
                manner.isFramed ? hooks : undefined,
              ),
            ),
          );
        };
        const life: Life = {
          dependency,
          callers,
          permits,
          cancels,
          attempts,
          call: () => one(USUAL),
          closeAgain: () => {
            if (closings.length > 0) closings.push(watch(dependency.close()));
          },
          act,
        };

        const seen = await unhandledDuring(async () => {
          for (const { calls: asked, waitMs } of turns) {
            for (const manner of asked) one(manner);
            act();
            await clock.advance(waitMs);
          }
          left.length = 0;
          for (const permit of permits.splice(0)) permit.ignore();
          // A source would have the clock wait for ever.
          dependency.configure({ hosts: HOSTS });
          dependency.configure({ enabled: true });
          if (isClosedInside) closings.push(watch(dependency.close()));
          await clock.advance(30_000);
        });

        expect(seen).toEqual([]);
        for (const call of calls) expect(call.state).not.toBe('pending');
        for (const closing of closings) expect(closing.state).toBe('fulfilled');
        ended += calls.length;
        expectRest({ clock, dependency });
        if (closings.length > 0) return;
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
