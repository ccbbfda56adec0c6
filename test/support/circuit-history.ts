/** Histories of one circuit: what may happen to it, in words of its own times. */
import fc from 'fast-check';
import type { CircuitMode } from '../../lib/circuit/circuit.js';
import {
  probes,
  ramp,
  type ProbesRecovery,
  type RampRecovery,
} from '../../lib/circuit/recovery.js';
import type { ModelSettings } from './circuit-model.js';
import type { ModelCounts } from './model-rules.js';
import { ruleSets, type RuleSet } from './rule-sets.js';

export type Recovery = ProbesRecovery | RampRecovery;

/** What callers expect at most. */
export const EXPECTED_MS = 100;

export type Verdict = 'success' | 'failure' | '429' | '503';

/** How an attempt ended; `askedMs` is what a throttled answer asks for. */
export interface Ending {
  readonly verdict: Verdict;
  readonly tookMs: number;
  readonly askedMs: number;
}

export type Span =
  | number
  | 'a bucket'
  | 'most of the window'
  | 'the window'
  | 'an opening'
  | 'nearly an opening'
  | 'a lease'
  | 'nearly a lease'
  | 'a ramp'
  | 'half a ramp'
  | 'nearly a ramp'
  | 'the grace'
  | 'an hour';

export type Step =
  | { readonly act: 'wait'; readonly span: Span }
  | { readonly act: 'call'; readonly ending: Ending; readonly times: number }
  | { readonly act: 'begin' }
  | { readonly act: 'borrow' }
  | { readonly act: 'end'; readonly which: number; readonly ending: Ending }
  | { readonly act: 'cancel'; readonly which: number }
  | { readonly act: 'renew'; readonly which: number }
  | { readonly act: 'control'; readonly mode: CircuitMode }
  | { readonly act: 'make room'; readonly isRoom: boolean }
  | { readonly act: 'peers'; readonly peers: ModelCounts | undefined }
  | { readonly act: 'start afresh' }
  | { readonly act: 'only look' };

export interface Plan {
  readonly rules: RuleSet;
  readonly recovery: Recovery;
  readonly settings: Omit<ModelSettings, 'rules' | 'recovery'>;
  /** Undefined = `openOnRetryAfter` is off. */
  readonly mostAskedMs: number | undefined;
  readonly leaseMs: number;
  readonly seed: number;
}

const ending: fc.Arbitrary<Ending> = fc.record({
  verdict: fc.constantFrom<Verdict>(
    'success',
    'success',
    'failure',
    'failure',
    'failure',
    '429',
    '503',
  ),
  tookMs: fc.constantFrom(0, 0, 40, 41, EXPECTED_MS, EXPECTED_MS + 1, 5_000),
  askedMs: fc.constantFrom(0, 1, 300, 2_000, 100_000),
});
const which = fc.nat(9);

const weighed = (
  weight: number,
  arbitrary: fc.Arbitrary<Step>,
): { weight: number; arbitrary: fc.Arbitrary<Step> } => ({ weight, arbitrary });
const act = <A extends Step['act']>(name: A): fc.Arbitrary<A> =>
  fc.constant(name);

