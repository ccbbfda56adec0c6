/**
 * Trip rules and recoveries as options: made by their factories, or written by hand.
 */
import type { z } from 'zod';
import { outlier } from '../circuit/outlier.js';
import { probes, ramp } from '../circuit/recovery.js';
import { MOST_WINDOW_CALLS } from '../circuit/rule-check.js';
import {
  consecutiveFailures,
  errorCount,
  failureRatio,
  firstFailure,
  slowRatio,
} from '../circuit/trip-rules.js';
import { isDaceError, type DaceConfigurationError } from '../core/errors.js';
import { count, time } from './option-ranges.js';
import { checked, hasMethod, type Tell } from './option-shapes.js';

const RULES: readonly unknown[] = [
  consecutiveFailures,
  errorCount,
  failureRatio,
  firstFailure,
  outlier,
  slowRatio,
];

const TRIP_TEXT =
  'expected a trip rule such as failureRatio(), a function of the counts, or an array of them';

/** One rule or several. */
export const trip = (): z.ZodType =>
  checked((value, tell) => {
    if (!Array.isArray(value)) return checkRule(value, [], tell);
    if (value.length === 0)
      return tell(`${TRIP_TEXT}; circuit: false switches the circuit off`);
    for (const [index, rule] of value.entries()) checkRule(rule, [index], tell);
  });

const SPANS: Readonly<Record<string, z.ZodType>> = {
  windowMs: time(1),
  windowCalls: count(1),
  slowMs: time(1),
};

function checkRule(rule: unknown, path: PropertyKey[], tell: Tell): void {
  if (RULES.includes(rule)) {
    const { name } = rule as { name: string };
    return tell(`it makes a rule: call it, ${name}(…)`, path);
  }
  if (typeof rule === 'function') return;
  if (!hasMethod(rule, 'trips')) return tell(TRIP_TEXT, path);
  const written = rule as Record<string, unknown>;
  const { name, windowMs, windowCalls } = written;
  if (typeof name !== 'string' || name === '')
    tell('expected a rule with a name', path);
  for (const [option, schema] of Object.entries(SPANS)) {
    const value = written[option];
    if (value === undefined) continue;
    const problem = schema.safeParse(value).error?.issues[0]?.message;
    if (problem !== undefined) tell(problem, [...path, option]);
  }
  if (Number(windowCalls) > MOST_WINDOW_CALLS)
    tell(`expected at most ${MOST_WINDOW_CALLS}`, [...path, 'windowCalls']);
  if (windowMs !== undefined && windowCalls !== undefined)
    tell('it excludes windowMs: write one of them', [...path, 'windowCalls']);
}

const RECOVERIES: Readonly<Record<string, (options: object) => unknown>> = {
  probes,
  ramp,
};

export const recovery = (): z.ZodType =>
  checked((value, tell) => {
    if (value === probes || value === ramp) {
      const { name } = value as { readonly name: string };
      return tell(`it makes a recovery: call it, ${name}(…)`);
    }
    const { kind, ...options } = (value ?? {}) as Record<string, unknown>;
    const make =
      typeof kind === 'string' && Object.hasOwn(RECOVERIES, kind)
        ? RECOVERIES[kind]
        : undefined;
    if (make === undefined)
      return tell('expected a recovery such as probes() or ramp()');
    try {
      make(options);
    } catch (error) {
      if (!isDaceError(error, 'DACE_CONFIGURATION')) throw error;
      for (const problem of (error as DaceConfigurationError).problems)
        tell(problem.message, [problem.option]);
    }
  });
