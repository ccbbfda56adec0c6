import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Permit } from '../../lib/dependency/guard.js';
import { seededRandom } from '../support/chance.js';
import { recoveryKinds } from '../support/circuit-history.js';
import {
  anyFleetHistory,
  fleetPlansOf,
  type FleetPlan,
} from '../support/fleet-history.js';
import {
  dependencyOf,
  FleetPair,
  netlocOf,
  tryAcquire,
} from '../support/fleet-pair.js';
import { HandClock } from '../support/hand-clock.js';
import { partOf, PATIENCE_MS } from '../support/model-runs.js';
import { ruleKinds } from '../support/rule-sets.js';

/** Compares dependencies to their model; in how many histories what occurred. */
function compareIn(
  plans: fc.Arbitrary<FleetPlan>,
  numRuns: number,
): (what: string) => number {
  const met = new Map<string, number>();
  fc.assert(
    fc.property(plans, anyFleetHistory, (planned, steps) => {
      const pair = new FleetPair(planned);
      const seen = new Set<string>();
      for (const next of steps) {
        pair.take(next);
        const waits = pair.model.serving.some(
          ({ mode, tripped }) => mode === 'auto' && tripped !== undefined,
        );
        if (waits) seen.add('a host that waits for room');
      }
      const { above, hosts } = pair.model;
      const changes = above.events.map(({ change }) => change);
      const isOut = hosts.some(({ events }) => events.length > 0);
      if (isOut) seen.add('a host out');
      for (const what of [...changes, ...pair.tripped]) seen.add(what);
      for (const what of seen) met.set(what, (met.get(what) ?? 0) + 1);
    }),
    { numRuns },
  );
  return (what) => met.get(what) ?? 0;
}

/** The histories are worth comparing: each of these occurs in many of them. */
const OCCURS = [
  'opened',
  'half-opened',
  'closed',
  'a host out',
  'a host that waits for room',
];

/** An outlier has no peers over one circuit alone; in a mix others mostly come before it. */
const SHARES: Readonly<Record<string, number>> = { outlier: 1, 'a mix': 0.3 };

describe('A dependency does what lists of everything that happened to each host would do', () => {
  it.each(Object.entries(ruleKinds))(
    'with %s',
    (kind, rules) => {
      const runs = partOf(SHARES[kind] ?? 0.06);
      const times = compareIn(fleetPlansOf(rules), runs);

      const names = rules.flatMap(({ model }) => model.map(({ name }) => name));
      for (const what of new Set([...names, ...OCCURS]))
        expect(times(what), what).toBeGreaterThan(runs / 200);
    },
    PATIENCE_MS,
  );

  it.each(Object.entries(recoveryKinds))(
    'with %s',
    (_, ways) => {
      const runs = partOf(0.06);
      const times = compareIn(fleetPlansOf(undefined, ways), runs);

      for (const what of [...OCCURS, 'retryAfter'])
        expect(times(what), what).toBeGreaterThan(runs / 200);
    },
    PATIENCE_MS,
  );
});

/** Rules that ask of every host, and the default. */
const AT_EVERY_HOST = [
  'the default rules',
  'failureRatio over the last calls',
  'errorCount over the last calls',
  'slowRatio with slowMs over the last calls',
  'consecutiveFailures',
  'firstFailure',
];

describe('A dependency with one dead host of four', () => {
  const order = fc.array(
    fc.record({
      starts: fc.nat(6),
      ends: fc.array(fc.nat(20), { maxLength: 6 }),
      waitMs: fc.constantFrom(0, 1, 50, 900, 11_000),
    }),
    { minLength: 20, maxLength: 60, size: 'max' },
  );

  it.each(AT_EVERY_HOST)(
    'never opens, whatever the balancer and the order of answers, with %s',
    (kind) => {
      const plans = fleetPlansOf(ruleKinds[kind]);
      fc.assert(
        fc.property(plans, order, fc.nat(3), (planned, turns, dead) => {
          const clock = new HandClock();
          const of = { ...planned, hosts: 4, maxOutRatio: 0.5 };
          const random = seededRandom(planned.seed);
          const dependency = dependencyOf(of, clock, random);
          const running: Permit[] = [];
          for (const { starts, ends, waitMs } of turns) {
            for (let each = 0; each < starts; each++) {
              const permit = tryAcquire(dependency);
              if (permit instanceof Error) throw permit;
              running.push(permit);
            }
            for (const end of ends) {
              const [permit] = running.splice(end % (running.length || 1), 1);
              if (permit?.netloc === netlocOf(dead)) permit.failure();
              // Late answers of the healthy would be no fault of the dead one.
              else permit?.ignore();
            }
            for (let each = 0; each < ends.length; each++) {
              const permit = tryAcquire(dependency);
              if (permit instanceof Error) throw permit;
              if (permit.netloc === netlocOf(dead)) permit.failure();
              else permit.success();
            }
            clock.timeMs += waitMs;
            expect(dependency.snapshot().state).toBe('closed');
          }
        }),
        { numRuns: partOf(0.02) },
      );
    },
    PATIENCE_MS,
  );
});

describe('A dependency with a fault that all its hosts share', () => {
  it.each([
    ...AT_EVERY_HOST.filter((kind) => !kind.startsWith('slow')),
    'failureRatio over a span',
    'errorCount over a span',
  ])(
    'opens, with %s',
    (kind) => {
      fc.assert(
        fc.property(fleetPlansOf(ruleKinds[kind]), (planned) => {
          const clock = new HandClock();
          const random = seededRandom(planned.seed);
          const dependency = dependencyOf(planned, clock, random);
          const most = 40 * planned.hosts;
          let asked = 0;
          for (; asked < most; asked++) {
            const permit = tryAcquire(dependency);
            if (permit instanceof Error) break;
            permit.failure();
          }

          expect(asked).toBeLessThan(most);
          expect(dependency.snapshot().state).toBe('open');
        }),
        { numRuns: partOf(0.02) },
      );
    },
    PATIENCE_MS,
  );
});