export const anyStep: fc.Arbitrary<Step> = fc.oneof(
  weighed(
    5,
    fc.record({
      act: act('wait'),
      span: fc.oneof(
        fc.constantFrom<Span>(
          0,
          1,
          'a bucket',
          'most of the window',
          'the window',
          'an opening',
          'an opening',
          'nearly an opening',
          'a lease',
          'nearly a lease',
          'a ramp',
          'half a ramp',
          'nearly a ramp',
          'the grace',
          'an hour',
        ),
        fc.nat(2_000),
      ),
    }),
  ),
  weighed(
    5,
    fc.record({
      act: act('call'),
      ending,
      times: fc.constantFrom(1, 1, 2, 3, 5, 11),
    }),
  ),
  weighed(5, fc.constant({ act: 'begin' })),
  weighed(4, fc.record({ act: act('end'), which, ending })),
  weighed(1, fc.record({ act: act('cancel'), which })),
  weighed(1, fc.record({ act: act('renew'), which })),
  weighed(
    1,
    fc.record({
      act: act('control'),
      mode: fc.constantFrom<CircuitMode>(
        'auto',
        'auto',
        'auto',
        'forced-open',
        'metrics-only',
        'disabled',
      ),
    }),
  ),
  weighed(
    1,
    fc.record({
      act: act('make room'),
      isRoom: fc.constantFrom(true, true, false),
    }),
  ),
  weighed(
    1,
    fc.record({
      act: act('peers'),
      peers: fc.constantFrom(
        undefined,
        { calls: 2, failures: 0, slow: 0, failureRatio: 0 },
        { calls: 40, failures: 2, slow: 9, failureRatio: 0.05 },
        { calls: 10, failures: 9, slow: 9, failureRatio: 0.9 },
      ),
    }),
  ),
  weighed(1, fc.constant({ act: 'borrow' })),
  weighed(1, fc.constant({ act: 'start afresh' })),
  weighed(1, fc.constant({ act: 'only look' })),
);

/** Of every kind of recovery several. */
export const recoveryKinds: Readonly<Record<string, readonly Recovery[]>> = {
  'one probe': [probes()],
  'several probes': [
    probes({ calls: 3, successes: 1 }),
    probes({ calls: 3, successes: 2 }),
    probes({ calls: 2, successes: 2 }),
    probes({ calls: 5, successes: 3 }),
  ],
  'a ramp': [
    ramp({ recoveryMs: 1_000, minimumCalls: 3 }),
    ramp({ recoveryMs: 10_000 }),
  ],
  'a ramp without grace': [
    ramp({ recoveryMs: 1_000, graceMs: 0, minimumCalls: 2 }),
    ramp({ recoveryMs: 70, graceMs: 0 }),
  ],
  'a ramp with a long grace': [
    ramp({ recoveryMs: 300, graceMs: 20_000, minimumCalls: 4 }),
  ],
  'a ramp that forgives little': [
    ramp({ recoveryMs: 1_000, graceMs: 500, ratio: 0.1, minimumCalls: 1 }),
    ramp({ recoveryMs: 2_000, ratio: 0.25, minimumCalls: 2 }),
  ],
  'a ramp that forgives much': [
    ramp({ recoveryMs: 1_000, graceMs: 700, ratio: 1, minimumCalls: 2 }),
    ramp({ recoveryMs: 500, ratio: 0.9, minimumCalls: 6 }),
  ],
};

export const recoveries = Object.values(recoveryKinds).flat();

/** Plans of some rules and some recoveries, everything else as it comes. */
export function plansOf(
  rules: readonly RuleSet[] = ruleSets,
  ways: readonly Recovery[] = recoveries,
  asks: readonly (number | undefined)[] = [undefined, undefined, 700, 60_000],
): fc.Arbitrary<Plan> {
  return fc
    .record({
      rules: fc.constantFrom(...rules),
      recovery: fc.constantFrom(...ways),
      resetTimeoutMs: fc.constantFrom(1, 100, 1_000, 10_000),
      factor: fc.constantFrom(1, 1, 2, 1.5),
      maxMs: fc.constantFrom(60_000, 3_000),
      jitter: fc.constantFrom(0, 0, 0.5),
      mostAskedMs: fc.constantFrom(...asks),
      leaseMs: fc.constantFrom(1, 50, 700, 6_000),
      seed: fc.integer(),
    })
    .map(({ resetTimeoutMs, factor, maxMs, jitter, ...plan }) => ({
      ...plan,
      settings: { resetTimeoutMs, factor, maxMs, jitter },
    }));
}

export const anyHistory = fc.array(anyStep, { maxLength: 25, size: 'max' });
