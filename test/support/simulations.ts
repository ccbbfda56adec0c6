/**
 * Simulations written by hand, second by second.
 */
import type {
  ScenarioRecord,
  SimulatedCallers,
  SimulatedHostSecond,
  SimulatedSecond,
  SimulatedTransition,
  Simulation,
} from '../../lib/simulation/contract.js';
import type { Run } from '../../lib/simulate/run.js';
import { summaryOf } from '../../lib/simulate/summary.js';

const NOBODY: SimulatedCallers = {
  succeeded: 0,
  fallback: 0,
  refused: 0,
  timedOut: 0,
  failed: 0,
  cancelled: 0,
};

export interface SecondByHand {
  readonly callers?: Partial<SimulatedCallers>;
  readonly hosts?: readonly Partial<SimulatedHostSecond>[];
  readonly state?: SimulatedSecond['state'];
}

export interface SimulationByHand {
  readonly seconds: readonly SecondByHand[];
  readonly scenario?: Partial<ScenarioRecord>;
  readonly transitions?: readonly SimulatedTransition[];
  readonly hosts?: readonly string[];
}

const PERCENTILES = { p50: 20, p90: 40, p99: 80, max: 100 };

function secondByHand(
  { callers, hosts = [{}], state = 'closed' }: SecondByHand,
  second: number,
): SimulatedSecond {
  const all = { ...NOBODY, ...callers };
  const attempts = hosts.reduce((sum, host) => sum + (host.attempts ?? 0), 0);
  return {
    second,
    started: sumOf(all),
    succeeded: all.succeeded,
    failed: all.failed + all.timedOut,
    refused: all.refused,
    cancelled: all.cancelled,
    timedOut: all.timedOut,
    fallbacks: all.fallback,
    attempts,
    retries: 0,
    callers: all,
    latencyMs: PERCENTILES,
    state,
    hosts: hosts.map((host) => ({
      attempts: 0,
      failures: 0,
      throttled: 0,
      inFlight: 0,
      waiting: 0,
      state: 'closed',
      isInService: true,
      ...host,
    })),
  };
}

const sumOf = (callers: SimulatedCallers): number =>
  Object.values(callers).reduce((sum: number, value: number) => sum + value, 0);

/** What is not given is as if nothing had happened. */
export function simulationByHand({
  seconds: given,
  scenario,
  transitions = [],
  hosts = ['upstream'],
}: SimulationByHand): Simulation {
  const seconds = given.map(secondByHand);
  const sum = (valueOf: (row: SimulatedSecond) => number): number =>
    seconds.reduce((total, row) => total + valueOf(row), 0);
  const callers = Object.fromEntries(
    Object.keys(NOBODY).map((key) => [
      key,
      sum((row) => row.callers[key as keyof SimulatedCallers]),
    ]),
  ) as unknown as SimulatedCallers;
  return {
    scenario: { seconds: seconds.length, ...scenario },
    seed: 1,
    hosts,
    seconds,
    totals: {
      started: sum((row) => row.started),
      succeeded: callers.succeeded,
      failed: callers.failed + callers.timedOut,
      refused: callers.refused,
      cancelled: callers.cancelled,
      unfinished: 0,
      timedOut: callers.timedOut,
      fallbacks: callers.fallback,
      attempts: sum((row) => row.attempts),
      retries: 0,
      callers,
    },
    latencyMs: PERCENTILES,
    transitions,
  };
}

/** A column of a report. */
export function runByHand(
  simulation: Simulation,
  written: unknown = {},
  label = simulation.scenario.name ?? 'by hand',
): Run {
  return {
    setting: {
      label,
      scenario: { seconds: simulation.seconds.length },
      written,
    },
    simulation,
    summary: summaryOf(simulation),
  };
}
