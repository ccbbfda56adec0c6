import { once } from 'node:events';
import {
  createServer,
  type AddressInfo,
  type Server,
  type Socket,
} from 'node:net';
import { createDependency, type Dependency } from 'nestjs-dace/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../../support/http-upstream.js';
import { FACES, faces } from '../../support/parity.js';

/** A server that answers the first request on a connection and ends it on the second. */
let server: Server;
let dependency: Dependency;
let asked: string[];
let sockets: Socket[];
let goodbye: (socket: Socket) => void;

beforeEach(async () => {
  asked = [];
  sockets = [];
  server = createServer((socket) => {
    sockets.push(socket);
    let isUsed = false;
    socket.on('error', () => {});
    socket.on('data', (head) => {
      asked.push(head.toString().slice(0, head.indexOf(' ')));
      if (isUsed) return goodbye(socket);
      isUsed = true;
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  dependency = createDependency('payments', {
    hosts: [`http://127.0.0.1:${(server.address() as AddressInfo).port}`],
    retry: { attempts: 3 },
    http: { poolSize: 1 },
  });
});
afterEach(async () => {
  await dependency.close();
  for (const socket of sockets) socket.destroy();
  server.close();
});

const GOODBYES: Record<string, (socket: Socket) => void> = {
  closed: (socket) => void socket.end(),
  reset: (socket) => void socket.resetAndDestroy(),
  destroyed: (socket) => void socket.destroy(),
};

describe.each(Object.entries(GOODBYES))(
  'A kept connection that is %s just as a request goes out',
  (_name, bye) => {
    describe.each(FACES)('by %s', (face) => {
      beforeEach(async () => {
        goodbye = bye;
        await faces(dependency)[face]({ url: '/warm' });
        asked.length = 0;
      });

      it('is made anew for a GET', async () => {
        const { status } = await faces(dependency)[face]({ url: '/x' });
        expect(status).toBe(200);
        expect(asked).toEqual(['GET', 'GET']);
        expect(sockets).toHaveLength(2);
      });

      it('is the end of a POST, which may have been done', async () => {
        const sent = faces(dependency)[face]({
          url: '/x',
          method: 'post',
          data: { amount: 1 },
        });
        await expect(sent).rejects.toMatchObject({ code: 'ECONNRESET' });
        expect(asked).toEqual(['POST']);
      });
    });
  },
);

it('a connection that was closed while nobody used it is not used again', async () => {
  await dependency.http.get('/warm');
  sockets[0]?.end();
  await until(() => sockets[0]?.destroyed === true);
  await dependency.http.post('/x', {});
  expect(asked).toEqual(['GET', 'POST']);
  expect(sockets).toHaveLength(2);
});
