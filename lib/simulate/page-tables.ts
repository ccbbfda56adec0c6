/**
 * What the charts show, in tables.
 */
import { html, type Html } from './html.js';
import { count, instant, NONE, percent, span } from './numbers.js';
import { CALLER_SERIES, tableRows, type TableRow } from './page-data.js';
import type { Run } from './run.js';
import type {
  SimulatedTransition,
  Simulation,
} from '../simulation/contract.js';

/** One block a run, with its letter and name where there are two. */
export function perRun(
  runs: readonly Run[],
  block: (run: Run) => Html,
): readonly Html[] {
  return runs.map(
    (run, index) =>
      html`<div class="block">
        ${runs.length > 1 && html`<h3><span class="letter">${'AB'[index]!}</span> ${run.setting.label}</h3>`}${block(run)}
      </div> `,
  );
}

interface Column<Row> {
  readonly name: string;
  readonly isText?: boolean;
  readonly cell: (row: Row) => Html | string;
}

/** The first column names the row. */
export function table<Row>(
  label: string,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
): Html {
  const kind = (isText = false) => (isText ? 'text' : 'number');
  return html`<div
    class="scroll"
    tabindex="0"
    role="region"
    aria-label="${label}"
  >
    <table>
      <thead>
        <tr>
          ${columns.map(({ name, isText }) => html`<th scope="col" class="${kind(isText)}">${name}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              ${columns.map(({ cell, isText }, index) => (index === 0 ? html`<th scope="row" class="${kind(isText)}">${cell(row)}</th>` : html`<td class="${kind(isText)}">${cell(row)}</td>`))}
            </tr> `,
        )}
      </tbody>
    </table>
  </div>`;
}

export const hostsSection = (runs: readonly Run[]): Html =>
  html`<section aria-labelledby="hosts-title">
    <h2 id="hosts-title">Hosts</h2>
    <div class="row">${perRun(runs, hostTable)}</div>
  </section>`;

interface HostRow {
  readonly netloc: string;
  readonly attempts: number;
  readonly failures: number;
  readonly throttled: number;
  readonly outSeconds: number;
}

function hostTable({ simulation }: Run): Html {
  const { hosts, seconds } = simulation;
  const all = seconds.reduce((sum, row) => sum + row.attempts, 0);
  const rows = hosts.map((netloc, index): HostRow => {
    const own = seconds.map((row) => row.hosts[index]!);
    const sum = (key: 'attempts' | 'failures' | 'throttled') =>
      own.reduce((total, row) => total + row[key], 0);
    return {
      netloc,
      attempts: sum('attempts'),
      failures: sum('failures'),
      throttled: sum('throttled'),
      outSeconds: own.filter(({ isInService }) => !isInService).length,
    };
  });
  const share = (part: number, whole: number) =>
    whole === 0 ? NONE : percent(part / whole);
  return table<HostRow>(
    'Hosts',
    [
      { name: 'Host', isText: true, cell: ({ netloc }) => netloc },
      { name: 'Attempts', cell: ({ attempts }) => count(attempts) },
      { name: 'Share', cell: ({ attempts }) => share(attempts, all) },
      {
        name: 'Failed',
        cell: (row) =>
          `${count(row.failures)} (${share(row.failures, row.attempts)})`,
      },
      { name: 'Throttled', cell: ({ throttled }) => count(throttled) },
      {
        name: 'Out of service',
        cell: ({ outSeconds }) => span(outSeconds * 1_000),
      },
    ],
    rows,
  );
}

const WORDS: Readonly<Record<SimulatedTransition['type'], string>> = {
  'circuit.opened': 'opened',
  'circuit.half-opened': 'half-open',
  'circuit.closed': 'closed',
  'circuit.would-open': 'would open (metrics only)',
  'host.out': 'out of service',
  'host.back': 'back in service',
};
const MOST_TRANSITIONS = 400;

export const transitionsSection = (runs: readonly Run[]): Html =>
  html`<section aria-labelledby="transitions-title">
    <h2 id="transitions-title">What opened and closed</h2>
    <div class="row">${perRun(runs, transitionTable)}</div>
  </section>`;

/** A host goes out with its circuit's opening and is back with its closing: one line for both. */
const isEcho = (
  { type, netloc, atMs }: SimulatedTransition,
  before: SimulatedTransition | undefined,
): boolean =>
  (type === 'host.out' || type === 'host.back') &&
  before?.netloc === netloc &&
  before?.atMs === atMs;

function transitionTable({ simulation }: Run): Html {
  const transitions = simulation.transitions.filter(
    (transition, index, all) => !isEcho(transition, all[index - 1]),
  );
  if (transitions.length === 0)
    return html`<p class="muted">Nothing opened, nothing closed.</p>`;
  const more = transitions.length - MOST_TRANSITIONS;
  return html`${table<SimulatedTransition>(
    'What opened and closed',
    [
      { name: 'At', cell: ({ atMs }) => instant(atMs) },
      { name: 'Who', isText: true, cell: ({ netloc }) => netloc ?? 'circuit' },
      {
        name: 'What',
        isText: true,
        cell: ({ type }) =>
          html`<span class="change ${type.replace('.', '-')}"
            >${WORDS[type]}</span
          >`,
      },
      {
        name: 'Why',
        isText: true,
        cell: ({ type, tripped = '' }) =>
          type === 'circuit.half-opened' ? '' : tripped,
      },
      {
        name: 'For',
        cell: ({ retryAfterMs }) =>
          retryAfterMs === undefined ? '' : span(retryAfterMs),
      },
    ],
    transitions.slice(0, MOST_TRANSITIONS),
  )}${more > 0 && html`<p class="muted">… and ${count(more)} more: they are in the file that --json writes.</p>`}`;
}

export const secondsSection = (runs: readonly Run[]): Html =>
  html`<section id="seconds" aria-labelledby="seconds-title">
    <h2 id="seconds-title">Table of seconds</h2>
    ${runs.map(
      (run, index) =>
        html`<details>
          <summary>
            ${runs.length > 1 && html`<span class="letter">${'AB'[index]!}</span> ${run.setting.label}: `}show
            the figures behind the charts
          </summary>
          ${secondsTable(run.simulation)}
        </details> `,
    )}
  </section>`;

function secondsTable(simulation: Simulation): Html {
  const time = ({ fromS, toS }: TableRow) =>
    toS - fromS === 1 ? `${fromS} s` : `${fromS}–${toS} s`;
  return table<TableRow>(
    'Table of seconds',
    [
      { name: 'Second', cell: time },
      { name: 'Started', cell: ({ started }) => count(started) },
      {
        name: 'Served',
        cell: ({ served }) => (served === null ? NONE : percent(served)),
      },
      ...CALLER_SERIES.map(([, name], index) => ({
        name: name[0]!.toUpperCase() + name.slice(1),
        cell: ({ callers }: TableRow) => count(callers[index]!),
      })),
      { name: 'Attempts', cell: ({ attempts }) => count(attempts) },
      { name: 'p50', cell: ({ p50 }) => (p50 === null ? NONE : span(p50)) },
      { name: 'p99', cell: ({ p99 }) => (p99 === null ? NONE : span(p99)) },
      { name: 'Circuit', isText: true, cell: ({ state }) => state },
      { name: 'Hosts out', cell: ({ out }) => count(out) },
    ],
    tableRows(simulation),
  );
}
