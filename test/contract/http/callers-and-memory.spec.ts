import { getEventListeners } from 'node:events';
import type { Readable } from 'node:stream';
import * as v8 from 'node:v8';
import * as vm from 'node:vm';
import axios from 'axios';
import { createDependency, type Dependency } from 'nestjs-dace/core';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
} from 'vitest';
import { Upstream, echo, until } from '../../support/http-upstream.js';
import type { Route } from '../../support/http-upstream.js';
import { FACES, faces, type Face } from '../../support/parity.js';

let upstream: Upstream;
let dependency: Dependency;
const unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);

const routes: Record<string, Route> = {
  '/hangs': () => {},
  '/reset': ({ socket }) => socket.resetAndDestroy(),
  '/404': (_asked, response) => response.writeHead(404).end('no'),
  '/from': (_asked, response) =>
    response.writeHead(302, { location: '/x' }).end(),
  '/half': ({ socket }, response) => {
    response.writeHead(200, { 'content-length': '9' });
    response.write('half', () => socket.destroy());
  },
};

beforeAll(() => process.on('unhandledRejection', note));
afterAll(() => process.off('unhandledRejection', note));
beforeEach(async () => {
  unhandled.length = 0;
  upstream = await Upstream.start((asked, response) => {
    const route = routes[asked.url as string] ?? echo;
    route(asked, response);
  });
  dependency = createDependency('payments', {
    hosts: [upstream.origin],
    retry: { attempts: 2 },
    circuit: false,
    maxOpenPerNetloc: 100,
    maxQueuedPerNetloc: 1_000,
    http: { poolSize: 20 },
  });
});
afterEach(async () => {
  await dependency.close();
  await upstream.stop();
});

type Config = Record<string, unknown>;
const ENDS: Record<string, Config> = {
  'an answer': { url: '/x' },
  'a redirect': { url: '/from' },
  'a refused status': { url: '/404' },
  'a reset': { url: '/reset' },
  'an answer cut short': { url: '/half' },
  'a timeout': { url: '/hangs', timeout: 10 },
  'an answer that is too long': { url: '/x', maxContentLength: 1 },
  'an own fault': { url: '/x', method: 'post', data: 7 },
  'a foreign host': { url: 'http://evil.example/x' },
  'a transform that throws': {
    url: '/x',
    transformResponse: () => {
      throw new Error('of the transform');
    },
  },
};

describe.each(Object.entries(ENDS))('After %s', (_name, config) => {
  it.each(FACES)('nobody listens to the caller, by %s', async (face) => {
    const controller = new AbortController();
    const { signal } = controller;
    const source = axios.CancelToken.source();
    const send = faces(dependency)[face];
    await Promise.allSettled(
      Array.from({ length: 5 }, () =>
        send({ ...config, signal, cancelToken: source.token }),
      ),
    );
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    const { _listeners } = source.token as unknown as { _listeners?: [] };
    expect(_listeners ?? []).toHaveLength(0);
    // Neither may what is over be ended, nor tell of it.
    controller.abort();
    source.cancel();
    await new Promise((resolve) => setImmediate(resolve));
    expect(unhandled).toEqual([]);
  });
});

describe('After a streamed body', () => {
  it.each(FACES)('nobody listens to the caller, by %s', async (face) => {
    const { signal } = new AbortController();
    const send = () =>
      faces(dependency)[face]({ url: '/x', responseType: 'stream', signal });
    for await (const _ of (await send()).data as Readable);
    ((await send()).data as Readable).destroy();
    ((await send()).data as Readable).destroy(new Error('of the reader'));
    await until(() => getEventListeners(signal, 'abort').length === 0);
    expect(unhandled).toEqual([]);
  });

  it.each(FACES)(
    'that broke off unread nobody is told, by %s',
    async (face) => {
      await faces(dependency)[face]({ url: '/half', responseType: 'stream' });
      await until(async () => (await upstream.connections()) === 0);
      await new Promise((resolve) => setImmediate(resolve));
      expect(unhandled).toEqual([]);
    },
  );
});

describe('AbortSignal.timeout', () => {
  it.each(FACES)('ends a request, once, by %s', async (face) => {
    const signal = AbortSignal.timeout(20);
    const sent = faces(dependency)[face]({ url: '/hangs', signal });
    const error = await sent.catch((reason: Error) => reason.name);
    expect(error).toBe(
      face === 'dependency.http' ? 'TimeoutError' : 'CanceledError',
    );
    expect(dependency.snapshot()).toMatchObject({
      window: { failures: 0 },
      totals: { attempts: 1 },
    });
    await until(() => upstream.cut === 1);
  });

  it.each(FACES)('that is over sends nothing, by %s', async (face) => {
    const signal = AbortSignal.timeout(1);
    await until(() => signal.aborted);
    const sent = faces(dependency)[face]({ url: '/x', signal });
    await expect(sent).rejects.toThrow();
    expect(upstream.requests).toHaveLength(0);
  });
});

describe('Memory', () => {
  v8.setFlagsFromString('--expose-gc');
  const gc = vm.runInNewContext('gc') as () => void;
  const settled = async (): Promise<number> => {
    // What ends in a tick of its own lets go of what it held.
    for (let i = 0; i < 5; i += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      gc();
    }
    return process.memoryUsage().heapUsed;
  };

  const many = async (face: Face, requests: number): Promise<void> => {
    const send = faces(dependency)[face];
    for (let i = 0; i < requests / 50; i += 1) {
      const sent = Array.from({ length: 50 }, (_one, k) =>
        send(
          k === 0
            ? { url: '/404' }
            : { url: '/x', params: { i, k }, responseType: 'text' },
        ),
      );
      await Promise.allSettled(sent);
      upstream.requests.length = 0;
    }
  };

  it.each(FACES)('is flat over thousands of requests, by %s', async (face) => {
    await many(face, 2_000);
    const before = await settled();
    await many(face, 4_000);
    const grown = (await settled()) - before;
    expect(grown).toBeLessThan(2 * 1_048_576);
  });
});
