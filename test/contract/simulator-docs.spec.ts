import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { printedSummary } from '../../lib/simulate/printed-summary.js';
import type { Run } from '../../lib/simulate/run.js';
import { comparedWith, settingOf } from '../../lib/simulate/settings.js';
import { summaryOf } from '../../lib/simulate/summary.js';
import { scenarios } from '../../lib/simulation/scenarios.js';
import { simulate } from '../../lib/simulation/simulate.js';
import { root } from '../support/entries.js';

const guide = readFileSync(join(root, 'docs/simulator.md'), 'utf8');
const UPDATE = 'npm run docs:pictures';

/** A heading, the options to compare with, the figures. */
const SECTION =
  /^### `(\w+)`[\s\S]*?^```json\n([\s\S]*?)^```[\s\S]*?^```text\n([\s\S]*?)^```/gm;
const sections = [...guide.matchAll(SECTION)].map(
  ([, name, other, figures]) => ({
    name: name as keyof typeof scenarios,
    other: JSON.parse(other!) as object,
    figures: figures!,
  }),
);

describe('docs/simulator.md', () => {
  it('goes through every shipped scenario', () => {
    expect(sections.map(({ name }) => name).toSorted()).toEqual(
      Object.keys(scenarios).toSorted(),
    );
  });

  it.each(sections)(
    'says of $name what a run says',
    { timeout: 60_000 },
    async ({ name, other, figures }) => {
      const first = { name, value: scenarios[name] };
      const runs: Run[] = [];
      for (const setting of [
        settingOf(first),
        comparedWith(first, { name: 'other', value: other }),
      ]) {
        const simulation = await simulate(setting.scenario);
        runs.push({ setting, simulation, summary: summaryOf(simulation) });
      }

      expect(figures, `If the change is meant: ${UPDATE}`).toBe(
        `${printedSummary(runs)}\n`,
      );
    },
  );

  it('shows pictures that are there and small', () => {
    const pictures = [...guide.matchAll(/!\[[^\]]+\]\(([^)]+)\)/g)].map(
      ([, path]) => join(root, 'docs', path!),
    );

    expect(pictures).toHaveLength(7);
    for (const path of pictures) {
      expect(existsSync(path), path).toBe(true);
      expect(statSync(path).size, path).toBeLessThan(60_000);
    }
  });
});
