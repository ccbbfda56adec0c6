/**
 * The name that somebody meant.
 */
import { closest, distance } from 'fastest-levenshtein';

/** ` Did you mean "x"?`, or nothing if no name is near. */
export function didYouMean(name: string, known: readonly string[]): string {
  if (known.length === 0) return '';
  const near = closest(name.toLowerCase(), [...known]);
  const slips = distance(name.toLowerCase(), near.toLowerCase());
  const isNear = slips <= Math.max(1, Math.floor(near.length / 3));
  return isNear || near.startsWith(name) ? ` Did you mean "${near}"?` : '';
}
