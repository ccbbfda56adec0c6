/**
 * What somebody meant who wrote a name that is no option: another library's word, an option of
 * another level, or a slip of the pen.
 */
import { nearestName, plainName } from '../core/nearest-name.js';
import {
  CALL,
  DEPENDENCY,
  GUARD,
  isLevel,
  SURROUNDINGS,
  type Level,
} from './option-levels.js';
import { REFUSED_NAMES } from './option-text.js';
import { ELSEWHERE, RULES, SYNONYMS } from './option-words.js';

/**
 * What is wrong with a name that is no option of its level.
 *
 * Shape:  (name, level it was written in, that level's path, options of a call or a dependency,
 *         what stands before every path) → a sentence without its full stop.
 */
export function nameProblem(
  name: string,
  level: Level,
  path: string,
  root: Level,
  prefix: string,
): string {
  const full = prefix + below(path, name);
  if (REFUSED_NAMES.has(name))
    return `option "${full}" is refused: it is no name`;
  return `unknown option "${full}": ${advice(name, level, path, root)}`;
}

function advice(name: string, level: Level, path: string, root: Level): string {
  const word = plainName(name);
  const synonym = own(SYNONYMS[path], word);
  if (synonym !== undefined && exists(root, synonym))
    return `did you mean "${synonym}"?`;
  const rule = own(RULES, word);
  if (rule !== undefined && root === DEPENDENCY) return `write ${rule}`;
  const elsewhere = path === '' ? own(ELSEWHERE, word) : undefined;
  if (elsewhere !== undefined) return elsewhere;
  if (path !== '' && Object.hasOwn(root.entries, name))
    return `it belongs at the top, beside ${path.split('.')[0]}`;
  const right = levelsWith(root, name);
  if (right.length > 0) return `it belongs in ${right.join(' or ')}`;
  if (root === SURROUNDINGS && Object.hasOwn(DEPENDENCY.entries, name))
    return 'it belongs in the second argument';
  if (root === GUARD && Object.hasOwn(CALL.entries, name))
    return 'it is an option of execute; acquire takes netloc alone';
  const other = root === CALL ? DEPENDENCY : CALL;
  if (path === '' && Object.hasOwn(other.entries, name))
    return other === CALL
      ? 'it is an option of one call'
      : 'it is an option of the dependency, not of one call';
  return nearest(name, level, path, root);
}

function nearest(
  name: string,
  level: Level,
  path: string,
  root: Level,
): string {
  const here = Object.keys(level.entries);
  const close = nearestName(name, here);
  if (close !== undefined) return `did you mean "${below(path, close)}"?`;
  const all = namesOf(root, '');
  const far = nearestName(name, all.keys());
  if (far !== undefined) return `did you mean "${all.get(far)}"?`;
  return `known are ${here.join(', ')}`;
}

/** Paths of the levels below `root` that have an option of this name. */
function levelsWith(root: Level, name: string, path = ''): string[] {
  return Object.entries(root.entries).flatMap(([key, entry]) => {
    if (!isLevel(entry)) return [];
    const inside = below(path, key);
    const deeper = levelsWith(entry, name, inside);
    return Object.hasOwn(entry.entries, name) ? [inside, ...deeper] : deeper;
  });
}

/** Every name below `root` with its path; of two the one nearer to the root. */
function namesOf(root: Level, path: string): Map<string, string> {
  const names = new Map<string, string>();
  for (const [key, entry] of Object.entries(root.entries)) {
    names.set(key, below(path, key));
    if (!isLevel(entry)) continue;
    for (const [name, full] of namesOf(entry, below(path, key)))
      if (!names.has(name)) names.set(name, full);
  }
  return names;
}

function exists(root: Level, path: string): boolean {
  const [first = ''] = path.split('.');
  return Object.hasOwn(root.entries, first);
}

function own(
  words: Readonly<Record<string, string>> | undefined,
  word: string,
): string | undefined {
  return words !== undefined && Object.hasOwn(words, word)
    ? words[word]
    : undefined;
}

export function below(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}
