import { once } from 'node:events';
import {
  createServer,
  type AddressInfo,
  type Server,
  type Socket,
} from 'node:net';
import { createDependency, type Dependency } from 'nestjs-dace/core';
import { request } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import { cert } from '../../support/http-tls.js';
import { until } from '../../support/http-upstream.js';
import { FACES, faces } from '../../support/parity.js';

type Doing = (socket: Socket, head: string) => void;

let closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.toReversed()) await close();
  closing = [];
});

/** A proxy that does with each request what the test says. */
async function proxyThat(does: Doing) {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      const head = chunk.toString('latin1');
      asked.push(head);
      does(socket, head);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { asked, sockets, place: `127.0.0.1:${port}` };
}

function behind(
  proxy: string,
  host = 'https://own.example',
  connectTimeoutMs = 3_000,
): Dependency {
  const dependency = createDependency('payments', {
    hosts: [host],
    retry: false,
    timeoutMs: 5_000,
    http: { proxy, poolSize: 1, connectTimeoutMs, tls: { ca: cert } },
  });
  closing.push(() => dependency.close());
  return dependency;
}

const says =
  (status: string): Doing =>
  (socket) =>
    void socket.end(`HTTP/1.1 ${status}\r\ncontent-length: 0\r\n\r\n`);

const REFUSALS: readonly (readonly [string, Doing, string])[] = [
  ['answers 407', says('407 Proxy Authentication Required'), 'ERR_NETWORK'],
  ['answers 502', says('502 Bad Gateway'), 'ERR_NETWORK'],
  ['hangs up', (socket) => void socket.end(), 'ECONNRESET'],
  ['resets', (socket) => void socket.resetAndDestroy(), 'ECONNRESET'],
  [
    'talks no HTTP',
    (socket) => void socket.end('220 smtp ready\r\n'),
    'ERR_NETWORK',
  ],
  ['never answers', () => {}, 'DACE_TIMEOUT'],
];

describe('A proxy that is asked for a tunnel', () => {
  describe.each(REFUSALS)('and %s', (_name, does, code) => {
    const through = (place: string): Dependency =>
      behind(
        `http://${place}`,
        'https://own.example',
        code === 'DACE_TIMEOUT' ? 150 : 3_000,
      );

    it.each(FACES)('is a failure that %s tells of', async (face) => {
      const { asked, place } = await proxyThat(does);
      const dependency = through(place);
      const sent = faces(dependency)[face]({ url: '/x' });
      await expect(sent).rejects.toMatchObject({ code });
      expect(asked).toHaveLength(1);
      expect(dependency.snapshot().window).toMatchObject({ failures: 1 });
    });

    it('is a failure that the agent tells of', async () => {
      const { asked, place } = await proxyThat(does);
      const dependency = through(place);
      const sent = dependency.execute((call) =>
        request('https://own.example/x', { dispatcher: call.agent }),
      );
      await expect(sent).rejects.toMatchObject({ code });
      expect(asked).toHaveLength(1);
      expect(dependency.snapshot().window).toMatchObject({ failures: 1 });
    });

    it('is asked again for a POST, of which nothing was sent', async () => {
      const { asked, place } = await proxyThat(does);
      const dependency = through(place);
      dependency.configure({ retry: { attempts: 2 } });
      await expect(dependency.http.post('/x', {})).rejects.toMatchObject({
        code: 'DACE_RETRY_EXHAUSTED',
        causeCode: code,
      });
      expect(asked).toHaveLength(2);
    });

    it('leaves the pool usable', async () => {
      const { asked, sockets, place } = await proxyThat(does);
      const dependency = through(place);
      for (let i = 1; i <= 3; i += 1) {
        await expect(dependency.http.get('/x')).rejects.toMatchObject({ code });
        expect(asked).toHaveLength(i);
      }
      // undici may have made the next one already.
      await until(() => sockets.size <= 1);
    });
  });
});

describe('The credentials of a proxy', () => {
  it.each([
    ['jo:pw', 'am86cHc='],
    ['jo', 'am86'],
    ['jo:', 'am86'],
    [':pw', 'OnB3'],
    ['j%40o:p%3Aw', 'akBvOnA6dw=='],
  ])('of %s@ are sent as %s', async (credentials, token) => {
    const { asked, place } = await proxyThat(says('200 OK'));
    const url = `http://${credentials}@${place}`;
    await behind(url, 'http://own.example').http.get('/x');
    await expect(behind(url).http.get('/x')).rejects.toThrow();
    expect(asked.map((head) => head.split(' ')[0])).toEqual(['GET', 'CONNECT']);
    for (const head of asked)
      expect(head).toMatch(
        new RegExp(`^proxy-authorization: Basic ${token}\r$`, 'im'),
      );
  });

  it('are not sent where there are none', async () => {
    const { asked, place } = await proxyThat(says('200 OK'));
    await behind(`http://${place}`, 'http://own.example').http.get('/x');
    expect(asked).toHaveLength(1);
    expect(asked[0]).not.toMatch(/proxy-authorization/i);
  });
});
