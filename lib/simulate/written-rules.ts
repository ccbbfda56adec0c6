/**
 * Trip rules and recoveries as JSON can hold them: `{ "failureRatio": { "ratio": 0.3 } }` for
 * `failureRatio({ ratio: 0.3 })`.
 */
import { outlier } from '../circuit/outlier.js';
import { probes, ramp, type Recovery } from '../circuit/recovery.js';
import {
  consecutiveFailures,
  errorCount,
  failureRatio,
  firstFailure,
  slowRatio,
  type TripRule,
} from '../circuit/trip-rules.js';
import { isPlainObject } from '../dependency/option-text.js';

type Factory<T> = (written: never) => T;

const RULES = new Map<string, Factory<TripRule>>([
  ['consecutiveFailures', consecutiveFailures],
  ['errorCount', errorCount],
  ['failureRatio', failureRatio],
  ['firstFailure', () => firstFailure()],
  ['outlier', outlier],
  ['slowRatio', slowRatio],
]);
const RECOVERIES = new Map<string, Factory<Recovery>>([
  ['probes', probes],
  ['ramp', ramp],
]);

/**
 * `options` with every rule that is written as data made into the rule.
 *
 * Shape:  a new object; what is no written rule stays as it is.
 * Errors: those of the rules themselves, DaceConfigurationError.
 */
export function withRules(options: unknown): unknown {
  if (!isPlainObject(options) || !isPlainObject(options['circuit']))
    return options;
  const { trip, recovery } = options['circuit'];
  return {
    ...options,
    circuit: {
      ...options['circuit'],
      ...(trip !== undefined && {
        trip: Array.isArray(trip)
          ? trip.map((rule) => made(rule, RULES))
          : made(trip, RULES),
      }),
      ...(recovery !== undefined && { recovery: made(recovery, RECOVERIES) }),
    },
  };
}

function made<T>(
  written: unknown,
  factories: Map<string, Factory<T>>,
): unknown {
  if (typeof written === 'string')
    return factories.get(written)?.({} as never) ?? written;
  if (!isPlainObject(written)) return written;
  const [[name, value] = [], ...more] = Object.entries(written);
  const factory = more.length === 0 && factories.get(name ?? '');
  return factory ? factory(value as never) : written;
}
