/**
 * The figures at the top: six cards for one run, a table of differences for two.
 */
import { html, type Html } from './html.js';
import {
  ALL_METRICS,
  difference,
  METRICS,
  written,
  type Metric,
} from './metrics.js';
import { count, span } from './numbers.js';
import type { Run } from './run.js';
import type { Summary } from './summary.js';

const { served, worst, p50, p99, amplification, opened, healed, well } =
  METRICS;

const CARDS: readonly (readonly [Metric, (summary: Summary) => string])[] = [
  [
    served,
    ({ callers, ended }) =>
      lostText(callers.refused + callers.timedOut + callers.failed, ended),
  ],
  [worst, () => 'served in that second'],
  [p99, (summary) => `half waited at most ${written(p50, summary)}`],
  [amplification, ({ retries }) => `${count(retries)} retries`],
  [opened, openedText],
  [healed, (summary) => wellText(summary)],
];

export const figureCards = (summary: Summary): Html =>
  html`<div class="cards">
      ${CARDS.map(
        ([metric, note]) =>
          html`<div class="card">
            <p class="label" title="${metric.hint}">${metric.label}</p>
            <p class="figure">${written(metric, summary)}</p>
            <p class="note">${note(summary)}</p>
          </div> `,
      )}
    </div>
    <details>
      <summary>All figures</summary>
      ${allFigures(summary)}
    </details>`;

const allFigures = (summary: Summary): Html =>
  html`<div
    class="scroll whole"
    tabindex="0"
    role="region"
    aria-label="All figures"
  >
    <table>
      <thead>
        <tr>
          <th scope="col">Figure</th>
          <th scope="col" class="number">Value</th>
          <th scope="col">Meaning</th>
        </tr>
      </thead>
      <tbody>
        ${ALL_METRICS.map(
          (metric) =>
            html`<tr>
              <th scope="row">${metric.label}</th>
              <td class="number">${written(metric, summary)}</td>
              <td class="muted">${metric.hint}</td>
            </tr> `,
        )}
      </tbody>
    </table>
  </div>`;

function lostText(lost: number, ended: number): string {
  return `${count(lost)} of ${count(ended)} got an error`;
}

function openedText({ trouble, openedAfterMs, openings }: Summary): string {
  if (trouble === null) return 'no host changes, nor the traffic';
  if (openedAfterMs === null) return 'nothing opened after the trouble began';
  return openings === 1 ? 'one opening' : `${openings} openings`;
}

function wellText(summary: Summary): string {
  const { trouble, healedAfterMs, wellAfterMs } = summary;
  if (trouble === null) return 'no host changes, nor the traffic';
  if (trouble.toMs === null) return 'the trouble does not end';
  if (wellAfterMs !== null)
    return wellAfterMs === 0
      ? 'callers were well at once'
      : `callers were well after ${span(wellAfterMs)}`;
  return healedAfterMs === null ? 'not all closed at the end' : well.hint;
}

export function figureTable(runs: readonly Run[]): Html {
  const [first, second] = runs as readonly [Run, Run];
  const head = (run: Run, letter: string) =>
    html`<th scope="col" class="number">
      <span class="letter">${letter}</span> ${run.setting.label}
    </th>`;
  return html`<div
    class="scroll whole"
    tabindex="0"
    role="region"
    aria-label="Figures of both settings"
  >
    <table class="compare">
      <thead>
        <tr>
          <th scope="col">Figure</th>
          ${head(first, 'A')}${head(second, 'B')}
          <th scope="col" class="number">B against A</th>
        </tr>
      </thead>
      <tbody>
        ${ALL_METRICS.map((metric) => row(metric, first.summary, second.summary))}
      </tbody>
    </table>
  </div>`;
}

function row(metric: Metric, first: Summary, second: Summary): Html {
  const { text, judgement } = difference(metric, first, second);
  const isJudged = judgement !== 'neither';
  return html`<tr>
    <th scope="row" title="${metric.hint}">${metric.label}</th>
    <td class="number">${written(metric, first)}</td>
    <td class="number">${written(metric, second)}</td>
    <td class="number ${judgement}">
      ${text}${isJudged && html` <span class="judgement">${judgement}</span>`}
    </td>
  </tr> `;
}
