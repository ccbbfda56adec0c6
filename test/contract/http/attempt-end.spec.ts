import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import axios from 'axios';
import { fetch as undiciFetch, request } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DaceTimeoutError } from '../../../lib/core/errors.js';
import type { HttpTransport } from '../../../lib/http/transport.js';
import {
  FakeScope,
  FakeTimers,
  transportFor,
} from '../../support/http-scope.js';
import { Upstream, until } from '../../support/http-upstream.js';

let upstream: Upstream;
let transport: HttpTransport;
let scope: FakeScope;
let timers: FakeTimers;

beforeEach(async () => {
  upstream = await Upstream.start(() => {});
  timers = new FakeTimers();
  transport = transportFor([upstream.origin], {}, timers);
  scope = new FakeScope(upstream.origin);
});

afterEach(async () => {
  await transport.destroy();
  await upstream.stop();
});

const reason = new Error('the attempt is over');

describe('A request whose attempt ends', () => {
  const faces: readonly [string, () => Promise<unknown>][] = [
    ['http', () => transport.httpFor(scope).get('/x')],
    [
      'the adapter',
      () =>
        axios.get('/x', {
          baseURL: upstream.origin,
          adapter: transport.adapterFor(scope),
        }),
    ],
    [
      'undici.request',
      () =>
        request(`${upstream.origin}/x`, {
          dispatcher: transport.agentFor(scope),
        }),
    ],
  ];

  it.each(faces)(
    'rejects with the reason and closes the socket: %s',
    async (_name, send) => {
      const sent = send();
      await until(() => upstream.requests.length === 1);

      scope.end(reason);

      await expect(sent).rejects.toBe(reason);
      await until(() => upstream.cut === 1);
      expect(scope.listeners).toBe(0);
    },
  );

  it.each([
    ["undici's fetch", undiciFetch as unknown as typeof fetch],
    ["Node's own fetch", fetch],
  ])('rejects and closes the socket: %s', async (_name, send) => {
    const sent = send(`${upstream.origin}/x`, {
      dispatcher: transport.agentFor(scope),
    } as unknown as RequestInit);
    await until(() => upstream.requests.length === 1);

    scope.end(reason);

    await expect(sent).rejects.toThrow();
    await until(() => upstream.cut === 1);
  });

  it.each(faces)(
    'is not sent once the attempt is over: %s',
    async (_name, send) => {
      scope.end(reason);

      await expect(send()).rejects.toBe(reason);
      expect(upstream.requests).toHaveLength(0);
      expect(scope.sent).toEqual([]);
    },
  );

  it('is not sent when the attempt ends while it waits for a connection', async () => {
    await transport.destroy();
    transport = transportFor([upstream.origin], { poolSize: 1 }, timers);
    const other = new FakeScope(upstream.origin);
    const first = transport
      .httpFor(other)
      .get('/first')
      .catch(() => 'ended');
    await until(() => upstream.requests.length === 1);
    const second = transport.httpFor(scope).get('/second');

    scope.end(reason);

    await expect(second).rejects.toBe(reason);
    upstream.answer((_request, response) => response.end('{}'));
    other.end(reason);
    await first;
    await transport.httpFor(new FakeScope(upstream.origin)).get('/third');
    expect(upstream.requests.map(({ url }) => url)).toEqual([
      '/first',
      '/third',
    ]);
    expect(scope.sent).toEqual([]);
  });

  it('is cut while its body comes in', async () => {
    upstream.answer((_request, response) => response.write('{"half":'));
    const sent = transport.httpFor(scope).get('/x');
    await until(() => upstream.requests.length === 1);

    scope.end(reason);

    await expect(sent).rejects.toBe(reason);
    await until(() => upstream.cut === 1);
  });

  it('is cut while a hook is thinking', async () => {
    await transport.destroy();
    transport = transportFor([upstream.origin], {
      onRequest: () => new Promise(() => {}),
    });
    const sent = transport.httpFor(scope).get('/x');

    scope.end(reason);

    await expect(sent).rejects.toBe(reason);
  });

  it('leaves nothing behind on a normal end', async () => {
    upstream.answer((_request, response) => response.end('{}'));
    const controller = new AbortController();
    await transport
      .httpFor(scope)
      .get('/x', { timeout: 50, signal: controller.signal });

    expect(scope.listeners).toBe(0);
    expect(timers.pending).toHaveLength(0);
  });
});

