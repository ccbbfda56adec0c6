/**
 * The places of the charts, each with its legend and what it says in words. The page's script draws
 * into them; without it the tables below say the same.
 */
import { html, type Html } from './html.js';
import { CALLER_SERIES } from './page-data.js';
import type { Run } from './run.js';

type Kind =
  'callers' | 'served' | 'latency' | 'states' | 'attempts' | 'failures';

interface Chart {
  readonly kind: Kind;
  readonly title: string;
  readonly hint: string;
  readonly legend: (run: Run, runs: readonly Run[]) => readonly Entry[];
}

interface Entry {
  readonly name: string;
  /** Its place among the chart's series. */
  readonly index: number;
  /** Of the page's custom properties. */
  readonly colour: string;
}

const hostEntries = ({ simulation }: Run): Entry[] =>
  simulation.hosts.map((name, index) => ({
    name,
    index,
    colour: `host-${index % 10}`,
  }));

/** Only what happened, in either of the runs. */
function callerEntries(_run: Run, runs: readonly Run[]): Entry[] {
  return CALLER_SERIES.map(([key, name], index) => ({
    key,
    entry: { name, index, colour: `is-${key}` },
  }))
    .filter(({ key }) => runs.some(({ summary }) => summary.callers[key] > 0))
    .map(({ entry }) => entry);
}

const CHARTS: readonly Chart[] = [
  {
    kind: 'callers',
    title: 'What callers saw',
    hint: 'operations a second, by how they ended',
    legend: callerEntries,
  },
  {
    kind: 'served',
    title: 'Callers served',
    hint: 'percent of the second’s operations that returned a value',
    legend: () => [{ name: 'served', index: 0, colour: 'is-succeeded' }],
  },
  {
    kind: 'states',
    title: 'Circuits and hosts',
    hint: 'the fuller the bar, the more is refused',
    legend: () => [
      { name: 'closed', index: 0, colour: 'is-closed' },
      { name: 'half-open', index: 1, colour: 'is-half-open' },
      { name: 'open, out', index: 2, colour: 'is-open' },
    ],
  },
  {
    kind: 'latency',
    title: 'What callers waited',
    hint: 'milliseconds, logarithmic',
    legend: () => [
      { name: 'p50', index: 0, colour: 'p50' },
      { name: 'p90', index: 1, colour: 'p90' },
      { name: 'p99', index: 2, colour: 'p99' },
    ],
  },
  {
    kind: 'attempts',
    title: 'What each host got',
    hint: 'attempts a second',
    legend: hostEntries,
  },
  {
    kind: 'failures',
    title: 'What each host did not serve',
    hint: 'attempts a second, failed or throttled',
    legend: hostEntries,
  },
];

export function chartSections(runs: readonly Run[]): Html {
  return html`<section class="charts" aria-labelledby="charts-title">
    <h2 id="charts-title">Second by second</h2>
    <p class="help" id="charts-help">
      ${hasTrouble(runs) && html`<span class="tint"></span>trouble: hosts or traffic are not as usual. `}Drag
      over a chart to zoom in, double click to zoom out; with the keyboard:
      arrows, Home, End, + and −. The figures are also in the
      <a href="#seconds">table of seconds</a>.
    </p>
    ${runs.length > 1 && html`<div class="row heads">${runs.map(({ setting }, index) => html`<p class="head"><span class="letter">${'AB'[index]!}</span> ${setting.label}</p>`)}</div>`}
    ${CHARTS.filter(({ kind }) => isWorth(kind, runs)).map((chart) => html`<div class="row">${runs.map((run, index) => figure(chart, run, index, runs))}</div> `)}
  </section>`;
}

const hasTrouble = (runs: readonly Run[]): boolean =>
  runs.some(({ summary }) => summary.trouble !== null);

/** Without circuits there is nothing to see of them. */
const isWorth = (kind: Kind, runs: readonly Run[]): boolean =>
  kind !== 'states' || runs.some(hasCircuit);

const hasCircuit = ({ simulation }: Run): boolean =>
  simulation.scenario.options?.['circuit'] !== false;

const nothing = html`<p class="nothing muted">There is no circuit.</p>`;

const plot = (id: string, legend: readonly Entry[]): Html =>
  html`<div
      class="plot"
      tabindex="0"
      role="group"
      aria-roledescription="chart"
      aria-labelledby="${id}"
      aria-describedby="charts-help"
    ></div>
    <p class="legend" aria-live="polite">
      <span class="at"></span>
      ${legend.map(
        ({ name, index, colour }) =>
          html`<span class="entry" data-series="${index}"
            ><span class="swatch" style="--swatch: var(--${colour})"></span
            >${name}<b class="value"></b
          ></span>`,
      )}
    </p>`;

function figure(
  { kind, title, hint, legend }: Chart,
  run: Run,
  index: number,
  runs: readonly Run[],
): Html {
  const id = `${kind}-${index}`;
  const of = runs.length > 1 ? ` · ${'AB'[index]!}` : '';
  const isEmpty = kind === 'states' && !hasCircuit(run);
  return html`<figure data-chart="${kind}" data-run="${index}">
    <figcaption>
      <strong id="${id}"
        >${title}${runs.length > 1 && html`<span class="of">${of}</span>`}</strong
      >
      <span class="hint">${hint}</span>
    </figcaption>
    ${isEmpty ? nothing : plot(id, legend(run, runs))}
  </figure>`;
}
