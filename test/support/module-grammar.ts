/**
 * The options of the module, as the documentation has them.
 */
import fc from 'fast-check';
import { ManualClock } from '../../lib/testing/manual-clock.js';
import { DEPENDENCY } from './dependency-grammar.js';
import { flag, fn, group, leaf, type Group } from './option-grammar.js';

const silent = { log: () => {}, warn: () => {}, error: () => {} };

const has = (value: unknown, ...names: string[]): boolean =>
  typeof value === 'object' &&
  value !== null &&
  names.every(
    (name) => typeof (value as Record<string, unknown>)[name] === 'function',
  );

export const MODULE: Group = group({
  isGlobal: flag(),
  defaults: DEPENDENCY,
  logger: leaf(
    fc.constantFrom<unknown>(false, silent),
    (value) => value === false || has(value, 'log', 'warn', 'error'),
    fc.constantFrom<unknown>({ log: () => {} }),
  ),
  clock: leaf(
    fc.constantFrom<unknown>(new ManualClock()),
    () => false,
    fc.constantFrom<unknown>({ nowMs: () => 0 }),
  ),
  random: fn(() => 0.5),
  filter: flag(),
  cancelOnDisconnect: flag(),
});
