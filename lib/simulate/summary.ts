/**
 * A simulation in a dozen figures.
 */
import type {
  Percentiles,
  SimulatedCallers,
  SimulatedSecond,
  Simulation,
} from '../simulation/contract.js';
import { troubleOf, type Trouble } from './weather.js';

export interface Summary {
  readonly started: number;
  /** Of all that ended and were not given up by their caller. */
  readonly callers: SimulatedCallers;
  readonly ended: number;
  /** Share that got an answer, a fallback's included. */
  readonly served: number | null;
  readonly succeeded: number | null;
  readonly attempts: number;
  readonly retries: number;
  readonly failedAttempts: number;
  /** Attempts per operation. */
  readonly amplification: number | null;
  readonly latencyMs: Percentiles | null;
  readonly worst: { readonly second: number; readonly served: number } | null;
  readonly openings: number;
  readonly trouble: Trouble | null;
  /** From the start of the trouble to the first circuit or host that opened. */
  readonly openedAfterMs: number | null;
  /** From the end of the trouble until all are closed and stay so. */
  readonly healedAfterMs: number | null;
  /** From the end of the trouble until 99 of 100 callers are served, to the end. */
  readonly wellAfterMs: number | null;
}

const WELL = 0.99;

/** Share of callers that got an answer; null where nobody went on, or only of their own will. */
export function servedOf(callers: SimulatedCallers): number | null {
  return share(callers.succeeded + callers.fallback, endedOf(callers));
}

/** Those who gave up themselves say nothing about the settings. */
export const endedOf = (callers: SimulatedCallers): number =>
  callers.succeeded +
  callers.fallback +
  callers.refused +
  callers.timedOut +
  callers.failed;

export function summaryOf(simulation: Simulation): Summary {
  const { totals, seconds, transitions } = simulation;
  const trouble = troubleOf(simulation.scenario);
  const { callers } = totals;
  const ended = endedOf(callers);
  return {
    started: totals.started,
    callers,
    ended,
    served: servedOf(callers),
    succeeded: share(callers.succeeded, ended),
    attempts: totals.attempts,
    retries: totals.retries,
    failedAttempts: seconds
      .flatMap(({ hosts }) => hosts)
      .reduce((sum, host) => sum + host.failures + host.throttled, 0),
    amplification: share(totals.attempts, totals.started),
    latencyMs: simulation.latencyMs,
    worst: worstOf(seconds),
    openings: transitions.filter(({ type }) => type === 'circuit.opened')
      .length,
    trouble,
    openedAfterMs: trouble && openedAfter(simulation, trouble.fromMs),
    healedAfterMs:
      trouble && trouble.toMs !== null
        ? healedAfter(simulation, trouble.toMs)
        : null,
    wellAfterMs:
      trouble && trouble.toMs !== null ? wellAfter(seconds, trouble) : null,
  };
}

function worstOf(seconds: readonly SimulatedSecond[]): Summary['worst'] {
  let worst: Summary['worst'] = null;
  for (const row of seconds) {
    const served = servedOf(row.callers);
    if (served !== null && served < (worst?.served ?? Infinity))
      worst = { second: row.second, served };
  }
  return worst;
}

const OPENING = new Set(['circuit.opened', 'host.out']);

function openedAfter(
  { transitions }: Simulation,
  fromMs: number,
): number | null {
  const first = transitions.find(
    ({ type, atMs }) => OPENING.has(type) && atMs >= fromMs,
  );
  return first === undefined ? null : first.atMs - fromMs;
}

function healedAfter(
  { transitions, seconds }: Simulation,
  toMs: number,
): number | null {
  const last = seconds.at(-1);
  const isHealed =
    last?.state === 'closed' &&
    last.hosts.every(({ state, isInService }) => {
      return isInService && state === 'closed';
    });
  if (!isHealed) return null;
  const changes = transitions.filter(
    ({ type }) => type === 'circuit.closed' || type === 'host.back',
  );
  const lastMs = changes.at(-1)?.atMs ?? toMs;
  return Math.max(0, lastMs - toMs);
}

function wellAfter(
  seconds: readonly SimulatedSecond[],
  { toMs }: Trouble,
): number | null {
  const endMs = toMs ?? 0;
  const after = seconds.filter(({ second }) => second * 1_000 >= endMs);
  const lastBad = after.findLast((row) => (servedOf(row.callers) ?? 1) < WELL);
  if (after.length === 0 || lastBad === after.at(-1)) return null;
  return lastBad === undefined ? 0 : (lastBad.second + 1) * 1_000 - endMs;
}

const share = (part: number, whole: number): number | null =>
  whole === 0 ? null : part / whole;
