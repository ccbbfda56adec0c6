import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reportPage } from '../../lib/simulate/page.js';
import {
  comparedWith,
  settingOf,
  type Setting,
} from '../../lib/simulate/settings.js';
import { summaryOf } from '../../lib/simulate/summary.js';
import { scenarios } from '../../lib/simulation/scenarios.js';
import { simulate } from '../../lib/simulation/simulate.js';
import { CHROMIUM_FLAGS, chromiumPath } from '../support/chromium.js';

const path = chromiumPath();
const isSkipped = path === undefined && process.env['CI'] !== 'true';
if (isSkipped)
  console.log(
    'The report is not looked at: there is no Chromium. Set CHROMIUM to the path of one.',
  );

const EVIL = `</script><img src=x onerror="document.title='broken'">`;

const folder = mkdtempSync(join(tmpdir(), 'dace-report-'));
let browser: Browser;
let page: Page;
/** What the browser had to say, and what it asked for. */
let said: string[];
let asked: string[];

const runOf = async (setting: Setting) => {
  const simulation = await simulate(setting.scenario);
  return { setting, simulation, summary: summaryOf(simulation) };
};

/** Opens the report of some settings from a file. */
async function open(
  settings: readonly Setting[],
  width = 1_200,
): Promise<void> {
  const file = join(folder, 'report.html');
  const runs = await Promise.all(settings.map(runOf));
  writeFileSync(file, reportPage(runs, '0.0.0'));
  said = [];
  asked = [];
  page = await browser.newPage({ viewport: { width, height: 900 } });
  page.on('console', (message) => said.push(message.text()));
  page.on('pageerror', (error) => said.push(error.message));
  page.on('request', (request) => asked.push(request.url()));
  await page.goto(pathToFileURL(file).href);
}

/** How many pixels of each chart differ from its background. */
const inked = () =>
  page.locator('figure[data-chart] canvas').evaluateAll((canvases) =>
    canvases.map((canvas) => {
      const { width, height } = canvas as any;
      const { data } = (canvas as any)
        .getContext('2d')
        .getImageData(0, 0, width, height);
      let pixels = 0;
      for (let at = 3; at < data.length; at += 4) if (data[at] > 0) pixels += 1;
      return pixels / (width * height);
    }),
  );

const one = settingOf({ name: 'oneDeadHost', value: scenarios.oneDeadHost });
const two = comparedWith(
  { name: 'oneDeadHost', value: scenarios.oneDeadHost },
  { name: EVIL, value: { options: { circuit: false, retry: false } } },
);
const legendOf = (kind: string) =>
  page.locator(`figure[data-chart="${kind}"] .legend`).first();

describe.skipIf(isSkipped)(
  'The report in a browser',
  { timeout: 60_000 },
  () => {
    beforeAll(async () => {
      if (path === undefined)
        throw new Error(
          'There is no Chromium: apt-get install chromium, or set CHROMIUM.',
        );
      browser = await chromium.launch({
        executablePath: path,
        args: CHROMIUM_FLAGS,
      });
    });

    afterAll(async () => {
      await browser?.close();
      rmSync(folder, { recursive: true, force: true });
    });

    it('draws every chart, asks nobody and complains of nothing', async () => {
      await open([one]);

      const shares = await inked();
      expect(shares).toHaveLength(6);
      for (const share of shares) expect(share).toBeGreaterThan(0.01);
      expect(await page.locator('figure[data-drawn]').count()).toBe(6);
      expect(said).toEqual([]);
      expect(asked.filter((url) => !url.startsWith('file:'))).toEqual([]);
      expect(asked).toHaveLength(1);
      await page.close();
    });

    it('says under each chart what is under the cursor, in all at the same second', async () => {
      await open([one]);
      expect(await legendOf('callers').locator('.at').textContent()).toBe('');

      await page.locator('figure[data-chart="attempts"] .u-over').hover();

      expect(await legendOf('attempts').textContent()).toMatch(/host-1:80\d/);
      const at = await legendOf('attempts').locator('.at').textContent();
      expect(at).toMatch(/^\d+ s$/);
      expect(await legendOf('callers').locator('.at').textContent()).toBe(at);
      await page.close();
    });

    it('is walked through with the keyboard', async () => {
      await open([one]);
      const plot = page.locator('figure[data-chart="callers"] .plot');
      await plot.focus();

      await page.keyboard.press('Home');
      await page.keyboard.press('ArrowRight');
      await page.keyboard.press('ArrowRight');
      expect(await legendOf('callers').locator('.at').textContent()).toBe(
        '2 s',
      );
      await page.keyboard.press('End');
      expect(await legendOf('callers').locator('.at').textContent()).toBe(
        '119 s',
      );
      await page.keyboard.press('+');
      await page.keyboard.press('Home');
      expect(await legendOf('latency').locator('.at').textContent()).toBe(
        '0 s',
      );
      expect(said).toEqual([]);
      await page.close();
    });

    it('zooms all charts at once', async () => {
      await open([one]);
      const { x, y, width } = (await page
        .locator('figure[data-chart="callers"] .u-over')
        .boundingBox())!;

      await page.mouse.move(x + width * 0.5, y + 20);
      await page.mouse.down();
      await page.mouse.move(x + width * 0.75, y + 20);
      await page.mouse.up();

      const other = page.locator('figure[data-chart="latency"] .u-over');
      await other.hover({ position: { x: 2, y: 20 } });
      expect(await legendOf('latency').locator('.at').textContent()).toBe(
        '60 s',
      );
      await page.close();
    });

    it('takes no name for markup', async () => {
      await open([one, two]);

      expect(await page.title()).toContain(EVIL);
      expect(await page.locator('img').count()).toBe(0);
      expect(said).toEqual([]);
      await page.close();
    });

    it('puts two settings beside each other, with the same scale', async () => {
      await open([one, two], 1_400);

      const places = await page
        .locator('figure[data-chart="failures"]')
        .evaluateAll((figures) =>
          figures.map((f) => (f as any).getBoundingClientRect().toJSON()),
        );
      expect(places).toHaveLength(2);
      expect(places[1].top).toBe(places[0].top);
      expect(places[1].left).toBeGreaterThan(places[0].right);
      // The circuit is off in the second: of one chart there is nothing to draw.
      expect(await inked()).toHaveLength(11);
      await page.close();
    });

    it('fits on a phone', async () => {
      await open([one, two], 360);

      const width = await page.evaluate('document.documentElement.scrollWidth');
      expect(width).toBeLessThanOrEqual(360);
      for (const share of await inked()) expect(share).toBeGreaterThan(0.01);
      expect(said).toEqual([]);
      await page.close();
    });

    it('is drawn again when it turns dark, and when the window is resized', async () => {
      await open([one]);

      await page.emulateMedia({ colorScheme: 'dark' });
      await page.setViewportSize({ width: 700, height: 900 });

      await page.waitForFunction(
        `document.querySelector('canvas').getBoundingClientRect().width < 700`,
      );
      expect(await inked()).toHaveLength(6);
      expect(said).toEqual([]);
      await page.close();
    });
  },
);
