/**
 * What somebody meant who wrote a name that a scenario does not have.
 */
import { distance } from 'fastest-levenshtein';

/** Other words for the same, without case and separators. */
const SYNONYMS: ReadonlyMap<string, string> = new Map([
  ['duration', 'seconds'],
  ['durations', 'seconds'],
  ['secs', 'seconds'],
  ['from', 'fromS'],
  ['fromseconds', 'fromS'],
  ['at', 'fromS'],
  ['ats', 'fromS'],
  ['rampseconds', 'rampS'],
  ['rps', 'perSecond'],
  ['rate', 'perSecond'],
  ['url', 'netloc'],
  ['concurrency', 'capacity'],
  ['delayms', 'latencyMs'],
  ['retryafter', 'retryAfterS'],
]);

/** The end of a sentence: the name that was meant, or those there are. */
export function nameAdvice(name: string, known: readonly string[]): string {
  const word = plain(name);
  const meant = SYNONYMS.get(word);
  const close =
    meant !== undefined && known.includes(meant) ? meant : nearest(word, known);
  return close === undefined
    ? `known are ${known.join(', ')}`
    : `did you mean "${close}"?`;
}

function nearest(word: string, known: readonly string[]): string | undefined {
  return known
    .map((name) => ({ name, slips: distance(word, plain(name)) }))
    .filter(
      ({ name, slips }) => slips <= Math.max(1, Math.floor(name.length / 3)),
    )
    .toSorted((a, b) => a.slips - b.slips)[0]?.name;
}

function plain(name: string): string {
  return name.toLowerCase().replace(/[\s_.-]/g, '');
}
