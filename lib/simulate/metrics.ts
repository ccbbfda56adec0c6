/**
 * The figures by which settings are compared: what each is called, how it is written, which way is
 * better.
 */
import { count, factor, NONE, percent, span } from './numbers.js';
import type { Summary } from './summary.js';

export interface Metric {
  readonly label: string;
  readonly hint: string;
  /** Null where it has no meaning: nothing ended, nothing opened. */
  readonly valueOf: (summary: Summary) => number | null;
  readonly format: (value: number, summary: Summary) => string;
  readonly better?: 'more' | 'less';
  readonly unit: 'points' | 'ms' | 'count' | 'factor';
}

export const METRICS = {
  served: {
    label: 'Callers served',
    hint: 'operations that returned a value, a fallback included',
    valueOf: ({ served }) => served,
    format: percent,
    better: 'more',
    unit: 'points',
  },
  succeeded: {
    label: 'Succeeded',
    hint: 'operations whose work returned its own value',
    valueOf: ({ succeeded }) => succeeded,
    format: percent,
    better: 'more',
    unit: 'points',
  },
  worst: {
    label: 'Worst second',
    hint: 'smallest share served within one second',
    valueOf: ({ worst }) => worst?.served ?? null,
    format: (value, { worst }) =>
      value === 1
        ? percent(value)
        : `${percent(value)} at ${count(worst?.second ?? 0)} s`,
    better: 'more',
    unit: 'points',
  },
  fallback: countOf('Answered by a fallback', 'fallback'),
  refused: countOf('Refused at once', 'refused'),
  timedOut: countOf('Timed out', 'timedOut', 'less'),
  failed: countOf('Failed otherwise', 'failed', 'less'),
  p50: latency('p50'),
  p99: latency('p99'),
  max: latency('max'),
  amplification: {
    label: 'Attempts per operation',
    hint: 'the load that the hosts get for one operation that is asked for',
    valueOf: ({ amplification }) => amplification,
    format: factor,
    unit: 'factor',
  },
  failedAttempts: {
    label: 'Attempts in vain',
    hint: 'attempts that failed or were throttled',
    valueOf: ({ failedAttempts }) => failedAttempts,
    format: count,
    better: 'less',
    unit: 'count',
  },
  retries: {
    label: 'Retries',
    hint: 'attempts beyond the first of an operation',
    valueOf: ({ retries }) => retries,
    format: count,
    unit: 'count',
  },
  openings: {
    label: 'Openings',
    hint: 'how often a circuit opened, those of hosts included',
    valueOf: ({ openings }) => openings,
    format: count,
    unit: 'count',
  },
  opened: {
    label: 'Time to open',
    hint: 'from the start of the trouble to the first opening',
    valueOf: ({ openedAfterMs }) => openedAfterMs,
    format: span,
    better: 'less',
    unit: 'ms',
  },
  healed: {
    label: 'Time to heal',
    hint: 'from the end of the trouble until every circuit is closed for good',
    valueOf: ({ healedAfterMs }) => healedAfterMs,
    format: span,
    better: 'less',
    unit: 'ms',
  },
  well: {
    label: 'Callers well again',
    hint: 'from the end of the trouble until 99 % are served in every second',
    valueOf: ({ wellAfterMs }) => wellAfterMs,
    format: span,
    better: 'less',
    unit: 'ms',
  },
} as const satisfies Record<string, Metric>;

export const ALL_METRICS: readonly Metric[] = Object.values(METRICS);

function countOf(
  label: string,
  key: keyof Summary['callers'],
  better?: 'less',
): Metric {
  return {
    label,
    hint: 'operations',
    valueOf: ({ callers }) => callers[key],
    format: count,
    ...(better && { better }),
    unit: 'count',
  };
}

function latency(key: 'p50' | 'p99' | 'max'): Metric {
  const label = key === 'max' ? 'Longest wait' : `Wait, ${key}`;
  return {
    label,
    hint: 'what callers waited, whatever came of it',
    valueOf: ({ latencyMs }) => latencyMs?.[key] ?? null,
    format: span,
    better: 'less',
    unit: 'ms',
  };
}

export function written(metric: Metric, summary: Summary): string {
  const value = metric.valueOf(summary);
  return value === null ? NONE : metric.format(value, summary);
}

export interface Difference {
  readonly text: string;
  readonly judgement: 'better' | 'worse' | 'neither';
}

/** How far `second` is from `first`. */
export function difference(
  metric: Metric,
  first: Summary,
  second: Summary,
): Difference {
  const [a, b] = [metric.valueOf(first), metric.valueOf(second)];
  if (a === null || b === null) return { text: NONE, judgement: 'neither' };
  const text = distance(metric.unit, b - a);
  if (text === null) return { text: 'same', judgement: 'neither' };
  const sign = b > a ? '+' : '−';
  return { text: sign + text, judgement: judged(metric, a, b) };
}

/** Times and counts that are as good as equal are not judged: another seed may turn them round. */
const AS_GOOD_AS_EQUAL = 0.05;

function judged(
  { better, unit }: Metric,
  first: number,
  second: number,
): Difference['judgement'] {
  const change = second - first;
  const isClose = Math.abs(change) < AS_GOOD_AS_EQUAL * Math.max(first, second);
  if (better === undefined || (unit !== 'points' && isClose)) return 'neither';
  return change > 0 === (better === 'more') ? 'better' : 'worse';
}

/** How each unit is written, and from what size on there is anything to write. */
const DISTANCES: Readonly<
  Record<
    Metric['unit'],
    { readonly least: number; readonly text: (size: number) => string }
  >
> = {
  points: { least: 5e-5, text: (size) => `${factor(size * 100)} points` },
  ms: { least: 1e-9, text: span },
  count: { least: 1, text: count },
  factor: { least: 5e-3, text: factor },
};

/** Null where it would be written as nothing. */
function distance(unit: Metric['unit'], change: number): string | null {
  const { least, text } = DISTANCES[unit];
  const size = Math.abs(change);
  return size < least ? null : text(size);
}
