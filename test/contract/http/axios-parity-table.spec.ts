import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { ParityCase } from '../../support/parity.js';
import { answerCases } from '../../support/parity-answers.js';
import { bodyCases } from '../../support/parity-bodies.js';
import { connectionRows } from '../../support/parity-connections.js';
import { endingCases } from '../../support/parity-endings.js';
import { redirectCases } from '../../support/parity-redirects.js';
import { requestCases } from '../../support/parity-requests.js';

const cases: readonly ParityCase[] = [
  ...answerCases,
  ...bodyCases,
  ...endingCases,
  ...redirectCases,
  ...requestCases,
];

/** The first column of the table of differences. */
function rowsOf(page: string): string[] {
  const from = page.indexOf('## Where it differs from axios');
  const to = page.indexOf('\n## ', from + 1);
  return page
    .slice(from, to)
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(2)
    .map((line) => (line.split(' | ')[0] as string).slice(2).trim());
}

describe('The table of differences from axios in docs/http.md', () => {
  const rows = rowsOf(readFileSync('docs/http.md', 'utf8'));
  const shown = new Set([
    ...cases.flatMap(({ differs }) => (differs ? [differs.row] : [])),
    ...connectionRows,
  ]);

  it('has a row for each difference that a case shows, and no other', () => {
    expect([...rows].sort()).toEqual([...shown].sort());
  });

  it('is all there is: far more cases have none', () => {
    const alike = cases.filter(({ differs }) => differs === undefined);
    expect(alike.length).toBeGreaterThan(300);
  });
});
