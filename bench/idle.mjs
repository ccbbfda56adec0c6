/**
 * What idle dependencies hold, and what a million calls leave behind.
 *
 * node --expose-gc bench/idle.mjs
 */
import { createDependency } from 'nestjs-dace/core';
import { row, table } from './measure.mjs';

const used = () => {
  for (let pass = 0; pass < 4; pass++) globalThis.gc();
  return process.memoryUsage().heapUsed;
};

const COUNT = 10_000;
createDependency('warm');
const before = used();
const idle = Array.from({ length: COUNT }, (_, index) =>
  createDependency(`d${index}`),
);
const eachBytes = (used() - before) / COUNT;

const dependency = createDependency('busy');
const work = async () => 1;
for (let call = 0; call < 100_000; call++) await dependency.execute(work);
const start = used();
for (let call = 0; call < 1_000_000; call++) await dependency.execute(work);
const growth = used() - start;
const timers = process
  .getActiveResourcesInfo()
  .filter((name) => name === 'Timeout');

const results = {
  'bytes per idle dependency': eachBytes,
  'limit: 2 kB': 2_048,
  'bytes kept after 1,000,000 calls': Math.max(0, growth),
  'limit: 2 MB': 2_097_152,
  'timers that hold the process': timers.length,
};
table('At rest', 'value', results, [
  row(results, 'bytes per idle dependency', 'limit: 2 kB', 'at most', 1),
  row(results, 'bytes kept after 1,000,000 calls', 'limit: 2 MB', 'at most', 1),
]);
await Promise.all([...idle, dependency].map((each) => each.close()));
