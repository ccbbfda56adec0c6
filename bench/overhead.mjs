/**
 * What protection costs when nothing goes wrong, and when everything does: nanoseconds per call of
 * ours and of the peers, in one run and in turns, so that the machine's mood hits all alike.
 *
 * node bench/overhead.mjs
 */
import CircuitBreaker from 'opossum';
import {
  bulkhead,
  circuitBreaker,
  ConsecutiveBreaker,
  ExponentialBackoff,
  handleAll,
  retry,
  timeout,
  TimeoutStrategy,
  wrap,
} from 'cockatiel';
import { createDependency } from 'nestjs-dace/core';
import { inTurns, row, table } from './measure.mjs';

const work = async () => 1;
const fails = async () => {
  throw new Error('down');
};
const quietly = async (promise) => {
  try {
    await promise;
  } catch {
    // counted by whoever measures
  }
};

const plain = createDependency('plain');
const hosts = createDependency('hosts', {
  hosts: ['http://127.0.0.1:1', 'http://127.0.0.1:2', 'http://127.0.0.1:3'],
});
const opossum = new CircuitBreaker(work, { timeout: 5_000 });
const cockatiel = wrap(
  retry(handleAll, { maxAttempts: 3, backoff: new ExponentialBackoff() }),
  circuitBreaker(handleAll, {
    halfOpenAfter: 10_000,
    breaker: new ConsecutiveBreaker(5),
  }),
  bulkhead(10, 100),
  timeout(5_000, TimeoutStrategy.Aggressive),
);

const closed = await inTurns({
  bare: () => work(),
  timer: () => {
    clearTimeout(setTimeout(() => {}, 5_000));
  },
  'nestjs-dace, no hosts': () => plain.execute(work),
  'nestjs-dace, three hosts': () => hosts.execute(work),
  opossum: () => opossum.fire(),
  cockatiel: () => cockatiel.execute(work),
});

const openDependency = createDependency('open');
openDependency.control('forced-open');
const tripped = createDependency('tripped', {
  circuit: { resetTimeoutMs: 3_600_000 },
});
for (let call = 0; call < 30; call++) await quietly(tripped.execute(fails));
const openOpossum = new CircuitBreaker(fails, { resetTimeout: 3_600_000 });
await quietly(openOpossum.fire());
openOpossum.open();
const openCockatiel = circuitBreaker(handleAll, {
  halfOpenAfter: 3_600_000,
  breaker: new ConsecutiveBreaker(1),
});
await quietly(openCockatiel.execute(fails));
const preallocated = new Error('refused');

const withFallback = { fallback: 0 };
const openOpossumFallback = new CircuitBreaker(fails, {
  resetTimeout: 3_600_000,
});
openOpossumFallback.fallback(() => 0);
openOpossumFallback.open();

const refusal = await inTurns({
  'floor: a rejection with an error made before': () =>
    quietly(Promise.reject(preallocated)),
  'nestjs-dace': () => quietly(tripped.execute(work)),
  'nestjs-dace, value fallback': () => tripped.execute(work, withFallback),
  opossum: () => quietly(openOpossum.fire()),
  'opossum, fallback': () => openOpossumFallback.fire(),
  cockatiel: () => quietly(openCockatiel.execute(work)),
});

table('Closed path, every stage on', 'ns per call', closed, [
  row(closed, 'nestjs-dace, no hosts', 'timer', 'at most', 1),
  row(closed, 'nestjs-dace, three hosts', 'timer', 'at most', 1.2),
  row(closed, 'nestjs-dace, no hosts', 'opossum', 'at most', 0.6),
  row(closed, 'nestjs-dace, no hosts', 'cockatiel', 'at most', 1 / 20),
]);
table('Refusal while open', 'ns per call', refusal, [
  row(refusal, 'nestjs-dace', 'opossum', 'at most', 0.4),
  row(refusal, 'nestjs-dace', 'cockatiel', 'at most', 0.4),
  row(
    refusal,
    'nestjs-dace',
    'floor: a rejection with an error made before',
    'at most',
    1.7,
  ),
  row(refusal, 'nestjs-dace, value fallback', 'opossum', 'at most', 0.1),
  row(refusal, 'nestjs-dace, value fallback', 'cockatiel', 'at most', 0.1),
]);
await Promise.all(
  [plain, hosts, openDependency, tripped].map((d) => d.close()),
);
opossum.shutdown();
openOpossum.shutdown();
openOpossumFallback.shutdown();
