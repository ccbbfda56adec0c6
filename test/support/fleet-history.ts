/** Histories of a dependency over several hosts. */
import fc from 'fast-check';
import type { CircuitMode } from '../../lib/circuit/circuit.js';
import { recoveries, type Recovery, type Verdict } from './circuit-history.js';
import { ruleSets, type RuleSet } from './rule-sets.js';

/** How an attempt ended; `retryAfter` is the header of a throttled answer. */
export interface FleetEnding {
  readonly verdict: Verdict;
  readonly retryAfter: string | undefined;
}

export type FleetStep =
  | {
      readonly act: 'wait';
      readonly ms: number | 'an opening' | 'a ramp' | 'a lease';
    }
  | {
      readonly act: 'call';
      readonly ending: FleetEnding;
      readonly tookMs: number;
      readonly times: number;
    }
  | { readonly act: 'ask each'; readonly sick: number; readonly times: number }
  | { readonly act: 'begin'; readonly pinned: number | undefined }
  | {
      readonly act: 'end';
      readonly which: number;
      readonly ending: FleetEnding;
    }
  | { readonly act: 'cancel'; readonly which: number }
  | { readonly act: 'control'; readonly mode: CircuitMode }
  | {
      readonly act: 'control one';
      readonly host: number;
      readonly mode: CircuitMode;
    };

export interface FleetPlan {
  readonly rules: RuleSet;
  readonly recovery: Recovery;
  readonly mostAskedMs: number | undefined;
  readonly hosts: number;
  readonly maxOutRatio: number;
  readonly resetTimeoutMs: number;
  readonly leaseMs: number;
  readonly loadBalancer:
    'round-robin' | 'random' | 'least-pending' | 'peak-ewma';
  readonly seed: number;
}

const ending: fc.Arbitrary<FleetEnding> = fc.record({
  verdict: fc.constantFrom<Verdict>(
    'success',
    'success',
    'failure',
    'failure',
    'failure',
    '429',
    '503',
  ),
  retryAfter: fc.constantFrom(undefined, '0', '1', '2', '2', 'soon'),
});
const which = fc.nat(9);
const act = <A extends FleetStep['act']>(name: A): fc.Arbitrary<A> =>
  fc.constant(name);
const weighed = (weight: number, arbitrary: fc.Arbitrary<FleetStep>) => ({
  weight,
  arbitrary,
});
const modes = ['auto', 'auto', 'metrics-only', 'forced-open', 'disabled'];

export const anyFleetStep: fc.Arbitrary<FleetStep> = fc.oneof(
  weighed(
    5,
    fc.record({
      act: act('wait'),
      ms: fc.oneof(
        fc.constantFrom(
          0,
          1,
          7,
          100,
          1_000,
          10_000,
          3_600_000,
          'an opening' as const,
          'an opening' as const,
          'a ramp' as const,
          'a lease' as const,
        ),
        fc.nat(2_000),
      ),
    }),
  ),
  weighed(
    4,
    fc.record({
      act: act('call'),
      ending,
      tookMs: fc.constantFrom(0, 0, 41, 101),
      times: fc.constantFrom(1, 2, 5, 12),
    }),
  ),
  weighed(
    4,
    fc.record({
      act: act('ask each'),
      // Bits of the hosts that fail.
      sick: fc.nat(31),
      times: fc.constantFrom(1, 3, 6),
    }),
  ),
  weighed(
    4,
    fc.record({
      act: act('begin'),
      pinned: fc.constantFrom(undefined, undefined, undefined, 0, 1, 2, 9),
    }),
  ),
  weighed(4, fc.record({ act: act('end'), which, ending })),
  weighed(1, fc.record({ act: act('cancel'), which })),
  weighed(
    1,
    fc.record({
      act: act('control'),
      mode: fc.constantFrom(...(modes as CircuitMode[])),
    }),
  ),
  weighed(
    1,
    fc.record({
      act: act('control one'),
      host: fc.nat(9),
      mode: fc.constantFrom(...(modes as CircuitMode[])),
    }),
  ),
);

export function fleetPlansOf(
  rules: readonly RuleSet[] = ruleSets,
  ways: readonly Recovery[] = recoveries,
): fc.Arbitrary<FleetPlan> {
  return fc.record({
    rules: fc.constantFrom(...rules),
    recovery: fc.constantFrom(...ways),
    mostAskedMs: fc.constantFrom(undefined, undefined, 700, 60_000),
    hosts: fc.integer({ min: 2, max: 5 }),
    maxOutRatio: fc.constantFrom(0.5, 0.5, 0.2, 0.34, 1),
    resetTimeoutMs: fc.constantFrom(100, 1_000, 10_000),
    leaseMs: fc.constantFrom(50, 700, 6_000),
    loadBalancer: fc.constantFrom(
      'round-robin' as const,
      'random' as const,
      'least-pending' as const,
      'peak-ewma' as const,
    ),
    seed: fc.integer(),
  });
}

export const anyFleetHistory = fc.array(anyFleetStep, {
  maxLength: 22,
  size: 'max',
});
