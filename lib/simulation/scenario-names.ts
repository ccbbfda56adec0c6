/**
 * What somebody meant who wrote a name that a scenario does not have.
 */
import { nearestName, plainName } from '../core/nearest-name.js';

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
  const word = plainName(name);
  const meant = SYNONYMS.get(word);
  const close =
    meant !== undefined && known.includes(meant)
      ? meant
      : nearestName(word, known);
  return close === undefined
    ? `known are ${known.join(', ')}`
    : `did you mean "${close}"?`;
}
