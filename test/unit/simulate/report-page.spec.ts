import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { reportPage } from '../../../lib/simulate/page.js';
import {
  runByHand,
  simulationByHand,
  type SimulationByHand,
} from '../../support/simulations.js';

const TWO_HOSTS: SimulationByHand = {
  scenario: {
    name: 'a bad day',
    description: 'What happens on it.',
    hosts: [
      {
        phases: [
          { fromS: 1, errorRatio: 1 },
          { fromS: 2, errorRatio: 0 },
        ],
      },
      {},
    ],
  },
  hosts: ['a.example:80', 'b.example:80'],
  seconds: [
    {
      callers: { succeeded: 1_234 },
      hosts: [{ attempts: 600 }, { attempts: 634 }],
    },
    {
      callers: {
        succeeded: 900,
        fallback: 10,
        refused: 20,
        timedOut: 30,
        failed: 40,
      },
      hosts: [{ attempts: 300, failures: 70 }, { attempts: 630 }],
    },
    {
      callers: { succeeded: 1_000 },
      hosts: [{ attempts: 500 }, { attempts: 500 }],
    },
  ],
  transitions: [
    {
      atMs: 1_100,
      type: 'circuit.opened',
      netloc: 'a.example:80',
      tripped: 'failureRatio',
      retryAfterMs: 500,
    },
    { atMs: 1_100, type: 'host.out', netloc: 'a.example:80' },
    { atMs: 1_700, type: 'circuit.closed', netloc: 'a.example:80' },
  ],
};

const pageOf = (...given: SimulationByHand[]): string =>
  reportPage(
    given.map((one) => runByHand(simulationByHand(one), { timeoutMs: 900 })),
    '1.2.3',
  );

/** What is shown, without markup. */
const textOf = (page: string): string =>
  page
    .replace(/<(script|style)\b[\s\S]*?<\/\1>/g, '')
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ');

const scriptsOf = (page: string): string[] =>
  [...page.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(([, text]) => text!);

const policyOf = (page: string): string =>
  page.match(/content="(default-src[^"]+)"/)![1]!.replaceAll('&#39;', "'");

const dataOf = (page: string): any =>
  JSON.parse(
    page.match(
      /<script type="application\/json"[^>]*>([\s\S]*?)<\/script>/,
    )![1]!,
  );

