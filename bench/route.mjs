/**
 * What `@FaultTolerant` costs a Nest route: requests per second of a decorated route against the
 * same route with an interceptor that does nothing, driven from another process; and the server's
 * CPU for each request, which the client's speed does not touch.
 *
 * node bench/route.mjs
 */
import { fork } from 'node:child_process';
import autocannon from 'autocannon';
import { median, row, table } from './measure.mjs';

const ROUNDS = 9;

for (const platform of ['Express', 'Fastify']) {
  const server = fork(new URL('./route-app.mjs', import.meta.url), [platform]);
  const answer = () =>
    new Promise((resolve) => server.once('message', resolve));
  const ports = await answer();
  const cpuUs = () => {
    server.send('cpu');
    return answer();
  };
  const drive = async (port) => {
    const beforeUs = await cpuUs();
    const { requests, non2xx } = await autocannon({
      url: `http://127.0.0.1:${port}/`,
      connections: 32,
      duration: 1,
    });
    if (non2xx > 0) throw new Error(`${non2xx} answers were not 2xx`);
    const perRequestUs = ((await cpuUs()) - beforeUs) / requests.total;
    return { perSecond: requests.average, perRequestUs };
  };

  const names = Object.keys(ports);
  const samples = Object.fromEntries(names.map((name) => [name, []]));
  for (const name of names) await drive(ports[name]);
  for (let round = 0; round < ROUNDS; round++)
    for (const name of names) samples[name].push(await drive(ports[name]));
  const medians = (what) =>
    Object.fromEntries(
      names.map((name) => [name, median(samples[name].map((s) => s[what]))]),
    );

  const [ours, plain] = ['@FaultTolerant', 'no-op interceptor'];
  const rate = medians('perSecond');
  table(`A Nest route on ${platform}`, 'requests per second', rate, [
    row(rate, ours, plain, 'at least', 0.97),
  ]);
  const cpu = medians('perRequestUs');
  table(`The same, the server’s CPU`, 'µs per request', cpu, [
    row(cpu, ours, plain, 'at most', 1 / 0.97),
  ]);
  server.disconnect();
}
