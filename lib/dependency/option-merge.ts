/**
 * Options laid over options, key by key.
 */
import { isPlainObject } from './option-text.js';
import type { DependencyOptions } from './options.js';

/** Options that hold options, `headers` by name. All else is one value and replaced as a whole. */
const NESTED: ReadonlySet<string> = new Set([
  'retry',
  'retry.backoff',
  'retry.budget',
  'circuit',
  'circuit.resetBackoff',
  'circuit.openOnRetryAfter',
  'rateLimit',
  'http',
  'http.headers',
  'propagateDeadline',
]);

/** Options that `true` switches on, over whatever was said of them. */
const CAN_BE_ON: ReadonlySet<string> = new Set(['propagateDeadline']);

/**
 * `changes` over `base`.
 *
 * Shape:  by key, in `retry`, `circuit`, `rateLimit`, `http` and the objects in them too; arrays,
 *         functions and `http.tls` replace; `undefined` leaves what was; `false` over an object
 *         switches off, an object over `false` on, `true` over an object leaves it. Neither argument is changed.
 * Errors: none; what is no options object stays as it is, to be refused where it is checked.
 */
export function mergeOptions(
  base: DependencyOptions,
  changes: DependencyOptions,
): DependencyOptions {
  return merge(base, changes, '') as DependencyOptions;
}

function merge(base: unknown, changes: unknown, path: string): unknown {
  if (changes === undefined) return base;
  try {
    return mergeEntries(base, changes, path);
  } catch {
    // What cannot be read is told where it is checked.
    return changes;
  }
}

function mergeEntries(base: unknown, changes: unknown, path: string): unknown {
  if (changes === true && isPlainObject(base) && CAN_BE_ON.has(path))
    return base;
  if (!isPlainObject(base) || !isPlainObject(changes)) return changes;
  const merged = new Map<string, unknown>(Object.entries(base));
  for (const [key, value] of Object.entries(changes)) {
    if (value === undefined) continue;
    const below = path === '' ? key : `${path}.${key}`;
    if (path === 'http.headers') dropName(merged, key);
    merged.set(
      key,
      NESTED.has(below) ? merge(merged.get(key), value, below) : value,
    );
  }
  return Object.fromEntries(merged);
}

/** Header names differ in case only by accident. */
function dropName(headers: Map<string, unknown>, name: string): void {
  for (const other of headers.keys())
    if (other.toLowerCase() === name.toLowerCase()) headers.delete(other);
}
