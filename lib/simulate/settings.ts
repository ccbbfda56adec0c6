/**
 * What is simulated: one scenario, or two beside each other.
 */
import { isPlainObject } from '../dependency/option-text.js';
import { mergeOptions } from '../dependency/option-merge.js';
import type { Scenario } from '../simulation/contract.js';
import { CommandError } from './command-error.js';
import type { Loaded } from './scenario-file.js';
import { withRules } from './written-rules.js';

/** A scenario that is ready to run. */
export interface Setting {
  /** Tells it from the other one. */
  readonly label: string;
  readonly scenario: Scenario;
  /** Its options as they were written, rules as data included. */
  readonly written: unknown;
}

/** Errors: CommandError if there is no object; the rest is checked by `simulate`. */
export function settingOf({ name, value }: Loaded, seed?: number): Setting {
  const given = objectOf(name, value);
  const label = typeof given['name'] === 'string' ? given['name'] : name;
  const scenario = {
    ...given,
    name: given['name'] ?? name,
    ...('options' in given && { options: withRules(given['options']) }),
    ...(seed !== undefined && { seed }),
  } as unknown as Scenario;
  return { label, scenario, written: given['options'] ?? {} };
}

/**
 * `other` as a setting of its own if it says how long it lasts, else laid over `first`: options key
 * by key, all else as a whole.
 */
export function comparedWith(
  first: Loaded,
  other: Loaded,
  seed?: number,
): Setting {
  const base = objectOf(first.name, first.value);
  const changes = objectOf(other.name, other.value);
  if ('seconds' in changes)
    return settingOf(
      { name: other.name, value: { seed: base['seed'], ...changes } },
      seed,
    );
  const value = {
    ...base,
    ...changes,
    name: changes['name'] ?? other.name,
    description: changes['description'] ?? base['description'],
    options: mergeOptions(base['options'] ?? {}, changes['options'] ?? {}),
  };
  return settingOf({ name: other.name, value }, seed);
}

function objectOf(name: string, value: unknown): Record<string, unknown> {
  // A module's namespace or a class instance may hold a scenario as well as a literal does.
  const isObject =
    typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isObject)
    throw new CommandError(
      `${name} is no scenario: expected an object such as { "seconds": 60, "options": { … } }.`,
    );
  return isPlainObject(value)
    ? value
    : { ...(value as Record<string, unknown>) };
}
