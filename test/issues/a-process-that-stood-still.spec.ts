import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDependency, DaceTimeoutError } from '../../lib/core.js';
import { until } from '../support/http-upstream.js';

const SERVER = `
const { createServer } = require('node:http');
const { parentPort } = require('node:worker_threads');
createServer((request, response) => {
  parentPort.postMessage('asked');
  if (request.url === '/hang') return;
  setTimeout(() => response.end('ok'), 200);
}).listen(0, '127.0.0.1', function () {
  parentPort.postMessage(this.address().port);
});
`;

/** Nothing runs for so long, as in a long collection of garbage. */
function standStill(ms: number): void {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  Atomics.wait(cell, 0, 0, ms);
}

describe('A process that stood still for longer than the timeout', () => {
  let server: Worker;
  let origin: string;
  let seen = 0;

  beforeAll(async () => {
    server = new Worker(SERVER, { eval: true });
    const port = await new Promise((resolve) =>
      server.once('message', resolve),
    );
    server.on('message', () => (seen += 1));
    origin = `http://127.0.0.1:${String(port)}`;
  });

  afterAll(() => server.terminate());

  /** So many requests have reached the server since it began, which answers them 200 ms later. */
  const haveAsked = (requests: number): Promise<void> =>
    until(() => seen >= requests);

  it('takes the answers that came meanwhile, and no circuit opens', async () => {
    const dependency = createDependency('stalled', {
      hosts: [origin],
      timeoutMs: 1_000,
      retry: false,
    });
    const eight = () =>
      Array.from({ length: 8 }, () => dependency.http.get('/'));
    // Connections first: what stood still has not sent what it had not sent.
    await Promise.all(eight());
    await haveAsked(8);
    const calls = eight();
    await haveAsked(seen + 8);
    standStill(1_500);
    const answers = await Promise.all(calls);
    expect(answers.map(({ status }) => status)).toEqual(calls.map(() => 200));
    expect(dependency.snapshot()).toMatchObject({
      state: 'closed',
      window: { failures: 0 },
    });
    await dependency.close();
  });

  it('times out what was not answered', async () => {
    const dependency = createDependency('stalled', {
      hosts: [origin],
      timeoutMs: 1_000,
      retry: false,
    });
    await dependency.http.get('/');
    await haveAsked(17);
    const call = dependency.http.get('/hang').catch((error: unknown) => error);
    await haveAsked(seen + 1);
    standStill(1_500);
    expect(await call).toBeInstanceOf(DaceTimeoutError);
    await dependency.close();
  });
});
