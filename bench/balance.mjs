/**
 * One bad host of five, over real HTTP: what callers see, how much of the traffic the bad host gets,
 * and how soon it is back at its share when it has healed. All contenders at the same time, each
 * with the same steady stream of requests, beside undici's BalancedPool and RoundRobinPool.
 *
 * node bench/balance.mjs [failing resetting hanging slow]
 */
import { fork } from 'node:child_process';
import { createDependency } from 'nestjs-dace/core';
import { BalancedPool, RoundRobinPool, request } from 'undici';

const FAULTS = ['failing', 'resetting', 'hanging', 'slow'];
const HOSTS = 5;
const PER_SECOND = 100;
const HEALTHY_S = 3;
const FAULT_S = 8;
const HEALING_S = 25;
const TIMEOUT_MS = 100;
const DEADLINE_MS = 1_000;

const faults =
  process.argv.slice(2).length > 0 ? process.argv.slice(2) : FAULTS;
const wrong = faults.find((fault) => !FAULTS.includes(fault));
if (wrong !== undefined)
  throw new Error(`${wrong}: expected ${FAULTS.join(', ')}`);

const upstream = fork(new URL('./balance-upstream.mjs', import.meta.url));
const told = () => new Promise((resolve) => upstream.once('message', resolve));
const { port } = await told();
const tell = async (message) => {
  const answer = told();
  upstream.send(message);
  return (await answer).counts;
};

const addresses = Array.from({ length: HOSTS }, (_, at) => `127.0.0.${at + 1}`);
const origins = addresses.map((address) => `http://${address}:${port}`);

/** Each makes one request that throws unless it was answered 200. */
function contenders() {
  const ours = Object.fromEntries(
    ['peak-ewma', 'least-pending', 'round-robin', 'random'].map(
      (loadBalancer) => {
        const dependency = createDependency('hosts', {
          hosts: origins,
          loadBalancer,
          timeoutMs: DEADLINE_MS,
          attemptTimeoutMs: TIMEOUT_MS,
          retry: { onTimeout: true, budget: { minRetries: 20 } },
          maxOpenPerNetloc: 100,
          http: { poolSize: 100 },
        });
        return [
          `nestjs-dace, ${loadBalancer}`,
          {
            get: (headers) => dependency.http.get('/', { headers }),
            close: () => dependency.close(),
          },
        ];
      },
    ),
  );
  const balanced = new BalancedPool(origins, { connections: 100 });
  let next = 0;
  const robin = new RoundRobinPool(`http://hosts.test:${port}`, {
    connections: 100,
    connect: {
      lookup: (_name, _options, done) => {
        next = (next + 1) % HOSTS;
        done(null, [{ address: addresses[next], family: 4 }]);
      },
    },
  });
  const bare = (dispatcher, origin) => ({
    get: async (headers) => {
      const { statusCode, body } = await request(`${origin}/`, {
        dispatcher,
        headers,
        signal: AbortSignal.timeout(DEADLINE_MS),
      });
      await body.dump();
      if (statusCode !== 200) throw new Error(`status ${statusCode}`);
    },
    close: () => dispatcher.destroy(),
  });
  return {
    ...ours,
    'undici BalancedPool': bare(balanced, origins[0]),
    'undici RoundRobinPool': bare(robin, `http://hosts.test:${port}`),
  };
}

/** A steady stream for `seconds`: what became of each request, by second. */
async function stream(all, seconds) {
  const results = Object.fromEntries(
    Object.keys(all).map((name) => [
      name,
      Array.from({ length: seconds }, () => []),
    ]),
  );
  const running = new Set();
  const startMs = performance.now();
  for (let at = 0; at < seconds * PER_SECOND; at++) {
    const waitMs = startMs + (at * 1_000) / PER_SECOND - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    const second = Math.floor(at / PER_SECOND);
    for (const [name, { get }] of Object.entries(all)) {
      const sentMs = performance.now();
      const note = (isSuccess) =>
        results[name][second].push({
          isSuccess,
          tookMs: performance.now() - sentMs,
        });
      const one = get({ 'x-contender': name }).then(
        () => note(true),
        () => note(false),
      );
      running.add(one);
      void one.finally(() => running.delete(one));
    }
  }
  return { results, rest: () => Promise.all(running) };
}

const successes = (rows) =>
  rows.length === 0
    ? NaN
    : rows.filter(({ isSuccess }) => isSuccess).length / rows.length;
const p99 = (rows) =>
  rows.map(({ tookMs }) => tookMs).toSorted((a, b) => a - b)[
    Math.floor(rows.length * 0.99)
  ];
const shareOfBad = (counts = new Array(HOSTS).fill(0)) =>
  counts[0] / counts.reduce((sum, count) => sum + count, 0);
const percent = (part) => `${(part * 100).toFixed(2)} %`;

for (const fault of faults) {
  const all = contenders();
  await stream(all, HEALTHY_S).then(({ rest }) => rest());
  await tell({ mode: fault });
  const first = await stream(all, 1);
  await tell({});
  const later = await stream(all, FAULT_S - 1);
  const during = await tell({ mode: 'healthy' });
  await Promise.all([first.rest(), later.rest()]);
  const backAfterS = {};
  for (let second = 1; second <= HEALING_S; second++) {
    await tell({});
    await stream(all, 1).then(({ rest }) => rest());
    const counts = await tell({});
    for (const name of Object.keys(all))
      if (
        backAfterS[name] === undefined &&
        shareOfBad(counts[name]) >= 0.8 / HOSTS
      )
        backAfterS[name] = second;
    if (Object.keys(backAfterS).length === Object.keys(all).length) break;
  }
  console.log(
    `\nOne of ${HOSTS} hosts ${fault}, ${PER_SECOND} requests a second each\n`,
  );
  console.log(
    '| contender | succeeded in the first second | and after it | p99 after it | its share of the requests after it | back at its share after |',
  );
  console.log('| --- | ---: | ---: | ---: | ---: | ---: |');
  for (const name of Object.keys(all)) {
    const rows = later.results[name].flat();
    const back = backAfterS[name];
    console.log(
      `| ${[
        name,
        percent(successes(first.results[name].flat())),
        percent(successes(rows)),
        `${Math.round(p99(rows))} ms`,
        percent(shareOfBad(during[name])),
        back === undefined ? `more than ${HEALING_S} s` : `${back} s`,
      ].join(' | ')} |`,
    );
  }
  await Promise.all(Object.values(all).map(({ close }) => close()));
}
upstream.disconnect();
