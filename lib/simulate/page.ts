/**
 * The report: one page that needs nothing but itself. The same runs give the same bytes.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { chartSections } from './page-charts.js';
import { embeddedJson, html, Html } from './html.js';
import { runData } from './page-data.js';
import { figureCards, figureTable } from './page-figures.js';
import { optionsSection, weatherSection } from './page-settings.js';
import {
  hostsSection,
  secondsSection,
  transitionsSection,
} from './page-tables.js';
import { count, span } from './numbers.js';
import type { Run } from './run.js';

const here = (file: string): string =>
  readFileSync(join(__dirname, 'page', file), 'utf8');

/** Of one function, so that the page has no globals of ours. */
const drawing = (): string =>
  `(() => {\n'use strict';\n${here('chart-options.js')}${here('charts.js')}})();`;

/** The chart library, whose licence goes wherever it goes. */
function library() {
  const dist = dirname(require.resolve('uplot/dist/uPlot.iife.min.js'));
  const read = (path: string): string =>
    readFileSync(join(dist, path), 'utf8').trim();
  return {
    script: read('uPlot.iife.min.js'),
    style: read('uPlot.min.css'),
    licence: read('../LICENSE'),
  };
}

/** The page of one run, or of two beside each other. */
export function reportPage(runs: readonly Run[], version: string): string {
  const [first] = runs as readonly [Run];
  const { script, style, licence } = library();
  const data = embeddedJson({ runs: runs.map(runData) });
  const scripts = [script, drawing()].map(
    // Ours or the library's: nothing of a scenario is in them.
    (text) => text.replaceAll('</script', '<\\/script'),
  );
  const title = runs.map(({ setting }) => setting.label).join(' and ');
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta
          http-equiv="Content-Security-Policy"
          content="${policy(scripts)}"
        />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="generator" content="nestjs-dace ${version}" />
        <title>${title} · simulated with nestjs-dace</title>
        ${element('style', `${style}\n${here('report.css')}`)}
      </head>
      <body class="${runs.length > 1 ? 'two' : 'one'}">
        <a class="skip" href="#figures">Skip to the figures</a>
        ${header(runs)}
        <main>
          <section id="figures" aria-labelledby="figures-title">
            <h2 id="figures-title">
              ${runs.length > 1 ? 'The difference' : 'At a glance'}
            </h2>
            ${runs.length > 1 ? figureTable(runs) : figureCards(first.summary)}
          </section>
          ${chartSections(runs)} ${hostsSection(runs)}
          ${transitionsSection(runs)} ${weatherSection(runs)}
          ${optionsSection(runs)} ${secondsSection(runs)}
        </main>
        <footer>
          <p>
            Made by <code>dace-simulate</code> of nestjs-dace ${version}: the
            protection is the real one, time, traffic and hosts are simulated.
            The same scenario, options and seed give the same page.
          </p>
          <details>
            <summary>Charts drawn by uPlot (MIT)</summary>
            <pre>${licence}</pre>
          </details>
        </footer>
        ${element('script type="application/json" id="simulation"', data.text)}
        ${scripts.map((text) => element('script', text))}
      </body>
    </html> `;
  return page.text;
}

/** Not a template, as each space in it counts for its hash; `text` cannot end it. */
function element(tag: string, text: string): Html {
  const [name] = tag.split(' ') as [string];
  return new Html(`<${tag}>${text}</${name}>\n`);
}

/** Nothing is fetched, and no script runs but these. */
const policy = (scripts: readonly string[]): string => {
  const hashes = scripts.map(
    (text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`,
  );
  return `default-src 'none'; style-src 'unsafe-inline'; script-src ${hashes.join(' ')}`;
};

function header(runs: readonly Run[]): Html {
  const [first, second] = runs as readonly [Run, Run?];
  const { scenario, seed, seconds } = first.simulation;
  const name = scenario.name ?? first.setting.label;
  return html`<header>
    <p class="eyebrow">nestjs-dace · simulated outage</p>
    <h1>
      ${name}${second !== undefined && html` <span class="versus">against</span> ${second.setting.label}`}
    </h1>
    ${scenario.description !== undefined && html`<p class="lead">${scenario.description}</p>`}
    <p class="facts">
      <span>${span(seconds.length * 1_000)} simulated</span
      ><span>${count(first.summary.started)} operations</span
      ><span>${hostsText(first.simulation.hosts.length)}</span
      ><span>seed ${seed}</span>
    </p>
  </header>`;
}

const hostsText = (hosts: number): string =>
  hosts === 1 ? '1 host' : `${hosts} hosts`;