describe('A caller who gives up', () => {
  it.each([
    [false, 'ECONNABORTED'],
    [true, 'ETIMEDOUT'],
  ])(
    'by timeout, clarifyTimeoutError %s: %s',
    async (clarifyTimeoutError, code) => {
      const sent = transport
        .httpFor(scope)
        .get('/x', { timeout: 50, transitional: { clarifyTimeoutError } });
      await until(() => upstream.requests.length === 1);
      expect(timers.pending).toMatchObject([{ ms: 50 }]);

      timers.ring();

      await expect(sent).rejects.toMatchObject({
        code,
        message: 'timeout of 50ms exceeded',
      });
      await until(() => upstream.cut === 1);
    },
  );

  it('by timeout, with its own message', async () => {
    const sent = transport
      .httpFor(scope)
      .get('/x', { timeout: 50, timeoutErrorMessage: 'too slow' });
    timers.ring();
    await expect(sent).rejects.toThrow('too slow');
  });

  it('by a timeout that is no number', async () => {
    const sent = transport
      .httpFor(scope)
      .get('/x', { timeout: 'soon' as never });
    await expect(sent).rejects.toMatchObject({ code: 'ERR_BAD_OPTION_VALUE' });
  });

  it('by signal', async () => {
    const controller = new AbortController();
    const sent = transport
      .httpFor(scope)
      .get('/x', { signal: controller.signal });
    await until(() => upstream.requests.length === 1);

    controller.abort();

    const error: unknown = await sent.catch((e: unknown) => e);
    expect(axios.isCancel(error)).toBe(true);
    expect(error).toMatchObject({ code: 'ERR_CANCELED', message: 'canceled' });
    await until(() => upstream.cut === 1);
  });

  it('by a signal that was aborted before', async () => {
    const sent = transport
      .httpFor(scope)
      .get('/x', { signal: AbortSignal.abort() });
    await expect(sent).rejects.toMatchObject({ code: 'ERR_CANCELED' });
    expect(upstream.requests).toHaveLength(0);
  });

  it('by cancel token', async () => {
    const source = axios.CancelToken.source();
    const sent = transport
      .httpFor(scope)
      .get('/x', { cancelToken: source.token });
    await until(() => upstream.requests.length === 1);

    source.cancel('enough');

    await expect(sent).rejects.toMatchObject({
      code: 'ERR_CANCELED',
      message: 'enough',
    });
    await until(() => upstream.cut === 1);
  });
});

describe('What an attempt has sent', () => {
  beforeEach(() => upstream.answer((_request, response) => response.end('{}')));

  it.each([
    ['get', true],
    ['head', true],
    ['options', true],
    ['put', true],
    ['delete', true],
    ['post', false],
    ['patch', false],
  ])('%s: safe %s', async (method, isSafe) => {
    await transport.httpFor(scope).request(method, '/x');
    await request(`${upstream.origin}/x`, {
      method: method.toUpperCase() as never,
      dispatcher: transport.agentFor(scope),
    });
    expect(scope.sent).toEqual([isSafe, isSafe]);
  });

  it('a POST with an Idempotency-Key: safe', async () => {
    await transport
      .httpFor(scope)
      .post('/x', {}, { headers: { 'Idempotency-Key': '1' } });
    await undiciFetch(`${upstream.origin}/x`, {
      method: 'POST',
      headers: { 'Idempotency-Key': '1' },
      dispatcher: transport.agentFor(scope),
    });
    expect(scope.sent).toEqual([true, true]);
  });

  it('nothing, when no connection came about', async () => {
    await upstream.stop();
    await expect(transport.httpFor(scope).post('/x', {})).rejects.toMatchObject(
      { code: 'ECONNREFUSED' },
    );
    expect(scope.sent).toEqual([]);
    upstream = await Upstream.start(() => {});
  });

  it('a redirect counts again', async () => {
    upstream.answer((asked, response) => {
      if (asked.url === '/to') response.end('{}');
      else response.writeHead(307, { location: '/to' }).end();
    });
    await transport.httpFor(scope).post('/x', {});
    expect(scope.sent).toEqual([false, false]);
  });
});

