/**
 * Options that are more than a number: hosts, rules, functions, headers. Right and wrong ones.
 */
import fc from 'fast-check';
import {
  consecutiveFailures,
  errorCount,
  failureRatio,
  failuresOnly,
  firstFailure,
  outlier,
  probes,
  ramp,
  slowRatio,
} from '../../lib/core.js';
import { junk } from './junk.js';
import { fn, isPlain, leaf, MOST_MS, number } from './option-grammar.js';

/** An array with nothing at the places that are not named. */
const holed = (items: Readonly<Record<number, unknown>>): unknown[] => {
  const array: unknown[] = [];
  for (const [at, item] of Object.entries(items)) array[Number(at)] = item;
  return array;
};

const boom = (): never => {
  throw new Error('a function of the user that throws');
};

/** Functions that answer what nobody asked for. */
export const odd: readonly (() => unknown)[] = [
  () => undefined,
  () => null,
  () => NaN,
  () => 'maybe',
  () => ({}),
  () => Promise.resolve(true),
  () => Symbol('answer'),
  boom,
];

export const hosts = leaf(
  fc.oneof(
    fc.uniqueArray(
      fc.constantFrom<unknown>(
        'http://a:8080',
        'b',
        'c:443',
        'https://d/base',
        '[::1]:90',
        new URL('http://e:1/x/'),
      ),
      { minLength: 1 },
    ),
    fc
      .array(fc.constantFrom(1, 0.25, 7, 5e-324, 1e308), {
        minLength: 1,
        maxLength: 5,
      })
      .map((weights) =>
        weights.map((weight, at) => ({ url: `http://w${at}`, weight })),
      ),
  ),
  () => false,
  fc.oneof(
    fc.constantFrom<unknown>(
      'http://a',
      [],
      ['http://a', 'a:80'],
      ['http://user:secret@a'],
      ['http://a?token=secret'],
      ['ftp://a'],
      ['a:0'],
      ['a:99999'],
      ['a,b'],
      ['::1'],
      ['//a'],
      [{ url: 'http://a', weight: 0 }],
      [{ url: 'http://a', weight: Infinity }],
      [{ url: 'http://a', port: 5 }],
      [{ weight: 1 }],
      holed({ 0: 'http://a', 2: 'http://b' }),
    ),
    junk
      .filter((value) => typeof value !== 'string')
      .map((value) => ['http://a', value]),
  ),
);

export const loadBalancer = leaf(
  fc.constantFrom<unknown>(
    'round-robin',
    'random',
    'least-pending',
    'peak-ewma',
    () => ['http', 'f:1'],
    () => ['https', 'g'],
    () => Promise.resolve(['http', 'f:1']),
    { pick: ([first]: unknown[]) => first },
    ...odd,
    () => Promise.reject(new Error('balancer')),
    () => ['ftp', 'f'],
    () => ['http', ''],
    ...odd.map((pick) => ({ pick })),
    { pick: () => ({ netloc: 'stranger:80' }) },
  ),
  (value) =>
    typeof value === 'function' ||
    (typeof value === 'object' &&
      value !== null &&
      'pick' in value &&
      typeof value.pick === 'function'),
  fc.constantFrom<unknown>('roundRobin', 'RANDOM', { pick: 'first' }),
);

