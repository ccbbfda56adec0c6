/**
 * Options as people write them, right and wrong. Everything generated knows what is wrong in it, by
 * a reading of the documentation that shares nothing with the checks in lib.
 */
import fc, { type Arbitrary } from 'fast-check';
import { junk } from './junk.js';

/** A value, and the paths of what is wrong in it. */
export interface Written {
  readonly value: unknown;
  readonly wrong: readonly string[];
}

export interface Leaf {
  readonly right: Arbitrary<unknown>;
  /** Each is refused as a whole or in a part; absent where nothing is. */
  readonly wrong?: Arbitrary<unknown>;
}

export interface Group {
  readonly entries: Readonly<Record<string, Leaf | Group>>;
  readonly canBeOff: boolean;
  /** `true` switches it on as it is. */
  readonly canBeOn: boolean;
}

export const MOST_MS = 2_147_483_647;

/** A leaf whose wrong values are all the junk that `isRight` does not take. */
export const leaf = (
  right: Arbitrary<unknown>,
  isRight: (value: unknown) => boolean,
  wrong?: Arbitrary<unknown>,
): Leaf => {
  const refused = junk.filter((value) => !answers(isRight, value));
  return {
    right,
    wrong: wrong === undefined ? refused : fc.oneof(refused, wrong),
  };
};

/** What cannot even be looked at is not right. */
function answers(isRight: (value: unknown) => boolean, value: unknown) {
  try {
    return isRight(value);
  } catch {
    return false;
  }
}

/** A leaf that takes whatever there is. */
export const anything = (): Leaf => ({ right: junk });

export const group = (
  entries: Group['entries'],
  canBeOff = false,
  canBeOn = false,
): Group => ({ entries, canBeOff, canBeOn });

export const time = (least: 0 | 1, orOff = false): Leaf => {
  const spans = [1, 1.5, 7, 100, 1_000, 30_000, MOST_MS];
  const small = least === 0 ? [0, -0, 5e-324, 0.5] : [];
  const off = orOff ? [false] : [];
  return leaf(
    fc.constantFrom<unknown>(...spans, ...small, ...off),
    (value) =>
      (orOff && value === false) ||
      (typeof value === 'number' && value >= least && value <= MOST_MS),
  );
};

export const count = (least: 0 | 1, orOff = false): Leaf =>
  leaf(
    fc.constantFrom<unknown>(
      ...[1, 1, 2, 3, 5, Number.MAX_SAFE_INTEGER],
      ...(least === 0 ? [0, -0] : []),
      ...(orOff ? [false] : []),
    ),
    (value) =>
      (orOff && value === false) ||
      (Number.isSafeInteger(value) && (value as number) >= least),
  );

export const number = (
  isRight: (value: number) => boolean,
  ...right: readonly number[]
): Leaf =>
  leaf(
    fc.constantFrom(...right),
    (value) => typeof value === 'number' && isRight(value),
  );

export const flag = (): Leaf =>
  leaf(fc.boolean(), (value) => typeof value === 'boolean');

export const fn = (...right: readonly (() => unknown)[]): Leaf =>
  leaf(fc.constantFrom(...right), (value) => typeof value === 'function');

const STRANGERS = [
  'timeout',
  'TimeoutMs',
  'timeoutMS ',
  'retires',
  'resetTimeoutMS',
  'maxFail',
  'errorThresholdPercentage',
  'constructor',
  'prototype',
  '__proto__',
  'toString',
  'hasOwnProperty',
  'then',
  '',
  ' ',
  'a.b',
  '0',
  'größe',
  'x'.repeat(500),
];

/** Ways to hold the same options that change nothing. */
const HOLDERS: readonly ((options: Record<string, unknown>) => object)[] = [
  (options) => options,
  (options) => options,
  (options) => options,
  (options) => Object.freeze(options),
  (options) => Object.assign(Object.create(null), options) as object,
  (options) => Object.assign(options, { [Symbol('tag')]: NaN }),
  (options) => new Proxy(options, {}),
  (options) =>
    Object.defineProperties(
      {},
      Object.fromEntries(
        Object.entries(options).map(([name, value]) => [
          name,
          { enumerable: true, get: () => value },
        ]),
      ),
    ),
];

