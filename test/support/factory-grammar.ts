/**
 * What the factories of rules and recoveries may be given.
 */
import fc from 'fast-check';
import {
  errorCount,
  failureRatio,
  outlier,
  probes,
  ramp,
  slowRatio,
} from '../../lib/core.js';
import {
  count,
  group,
  isPlain,
  leaf,
  number,
  time,
  type Group,
} from './option-grammar.js';
import { isAmong } from './option-reckoning.js';

interface FactoryOptions {
  readonly group: Group;
  /** What each is right and does not go together. */
  clashes(value: unknown, wrong: readonly string[]): string[];
}

type Factory = (options: never) => object;

const ratio = () =>
  number((value) => value > 0 && value <= 1, 1, 0.5, 5e-324, 0.1);

/** A window of calls takes memory: it has an upper bound. */
const windowCalls = leaf(
  fc.constantFrom(1, 2, 10, 1_000),
  (value) =>
    Number.isInteger(value) &&
    (value as number) >= 1 &&
    (value as number) <= 1_000_000,
  fc.constantFrom(1_000_001, Number.MAX_SAFE_INTEGER),
);

const numbers = (
  value: unknown,
  wrong: readonly string[],
): Record<string, number | undefined> =>
  isPlain(value)
    ? Object.fromEntries(
        Object.entries(value).filter(
          ([name, item]) => typeof item === 'number' && !isAmong(name, wrong),
        ) as [string, number][],
      )
    : {};

const none = (): string[] => [];

/** Both windows at once, or a minimum that the window can never hold. */
const ofWindow =
  (least: string, most: (calls: number) => number) =>
  (value: unknown, wrong: readonly string[]): string[] => {
    const given = numbers(value, wrong);
    const calls = given['windowCalls'];
    if (calls === undefined) return [];
    const found = given['windowMs'] === undefined ? [] : ['windowCalls'];
    if ((given[least] ?? 0) > most(calls)) found.push(least);
    return found;
  };

export const FACTORIES: readonly (readonly [
  string,
  Factory,
  FactoryOptions,
])[] = [
  [
    'failureRatio',
    failureRatio,
    {
      group: group({
        ratio: ratio(),
        minimumCalls: count(1),
        windowMs: time(1),
        windowCalls,
      }),
      clashes: ofWindow('minimumCalls', (calls) => calls),
    },
  ],
  [
    'slowRatio',
    slowRatio,
    {
      group: group({
        ratio: ratio(),
        slowMs: time(1),
        minimumCalls: count(1),
        windowMs: time(1),
        windowCalls,
      }),
      clashes: ofWindow('minimumCalls', (calls) => calls),
    },
  ],
  [
    'errorCount',
    errorCount,
    {
      group: group({ maxFail: count(0), windowMs: time(1), windowCalls }),
      clashes: ofWindow('maxFail', (calls) => calls - 1),
    },
  ],
  [
    'outlier',
    outlier,
    {
      group: group({
        deviations: number(
          (value) => value > 0 && value <= 30,
          4,
          0.1,
          30,
          5e-324,
        ),
        ratio: ratio(),
        minimumCalls: count(1),
        windowMs: time(1),
      }),
      clashes: none,
    },
  ],
  [
    'probes',
    probes,
    {
      group: group({ calls: count(1), successes: count(1) }),
      clashes: (value, wrong) => {
        const { calls = 1, successes = 1 } = numbers(value, wrong);
        return successes > calls ? ['successes'] : [];
      },
    },
  ],
  [
    'ramp',
    ramp,
    {
      group: group({
        recoveryMs: time(1),
        graceMs: time(0),
        ratio: ratio(),
        minimumCalls: count(1),
      }),
      clashes: none,
    },
  ],
];
