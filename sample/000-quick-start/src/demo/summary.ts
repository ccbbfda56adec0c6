import type { Check, Evidence } from './checks.js';
import type { Health } from './health.js';

/** The tables that a run ends with. */
export function summary(
  { snapshots, observations, health }: Evidence,
  answers: ReadonlyMap<string, ReadonlyMap<string, number>>,
  found: readonly Check[],
): string {
  const dependencies = snapshots.map(({ id, state, totals }) => {
    const { opened, closed, hostsOut, hostsBack } = observations.of(id);
    return {
      dependency: id,
      state,
      started: totals.started,
      succeeded: totals.succeeded,
      failed: totals.failed,
      refused: totals.refused,
      retries: totals.retries,
      fallbacks: totals.fallbacks,
      opened,
      closed,
      'hosts out': hostsOut,
      'hosts back': hostsBack,
    };
  });
  const clients = [...answers].map(([route, counts]) => ({
    route,
    'what its clients got': [...counts]
      .map(([status, count]) => `${count} × ${status}`)
      .join(', '),
  }));
  const healths = Object.entries(health).map(([when, answer]) => ({
    '/health': when,
    answer: describe(answer),
  }));
  const results = found.map(
    ({ what, isMet }) => `${isMet ? 'ok  ' : 'FAIL'} ${what}`,
  );
  return `\n${[table(dependencies), table(clients), table(healths), results.join('\n')].join('\n\n')}`;
}

function describe(health: Health | undefined): string {
  return health === undefined
    ? 'not asked: the circuit never opened'
    : `${health.httpStatus} ${health.status}`;
}

type Row = Readonly<Record<string, string | number>>;

/** Columns as wide as what stands in them; numbers to the right. */
function table(rows: readonly Row[]): string {
  const names = Object.keys(rows[0] ?? {});
  const widths = names.map((name) =>
    Math.max(name.length, ...rows.map((row) => String(row[name]).length)),
  );
  const line = (row: Row): string =>
    names
      .map((name, column) => {
        const text = String(row[name]);
        return typeof rows[0]?.[name] === 'number'
          ? text.padStart(widths[column]!)
          : text.padEnd(widths[column]!);
      })
      .join('  ')
      .trimEnd();
  const head = Object.fromEntries(names.map((name) => [name, name]));
  return [line(head), ...rows.map(line)].join('\n');
}