/** What HTTP has a meaning for is taken. */
export const deadlineHeader = leaf(
  fc.constantFrom<unknown>(
    'x-request-timeout-ms',
    'X-Deadline',
    'grpc-timeout',
    'b',
    "a!#$%&'*+-.^_`|~0",
  ),
  // A token of RFC 9110.
  (value) =>
    typeof value === 'string' &&
    /^[!#$%&'*+\-.^_`|~0-9a-z]+$/i.test(value) &&
    !['__proto__', 'constructor', 'prototype'].includes(value),
  fc.constantFrom<unknown>(
    '',
    ' ',
    'a b',
    'x-timeout:',
    'größe',
    'x\r\ny',
    'Authorization',
    'host',
    'content-anything',
    'If-None-Match',
    'retry-after',
    '__proto__',
  ),
);

const rule = fc.oneof(
  fc.constantFrom<unknown>(
    failureRatio(),
    failureRatio({ ratio: 1, minimumCalls: 1, windowMs: 1 }),
    failureRatio({ ratio: 1e-9, windowCalls: 3 }),
    slowRatio({ slowMs: 1, minimumCalls: 1 }),
    slowRatio({ windowCalls: 1 }),
    consecutiveFailures(1),
    consecutiveFailures(Number.MAX_SAFE_INTEGER),
    errorCount({ maxFail: 0, windowMs: MOST_MS }),
    errorCount({ windowCalls: 2 }),
    firstFailure(),
    outlier({ minimumCalls: 1, deviations: 0.1 }),
    { name: 'own', trips: () => true },
    { name: 'own', windowMs: 1.5, trips: () => false },
    { name: 'own', windowCalls: 1, slowMs: 1, trips: () => 'yes' },
    { name: 'toString', comparesPeers: true, trips: boom },
  ),
  fc.constantFrom<unknown>(...odd),
);

export const trip = leaf(
  fc.oneof(rule, fc.array(rule, { minLength: 1, maxLength: 4 })),
  (value) => typeof value === 'function',
  fc.oneof(
    fc.constantFrom<unknown>(
      failureRatio,
      firstFailure,
      slowRatio,
      outlier,
      [consecutiveFailures],
      { name: '', trips: () => true },
      { name: 5, trips: () => true },
      { trips: () => true },
      { name: 'x', trips: 5 },
      { name: 'x', windowMs: 0, trips: () => true },
      { name: 'x', windowMs: NaN, trips: () => true },
      { name: 'x', windowMs: null, trips: () => true },
      { name: 'x', windowMs: '10s', trips: () => true },
      { name: 'x', windowCalls: 0, trips: () => true },
      { name: 'x', windowCalls: 1.5, trips: () => true },
      { name: 'x', windowCalls: 1e7, trips: () => true },
      { name: 'x', windowCalls: 5n, trips: () => true },
      { name: 'x', windowCalls: 5, windowMs: 5, trips: () => true },
      { name: 'x', slowMs: -1, trips: () => true },
      { name: 'x', slowMs: Symbol('slow'), trips: () => true },
      holed({ 0: firstFailure(), 2: firstFailure() }),
    ),
    junk
      .filter((value) => typeof value !== 'function')
      .map((value) => [firstFailure(), value]),
  ),
);

export const recovery = leaf(
  fc.constantFrom<unknown>(
    probes(),
    probes({ calls: 5, successes: 2 }),
    { kind: 'probes', calls: 2, successes: 2 },
    ramp(),
    ramp({ recoveryMs: 1, graceMs: 0, ratio: 1, minimumCalls: 1 }),
    ramp({ recoveryMs: MOST_MS, graceMs: MOST_MS }),
  ),
  () => false,
  fc.constantFrom<unknown>(
    probes,
    ramp,
    'probes',
    { kind: 'probes', calls: 0, successes: 1 },
    { kind: 'probes', calls: 1, successes: 2 },
    { kind: 'probes', calls: 1.5, successes: 1 },
    { kind: 'probes', calls: NaN, successes: NaN },
    { kind: 'probes', calls: 1n, successes: 1n },
    { kind: 'ramp', recoveryMs: 0, graceMs: 0, ratio: 1, minimumCalls: 1 },
    { kind: 'ramp', recoveryMs: 5, graceMs: -1, ratio: 1, minimumCalls: 1 },
    { kind: 'ramp', recoveryMs: 5, graceMs: 1, ratio: 0, minimumCalls: 1 },
    { kind: 'ramp', recoveryMs: 5, graceMs: 1, ratio: 1, minimumCalls: NaN },
    { kind: 'constructor' },
    { kind: 'toString' },
    { kind: {} },
  ),
);

const isDelay = (value: unknown): boolean =>
  typeof value === 'number' && value >= 0 && value <= MOST_MS;

export const jitter = leaf(
  fc.constantFrom<unknown>(
    0,
    -0,
    5,
    MOST_MS,
    [0, 0],
    [1, MOST_MS],
    'full',
    'equal',
    'decorrelated',
  ),
  isDelay,
  fc.constantFrom<unknown>(
    'none',
    [5],
    [5, 1],
    [0, NaN],
    holed({ 1: 5 }),
    [0, 1, 2],
    ['0', '1'],
    [0, Infinity],
  ),
);

class Refused extends Error {}

export const retryOn = leaf(
  fc.constantFrom<unknown>(
    'any',
    Error,
    Refused,
    [Error, Refused],
    [],
    () => true,
    ...odd,
  ),
  (value) =>
    typeof value === 'function' ||
    (Array.isArray(value) &&
      Array.from(value).every((item) => typeof item === 'function')),
  fc.constantFrom<unknown>(
    'ANY',
    [Error, 'any'],
    holed({ 1: Error }),
    new Error('x'),
  ),
);

export const headers = leaf(
  fc.constantFrom<unknown>(
    {},
    { authorization: 'secret' },
    { 'x-a': () => 'b', 'x-b': undefined },
  ),
  (value) => isPlain(value) && Object.keys(value).length === 0,
  fc.constantFrom<unknown>(
    { 'x a': 'b' },
    { x: 5 },
    { x: null },
    { x: 'a\r\nb: secret' },
    JSON.parse('{ "__proto__": "x" }'),
    { constructor: 'x' },
  ),
);

export const secretHeaders = leaf(
  fc.constantFrom<unknown>([], ['x-key'], ['X-Key', 'x-key']),
  (value) => Array.isArray(value) && value.length === 0,
  fc.constantFrom<unknown>('x-key', [''], ['a b'], [5], holed({ 1: 'x-key' })),
);

export const proxy = leaf(
  fc.constantFrom<unknown>(true, false, 'http://proxy:3128'),
  (value) => typeof value === 'boolean',
  fc.constantFrom<unknown>(
    'proxy:3128',
    'socks5://p',
    'http://',
    new URL('http://p'),
  ),
);

export const socketPath = leaf(
  fc.constantFrom<unknown>('/run/payments.sock', '\\\\.\\pipe\\payments'),
  (value) => typeof value === 'string' && value !== '',
  fc.constantFrom<unknown>('', '/a\0b', ['/a']),
);

export const tls = leaf(
  fc.constantFrom<unknown>({}, { rejectUnauthorized: false }),
  (value) => typeof value === 'object' && value !== null && !isList(value),
  fc.constantFrom<unknown>('ca', false, [{}]),
);

/** `Array.isArray` throws where a proxy has been revoked. */
function isList(value: unknown): boolean {
  try {
    return Array.isArray(value);
  } catch {
    return false;
  }
}

export const classify = fn(
  () => 'success',
  () => 'failure',
  () => 'throttled',
  () => 'ignored',
  failuresOnly(Refused) as () => unknown,
  ...odd,
);

export const ratio = () =>
  number((value) => value > 0 && value <= 1, 1, 0.5, 5e-324, 0.1);
export const share = () =>
  number((value) => value >= 0 && value < Infinity, 0, -0, 0.5, 3);
export const factor = () =>
  number((value) => value >= 1 && value < Infinity, 1, 2, 1.5, 1e308);
