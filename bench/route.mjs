/**
 * What `@FaultTolerant` costs a Nest route: requests per second of a decorated route against the
 * same route with an interceptor that does nothing, driven from another process.
 *
 * node bench/route.mjs
 */
import 'reflect-metadata';
import { fork } from 'node:child_process';
import { median, row, table } from './measure.mjs';

const ROUNDS = 7;
const app = fork(new URL('./route-app.mjs', import.meta.url));
const port = await new Promise((resolve) => app.once('message', resolve));
const { default: autocannon } = await import('autocannon');

const routes = {
  bare: '/bare',
  'no-op interceptor': '/noop',
  '@FaultTolerant': '/protected',
};
const samples = Object.fromEntries(
  Object.keys(routes).map((name) => [name, []]),
);
const drive = async (path, duration) => {
  const { requests, non2xx } = await autocannon({
    url: `http://127.0.0.1:${port}${path}`,
    connections: 32,
    duration,
  });
  if (non2xx > 0) throw new Error(`${path}: ${non2xx} answers were not 2xx`);
  return requests.average;
};
for (const path of Object.values(routes)) await drive(path, 1);
for (let round = 0; round < ROUNDS; round++)
  for (const [name, path] of Object.entries(routes))
    samples[name].push(await drive(path, 1));
const results = Object.fromEntries(
  Object.entries(samples).map(([name, values]) => [name, median(values)]),
);

table('A Nest route (Express)', 'requests per second', results, [
  row(results, '@FaultTolerant', 'no-op interceptor', 'at least', 0.97),
]);
app.disconnect();
