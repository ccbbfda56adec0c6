import type { Check, Evidence } from './checks.js';
import type { Outcome, Phase, Question } from './shoppers.js';

const PHASES: readonly Phase[] = ['alive', 'dead', 'back'];
const QUESTIONS: readonly Question[] = ['stock', 'reserve'];
const OUTCOMES: readonly Outcome[] = [
  'answered',
  'fallback',
  'refused',
  'failed',
];

/** What each phase was like, and whether all that must happen did. */
export function summary(
  { experiences }: Evidence,
  found: readonly Check[],
): string {
  const rows = PHASES.flatMap((phase) =>
    QUESTIONS.map((question) => {
      const ones = experiences.filter(
        (one) => one.phase === phase && one.question === question,
      );
      const counts = OUTCOMES.map((outcome) =>
        String(ones.filter((one) => one.outcome === outcome).length),
      );
      return [`inventory ${phase}`, question, ...counts];
    }),
  );
  const results = found.map(
    ({ what, isMet }) => `${isMet ? 'ok  ' : 'FAIL'} ${what}`,
  );
  const table = [['phase', 'question', ...OUTCOMES], ...rows].map(lineOf);
  return `\n${table.join('\n')}\n\n${results.join('\n')}`;
}

function lineOf(cells: readonly string[]): string {
  return cells
    .map((cell, column) =>
      column < 2 ? cell.padEnd(column === 0 ? 17 : 9) : cell.padStart(9),
    )
    .join('');
}
