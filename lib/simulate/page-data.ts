/**
 * What the charts draw, as columns of numbers.
 */
import type { Simulation, SimulatedSecond } from '../simulation/contract.js';
import type { Run } from './run.js';
import { stateRows, type StateRow } from './spans.js';
import { endedOf, servedOf } from './summary.js';
import { troubleOf, type Trouble } from './weather.js';

type Column = readonly (number | null)[];

export interface ChartSeries {
  readonly name: string;
  readonly values: Column;
}

/** Keep in step with what `page/charts.js` reads. */
export interface RunData {
  readonly seconds: number;
  readonly trouble: Trouble | null;
  readonly callers: readonly ChartSeries[];
  readonly served: readonly ChartSeries[];
  readonly latency: readonly ChartSeries[];
  readonly attempts: readonly ChartSeries[];
  readonly failures: readonly ChartSeries[];
  readonly states: readonly StateRow[];
}

export const CALLER_SERIES = [
  ['succeeded', 'succeeded'],
  ['fallback', 'fallback'],
  ['refused', 'refused'],
  ['timedOut', 'timed out'],
  ['failed', 'failed'],
] as const;

export function runData({ simulation }: Run): RunData {
  const { seconds, hosts } = simulation;
  const perHost = (
    valueOf: (host: SimulatedSecond['hosts'][number]) => number,
  ): ChartSeries[] =>
    hosts.map((name, index) => ({
      name,
      values: seconds.map((row) => valueOf(row.hosts[index]!)),
    }));
  return {
    seconds: seconds.length,
    trouble: troubleOf(simulation.scenario),
    callers: CALLER_SERIES.map(([key, name]) => ({
      name,
      values: seconds.map(({ callers }) => callers[key]),
    })),
    served: [{ name: 'served', values: seconds.map(servedPercent) }],
    latency: (['p50', 'p90', 'p99'] as const).map((key) => ({
      name: key,
      values: seconds.map(({ latencyMs }) => rounded(latencyMs?.[key] ?? null)),
    })),
    attempts: perHost((host) => host.attempts),
    failures: perHost((host) => host.failures + host.throttled),
    states: stateRows(simulation),
  };
}

const servedPercent = (row: SimulatedSecond): number | null => {
  const served = servedOf(row.callers);
  return served === null ? null : rounded(served * 100);
};

const rounded = <T extends number | null>(value: T): T =>
  (value === null ? null : Number(value.toPrecision(5))) as T;

/** Rows of the table of seconds: as they are, or so many together that a reader can scroll them. */
export interface TableRow {
  readonly fromS: number;
  readonly toS: number;
  readonly started: number;
  readonly served: number | null;
  readonly callers: readonly number[];
  readonly attempts: number;
  readonly p50: number | null;
  /** The worst of the seconds. */
  readonly p99: number | null;
  readonly state: string;
  readonly out: number;
}

const MOST_ROWS = 240;

export function tableRows({ seconds }: Simulation): TableRow[] {
  const size = Math.ceil(seconds.length / MOST_ROWS);
  const rows: TableRow[] = [];
  for (let from = 0; from < seconds.length; from += size)
    rows.push(tableRow(seconds.slice(from, from + size)));
  return rows;
}

function tableRow(rows: readonly SimulatedSecond[]): TableRow {
  const sum = (valueOf: (row: SimulatedSecond) => number): number =>
    rows.reduce((total, row) => total + valueOf(row), 0);
  const last = rows.at(-1)!;
  const ended = sum(({ callers }) => endedOf(callers));
  const waits = rows
    .map(({ latencyMs }) => latencyMs)
    .filter((w) => w !== null);
  return {
    fromS: rows[0]!.second,
    toS: last.second + 1,
    started: sum(({ started }) => started),
    served:
      ended === 0
        ? null
        : sum(({ callers }) => callers.succeeded + callers.fallback) / ended,
    callers: CALLER_SERIES.map(([key]) => sum(({ callers }) => callers[key])),
    attempts: sum(({ attempts }) => attempts),
    p50: waits.length === 0 ? null : median(waits.map(({ p50 }) => p50)),
    p99: waits.length === 0 ? null : Math.max(...waits.map(({ p99 }) => p99)),
    state: last.state,
    out: last.hosts.filter(({ isInService }) => !isInService).length,
  };
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
