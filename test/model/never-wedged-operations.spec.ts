import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CircuitMode } from '../../lib/circuit/circuit.js';
import {
  createDependency,
  type Dependency,
} from '../../lib/dependency/dependency.js';
import { ManualClock } from '../../lib/testing/manual-clock.js';
import { seededRandom } from '../support/chance.js';
import { recoveries } from '../support/circuit-history.js';
import { partOf, PATIENCE_MS } from '../support/model-runs.js';
import { ruleKinds, type RuleSet } from '../support/rule-sets.js';

/** What a call's work does; times are longer than its attempt may take, or shorter. */
type Work =
  'well' | 'badly' | 'slowly' | 'too slowly' | 'never' | 'told to wait';

type Step =
  | { readonly act: 'wait'; readonly ms: number }
  | {
      readonly act: 'execute';
      readonly work: Work;
      readonly times: number;
      readonly netloc: string | undefined;
    }
  | { readonly act: 'cancel' }
  | { readonly act: 'control'; readonly mode: CircuitMode }
  | {
      readonly act: 'control one';
      readonly netloc: string;
      readonly mode: CircuitMode;
    };

const ATTEMPT_MS = 200;
const ABANDON_MS = 3_000;
const MODES = ['auto', 'metrics-only', 'disabled'] as const;
const netlocOf = (host: number): string => `h${host}:80`;
const PEER = 'peer:80';

const netloc = fc.constantFrom(PEER, netlocOf(0), netlocOf(1));
const anyMode = fc.constantFrom<CircuitMode>('auto', 'forced-open', ...MODES);
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      act: fc.constant('wait' as const),
      ms: fc.constantFrom(0, 1, 50, ATTEMPT_MS, 1_000, 11_000),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      act: fc.constant('execute' as const),
      work: fc.constantFrom<Work>(
        'well',
        'badly',
        'badly',
        'slowly',
        'too slowly',
        'never',
        'told to wait',
      ),
      times: fc.constantFrom(1, 3, 12),
      netloc: fc.option(netloc, { nil: undefined, freq: 2 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ act: 'cancel' as const }) },
  {
    weight: 1,
    arbitrary: fc.record({
      act: fc.constant('control' as const),
      mode: anyMode,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      act: fc.constant('control one' as const),
      netloc,
      mode: anyMode,
    }),
  },
);

const plansOf = (rules: readonly RuleSet[]) =>
  fc.record({
    rules: fc.constantFrom(...rules),
    recovery: fc.constantFrom(...recoveries),
    asked: fc.constantFrom<false | { maxMs: number }>(false, { maxMs: 5_000 }),
    hosts: fc.constantFrom(0, 1, 2, 4),
    resetTimeoutMs: fc.constantFrom(100, 2_000),
    factor: fc.constantFrom(1, 2),
    seed: fc.integer(),
  });
type Plan =
  ReturnType<typeof plansOf> extends fc.Arbitrary<infer P> ? P : never;

/** A dependency whose callers really wait, on a clock held in the hand. */
class Traffic {
  readonly clock = new ManualClock();
  readonly dependency: Dependency;
  private cancelling = new AbortController();

  constructor(readonly plan: Plan) {
    const { rules, recovery, asked, resetTimeoutMs, factor } = plan;
    this.dependency = createDependency(
      'payments',
      {
        ...(plan.hosts > 0 && {
          hosts: Array.from({ length: plan.hosts }, (_, at) => netlocOf(at)),
        }),
        timeoutMs: 2 * ATTEMPT_MS,
        attemptTimeoutMs: ATTEMPT_MS,
        abandonAfterMs: ABANDON_MS,
        expectedInMs: 50,
        retry: { attempts: 2, onTimeout: true },
        circuit: {
          trip: rules.written,
          recovery,
          resetTimeoutMs,
          resetBackoff: { factor, maxMs: 4_000, jitter: 0.5 },
          openOnRetryAfter: asked,
        },
      },
      { clock: this.clock, random: seededRandom(plan.seed) },
    );
  }

