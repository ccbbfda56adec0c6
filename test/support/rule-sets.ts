/** Trip rules and the model's words for the same, side by side. */
import {
  consecutiveFailures,
  errorCount,
  failureRatio,
  firstFailure,
  type TripRule,
} from '../../lib/circuit/trip-rules.js';
import {
  defaultModelRules,
  modelRules,
  type ModelRule,
} from './circuit-model.js';

export interface RuleSet {
  readonly name: string;
  /** Undefined = the circuit's default. */
  readonly trip: readonly TripRule[] | undefined;
  readonly model: readonly ModelRule[];
  readonly longestMs: number;
}

const ratioOf = (ratio: number, minimumCalls: number, windowMs: number) => ({
  trip: failureRatio({ ratio, minimumCalls, windowMs }),
  model: modelRules.failureRatio(ratio, minimumCalls, windowMs),
});
const errorsOf = (maxFail: number, windowMs: number) => ({
  trip: errorCount({ maxFail, windowMs }),
  model: modelRules.errorCount(maxFail, windowMs),
});
const inARowOf = (count: number) => ({
  trip: consecutiveFailures(count),
  model: modelRules.consecutiveFailures(count),
});
const first = { trip: firstFailure(), model: modelRules.firstFailure() };

function setOf(
  name: string,
  ...rules: readonly { trip: TripRule; model: ModelRule }[]
): RuleSet {
  const spans = rules.flatMap(({ trip }) => trip.windowMs ?? []);
  return {
    name,
    trip: rules.map(({ trip }) => trip),
    model: rules.map(({ model }) => model),
    longestMs: spans.length === 0 ? 10_000 : Math.max(...spans),
  };
}

export const ruleSets: readonly RuleSet[] = [
  {
    name: 'default',
    trip: undefined,
    model: defaultModelRules,
    longestMs: 10_000,
  },
  setOf('half of three', ratioOf(0.5, 3, 1_000)),
  setOf('a fifth of ten', ratioOf(0.2, 10, 10_000)),
  setOf('every one of two', ratioOf(1, 2, 70)),
  setOf('three in a row', inARowOf(3)),
  setOf('more than three in a minute', errorsOf(3, 60_000)),
  setOf('any in a window', errorsOf(0, 330)),
  setOf('first failure', first),
  setOf(
    'a mix',
    ratioOf(0.5, 4, 500),
    ratioOf(0.25, 8, 5_000),
    errorsOf(5, 1_000),
    inARowOf(4),
  ),
];