describe('A connection that never stands', () => {
  it('is our timeout of kind connect, through http and agent', async () => {
    // A TLS handshake nobody answers.
    const silent = createServer(() => {}).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const origin = `https://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const slow = transportFor([origin], { connectTimeoutMs: 20 }, timers);
    const attempt = new FakeScope(origin);
    const ring = async () => {
      await until(() => timers.pending.some(({ ms }) => ms === 20));
      timers.ring();
    };
    const expected = { kind: 'connect', timeoutMs: 20, code: 'DACE_TIMEOUT' };

    const failed = slow
      .httpFor(attempt)
      .get('/x')
      .catch((e: unknown) => e);
    await ring();
    expect(await failed).toBeInstanceOf(DaceTimeoutError);
    expect(await failed).toMatchObject(expected);

    const refused = request(`${origin}/x`, {
      dispatcher: slow.agentFor(attempt),
    }).catch((e: unknown) => e);
    await ring();
    expect(await refused).toMatchObject(expected);

    expect(attempt.sent).toEqual([]);
    await slow.destroy();
    silent.close();
  });
});

describe('A streamed body', () => {
  const chunk = Buffer.alloc(1_000, 'x');

  it('is handed over at the head and holds the permit to its end', async () => {
    let finish = () => {};
    upstream.answer((_request, response) => {
      response.write(chunk);
      finish = () => response.end(chunk);
    });
    const { data, status } = await transport
      .httpFor(scope)
      .get<Readable>('/x', { responseType: 'stream' });
    expect(status).toBe(200);
    expect(scope.held).toBe(1);

    finish();
    let size = 0;
    for await (const part of data) size += (part as Buffer).length;

    expect(size).toBe(2_000);
    expect(scope.held).toBe(0);
    expect(scope.listeners).toBe(0);
  });

  it('gives the permit back and closes the socket when destroyed', async () => {
    upstream.answer((_request, response) => response.write(chunk));
    const { data } = await transport
      .httpFor(scope)
      .get<Readable>('/x', { responseType: 'stream' });

    data.destroy();

    await until(() => upstream.cut === 1);
    expect(scope.held).toBe(0);
    expect(scope.listeners).toBe(0);
  });

  it('ends with the reason when the attempt ends', async () => {
    upstream.answer((_request, response) => response.write(chunk));
    const { data } = await transport
      .httpFor(scope)
      .get<Readable>('/x', { responseType: 'stream' });
    const read = data.toArray();

    scope.end(reason);

    await expect(read).rejects.toBe(reason);
    await until(() => upstream.cut === 1);
    expect(scope.held).toBe(0);
  });

  it('ends when it is left unread, without an error nobody hears', async () => {
    upstream.answer((_request, response) => response.write(chunk));
    const { data } = await transport
      .httpFor(scope)
      .get<Readable>('/x', { responseType: 'stream' });

    for (const abandon of scope.abandon) abandon();

    await until(() => upstream.cut === 1);
    expect(data.destroyed).toBe(true);
    expect(scope.held).toBe(0);
  });

  it('waits for a slow reader', async () => {
    let written = 0;
    upstream.answer((_request, response) => {
      const more = (): void => {
        let hasRoom = true;
        while (hasRoom && written < 20_000_000) {
          written += 100_000;
          hasRoom = response.write(Buffer.alloc(100_000));
        }
        if (hasRoom) response.end();
        else response.once('drain', more);
      };
      more();
    });
    const { data } = await transport
      .httpFor(scope)
      .get<Readable>('/x', { responseType: 'stream' });
    const isStill = async () => {
      const before = written;
      for (let i = 0; i < 50; i++)
        await new Promise((resolve) => setImmediate(resolve));
      return before === written;
    };
    await until(isStill);
    expect(written).toBeLessThan(20_000_000);

    let size = 0;
    for await (const part of data) size += (part as Buffer).length;
    expect(size).toBeGreaterThanOrEqual(20_000_000);
  });

  it.each(['gzip', 'deflate', 'br'])(
    'is unpacked as it comes: %s',
    async (coding) => {
      const zlib = await import('node:zlib');
      const pack = {
        gzip: zlib.gzipSync,
        deflate: zlib.deflateRawSync,
        br: zlib.brotliCompressSync,
      }[coding] as (data: string) => Buffer;
      upstream.answer((_request, response) => {
        response.setHeader('content-encoding', coding);
        response.end(pack('hello'.repeat(1_000)));
      });
      const { data, headers } = await transport
        .httpFor(scope)
        .get<Readable>('/x', { responseType: 'stream' });
      expect(Buffer.concat(await data.toArray()).toString()).toBe(
        'hello'.repeat(1_000),
      );
      expect(headers['content-encoding']).toBeUndefined();
    },
  );

  it('comes with the error of a refused status', async () => {
    upstream.answer((_request, response) =>
      response.writeHead(500).end('sorry'),
    );
    const error = (await transport
      .httpFor(scope)
      .get('/x', { responseType: 'stream' })
      .catch((e: unknown) => e)) as { response: { data: Readable } };
    expect(Buffer.concat(await error.response.data.toArray()).toString()).toBe(
      'sorry',
    );
    expect(scope.held).toBe(0);
  });

  it('is bounded by maxContentLength', async () => {
    upstream.answer((_request, response) => response.end(chunk));
    const { data } = await transport
      .httpFor(scope)
      .get<Readable>('/x', { responseType: 'stream', maxContentLength: 100 });
    await expect(data.toArray()).rejects.toThrow(
      'maxContentLength size of 100 exceeded',
    );
  });

  it('breaks off with an error when the upstream does', async () => {
    upstream.answer((_request, response) => {
      response.writeHead(200, { 'content-length': '5000' });
      response.write(chunk, () => response.socket?.destroy());
    });
    const { data } = await transport
      .httpFor(scope)
      .get<Readable>('/x', { responseType: 'stream' });
    await expect(data.toArray()).rejects.toMatchObject({
      code: 'ERR_BAD_RESPONSE',
    });
    expect(scope.held).toBe(0);
  });

  it('through undici.request holds the permit as well', async () => {
    upstream.answer((_request, response) => response.end(chunk));
    const { body } = await request(`${upstream.origin}/x`, {
      dispatcher: transport.agentFor(scope),
    });
    await body.text();
    expect(scope.held).toBe(0);
    expect(scope.abandon).toHaveLength(1);
    expect(scope.listeners).toBe(0);
  });
});

describe('A request body that can be sent only once', () => {
  it('is destroyed when the request is refused', async () => {
    const body = Readable.from(['a']);
    scope.onEnd(() => {});
    const sent = transport
      .httpFor(scope)
      .post('/x', body, { signal: AbortSignal.abort() });
    await expect(sent).rejects.toMatchObject({ code: 'ERR_CANCELED' });
  });

  it('ends the request when it breaks', async () => {
    const body = new Readable({ read() {} });
    body.push('a');
    const sent = transport.httpFor(scope).post('/x', body);
    await until(() => upstream.requests.length === 1);

    body.destroy(new Error('disk gone'));

    await expect(sent).rejects.toThrow('disk gone');
    await until(() => upstream.cut === 1);
  });

  it('is bounded by maxBodyLength', async () => {
    const sent = transport
      .httpFor(scope)
      .post('/x', Readable.from(['aaaa', 'bbbb']), { maxBodyLength: 5 });
    await expect(sent).rejects.toMatchObject({
      code: 'ERR_BAD_REQUEST',
      message: 'Request body larger than maxBodyLength limit',
    });
  });

  it('makes even a PUT one that must not be repeated', async () => {
    upstream.answer((_request, response) => response.end('{}'));
    await transport.httpFor(scope).put('/x', Readable.from(['a']));
    expect(scope.sent).toEqual([false]);
  });

  it('is refused when it was read before', async () => {
    upstream.answer((_request, response) => response.end('{}'));
    const body = Readable.from(['a']);
    await transport.httpFor(scope).put('/x', body);
    await expect(
      transport.httpFor(scope).put('/x', body),
    ).rejects.toMatchObject({ code: 'ERR_BAD_REQUEST' });
  });

  it('is not sent again by a redirect', async () => {
    upstream.answer((asked, response) => {
      asked.resume();
      response.writeHead(307, { location: '/to' }).end();
    });
    const sent = transport.httpFor(scope).post('/x', Readable.from(['a']));
    await expect(sent).rejects.toMatchObject({ code: 'ERR_NOT_SUPPORT' });
  });
});