/** Ways to hold them that nobody should have to read. */
const WRONG_HOLDERS: readonly ((options: object) => unknown)[] = [
  (options) => Object.assign(new (class Options {})(), options),
  (options) => Object.assign([], options),
  (options) => Object.assign(() => {}, options),
  (options) => new Map(Object.entries(options)),
  (options) => [options],
  (options) => `{ ${Object.keys(options).join()} }`,
  (options) => Promise.resolve(options),
];

/** How often something is wrong where it could be: of each hundred. */
export interface Share {
  readonly wrong: number;
}

/** Options of `level`, some of them wrong. */
export function written(
  level: Group,
  share: Share,
  path = '',
): Arbitrary<Written> {
  const parts = Object.entries(level.entries).map(([name, node]) =>
    entry(name, node, share, below(path, name)),
  );
  const strangers = fc.oneof(
    { weight: 400 - share.wrong, arbitrary: fc.constant([]) },
    {
      weight: share.wrong,
      arbitrary: fc.uniqueArray(fc.constantFrom(...STRANGERS), {
        minLength: 1,
        maxLength: 2,
      }),
    },
  );
  const object = fc
    .tuple(fc.tuple(...parts), strangers, fc.constantFrom(...HOLDERS))
    .map(([given, names, holder]) => {
      const wrong = given.flatMap((part) => part?.wrong ?? []);
      const options: Record<string, unknown> = {};
      for (const part of given)
        if (part !== undefined) put(options, part.name, part.value);
      for (const name of names)
        if (!Object.hasOwn(level.entries, name)) {
          put(options, name, 1);
          wrong.push(below(path, name));
        }
      return { value: holder(options), wrong };
    });
  const whole = path === '' ? 'options' : path;
  return fc.oneof(
    { weight: 300 - share.wrong, arbitrary: object },
    {
      weight: Math.ceil(share.wrong / 2),
      arbitrary: fc
        .tuple(object, fc.constantFrom(...WRONG_HOLDERS))
        .map(([{ value }, holder]) => ({
          value: holder(value),
          wrong: [whole],
        })),
    },
    {
      weight: Math.ceil(share.wrong / 2),
      arbitrary: junk
        .filter(
          (value) =>
            !isPlain(value) &&
            value !== undefined &&
            !(value === false && level.canBeOff) &&
            !(value === true && level.canBeOn),
        )
        .map((value) => ({ value, wrong: [whole] })),
    },
  );
}

interface Part extends Written {
  readonly name: string;
}

function entry(
  name: string,
  node: Leaf | Group,
  share: Share,
  path: string,
): Arbitrary<Part | undefined> {
  const absent = { weight: 65, arbitrary: fc.constant(undefined) };
  const left = {
    weight: 3,
    arbitrary: fc.constant({ name, value: undefined, wrong: [] }),
  };
  if (isGroup(node))
    return fc.oneof(
      absent,
      left,
      {
        weight: 30,
        arbitrary: written(node, share, path).map((part) => ({
          name,
          ...part,
        })),
      },
      {
        weight: node.canBeOff ? 5 : 0,
        arbitrary: fc.constant({ name, value: false, wrong: [] }),
      },
      {
        weight: node.canBeOn ? 5 : 0,
        arbitrary: fc.constant({ name, value: true, wrong: [] }),
      },
    );
  const right = {
    weight: 30,
    arbitrary: node.right.map((value) => ({ name, value, wrong: [] })),
  };
  if (node.wrong === undefined) return fc.oneof(absent, left, right);
  return fc.oneof(absent, left, right, {
    weight: Math.ceil(share.wrong / 4),
    arbitrary: node.wrong
      .filter((value) => value !== undefined)
      .map((value) => ({ name, value, wrong: [path] })),
  });
}

/** As an own property, whatever it is called. */
function put(options: object, name: string, value: unknown): void {
  Object.defineProperty(options, name, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}

export function isGroup(node: Leaf | Group): node is Group {
  return 'entries' in node;
}

export function below(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

/** An object literal. */
export function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}
