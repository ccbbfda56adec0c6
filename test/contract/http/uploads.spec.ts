import { once } from 'node:events';
import {
  createServer,
  type AddressInfo,
  type Server,
  type Socket,
} from 'node:net';
import { Readable } from 'node:stream';
import { createDependency, type Dependency } from 'nestjs-dace/core';
import { afterEach, describe, expect, it } from 'vitest';
import { Upstream, until } from '../../support/http-upstream.js';
import { FACES, faces, outcomeOf } from '../../support/parity.js';

let closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.toReversed()) await close();
  closing = [];
});

function dependencyAt(origin: string): Dependency {
  const dependency = createDependency('payments', {
    hosts: [origin],
    retry: { attempts: 3 },
    timeoutMs: 10_000,
    http: { poolSize: 1 },
  });
  closing.push(() => dependency.close());
  return dependency;
}

/** Answers a POST as soon as its head is there and reads on; whatever else with 200. */
async function hasty(status: string, headers = ''): Promise<string> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('data', (head) => {
      const isPost = head.toString('latin1').startsWith('POST');
      const line = isPost ? `${status}\r\n${headers}` : '200 OK\r\n';
      socket.write(`HTTP/1.1 ${line}content-length: 2\r\n\r\n{}`);
      socket.resume();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A body that gives a piece whenever it is asked, without end; counts what it gave. */
function endless(): { body: Readable; given: () => number } {
  let given = 0;
  const piece = Buffer.alloc(65_536);
  const body = new Readable({
    read() {
      given += piece.length;
      setImmediate(() => this.push(piece));
    },
  });
  return { body, given: () => given };
}

describe('An answer that comes before the body is sent', () => {
  it.each([
    ['413 Content Too Large', 413],
    ['401 Unauthorized', 401],
    ['200 OK', 200],
  ])('of %s counts; the body is let go', async (line, status) => {
    const dependency = dependencyAt(await hasty(line));
    for (const face of FACES) {
      const { body } = endless();
      const sent = faces(dependency)[face]({
        url: '/x',
        method: 'post',
        data: body,
        validateStatus: null,
      });
      expect((await sent).status).toBe(status);
      await until(() => body.destroyed);
    }
    expect(dependency.snapshot().totals).toMatchObject({
      attempts: FACES.length,
    });
    const { status: next } = await dependency.http.get('/next');
    expect(next).toBe(200);
  });

  it('of 303 leads on without it', async () => {
    const origin = await hasty('303 See Other', 'location: /to\r\n');
    const dependency = dependencyAt(origin);
    const { body } = endless();
    const { status, request } = await dependency.http.post('/x', body);
    expect({ status, path: request.path }).toEqual({
      status: 200,
      path: '/to',
    });
    await until(() => body.destroyed);
  });
});

describe('A Content-Length that a streamed body does not keep', () => {
  it.each([
    ['too short', '2'],
    ['too long', '10'],
  ])(
    '%s is the caller’s fault, and no other request’s',
    async (_name, length) => {
      const upstream = await Upstream.start((asked, response) => {
        asked.on('error', () => {});
        asked.resume().on('end', () => response.end('{}'));
      });
      closing.push(() => upstream.stop());
      const dependency = dependencyAt(upstream.origin);
      for (const face of FACES) {
        const sent = faces(dependency)[face]({
          url: '/wrong',
          method: 'put',
          data: Readable.from([Buffer.from('abcde')]),
          headers: { 'content-length': length },
        });
        expect(await outcomeOf(sent)).toMatchObject({
          code: 'ERR_BAD_REQUEST',
        });
      }
      const { status } = await dependency.http.post('/right', 'abc');
      expect(status).toBe(200);
      expect(dependency.snapshot()).toMatchObject({
        window: { calls: 1, failures: 0 },
        totals: { retries: 0 },
      });
      const whole = upstream.requests.filter(({ complete }) => complete);
      expect(whole.map(({ url }) => url)).toEqual(['/right']);
    },
  );
});

describe('Backpressure', () => {
  const MEGABYTE = 1_048_576;

  it.each(FACES)(
    'holds an upload to what the server takes, by %s',
    async (face) => {
      const upstream = await Upstream.start((asked) => {
        asked.on('error', () => {});
        asked.pause();
      });
      closing.push(() => upstream.stop());
      const { body, given } = endless();
      const sent = faces(dependencyAt(upstream.origin))[face]({
        url: '/x',
        method: 'post',
        data: body,
        timeout: 5_000,
      });
      const outcome = sent.catch((error: unknown) => error);
      let seen = 0;
      let sinceMs = performance.now();
      // What the sockets of both sides hold is the system's affair: nothing more is taken then.
      await until(() => {
        if (seen !== given()) sinceMs = performance.now();
        seen = given();
        return seen > 0 && performance.now() - sinceMs > 100;
      });
      expect(given()).toBeLessThan(32 * MEGABYTE);
      upstream.requests[0]?.socket.destroy();
      expect(await outcome).toBeInstanceOf(Error);
      await until(() => body.destroyed);
    },
  );

  it.each(FACES)(
    'holds 200 MB that are read as they come, by %s',
    async (face) => {
      const piece = Buffer.alloc(MEGABYTE);
      let written = 0;
      const upstream = await Upstream.start((_asked, response) => {
        const write = (): void => {
          while (written < 200) {
            written += 1;
            if (!response.write(piece))
              return void response.once('drain', write);
          }
          response.end();
        };
        write();
      });
      closing.push(() => upstream.stop());
      const { data } = await faces(dependencyAt(upstream.origin))[face]({
        url: '/x',
        responseType: 'stream',
      });
      const stream = data as Readable;
      // Nobody reads yet: it is the server that waits.
      let before = -1;
      await until(async () => {
        const isStill = before === written;
        before = written;
        await new Promise((resolve) => setTimeout(resolve, 50));
        return isStill;
      });
      expect(written).toBeLessThan(32);

      let bytes = 0;
      let most = 0;
      const startedWith = process.memoryUsage().arrayBuffers;
      for await (const chunk of stream) {
        bytes += (chunk as Buffer).length;
        const { arrayBuffers } = process.memoryUsage();
        most = Math.max(most, arrayBuffers - startedWith);
      }
      expect(bytes).toBe(200 * MEGABYTE);
      expect(most).toBeLessThan(64 * MEGABYTE);
    },
  );
});
