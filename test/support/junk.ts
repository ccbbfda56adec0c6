/**
 * Values of every kind that a language without types lets through.
 */
import fc, { type Arbitrary } from 'fast-check';

class Instance {
  timeoutMs = 5;
}

const cycle: Record<string, unknown> = {};
cycle['self'] = cycle;

const sparse: unknown[] = [];
sparse[2] = 'http://a';

const NUMBERS = [
  NaN,
  Infinity,
  -Infinity,
  -0,
  0,
  -1,
  0.5,
  1.5,
  5e-324,
  1e308,
  -1e308,
  2 ** 31,
  2 ** 53,
  1e21,
];

const STRINGS = [
  '',
  ' ',
  '10',
  '10s',
  '1e3',
  '0x10',
  '250ms',
  '5m',
  '1.5.2s',
  'true',
  'false',
  'off',
  'null',
  'NaN',
  '__proto__',
  'constructor',
  'line\nend',
  '\u0000',
  '\ud800',
  '💥',
  'x'.repeat(10_000),
];

/** Anything at all. */
export const junk: Arbitrary<unknown> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom<unknown>(...NUMBERS) },
  { weight: 3, arbitrary: fc.constantFrom<unknown>(...STRINGS) },
  { weight: 2, arbitrary: fc.constantFrom<unknown>(null, true, false) },
  {
    weight: 6,
    arbitrary: fc
      .constantFrom<() => unknown>(
        () => [],
        () => [5],
        () => [1, NaN],
        () => [[]],
        () => sparse,
        () => ({}),
        () => ({ value: 5 }),
        () => Object.freeze({ a: Object.freeze([]) }),
        () => cycle,
        () => [cycle],
        () => new Date(0),
        () => new Date(NaN),
        () => new Instance(),
        () => new Map(),
        () => /x/,
        () => Object(5) as unknown,
        () => Object('5s') as unknown,
        () => Symbol('s'),
        () => Symbol.iterator,
        () => 5n,
        () => 10n ** 400n,
        () => () => 5,
        () => async () => {},
        () => Instance,
        () => new Proxy({}, {}),
        () => new Proxy([], {}),
        () => new Proxy(() => {}, {}),
        () => Promise.resolve(5),
        () => new Uint8Array(3),
        () => Object.create({ inherited: 5 }) as unknown,
      )
      .map((make) => make()),
  },
  { weight: 1, arbitrary: fc.double() },
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
  { weight: 1, arbitrary: fc.anything({ withBigInt: true, withMap: true }) },
);
