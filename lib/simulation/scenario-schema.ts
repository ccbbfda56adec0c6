/**
 * What may stand in a scenario. Each message ends the sentence "name is value: …".
 */
import { z } from 'zod';
import { DEPENDENCY } from '../dependency/option-levels.js';
import { MOST_MS } from '../dependency/option-ranges.js';
import { isPlainObject } from '../dependency/option-text.js';

/** Which names there are at some place, and what to say of one that belongs to another. */
export interface Names {
  readonly known: readonly string[];
  readonly elsewhere: (name: string) => string | undefined;
}

export interface Shape {
  readonly schema: z.ZodType;
  readonly namesAt: (path: readonly PropertyKey[]) => Names;
}

const MOST_PER_SECOND = 1_000_000;

const text = z.string('expected a text');
const object = z.custom(isPlainObject, 'expected an object');
const share = numberFrom(0, 1, 'expected a number from 0 to 1');
const span = numberFrom(0, MOST_MS / 1_000, 'expected seconds, 0 or more');
const flag = z.boolean('expected true or false');
const latency = z.custom(
  isLatency,
  'expected milliseconds, 0 or more, or { p50, p99 } of them with 0 < p50 <= p99',
);

const BEHAVIOUR = {
  latencyMs: latency.optional(),
  errorLatencyMs: latency.optional(),
  errorRatio: share.optional(),
  status: wholeFrom(400, 599, 'expected an HTTP status from 400 to 599'),
  retryAfterS: wholeFrom(0, MOST_MS, 'expected whole seconds, 0 or more'),
  hangRatio: share.optional(),
  refusesConnections: flag.optional(),
  capacity: wholeFrom(1, MOST_MS, 'expected a whole number of at least 1'),
};

const HOST_PHASE = { ...BEHAVIOUR, fromS: span, rampS: span.optional() };

const HOST = {
  ...BEHAVIOUR,
  netloc: text.min(1, 'expected "host:port"').optional(),
  weight: numberFrom(
    Number.MIN_VALUE,
    Number.MAX_VALUE,
    'expected a finite number above 0',
  ).optional(),
  phases: inOrder(
    z.array(
      z.strictObject(HOST_PHASE, 'expected an object'),
      'expected an array',
    ),
  ).optional(),
};

const PER_SECOND_TEXT = 'expected operations a second, from 0 to 1,000,000';
const perSecond = numberFrom(0, MOST_PER_SECOND, PER_SECOND_TEXT);

const TRAFFIC_PHASE = {
  fromS: span,
  perSecond,
  arrivals: z
    .enum(['even', 'poisson'], "expected 'even' or 'poisson'")
    .optional(),
};

const WHOLE = {
  name: text.optional(),
  description: text.optional(),
  options: object.optional(),
  hosts: z
    .array(z.strictObject(HOST, 'expected an object'), 'expected an array')
    .min(1, 'expected a host; leave it out for one without a name')
    .optional(),
  traffic: z
    .custom(
      (value) => Array.isArray(value) || perSecond.safeParse(value).success,
      `${PER_SECOND_TEXT}, or an array of phases`,
    )
    .optional(),
  seconds: z
    .int('expected whole seconds, 1 or more')
    .min(1, 'expected whole seconds, 1 or more'),
  seed: wholeFrom(
    0,
    Number.MAX_SAFE_INTEGER,
    'expected a whole number of at least 0',
  ),
  call: object.optional(),
};

export const SCENARIO: Shape = {
  schema: z.strictObject(WHOLE),
  namesAt(path) {
    if (path.length === 0)
      return { known: Object.keys(WHOLE), elsewhere: ofTheDependency };
    const isPhase = path.includes('phases');
    return {
      known: Object.keys(isPhase ? HOST_PHASE : HOST),
      elsewhere: (name) => (isPhase ? ofTheHost(name) : ofAPhase(name)),
    };
  },
};

/** Phases of traffic; a number in their place is checked with the rest. */
export const TRAFFIC: Shape = {
  schema: inOrder(
    z
      .array(z.strictObject(TRAFFIC_PHASE, 'expected an object'))
      .min(1, 'expected a phase; leave it out for 100 a second'),
  ),
  namesAt: () => ({
    known: Object.keys(TRAFFIC_PHASE),
    elsewhere: () => undefined,
  }),
};

function ofTheDependency(name: string): string | undefined {
  if (Object.hasOwn(DEPENDENCY.entries, name)) return 'it belongs in options';
  return name in BEHAVIOUR ? 'it belongs in hosts' : undefined;
}

function ofTheHost(name: string): string | undefined {
  return Object.hasOwn(HOST, name)
    ? 'it belongs to the host, beside phases'
    : undefined;
}

function ofAPhase(name: string): string | undefined {
  return Object.hasOwn(HOST_PHASE, name) ? 'it belongs in phases' : undefined;
}

function numberFrom(least: number, most: number, message: string) {
  return z.number(message).min(least, message).max(most, message);
}

function wholeFrom(least: number, most: number, message: string) {
  return z.int(message).min(least, message).max(most, message).optional();
}

function isLatency(value: unknown): boolean {
  if (typeof value === 'number') return value >= 0 && value <= MOST_MS;
  if (!isPlainObject(value) || Object.keys(value).length !== 2) return false;
  const { p50, p99 } = value;
  if (typeof p50 !== 'number' || typeof p99 !== 'number') return false;
  return p50 > 0 && p50 <= p99 && p99 <= MOST_MS;
}

/** Phases that follow one another. */
function inOrder<T extends z.ZodType<readonly { readonly fromS: number }[]>>(
  phases: T,
): T {
  return phases.superRefine((list, context) => {
    list.forEach(({ fromS }, index) => {
      const before = list[index - 1]?.fromS ?? -1;
      if (fromS > before) return;
      const message = `expected phases in order: after ${before}, the one before`;
      context.addIssue({ code: 'custom', path: [index, 'fromS'], message });
    });
  });
}
