/**
 * Makes what docs/simulator.md shows: runs each scenario of that page against the options that stand
 * below its heading, writes the figures into the page, and takes the pictures beside this file.
 * `npm run docs:pictures`; it needs Chromium (CHROMIUM names another than /usr/bin/chromium).
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const command = here('../../dist/simulate/main.js');
const guide = here('../simulator.md');
const folder = mkdtempSync(join(tmpdir(), 'dace-pictures-'));

/** What each picture is about. */
const CHARTS = {
  blip: ['callers', 'states'],
  brownOut: ['callers', 'latency'],
  oneDeadHost: ['latency', 'states'],
  totalOutage: ['callers', 'failures'],
  slowCreep: ['latency', 'states'],
  flapping: ['failures', 'states'],
};

/** A heading, the options to compare with, the figures. */
const SECTION =
  /^### `(\w+)`[\s\S]*?^```json\n([\s\S]*?)^```[\s\S]*?^```text\n([\s\S]*?)^```/gm;

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
});

function run(name, other) {
  const page = join(folder, 'report.html');
  const compare = join(folder, 'other.json');
  if (other !== undefined) writeFileSync(compare, other);
  const more = other === undefined ? [] : ['--compare', compare];
  const printed = execFileSync(
    process.execPath,
    [command, name, ...more, '--out', page],
    { encoding: 'utf8' },
  );
  return { page, figures: printed.split('\n\n')[0] };
}

async function picture(name, file, width, shown) {
  const page = await browser.newPage({ viewport: { width, height: 900 } });
  await page.goto(pathToFileURL(file).href);
  if (shown !== undefined) await page.addStyleTag({ content: only(shown) });
  const target = shown === undefined ? page : page.locator('.charts');
  const png = await target.screenshot();
  await page.close();
  writeFileSync(here(`./${name}.webp`), await webpOf(png));
}

/** Smaller; the browser is the one tool here that can write it. */
async function webpOf(png) {
  const page = await browser.newPage();
  const url = await page.evaluate(
    async (source) => {
      const image = new Image();
      image.src = source;
      await image.decode();
      const canvas = document.createElement('canvas');
      canvas.width = image.naturalWidth;
      canvas.height = image.naturalHeight;
      canvas.getContext('2d').drawImage(image, 0, 0);
      return canvas.toDataURL('image/webp', 0.85);
    },
    `data:image/png;base64,${png.toString('base64')}`,
  );
  await page.close();
  return Buffer.from(url.split(',')[1], 'base64');
}

/** Of all charts these, and the headings of the settings. */
const only = (shown) => `
  .charts h2, .help, .charts .row:not(.heads) { display: none; }
  ${shown.map((kind) => `.charts .row:has([data-chart='${kind}'])`).join()} { display: grid; }
  .charts { padding: 0 8px 1px; }
`;

let text = readFileSync(guide, 'utf8');
for (const [section, name, other, figures] of text.matchAll(SECTION)) {
  const { page, figures: found } = run(name, other);
  // The figures are the last block of their section, and may be none yet.
  const end = '```';
  const before = section.slice(0, -end.length - figures.length);
  const fresh = `${before}${found}\n${end}`;
  text = text.replace(section, () => fresh);
  await picture(name, page, 1_100, CHARTS[name]);
  console.log(`${name}\n${found}\n`);
}
writeFileSync(guide, text);
await picture('report', run('oneDeadHost').page, 900);

await browser.close();
rmSync(folder, { recursive: true });
