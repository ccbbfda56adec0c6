/** Trip rules and the model's words for the same, side by side. */
import {
  excessProbability,
  normalTail,
  outlier,
} from '../../lib/circuit/outlier.js';
import {
  consecutiveFailures,
  errorCount,
  failureRatio,
  firstFailure,
  slowRatio,
  type RuleWindow,
  type TripInput,
  type TripRule,
} from '../../lib/circuit/trip-rules.js';
import { longestMsOf, type ModelRule, type Seen } from './model-rules.js';

interface Rule {
  readonly trip: TripRule;
  readonly model: ModelRule;
}

export interface RuleSet {
  /** Undefined = the circuit's default. */
  readonly trip: readonly TripRule[] | undefined;
  /** As an app would write it. */
  readonly written: readonly TripInput[] | undefined;
  readonly model: readonly ModelRule[];
  readonly longestMs: number;
}

const ratioOf = (
  ratio: number,
  minimumCalls: number,
  window: RuleWindow,
): Rule => ({
  trip: failureRatio({ ratio, minimumCalls, ...window }),
  model: {
    name: 'failureRatio',
    ...window,
    holds: ({ calls, failures }) =>
      calls >= minimumCalls && failures / calls >= ratio,
  },
});

const errorsOf = (maxFail: number, window: RuleWindow): Rule => ({
  trip: errorCount({ maxFail, ...window }),
  model: {
    name: 'errorCount',
    ...window,
    holds: ({ failures }) => failures >= maxFail + 1,
  },
});

const slowOf = (
  ratio: number,
  minimumCalls: number,
  slowMs: number | undefined,
  window: RuleWindow,
): Rule => ({
  trip: slowRatio({ ratio, minimumCalls, slowMs, ...window }),
  model: {
    name: 'slowRatio',
    ...window,
    ...(slowMs !== undefined && { slowMs }),
    holds: ({ calls, slow }) => calls >= minimumCalls && slow / calls >= ratio,
  },
});

const inARowOf = (count: number): Rule => ({
  trip: consecutiveFailures(count),
  model: {
    name: 'consecutiveFailures',
    holds: ({ inARow }) => inARow >= count,
  },
});

const first: Rule = {
  trip: firstFailure(),
  model: { name: 'firstFailure', holds: ({ inARow }) => inARow > 0 },
};

const outlierOf = (
  deviations: number,
  ratio: number,
  minimumCalls: number,
  windowMs: number,
): Rule => {
  const rarest = normalTail(deviations);
  return {
    trip: outlier({ deviations, ratio, minimumCalls, windowMs }),
    model: {
      name: 'outlier',
      windowMs,
      holds: (own, peers) =>
        peers !== undefined &&
        own.calls >= minimumCalls &&
        peers.calls >= minimumCalls &&
        own.failures / own.calls >= ratio &&
        own.failures * peers.calls > peers.failures * own.calls &&
        excessProbability(own, peers) <= rarest,
    },
  };
};

/** The same test of the counts, told to the circuit as an object. */
const objectOf = (
  name: string,
  where: Pick<TripRule, 'windowMs' | 'windowCalls' | 'slowMs'>,
  holds: (seen: Seen) => boolean,
): Rule => ({
  trip: {
    name,
    ...where,
    trips: (counts) => holds({ ...counts, inARow: counts.consecutiveFailures }),
  },
  model: { name, ...where, holds },
});

const functionOf = (name: string, holds: (seen: Seen) => boolean): Rule =>
  objectOf(name, {}, holds);

/** An app may hand over the function itself. */
function writtenOf({ name, ...rule }: TripRule): TripInput {
  if (Object.keys(rule).length > 1) return { name, ...rule };
  const trips: TripRule['trips'] = (...counts) => rule.trips(...counts);
  return Object.defineProperty(trips, 'name', { value: name });
}

function setOf(...rules: readonly Rule[]): RuleSet {
  const trip = rules.map((rule) => rule.trip);
  const model = rules.map((rule) => rule.model);
  const written = trip.map(writtenOf);
  return { trip, written, model, longestMs: longestMsOf(model) };
}

const EXPECTED = undefined;
const spanOf = (windowMs: number) => ({ windowMs });
const lastOf = (windowCalls: number) => ({ windowCalls });

const defaults: RuleSet = {
  trip: undefined,
  written: undefined,
  model: [
    ratioOf(0.5, 10, spanOf(10_000)).model,
    inARowOf(20).model,
    {
      name: 'consecutiveFailures',
      windowMs: 10_000,
      holds: (seen) => seen.calls < 10 && seen.inARow >= 5,
    },
  ],
  longestMs: 10_000,
};

