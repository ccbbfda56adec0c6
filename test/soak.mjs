/**
 * Everything at once: callers of every kind against real servers that fail in every way, while lists,
 * options and operators change. What must hold whatever happens is checked, and decides the exit code.
 *
 * npm run soak -- --seconds 60 --seed 1
 */
import { createServer } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import {
  createDependency,
  failureRatio,
  isDaceError,
  outlier,
  probes,
  ramp,
  slowRatio,
} from 'nestjs-dace/core';
import { request } from 'undici';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
  },
});
const seconds = Number(values.seconds);
let seed = Number(values.seed);
/** Numerical Recipes' generator: the same callers and faults for the same seed. */
const draw = () => {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
  return seed / 2 ** 32;
};
const oneOf = (list) => list[Math.floor(draw() * list.length)];
const happens = (chance) => draw() < chance;

let unhandled = 0;
process.on('unhandledRejection', (error) => {
  unhandled += 1;
  console.error('unhandled', error);
});

const MODES = ['ok', 'ok', 'ok', 'hang', 'reset', 'cut', 'slow', 500, 503, 429];

async function startServer() {
  const host = { mode: 'ok', url: '', server: undefined };
  host.server = createServer((incoming, response) => {
    incoming.resume();
    const { mode } = host;
    const cutOff = () => incoming.socket.destroy();
    if (mode === 'reset') cutOff();
    else if (mode === 'cut') {
      response.writeHead(200, { 'content-length': 1_000 });
      response.write('abc');
      setTimeout(cutOff, 2);
    } else if (typeof mode === 'number') {
      response.writeHead(mode, mode === 500 ? {} : { 'retry-after': '1' });
      response.end();
    } else if (mode !== 'hang')
      setTimeout(() => response.end('{}'), mode === 'slow' ? 300 : draw() * 5);
  });
  host.server.keepAliveTimeout = oneOf([50, 500, 5_000]);
  await new Promise((done) => host.server.listen(0, '127.0.0.1', done));
  host.url = `http://127.0.0.1:${host.server.address().port}`;
  return host;
}

const servers = await Promise.all(Array.from({ length: 5 }, startServer));
const urls = servers.map(({ url }) => url);
const netlocs = urls.map((url) => url.slice('http://'.length));
let listed = urls;
let push;
const source = {
  refreshMs: 500,
  async hosts() {
    if (happens(0.1)) throw new Error('the source is down');
    return listed;
  },
  watch(onChange) {
    push = onChange;
    return () => (push = undefined);
  },
};
const TIMEOUT_MS = 400;
const options = {
  timeoutMs: TIMEOUT_MS,
  attemptTimeoutMs: 150,
  abandonAfterMs: 1_000,
  retry: { onTimeout: true },
  circuit: {
    resetTimeoutMs: 300,
    resetBackoff: { factor: 2, maxMs: 2_000, jitter: 0.2 },
  },
  maxOpenPerNetloc: 20,
  http: { poolSize: 20 },
  shutdownGraceMs: 500,
};
const dependencies = [
  createDependency('listed', { ...options, hosts: urls }),
  createDependency('sourced', {
    ...options,
    hosts: source,
    loadBalancer: 'least-pending',
  }),
  createDependency('single', { ...options, hosts: [urls[0]] }),
];

const CHANGES = [
  { maxOpenPerNetloc: 5 },
  { maxOpenPerNetloc: 20 },
  { circuit: { trip: slowRatio({ slowMs: 100 }) } },
  { circuit: { trip: [failureRatio(), outlier()] } },
  { circuit: { recovery: ramp({ recoveryMs: 500 }) } },
  { circuit: { recovery: probes({ calls: 3, successes: 2 }) } },
  { circuit: { openOnRetryAfter: { maxMs: 500 } } },
  { http: { poolSize: 10 } },
  { http: { poolSize: 30 } },
  { loadBalancer: 'round-robin' },
  { loadBalancer: 'peak-ewma' },
  { retry: { attempts: 2 } },
  { retry: { attempts: 4, backoff: { delayMs: 10 } } },
  { rateLimit: { limit: 500, intervalMs: 1_000 } },
  { expectedInMs: 100 },
];
const CONTROLS = ['auto', 'auto', 'metrics-only', 'disabled', 'forced-open'];

function disturb() {
  const kind = draw();
  if (kind < 0.5) oneOf(servers).mode = oneOf(MODES);
  else if (kind < 0.6) for (const server of servers) server.mode = 'ok';
  else if (kind < 0.65) {
    const mode = oneOf(['hang', 'reset', 500]);
    for (const server of servers) server.mode = mode;
  } else if (kind < 0.75) {
    listed = urls.filter(() => happens(0.7));
    push?.(listed);
  } else if (kind < 0.9) oneOf(dependencies).configure(oneOf(CHANGES));
  else {
    const netloc = happens(0.5) ? undefined : oneOf(netlocs);
    oneOf(dependencies).control(oneOf(CONTROLS), netloc);
  }
}

