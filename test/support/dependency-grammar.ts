/**
 * The options of a dependency and of a call, as the documentation has them.
 */
import fc from 'fast-check';
import {
  anything,
  count,
  flag,
  fn,
  group,
  leaf,
  time,
  type Group,
} from './option-grammar.js';
import {
  classify,
  deadlineHeader,
  factor,
  headers,
  hosts,
  jitter,
  loadBalancer,
  odd,
  proxy,
  ratio,
  recovery,
  retryOn,
  secretHeaders,
  share,
  socketPath,
  tls,
  trip,
} from './option-leaves.js';

/** Not without a bound: without delays and a budget so many tries are made at one moment. */
const attempts = leaf(
  fc.constantFrom(1, 2, 3, 5, 100),
  (value) => Number.isSafeInteger(value) && (value as number) >= 1,
);

const retry = group(
  {
    attempts,
    onTimeout: flag(),
    on: retryOn,
    sameHost: count(0),
    backoff: group({
      delayMs: time(0),
      factor: factor(),
      maxDelayMs: time(0),
      jitter,
    }),
    budget: group(
      { ratio: ratio(), windowMs: time(1), minRetries: count(0) },
      true,
    ),
  },
  true,
);

/** What may be written about a dependency. */
export const DEPENDENCY: Group = group({
  enabled: leaf(
    fc.constantFrom<unknown>(true, true, true, false, () => true, ...odd),
    (value) => typeof value === 'boolean' || typeof value === 'function',
  ),
  critical: flag(),
  hosts,
  loadBalancer,
  classify,
  fallback: anything(),
  timeoutMs: time(1, true),
  attemptTimeoutMs: time(1, true),
  abandonAfterMs: time(0),
  expectedInMs: time(1),
  retry,
  circuit: group(
    {
      trip,
      recovery,
      resetTimeoutMs: time(0),
      resetBackoff: group({
        factor: factor(),
        maxMs: time(1),
        jitter: share(),
      }),
      leaseMs: time(1),
      maxOutRatio: ratio(),
      openOnRetryAfter: group({ maxMs: time(1) }, true),
    },
    true,
  ),
  maxOpenPerNetloc: count(1, true),
  maxQueuedPerNetloc: count(0),
  queueTimeoutMs: time(1),
  rateLimit: group({ limit: count(1), intervalMs: time(1) }, true),
  shutdownGraceMs: time(0),
  propagateDeadline: group(
    { header: deadlineHeader, trustIncoming: flag() },
    true,
    true,
  ),
  http: group({
    poolSize: count(1),
    connectTimeoutMs: time(1),
    tls,
    socketPath,
    proxy,
    headers,
    secretHeaders,
    onRequest: fn(() => {}),
    onResponse: fn(() => {}),
    allowOtherHosts: flag(),
  }),
});

const netloc = leaf(
  fc.constantFrom<unknown>(
    'a:8080',
    'a',
    '[::1]',
    '__proto__',
    'constructor',
    'a key of their own',
    ' ',
    '\ud800',
    'n'.repeat(255),
  ),
  (value) => typeof value === 'string' && value !== '' && value.length <= 255,
  fc.constantFrom<unknown>('', 'n'.repeat(256)),
);

/** What a guard may change. */
export const GUARD: Group = group({ netloc });

/** What one call may change. */
export const CALL: Group = group({
  signal: leaf(
    fc.constantFrom<unknown>(new AbortController().signal, AbortSignal.abort()),
    () => false,
    fc.constantFrom<unknown>(
      new AbortController(),
      { aborted: 'no', addEventListener: () => {} },
      { aborted: false },
    ),
  ),
  fallback: anything(),
  timeoutMs: time(1, true),
  attemptTimeoutMs: time(1, true),
  retry,
  idempotent: flag(),
  netloc,
  expectedInMs: time(1),
  classify,
});
