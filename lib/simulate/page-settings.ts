/**
 * What the runs were made of: the hosts' behaviour, the traffic, the options.
 */
import { html, type Html } from './html.js';
import { count } from './numbers.js';
import { perRun, table } from './page-tables.js';
import { printed } from './printed.js';
import type { Run } from './run.js';
import { weatherLines, type WeatherLine } from './weather.js';

/** Two runs under the same weather show it once. */
export function weatherSection(runs: readonly Run[]): Html {
  const isShared = new Set(runs.map(weatherKey)).size === 1;
  const shown = isShared ? runs.slice(0, 1) : runs;
  return html`<section aria-labelledby="weather-title">
    <h2 id="weather-title">
      What the hosts did${runs.length > 1 && isShared ? ' to both' : ''}
    </h2>
    <div class="row">${perRun(shown, weather)}</div>
  </section>`;
}

const weatherKey = ({ simulation }: Run): string =>
  JSON.stringify([
    simulation.seed,
    simulation.scenario.hosts,
    simulation.scenario.traffic,
    simulation.scenario.seconds,
  ]);

function weather({ simulation }: Run): Html {
  const { scenario, hosts } = simulation;
  const lines = weatherLines(scenario, hosts);
  const rows =
    lines.length > 0
      ? lines
      : hosts.map((host) => ({ atS: 0, host, text: 'answers in 20 ms' }));
  return html`<p>${trafficText(scenario.traffic ?? 100)}</p>
    ${table<WeatherLine>(
      'What the hosts did',
      [
        { name: 'From', cell: ({ atS }) => `${atS} s` },
        { name: 'Host', isText: true, cell: ({ host }) => host },
        { name: 'Behaviour', isText: true, cell: ({ text }) => text },
      ],
      rows,
    )}`;
}

function trafficText(
  traffic: NonNullable<Run['simulation']['scenario']['traffic']>,
): string {
  if (typeof traffic === 'number')
    return `${count(traffic)} operations a second, as independent callers send them.`;
  const phases = traffic.map(
    ({ fromS, perSecond, arrivals }) =>
      `from ${fromS} s ${count(perSecond)} a second${arrivals === 'even' ? ', evenly' : ''}`,
  );
  return `Operations: ${phases.join('; ')}.`;
}

export const optionsSection = (runs: readonly Run[]): Html =>
  html`<section aria-labelledby="options-title">
    <h2 id="options-title">Options</h2>
    <p class="muted">Everything that is not named has its default.</p>
    <div class="row">${perRun(runs, options)}</div>
  </section>`;

const options = ({ setting, simulation }: Run): Html => {
  const { call } = simulation.scenario;
  return html`<pre
      class="options"
    ><code>${printed(setting.written)}</code></pre>
    ${
      call !== undefined &&
      html`<p class="muted">and for each call</p>
        <pre class="options"><code>${printed(call)}</code></pre>`
    }`;
};