describe('The report', () => {
  const page = pageOf(TWO_HOSTS);
  const text = textOf(page);

  it('says what was simulated', () => {
    expect(text).toContain('a bad day');
    expect(text).toContain('What happens on it.');
    expect(text).toContain('3 s simulated');
    expect(text).toContain('3,234 operations');
    expect(text).toContain('2 hosts');
    expect(text).toContain('seed 1');
    expect(text).toContain('timeoutMs: 900');
  });

  it('sums up what callers saw', () => {
    expect(text).toMatch(/Callers served 97\.21 %/);
    expect(text).toContain('90 of 3,234 got an error');
    expect(text).toMatch(/Worst second 91 % at 1 s/);
    expect(text).toMatch(/Time to open 100 ms/);
  });

  it('lists what opened and closed, a host that goes out with its circuit once', () => {
    expect(text).toMatch(/1\.100 s a\.example:80 opened failureRatio 500 ms/);
    expect(text).toMatch(/1\.700 s a\.example:80 closed/);
    expect(text).not.toContain('out of service');
  });

  it('says in tables what the charts draw', () => {
    expect(text).toMatch(
      /a\.example:80 1,400 52\.55 % 70 \(5 %\)|a\.example:80 1,400/,
    );
    expect(text).toMatch(/1 s 1,000 91 % 900 10 20 30 40 930/);
  });

  it('holds the figures of every chart', () => {
    const [run] = dataOf(page).runs;

    expect(run.callers.map(({ values }: any) => values[1])).toEqual([
      900, 10, 20, 30, 40,
    ]);
    expect(run.served[0].values).toEqual([100, 91, 100]);
    expect(run.attempts).toEqual([
      { name: 'a.example:80', values: [600, 300, 500] },
      { name: 'b.example:80', values: [634, 630, 500] },
    ]);
    expect(run.failures[0].values).toEqual([0, 70, 0]);
    expect(run.trouble).toEqual({ fromMs: 1_000, toMs: 2_000 });
    expect(run.states.map(({ name }: any) => name)).toEqual([
      'circuit',
      'a.example:80',
      'b.example:80',
    ]);
  });

  it('gives every chart a name, a place on the keyboard and a legend', () => {
    const figures = page.match(/<figure[\s\S]*?<\/figure>/g)!;

    expect(figures).toHaveLength(6);
    for (const figure of figures) {
      const [, id] = figure.match(/<strong\s+id="([^"]+)"/)!;
      expect(figure).toContain(`aria-labelledby="${id}"`);
      expect(figure).toContain('tabindex="0"');
      expect(figure).toContain('class="entry"');
    }
  });

  it('fetches nothing', () => {
    const outside = page
      .replace(/<script>[\s\S]*?<\/script>/g, '')
      .replace(/<pre>[\s\S]*?<\/pre>/g, '');

    expect(outside).not.toMatch(/\b(src|srcset|action)=/);
    expect(outside).not.toMatch(/href="(?!#)/);
    expect(outside).not.toMatch(/@import|url\(/);
    expect(policyOf(page)).toContain("default-src 'none';");
  });

  it('lets no script run but its own two', () => {
    const scripts = scriptsOf(page);
    const policy = policyOf(page);

    expect(scripts).toHaveLength(2);
    for (const script of scripts) {
      const hash = createHash('sha256').update(script).digest('base64');
      expect(policy).toContain(`'sha256-${hash}'`);
    }
    expect(page).not.toMatch(/ on[a-z]+=/);
  });

  it('brings the licence of the chart library along', () => {
    expect(page).toContain('Copyright (c) 2022 Leon Sorokin');
    expect(page).toContain('The MIT License');
  });

  it('is the same for the same run', () => {
    expect(pageOf(TWO_HOSTS)).toBe(page);
  });
});

describe('A name that is markup', () => {
  const evil = `</script></title><img src=x onerror="alert(1)">&'\u2028`;
  const page = pageOf({
    ...TWO_HOSTS,
    scenario: { name: evil, description: evil },
    hosts: [`a${evil}`, 'b'],
  });

  it('stays text', () => {
    expect(page).not.toContain('<img');
    expect(textOf(page)).toContain(
      '&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&amp;&#39;',
    );
  });

  it('ends no script', () => {
    expect(page.match(/<script/g)).toHaveLength(3);
    expect(page.match(/<\/script>/g)).toHaveLength(3);
    expect(dataOf(page).runs[0].attempts[0].name).toBe(`a${evil}`);
  });
});

describe('The report of two settings', () => {
  const lost = { ...TWO_HOSTS, scenario: { name: 'without' }, transitions: [] };
  const page = pageOf(TWO_HOSTS, {
    ...lost,
    seconds: [
      ...TWO_HOSTS.seconds.slice(0, 2),
      { callers: { failed: 10 } },
    ].map((second) => ({ ...second, hosts: [{}, {}] })),
  });

  it('names both', () => {
    expect(textOf(page)).toMatch(/a bad day against without/);
  });

  it('says which way the second differs', () => {
    expect(textOf(page)).toMatch(/Failed otherwise 40 50 \+10 worse/);
    expect(textOf(page)).toMatch(/Timed out 30 30 same/);
  });

  it('draws each chart for both', () => {
    expect(page.match(/data-chart="callers"/g)).toHaveLength(2);
    expect(dataOf(page).runs).toHaveLength(2);
  });

  it('says where nothing opened', () => {
    expect(textOf(page)).toContain('Nothing opened, nothing closed.');
  });
});

describe('The report of a long run', () => {
  it('puts seconds together in its table, and none twice', () => {
    const second = { callers: { succeeded: 7, failed: 3 } };
    const page = pageOf({
      seconds: Array.from({ length: 1_000 }, () => second),
    });
    const rows = textOf(page).match(/\d+–\d+ s 50 70 % 35 0 0 0 15/g)!;

    expect(rows).toHaveLength(200);
    expect(rows[0]).toMatch(/^0–5 s/);
    expect(rows.at(-1)).toMatch(/^995–1000 s/);
  });
});
