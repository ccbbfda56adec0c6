import fc from 'fast-check';

const LEVELS: Readonly<Record<string, readonly string[]>> = {
  root: [
    'enabled',
    'critical',
    'hosts',
    'loadBalancer',
    'classify',
    'fallback',
    'timeoutMs',
    'attemptTimeoutMs',
    'abandonAfterMs',
    'expectedInMs',
    'maxOpenPerNetloc',
    'maxQueuedPerNetloc',
    'queueTimeoutMs',
    'shutdownGraceMs',
    'netloc',
    'idempotent',
    'signal',
  ],
  retry: ['attempts', 'onTimeout', 'on', 'sameHost'],
  backoff: ['delayMs', 'factor', 'maxDelayMs', 'jitter'],
  budget: ['ratio', 'windowMs', 'minRetries'],
  circuit: ['trip', 'recovery', 'resetTimeoutMs', 'leaseMs', 'maxOutRatio'],
  resetBackoff: ['factor', 'maxMs', 'jitter'],
  rateLimit: ['limit', 'intervalMs'],
  http: [
    'poolSize',
    'connectTimeoutMs',
    'tls',
    'proxy',
    'headers',
    'secretHeaders',
    'onRequest',
    'onResponse',
    'allowOtherHosts',
  ],
};

class Instance {
  timeoutMs = 5;
}

/** Values that come out of environments, config services and slips. */
export const nastyValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(1, 2, 0.5, 100, 5_000, false, true) },
  fc.constantFrom<unknown>(
    NaN,
    Infinity,
    -Infinity,
    -1,
    -0,
    0,
    1e21,
    2 ** 31,
    1.5,
    '',
    '5',
    '10s',
    'NaN',
    'any',
    'full',
    'random',
    'http://a',
    null,
    undefined,
    5n,
    Symbol('x'),
    () => 1,
    class extends Error {},
    new Instance(),
    new Map(),
    new Date(NaN),
    new URL('http://a'),
    new Proxy({}, {}),
    [],
    [NaN],
    ['a', 'b:81'],
    [{ url: 'a', weight: NaN }],
    [1, 2],
    [[]],
    [null],
    {},
    { kind: 'probes', calls: 1, successes: 1 },
    { kind: 'probes', calls: NaN, successes: NaN },
    { name: 'x', trips: () => true, windowMs: NaN },
    { name: 'x', trips: () => true },
    { pick: () => undefined },
    JSON.parse('{"__proto__":{"x":1}}'),
    { constructor: 1 },
    { a: { b: { c: NaN } } },
  ),
  fc.anything({ maxDepth: 1 }),
);

type Fields = Record<string, fc.Arbitrary<unknown>>;

/** Up to three options of a level: few enough for some to be sound together. */
const level = (name: string, below: Fields = {}): fc.Arbitrary<unknown> => {
  const fields: Fields = { ...below };
  for (const key of LEVELS[name] ?? []) fields[key] = nastyValue;
  return fc
    .uniqueArray(fc.constantFrom(...Object.keys(fields)), { maxLength: 3 })
    .chain((keys) =>
      fc.record(Object.fromEntries(keys.map((key) => [key, fields[key]!]))),
    );
};

const stage = (name: string, below?: Fields): fc.Arbitrary<unknown> =>
  fc.oneof(
    { weight: 5, arbitrary: level(name, below) },
    { weight: 1, arbitrary: nastyValue },
  );

const retry = stage('retry', {
  backoff: stage('backoff'),
  budget: stage('budget'),
});

/** Option objects of which some are sound, and most nearly so. */
export const nastyOptions: fc.Arbitrary<unknown> = fc.oneof(
  {
    weight: 9,
    arbitrary: level('root', {
      retry,
      circuit: stage('circuit', { resetBackoff: stage('resetBackoff') }),
      rateLimit: stage('rateLimit'),
      http: stage('http'),
    }),
  },
  { weight: 1, arbitrary: nastyValue },
);