/** Each a way to call; what it answers or throws is not what this is about. */
const WAYS = [
  (dependency, signal) => dependency.http.get('/a', { signal }),
  (dependency, signal) => dependency.http.post('/a', { b: 1 }, { signal }),
  (dependency, signal) =>
    dependency.execute((call) => call.http.get('/a'), {
      signal,
      ...(happens(0.3) && { fallback: 0 }),
      ...(happens(0.2) && { timeoutMs: 50 + draw() * TIMEOUT_MS }),
      ...(happens(0.1) && { netloc: oneOf(netlocs) }),
    }),
  async (dependency, signal) => {
    const config = { responseType: 'stream', signal };
    const { data } = await dependency.http.get('/a', config);
    if (happens(0.5)) data.destroy();
    else for await (const chunk of data) void chunk;
  },
  (dependency, signal) =>
    dependency.execute(
      async (call) => {
        await pause(draw() * 50);
        if (happens(0.2)) throw new Error('own');
        if (happens(0.1)) call.retry();
      },
      { signal, idempotent: true },
    ),
  async (dependency) => {
    const permit = dependency.acquire();
    await pause(draw() * 30);
    permit[oneOf(['success', 'failure', 'ignore'])]();
  },
  (dependency, signal) =>
    dependency.execute(() => new Promise(() => {}), { timeoutMs: 100, signal }),
  (dependency, signal) =>
    dependency.execute(
      async (call) => {
        const { body } = await request(`${call.baseUrl}/a`, {
          dispatcher: call.agent,
        });
        if (happens(0.9)) await body.text();
      },
      { signal },
    ),
];

const ends = new Map();
let running = 0;
let longestMs = 0;

async function callOnce() {
  running += 1;
  const startMs = performance.now();
  const caller = happens(0.1) ? new AbortController() : undefined;
  if (caller !== undefined)
    setTimeout(() => caller.abort(new Error('gone')), draw() * 200);
  let end = 'answered';
  try {
    await oneOf(WAYS)(oneOf(dependencies), caller?.signal);
  } catch (error) {
    end = isDaceError(error) ? error.code : (error.code ?? error.message);
  }
  ends.set(end, (ends.get(end) ?? 0) + 1);
  longestMs = Math.max(longestMs, performance.now() - startMs);
  running -= 1;
}

const endMs = performance.now() + seconds * 1_000;
async function disturbing() {
  while (performance.now() < endMs) {
    await pause(100 + draw() * 400);
    disturb();
  }
}
async function calling() {
  while (performance.now() < endMs) {
    await pause(20);
    for (let left = Math.floor(draw() * 10); left > 0; left--)
      if (running < 400) void callOnce();
  }
}
/** Waits for what must come by itself. */
async function until(isSo, mostMs) {
  const lastMs = performance.now() + mostMs;
  while (!isSo() && performance.now() < lastMs) await pause(20);
}

await Promise.all([disturbing(), calling()]);
await until(() => running === 0, 5_000);

let failures = 0;
const check = (isSo, text) => {
  if (!isSo) failures += 1;
  console.log(`${isSo ? 'ok  ' : 'FAIL'} ${text}`);
};
console.log(Object.fromEntries([...ends].toSorted(([, a], [, b]) => b - a)));
check(running === 0, `every call has ended (${running} have not)`);
check(
  longestMs < 50 + 2 * TIMEOUT_MS,
  `none took longer than its timeout (${Math.round(longestMs)} ms)`,
);

listed = urls;
push?.(urls);
for (const server of servers) server.mode = 'ok';
for (const dependency of dependencies) {
  dependency.configure({ rateLimit: false });
  for (const netloc of [undefined, ...netlocs])
    dependency.control('auto', netloc);
}
for (const dependency of dependencies) {
  const { id } = dependency;
  let inARow = 0;
  await until(() => {
    void dependency.http.get('/a').then(
      () => (inARow += 1),
      () => (inARow = 0),
    );
    return inARow >= 100;
  }, 30_000);
  check(inARow >= 100, `"${id}" answers again`);
  const isAtRest = () => {
    const { inFlight, abandoned, queued } = dependency.snapshot();
    return inFlight + abandoned + queued === 0;
  };
  await until(isAtRest, 5_000);
  check(isAtRest(), `"${id}" holds no permit and no place in a queue`);
  const { totals } = dependency.snapshot();
  const { started, succeeded, failed, refused, cancelled } = totals;
  check(
    started === succeeded + failed + refused + cancelled,
    `"${id}" counts each operation once: ${JSON.stringify(totals)}`,
  );
}
check(unhandled === 0, `no rejection is left unhandled (${unhandled})`);
await Promise.all(dependencies.map((dependency) => dependency.close()));
const connections = () =>
  Promise.all(
    servers.map(
      ({ server }) =>
        new Promise((done) => {
          server.getConnections((_, count) => done(count));
        }),
    ),
  );
await pause(100);
const left = (await connections()).reduce((sum, count) => sum + count, 0);
check(left === 0, `closing leaves no connection (${left})`);
for (const { server } of servers) {
  server.closeAllConnections();
  server.close();
}
process.exitCode = failures === 0 ? 0 : 1;
