import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Compiled } from '../support/child.js';

let compiled: Compiled;
beforeAll(() => {
  compiled = Compiled.make();
});
afterAll(() => compiled.remove());

const SERVER = `
import { createServer } from 'node:http';
import { once } from 'node:events';
const server = createServer((request, response) => {
  if (request.url !== '/hang') response.end('ok');
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const origin = 'http://127.0.0.1:' + server.address().port;
const end = () => { server.closeAllConnections(); server.close(); };
`;

describe('A process', () => {
  it('exits by itself, promptly, once what it used is closed', async () => {
    const ended = await compiled.run(
      `${SERVER}
      const listeners = () => process.eventNames().reduce(
        (sum, name) => sum + process.listenerCount(name), 0);
      const before = listeners();
      const signal = new AbortController().signal;
      const payments = createDependency('payments', {
        hosts: [origin], timeoutMs: 400, shutdownGraceMs: 100,
        retry: { backoff: { delayMs: 60_000 } },
      });
      await Promise.all(Array.from({ length: 50 }, () =>
        payments.execute((call) => call.http.get('/'), { signal })));
      const late = payments.execute((call) => call.http.get('/hang')).catch((e) => e.code);
      const deaf = payments.execute(() => new Promise(() => {})).catch((e) => e.code);
      await new Promise((resolve) => setTimeout(resolve, 50));
      await payments.close();
      await Promise.all([late, deaf]);
      const { getEventListeners } = await import('node:events');
      console.log(getEventListeners(signal, 'abort').length);
      end();
      await new Promise((resolve) => server.once('close', resolve));
      await new Promise((resolve) => setTimeout(resolve, 300));
      const kinds = process.getActiveResourcesInfo()
        .filter((kind) => kind.startsWith('TCP') || kind === 'Timeout');
      console.log(JSON.stringify(kinds), listeners() - before);
      globalThis.endedMs = performance.now();
      process.on('exit', () => console.log(performance.now() - endedMs < 500));
      `,
      10_000,
    );
    expect(ended).toMatchObject({ code: 0, err: '' });
    expect(ended.out.trim().split('\n')).toEqual(['0', '[] 0', 'true']);
  });

  it('exits promptly without closing, once nothing waits', async () => {
    const ended = await compiled.run(
      `
      const payments = createDependency('payments');
      await payments.execute(() => 'ok');
      await payments.execute(() => Promise.reject(new Error('x')), { fallback: 1 });
      globalThis.endedMs = performance.now();
      process.on('exit', () => console.log(performance.now() - endedMs < 500));
      `,
      10_000,
    );
    expect(ended).toMatchObject({ code: 0, out: 'true\n', err: '' });
  });
});
