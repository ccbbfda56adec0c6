/**
 * The figures for the terminal.
 */
import { difference, METRICS, written, type Metric } from './metrics.js';
import type { Run } from './run.js';

const SHOWN: readonly Metric[] = [
  METRICS.served,
  METRICS.succeeded,
  METRICS.worst,
  METRICS.p99,
  METRICS.amplification,
  METRICS.failedAttempts,
  METRICS.opened,
  METRICS.healed,
  METRICS.well,
];

/** A line a figure; of two runs both, and how far they are apart. */
export function printedSummary(runs: readonly Run[]): string {
  const [first, second] = runs as readonly [Run, Run?];
  const rows = SHOWN.map((metric) => [
    metric.label,
    ...runs.map(({ summary }) => written(metric, summary)),
    ...(second ? [differenceText(metric, first, second)] : []),
  ]);
  const head = ['', ...runs.map(({ setting }) => setting.label)];
  const lines = second ? [[...head, ''], ...rows] : rows;
  const widths = lines[0]!.map((_, column) =>
    Math.max(...lines.map((cells) => cells[column]!.length)),
  );
  return lines
    .map((cells) =>
      cells
        .map((cell, column) =>
          column === 0
            ? cell.padEnd(widths[0]!)
            : cell.padStart(widths[column]!),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function differenceText(metric: Metric, first: Run, second: Run): string {
  const { text, judgement } = difference(metric, first.summary, second.summary);
  return judgement === 'neither' ? text : `${text} ${judgement}`;
}
