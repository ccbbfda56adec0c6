import { once } from 'node:events';
import { createServer as createProxy } from 'node:http';
import { createServer } from 'node:https';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { createDependency } from 'nestjs-dace/core';
import { afterEach, expect, it } from 'vitest';
import { cert, key } from '../support/http-tls.js';
import { until } from '../support/http-upstream.js';

let closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.toReversed()) await close();
  closing = [];
});

async function tlsUpstream() {
  const held: (() => void)[] = [];
  const server = createServer({ cert, key }, (request, response) => {
    response.setHeader('connection', 'close');
    const answer = (): void => void response.end(request.url);
    if (request.url === '/held') held.push(answer);
    else answer();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, held };
}

async function tunnellingProxy() {
  const sockets = new Set<Socket>();
  const server = createProxy();
  server.on('connect', (request, socket: Socket) => {
    const [host, port] = String(request.url).split(':');
    const onward = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      socket.pipe(onward).pipe(socket);
    });
    for (const one of [socket, onward]) {
      sockets.add(one);
      one.on('error', () => {});
      one.on('close', () => sockets.delete(one));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/**
 * Requests that wait for a connection while the settings of connections change go out over the old ones.
 * Behind a proxy these could not be made any more: the way to the proxy was closed with the rest.
 */
it('requests that wait behind a proxy outlive a change of the connections', async () => {
  const { port, held } = await tlsUpstream();
  const dependency = createDependency('payments', {
    hosts: [`https://127.0.0.1:${port}`],
    retry: false,
    timeoutMs: 5_000,
    http: { proxy: await tunnellingProxy(), poolSize: 1, tls: { ca: cert } },
  });
  closing.push(() => dependency.close());
  const sent = ['/held', '/a', '/b'].map((url) => dependency.http.get(url));
  const outcomes = Promise.allSettled(sent);
  await until(() => held.length === 1);
  dependency.configure({ http: { connectTimeoutMs: 900 } });
  held[0]?.();
  expect(
    (await outcomes).map((outcome) =>
      outcome.status === 'fulfilled' ? outcome.value.data : outcome.reason,
    ),
  ).toEqual(['/held', '/a', '/b']);
});
