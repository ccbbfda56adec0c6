import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  anyHistory,
  plansOf,
  recoveryKinds,
  type Plan,
} from '../support/circuit-history.js';
import { CircuitPair } from '../support/circuit-pair.js';
import { HISTORIES, PATIENCE_MS } from '../support/model-runs.js';
import { ruleKinds } from '../support/rule-sets.js';

/** Compares the circuit to its model in so many histories; in how many of them what occurred. */
function compareIn(plans: fc.Arbitrary<Plan>): (what: string) => number {
  const met = new Map<string, number>();
  fc.assert(
    fc.property(plans, anyHistory, (planned, steps) => {
      const pair = new CircuitPair(planned);
      for (const next of steps) pair.take(next);
      const changes = pair.model.events.map(({ change }) => change);
      for (const what of new Set([...changes, ...pair.tripped]))
        met.set(what, (met.get(what) ?? 0) + 1);
    }),
    { numRuns: HISTORIES },
  );
  return (what) => met.get(what) ?? 0;
}

/** The histories are worth comparing: each transition occurs in many of them. */
function expectEveryChange(times: (what: string) => number): void {
  for (const change of ['opened', 'half-opened', 'closed', 'would-open'])
    expect(times(change), change).toBeGreaterThan(HISTORIES / 200);
}

describe('A circuit does what a list of everything that happened would do', () => {
  it.each(Object.entries(ruleKinds))(
    'with %s',
    (_, rules) => {
      const times = compareIn(plansOf(rules));

      expectEveryChange(times);
      const names = rules.flatMap(({ model }) => model.map(({ name }) => name));
      for (const name of new Set(names))
        expect(times(name), name).toBeGreaterThan(HISTORIES / 1_000);
    },
    PATIENCE_MS,
  );

  it.each(Object.entries(recoveryKinds))(
    'with %s',
    (_, ways) => {
      expectEveryChange(compareIn(plansOf(undefined, ways)));
    },
    PATIENCE_MS,
  );

  it(
    'where throttled answers open it',
    () => {
      const times = compareIn(
        plansOf(undefined, undefined, [1, 700, 5_000, 60_000]),
      );

      expectEveryChange(times);
      expect(times('retryAfter')).toBeGreaterThan(HISTORIES / 5);
    },
    PATIENCE_MS,
  );
});
