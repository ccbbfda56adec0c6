import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  anyHistory,
  plansOf,
  recoveryKinds,
  type Ending,
  type Plan,
} from '../support/circuit-history.js';
import { CircuitLife } from '../support/circuit-life.js';
import {
  anyFleetHistory,
  fleetPlansOf,
  type FleetPlan,
} from '../support/fleet-history.js';
import { FleetLife } from '../support/fleet-life.js';
import { partOf, PATIENCE_MS } from '../support/model-runs.js';
import { ruleKinds } from '../support/rule-sets.js';

const ASKS: readonly (readonly (number | undefined)[])[] = [
  [undefined],
  [700, 60_000],
];
const MODES = ['auto', 'metrics-only', 'disabled'] as const;

/** Longest that anything may take by itself. */
function longestOf({ settings, recovery, mostAskedMs = 0, leaseMs }: Plan) {
  const { maxMs, resetTimeoutMs, jitter } = settings;
  const isRamp = recovery.kind === 'ramp';
  return {
    openingMs: Math.max(
      Math.max(maxMs, resetTimeoutMs) * (1 + jitter),
      mostAskedMs,
    ),
    recoveryMs: isRamp ? recovery.recoveryMs : 0,
    graceMs: isRamp ? recovery.graceMs : 0,
    /** Askings until a recovery by probes is decided. */
    asks: isRamp ? 3 : recovery.calls + 2,
    leaseMs,
  };
}

describe.each(Object.entries(ruleKinds))('A circuit with %s', (_, rules) => {
  const ways = Object.values(recoveryKinds).flatMap((recoveries) =>
    ASKS.flatMap((asks) => MODES.map((mode) => ({ recoveries, asks, mode }))),
  );
  const density = fc.constantFrom(10, 40, 200);

  it(
    'ends closed and lets everybody through once its dependency is healthy',
    () => {
      for (const { recoveries, asks, mode } of ways)
        fc.assert(
          fc.property(
            plansOf(rules, recoveries, asks),
            anyHistory,
            density,
            (plan, steps, askings) => {
              const life = new CircuitLife(plan);
              for (const next of steps) life.take(next);
              life.circuit.control(mode, life.nowMs);
              life.isRoom = true;

              // A lease may hang or a grace run, an opening follow; old counts may open it once more.
              const longest = longestOf(plan);
              const boundMs =
                longest.leaseMs +
                longest.graceMs +
                2 * (longest.openingMs + longest.recoveryMs);
              const pauseMs = boundMs / askings;
              for (let at = 0; at < askings + 2 * longest.asks; at++) {
                life.ask({ verdict: 'success', tookMs: 0, askedMs: 0 });
                life.nowMs += pauseMs;
              }

              const state = mode === 'auto' ? 'closed' : mode;
              const { circuit } = life;
              expect(circuit.look(life.nowMs)).toEqual({ state });
              for (let each = 0; each < 20; each++)
                expect(
                  life.ask({ verdict: 'success', tookMs: 0, askedMs: 0 }),
                ).toBe(true);
              if (mode === 'auto') expect(circuit.tripped).toBeUndefined();
            },
          ),
          { numRuns: partOf(0.001) },
        );
    },
    PATIENCE_MS,
  );

  it(
    'lets somebody in again and again, whatever becomes of them',
    () => {
      const fate = fc.constantFrom<Ending | 'never back' | 'given back'>(
        'never back',
        'given back',
        { verdict: 'failure', tookMs: 0, askedMs: 0 },
        { verdict: '503', tookMs: 0, askedMs: 2_000 },
        { verdict: '429', tookMs: 0, askedMs: 100_000 },
      );
      for (const { recoveries, asks } of ways)
        fc.assert(
          fc.property(
            plansOf(rules, recoveries, asks),
            anyHistory,
            fate,
            (plan, steps, ending) => {
              const life = new CircuitLife(plan);
              for (const next of steps) life.take(next);
              life.circuit.control('auto', life.nowMs);

              const longest = longestOf(plan);
              // The rest of a ramp that let somebody in, an opening, and a ramp that lets in nobody.
              const mostMs =
                longest.leaseMs + longest.openingMs + 2 * longest.recoveryMs;
              const pauseMs = mostMs / 20;
              let lastMs = life.nowMs;
              for (let at = 0; at < 100; at++) {
                if (life.ask(ending)) lastMs = life.nowMs;
                // A moment before the end and a moment after the start of a ramp are missed.
                expect(life.nowMs - lastMs).toBeLessThanOrEqual(
                  mostMs + 3 * pauseMs,
                );
                life.nowMs += pauseMs;
              }
            },
          ),
          { numRuns: partOf(0.000_5) },
        );
    },
    PATIENCE_MS,
  );
});

describe.each(Object.entries(ruleKinds))('A dependency with %s', (_, rules) => {
  const ways = Object.values(recoveryKinds).flatMap((recoveries) =>
    [undefined, 700].flatMap((mostAskedMs) =>
      [0, 1, 2, 4].flatMap((hosts) =>
        MODES.map((mode) => ({ recoveries, mostAskedMs, hosts, mode })),
      ),
    ),
  );

  it(
    'ends closed with every host in service once it is healthy',
    () => {
      for (const { recoveries, mostAskedMs, hosts, mode } of ways) {
        const plans = fleetPlansOf(rules, recoveries).map(
          (plan): FleetPlan => ({ ...plan, mostAskedMs, hosts }),
        );
        const property = fc.property(
          plans,
          anyFleetHistory,
          fc.boolean(),
          fc.boolean(),
          (plan, steps, isOneKeptOut, arePinnedToo) => {
            const life = new FleetLife(plan);
            for (const next of steps) life.take(next);
            const kept = isOneKeptOut && hosts > 1 ? 0 : undefined;
            life.release(mode, kept);
            life.recover(arePinnedToo);

            const isClosed = mode === 'auto' ? 'closed' : mode;
            expect(life.dependency.snapshot().state).toBe(isClosed);
            const out = life.dependency
              .snapshot()
              .hosts.filter(({ inService }) => !inService)
              // A peer that nobody is pinned to is asked by nobody.
              .filter(({ pinned }) => arePinnedToo || pinned !== true);
            expect(out.map(({ netloc }) => netloc)).toEqual(
              kept === undefined ? [] : ['h0:80'],
            );
            expect(life.refusals(20 * (hosts + 1))).toEqual([]);
          },
        );
        fc.assert(property, { numRuns: partOf(0.000_1) });
      }
    },
    PATIENCE_MS,
  );
});