/** Of every kind of rule several. */
export const ruleKinds: Readonly<Record<string, readonly RuleSet[]>> = {
  'the default rules': [defaults],
  'failureRatio over a span': [
    setOf(ratioOf(0.5, 3, spanOf(1_000))),
    setOf(ratioOf(0.2, 10, spanOf(10_000))),
    setOf(ratioOf(1, 2, spanOf(70))),
  ],
  'failureRatio over the last calls': [
    setOf(ratioOf(0.5, 3, lastOf(4))),
    setOf(ratioOf(0.3, 2, lastOf(3))),
    setOf(ratioOf(1, 1, lastOf(1))),
  ],
  'errorCount over a span': [
    setOf(errorsOf(3, spanOf(60_000))),
    setOf(errorsOf(0, spanOf(330))),
  ],
  'errorCount over the last calls': [
    setOf(errorsOf(1, lastOf(4))),
    setOf(errorsOf(0, lastOf(2))),
    setOf(errorsOf(3, lastOf(12))),
  ],
  'slowRatio with slowMs over a span': [
    setOf(slowOf(0.5, 3, 40, spanOf(1_000))),
    setOf(slowOf(0.2, 5, 100, spanOf(10_000))),
    setOf(slowOf(0.5, 2, 1_000, spanOf(60_000))),
  ],
  'slowRatio with slowMs over the last calls': [
    setOf(slowOf(0.5, 3, 40, lastOf(4))),
    setOf(slowOf(1, 2, 100, lastOf(2))),
    setOf(slowOf(0.3, 3, 40, lastOf(3))),
  ],
  'slowRatio of what was expected over a span': [
    setOf(slowOf(0.5, 3, EXPECTED, spanOf(1_000))),
    setOf(slowOf(0.2, 5, EXPECTED, spanOf(10_000))),
  ],
  'slowRatio of what was expected over the last calls': [
    setOf(slowOf(0.5, 3, EXPECTED, lastOf(4))),
    setOf(slowOf(1, 1, EXPECTED, lastOf(1))),
    setOf(slowOf(0.3, 4, EXPECTED, lastOf(6))),
  ],
  consecutiveFailures: [setOf(inARowOf(3)), setOf(inARowOf(1))],
  firstFailure: [setOf(first)],
  outlier: [
    setOf(outlierOf(2, 0.1, 3, 1_000)),
    setOf(outlierOf(1, 0.3, 2, 10_000)),
    setOf(outlierOf(2.5, 0.1, 4, 60_000), errorsOf(8, spanOf(10_000))),
  ],
  'a function of the counts': [
    setOf(functionOf('twoAndAFifth', (seen) => seen.failures * 5 > seen.calls)),
    setOf(functionOf('late', ({ slow, failures }) => slow > 1 && failures > 2)),
    setOf(
      functionOf('inARowOfFew', (seen) => seen.inARow > 1 && seen.calls < 6),
      ratioOf(0.5, 4, spanOf(500)),
    ),
  ],
  'an object with its own span': [
    setOf(objectOf('three', spanOf(700), ({ failures }) => failures === 3)),
    setOf(
      objectOf('lame', { windowMs: 500, slowMs: 40 }, ({ slow }) => slow > 2),
    ),
  ],
  'an object over the last calls': [
    setOf(objectOf('odd', lastOf(5), ({ failures }) => failures % 2 === 1)),
    setOf(
      objectOf('lame', { windowCalls: 3, slowMs: 40 }, ({ slow }) => slow > 1),
      objectOf('sick', lastOf(3), (seen) => seen.failures > 1),
    ),
  ],
  'a mix': [
    setOf(
      ratioOf(0.5, 4, spanOf(500)),
      ratioOf(0.25, 8, spanOf(5_000)),
      errorsOf(5, spanOf(1_000)),
      inARowOf(4),
    ),
    setOf(
      slowOf(0.5, 4, 40, lastOf(6)),
      ratioOf(0.5, 4, lastOf(6)),
      outlierOf(2, 0.1, 3, 1_000),
    ),
    // The same measure of slowness over three windows, one of them not named.
    setOf(
      slowOf(1, 6, 40, spanOf(300)),
      objectOf('lame', { slowMs: 40 }, ({ slow }) => slow > 3),
      errorsOf(7, spanOf(5_000)),
    ),
    setOf(
      inARowOf(6),
      errorsOf(2, lastOf(5)),
      slowOf(0.5, 4, EXPECTED, spanOf(330)),
    ),
  ],
};

export const ruleSets: readonly RuleSet[] = Object.values(ruleKinds).flat();
