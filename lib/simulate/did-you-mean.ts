/**
 * The name that somebody meant on the command line.
 */
import { nearestName } from '../core/nearest-name.js';

/** ` Did you mean "x"?`, or nothing if no name is near. */
export function didYouMean(name: string, known: readonly string[]): string {
  const near =
    nearestName(name, known) ?? known.find((other) => other.startsWith(name));
  return near === undefined ? '' : ` Did you mean "${near}"?`;
}
