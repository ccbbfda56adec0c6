/**
 * Virtual seconds a second of processor time, at a hundred operations a second.
 *
 * node bench/simulate.mjs
 */
import { scenarios, simulate } from 'nestjs-dace/testing';
import { row, table } from './measure.mjs';

const WARM_UP = 120;
const TARGET = 'target';

const well = {};
const failing = { errorRatio: 0.3 };

const contenders = {
  'one upstream, well': { seconds: 3_000 },
  'four hosts, well': { hosts: [well, well, well, well], seconds: 3_000 },
  'four hosts, one failing': {
    hosts: [failing, well, well, well],
    seconds: 3_000,
  },
  'total outage': { ...scenarios.totalOutage, seconds: 3_000 },
};

const results = {};
for (const [name, scenario] of Object.entries(contenders)) {
  await simulate({ ...scenario, seconds: WARM_UP });
  const before = process.cpuUsage();
  await simulate(scenario);
  const { user, system } = process.cpuUsage(before);
  results[name] = (scenario.seconds * 1e6) / (user + system);
}
results[TARGET] = 1_000;
table(
  'Simulated time',
  'virtual s / s',
  results,
  Object.keys(contenders).map((name) =>
    row(results, name, TARGET, 'at least', 1),
  ),
);
