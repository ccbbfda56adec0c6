/**
 * What somebody meant who wrote a name that is none.
 */
import { distance } from 'fastest-levenshtein';

/**
 * The name with the fewest slips, if a reader would call it the same: case and separators do not
 * count, and of a longer name every third letter may be wrong.
 *
 * @example nearestName('resetTimoutMs', ['resetTimeoutMs', 'leaseMs']) // 'resetTimeoutMs'
 */
export function nearestName(
  name: string,
  known: Iterable<string>,
): string | undefined {
  const word = plainName(name);
  let best: string | undefined;
  let fewest = Infinity;
  for (const other of known) {
    const slips = distance(word, plainName(other));
    const most = Math.max(1, Math.floor(other.length / 3));
    if (slips > most || slips >= fewest) continue;
    best = other;
    fewest = slips;
  }
  return best;
}

/** A name without case and separators. */
export function plainName(name: string): string {
  return name.toLowerCase().replace(/[\s_.-]/g, '');
}