  async take(next: Step): Promise<void> {
    switch (next.act) {
      case 'wait':
        return this.clock.advance(next.ms);
      case 'execute':
        for (let each = 0; each < next.times; each++)
          void this.execute(next.work, next.netloc);
        return;
      case 'cancel':
        this.cancelling.abort(new Error('the caller has left'));
        this.cancelling = new AbortController();
        return;
      case 'control':
        return this.dependency.control(next.mode);
      case 'control one':
        return this.dependency.control(next.mode, next.netloc);
    }
  }

  /** 'done', or the code of what refused or ended it. */
  async execute(work: Work, netlocOrNone?: string): Promise<string> {
    try {
      await this.dependency.execute(() => this.answer(work), {
        netloc: netlocOrNone,
        signal: this.cancelling.signal,
      });
      return 'done';
    } catch (error) {
      return (error as { code?: string }).code ?? 'failed';
    }
  }

  /** The operator lets go, and everybody is asked regularly for as long as anything may take. */
  async recover(mode: CircuitMode, arePinnedToo: boolean): Promise<void> {
    const { plan, dependency, clock } = this;
    for (const each of this.netlocs) dependency.control('auto', each);
    dependency.control(mode);
    const { recovery } = plan;
    const isRamp = recovery.kind === 'ramp';
    const rampMs = isRamp ? recovery.recoveryMs + recovery.graceMs : 0;
    // What never ends gives its permit back; leases hang; old counts may open it once more.
    const boundMs = ABANDON_MS + 3 * (ATTEMPT_MS + 1_000 + 6_000 + rampMs);
    const asks = (plan.hosts + 1) * (isRamp ? 3 : recovery.calls);
    for (let turn = 0; turn < 30; turn++) {
      for (let each = 0; each < asks; each++) void this.execute('well');
      for (const each of arePinnedToo ? this.netlocs : [])
        for (let at = 0; at < asks; at++) void this.execute('well', each);
      await clock.advance(boundMs / 30);
    }
  }

  get netlocs(): string[] {
    const { hosts } = this.plan;
    const listed = Array.from({ length: hosts }, (_, at) => netlocOf(at));
    return [...new Set([PEER, netlocOf(0), netlocOf(1), ...listed])];
  }

  private answer(work: Work): Promise<string> | string {
    switch (work) {
      case 'well':
        return work;
      case 'badly':
        throw new Error('down');
      case 'told to wait':
        throw Object.assign(new Error('503'), {
          status: 503,
          headers: { 'retry-after': '3' },
        });
      case 'never':
        return new Promise(() => {});
      case 'slowly':
        return this.after(60);
      default:
        return this.after(ATTEMPT_MS + 50);
    }
  }

  private after(ms: number): Promise<string> {
    return new Promise((resolve) => {
      this.clock.alarm(() => resolve('late')).set(this.clock.nowMs() + ms);
    });
  }
}

const history = fc.array(anyStep, { maxLength: 20, size: 'max' });

describe('A dependency with waiting callers', () => {
  it.each(Object.entries(ruleKinds))(
    'lets everybody through once it is healthy, with %s',
    async (_, rules) => {
      await fc.assert(
        fc.asyncProperty(
          plansOf(rules),
          history,
          fc.constantFrom(...MODES),
          fc.boolean(),
          async (plan, steps, mode, arePinnedToo) => {
            const traffic = new Traffic(plan);
            for (const next of steps) await traffic.take(next);
            await traffic.recover(mode, arePinnedToo);

            const { dependency, netlocs } = traffic;
            const shown = dependency.snapshot();
            expect(shown.state).toBe(mode === 'auto' ? 'closed' : mode);
            // A peer that nobody is pinned to is asked by nobody.
            const asked = shown.hosts.filter(
              ({ pinned }) => arePinnedToo || pinned !== true,
            );
            expect(asked.filter((host) => !host.inService)).toEqual([]);
            expect({
              inFlight: shown.inFlight,
              abandoned: shown.abandoned,
              queued: shown.queued,
            }).toEqual({ inFlight: 0, abandoned: 0, queued: 0 });
            const everywhere = arePinnedToo ? netlocs : [];
            for (const pinned of [undefined, undefined, ...everywhere])
              expect(await traffic.execute('well', pinned)).toBe('done');
          },
        ),
        { numRuns: partOf(0.002) },
      );
    },
    PATIENCE_MS,
  );
});
