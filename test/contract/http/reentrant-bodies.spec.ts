import { once } from 'node:events';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import type { AxiosRequestConfig } from 'axios';
import { describe, expect, it } from 'vitest';
import { until } from '../../support/http-upstream.js';
import { FACES, faces } from '../../support/parity.js';
import {
  atRest,
  dependency,
  open,
  served,
  unhandled,
  upstream,
} from '../../support/reentrant.js';

/** Bodies that are the user's to read or to write, and what he does meanwhile. */
served((request, response) => {
  if (request.url === '/packed')
    response
      .writeHead(200, { 'content-encoding': 'gzip' })
      .end(gzipSync('plain'));
  else if (request.url === '/endless') {
    response.write('a'.repeat(100_000));
  } else if (request.url === '/short') response.end('short');
  else request.resume().on('end', () => response.end('answer'));
});

/** Whether all permits are back: the next call gets one. */
const answersTheNext = async (): Promise<void> =>
  expect((await dependency.http.get('/next')).data).toBe('answer');

const failure = (sent: Promise<unknown>): Promise<unknown> =>
  sent.then(
    (value) => ({ value }),
    (error: unknown) => error,
  );

describe.each(FACES)('A streamed answer of %s', (face) => {
  const ask = (config: AxiosRequestConfig = {}) =>
    faces(dependency)[face]({
      url: '/endless',
      responseType: 'stream',
      ...config,
    });

  it.each([
    ['over connections it has given up', { http: { poolSize: 3 } }],
    ['of a host it has let go', { hosts: ['http://127.0.0.1:1'] }],
  ])('ends when the dependency closes, also %s', async (_, changes) => {
    open();
    const { data } = (await ask()) as { data: Readable };
    dependency.configure(changes);
    const ended = new Promise((resolve) => data.on('close', resolve));
    data.resume();
    await dependency.close();
    await ended;
    await until(async () => (await upstream.connections()) === 0);
    expect(unhandled).toEqual([]);
  });

  it('may be destroyed, its dependency closed and changed, by who reads it', async () => {
    open();
    const { data } = (await ask()) as { data: Readable };
    data.on('data', () => {
      dependency.configure({ http: { poolSize: 4 } });
      data.destroy();
    });
    await once(data, 'close');
    await answersTheNext();
    expect(unhandled).toEqual([]);
  });

  it.each(['/short', '/endless'])(
    'is let go with the attempt while onResponse hangs (%s)',
    async (url) => {
      open({
        timeoutMs: 300,
        http: { onResponse: () => new Promise(() => {}) },
      });
      expect(await failure(ask({ url }))).toMatchObject({
        code: 'DACE_TIMEOUT',
      });
      if (face !== 'the drop-in') await until(atRest);
    },
  );

  it('hears its caller while onResponse hangs', async () => {
    let body: Readable | undefined;
    open({
      timeoutMs: 60_000,
      http: {
        onResponse: ({ data }) => {
          body = data as Readable;
          return new Promise(() => {});
        },
      },
    });
    if (face === 'the drop-in') return;
    const controller = new AbortController();
    const { signal } = controller;
    const sent = failure(ask({ url: '/short', signal }));
    await until(() => body?.readableLength === 'short'.length);
    controller.abort();
    expect(await sent).toMatchObject({
      name: expect.stringMatching(/Abort|Cancel/),
    });
    await until(atRest);
  });

  it('is let go where onResponse throws', async () => {
    open({
      http: {
        onResponse: ({ config }) => {
          if (config.responseType === 'stream') throw new Error('of the hook');
        },
      },
    });
    expect(await failure(ask())).toMatchObject({ message: 'of the hook' });
    await answersTheNext();
  });
});

describe.each(FACES)('An answer of %s', (face) => {
  it('in an encoding nobody knows ends the request, packed or not', async () => {
    open();
    for (const url of ['/packed', '/short'])
      expect(
        await failure(
          faces(dependency)[face]({
            url,
            responseEncoding: 'klingon',
          }),
        ),
      ).toMatchObject({ code: 'ERR_UNKNOWN_ENCODING' });
    await until(atRest);
    expect(unhandled).toEqual([]);
  });
});

const BROKEN: Record<string, unknown> = {
  'a text': 'gone',
  'a number': 7,
  'an object': { code: 'ECONNRESET' },
  'an error': new Error('gone'),
  nothing: undefined,
  null: null,
};

describe.each(FACES)('A body that is sent by %s', (face) => {
  const send = (data: unknown, config: AxiosRequestConfig = {}) =>
    faces(dependency)[face]({ url: '/x', method: 'post', data, ...config });

  it.each(Object.entries(BROKEN))(
    'may break off with %s',
    async (_name, reason) => {
      open();
      const body = new ReadableStream({
        start: (controller) => controller.enqueue(Buffer.from('half')),
        pull: (controller) => controller.error(reason),
      });
      expect(await failure(send(body))).toMatchObject({ isAxiosError: true });
      expect(dependency.snapshot().window.failures).toBe(0);
      await answersTheNext();
      expect(unhandled).toEqual([]);
    },
  );

  it.each(Object.entries(BROKEN))(
    'may be destroyed with %s',
    async (_name, reason) => {
      open();
      const body = new Readable({ read() {} });
      body.push('half');
      const sent = failure(send(body));
      await until(() => upstream.requests.length === 1);
      body.destroy(reason as Error);
      expect(await sent).toMatchObject({ isAxiosError: true });
      expect(dependency.snapshot().window.failures).toBe(0);
      await answersTheNext();
      expect(unhandled).toEqual([]);
    },
  );
});
