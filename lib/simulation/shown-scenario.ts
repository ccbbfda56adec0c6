/**
 * A scenario as JSON holds it. What JSON has no word for is told by its name.
 */
import { isPlainObject, kindOf } from '../dependency/option-text.js';
import type { Scenario, ScenarioRecord } from './contract.js';

export function recordOf(scenario: Scenario): ScenarioRecord {
  return record(scenario, []) as ScenarioRecord;
}

function record(value: unknown, around: readonly object[]): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      return Number.isFinite(value) ? value + 0 : String(value);
    case 'function':
      return value.name === '' ? 'function' : value.name;
    case 'object':
      return value === null ? null : recordObject(value, around);
    default:
      return String(value);
  }
}

function recordObject(value: object, around: readonly object[]): unknown {
  if (around.includes(value)) return 'circular';
  const inside = [...around, value];
  if (Array.isArray(value)) return value.map((item) => record(item, inside));
  if (value instanceof URL) return value.href;
  if (!isPlainObject(value)) return kindOf(value);
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .map(([key, item]) => [key, record(item, inside)]),
  );
}
