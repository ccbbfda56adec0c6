import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { createDependency, type Dependency } from 'nestjs-dace/core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { cert, key } from '../../support/http-tls.js';
import { until } from '../../support/http-upstream.js';
import { FACES, faces } from '../../support/parity.js';

let server: Server;
let dependency: Dependency;
const sockets = new Set<TLSSocket>();

beforeEach(async () => {
  server = createServer(
    { key, cert, ca: cert, requestCert: true, rejectUnauthorized: false },
    ({ socket }, response) => {
      const { subject } = (socket as TLSSocket).getPeerCertificate();
      setTimeout(() => response.end(subject?.CN ?? 'nobody'), 2);
    },
  );
  server.on('secureConnection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  dependency = createDependency('payments', {
    hosts: [`https://127.0.0.1:${port}`],
    retry: false,
    timeoutMs: 20_000,
    maxQueuedPerNetloc: 1_000,
    http: { poolSize: 4, connectTimeoutMs: 10_000, tls: { ca: cert } },
  });
});
afterEach(async () => {
  await dependency.close();
  server.closeAllConnections();
  server.close();
});

it.each(FACES)(
  'new certificates under load break no request, by %s',
  async (face) => {
    const send = faces(dependency)[face];
    const answers: unknown[] = [];
    const isOf: ('nobody' | 'dace test')[] = ['nobody'];
    for (let round = 0; round < 10; round += 1) {
      const sent = Array.from({ length: 20 }, () => send({ url: '/x' }));
      const shows = round % 2 === 0;
      dependency.configure({
        http: { tls: { ca: cert, ...(shows && { cert, key }) } },
      });
      isOf.push(shows ? 'dace test' : 'nobody');
      const { data } = await send({ url: '/x' });
      expect(data).toBe(isOf.at(-1));
      answers.push(...(await Promise.all(sent)).map((one) => one.data));
    }
    expect(answers).toHaveLength(200);
    expect(dependency.snapshot().totals).toMatchObject({ failed: 0 });
    await until(() => sockets.size <= 4);
  },
);
