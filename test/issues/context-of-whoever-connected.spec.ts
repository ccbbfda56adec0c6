import axios, { type AxiosRequestConfig } from 'axios';
import { AsyncLocalStorage } from 'node:async_hooks';
import { Agent } from 'node:http';
import type { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { createDependency, type Dependency } from 'nestjs-dace/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Upstream, type Route } from '../support/http-upstream.js';
import { FACES, faces, plainAxios, type Ask } from '../support/parity.js';

/** Of the user's own middleware: who is served. */
const served = new AsyncLocalStorage<string>();
let seen: Record<string, Set<string | undefined>>;
let upstream: Upstream;
let dependency: Dependency;
let agent: Agent;

const note = (place: string): void => {
  (seen[place] ??= new Set()).add(served.getStore());
};
const noting = (place: string) => (): void => note(place);

const answer: Route = (request, response) => {
  request.resume().on('end', () => {
    if (request.url === '/moved')
      response.writeHead(307, { location: '/there' }).end();
    else if (request.url === '/packed')
      response
        .writeHead(200, { 'content-encoding': 'gzip' })
        .end(gzipSync('{}'));
    else if (request.url === '/pieces') {
      response.write('one');
      setImmediate(() => response.end('two'));
    } else if (request.url === '/cut') {
      response.writeHead(200, { 'content-length': 9 }).write('one');
      setImmediate(() => response.destroy());
    } else if (request.url === '/broken') response.writeHead(500).end();
    else response.end('{}');
  });
};

const config = (url: string): AxiosRequestConfig => ({
  url,
  method: 'post',
  data: 'hello',
  validateStatus: (status) => {
    note('validateStatus');
    return status < 500;
  },
  transformRequest: (data) => {
    note('transformRequest');
    return data;
  },
  transformResponse: (data) => {
    note('transformResponse');
    return data;
  },
  beforeRedirect: noting('beforeRedirect'),
  onUploadProgress: noting('onUploadProgress'),
  onDownloadProgress: noting('onDownloadProgress'),
});

/** All the ways to ask, axios' own among them, each over the one connection it has. */
const ways: Record<string, () => Ask> = {
  axios: () => {
    const plain = plainAxios(upstream.origin);
    return (asked) => plain.request({ ...asked, httpAgent: agent });
  },
  ...Object.fromEntries(
    FACES.map((face) => [face, () => faces(dependency)[face]]),
  ),
};

beforeEach(async () => {
  seen = {};
  upstream = await Upstream.start(answer);
  agent = new Agent({ keepAlive: true, maxSockets: 1 });
  dependency = createDependency('payments', {
    hosts: [upstream.origin],
    retry: false,
    classify: () => {
      note('classify');
      return undefined;
    },
    http: {
      poolSize: 1,
      onRequest: noting('onRequest'),
      onResponse: noting('onResponse'),
    },
  });
});
afterEach(async () => {
  agent.destroy();
  await dependency.close();
  await upstream.stop();
});

describe.each(Object.entries(ways))(
  'A request by %s over a connection that somebody else has opened',
  (_way, make) => {
    let ask: Ask;
    beforeEach(async () => {
      ask = make();
      await served.run('somebody else', () => ask(config('/warm')));
      seen = {};
    });

    const expectMine = (...places: string[]): void => {
      expect(Object.keys(seen)).toEqual(expect.arrayContaining(places));
      for (const [place, names] of Object.entries(seen))
        expect([place, ...names]).toEqual([place, 'me']);
    };

    it.each(['/plain', '/packed', '/moved', '/pieces'])(
      'to %s calls the user’s functions in the context of who asks',
      async (url) => {
        await served.run('me', () => ask(config(url)));
        expectMine(
          'validateStatus',
          'transformRequest',
          'transformResponse',
          'onUploadProgress',
          'onDownloadProgress',
        );
      },
    );

    it('that is led elsewhere does so too', async () => {
      await served.run('me', () => ask(config('/moved')));
      expectMine('beforeRedirect');
    });

    it('that is refused for its status does so too', async () => {
      const asked = served.run('me', () => ask(config('/broken')));
      await expect(asked).rejects.toThrow(axios.AxiosError);
      expectMine('validateStatus');
    });

    it.each([
      ['/pieces', 'end'],
      ['/packed', 'end'],
      ['/cut', 'error'],
    ])('to %s streams in that context until its %s', async (url, last) => {
      await served.run('me', async () => {
        const { data } = await ask({ ...config(url), responseType: 'stream' });
        const body = (data as Readable).on('data', noting('data'));
        for (const event of ['end', 'error', 'close'])
          body.on(event, noting(event));
        await new Promise((resolve) => body.on('close', resolve));
      });
      expectMine('data', last, 'close');
    });
  },
);

it('the hooks of a dependency see the context of who asks', async () => {
  await served.run('somebody else', () => dependency.http.get('/warm'));
  seen = {};
  await served.run('me', () => dependency.http.get('/plain'));
  for (const place of ['onRequest', 'onResponse', 'classify'])
    expect([place, ...(seen[place] ?? [])]).toEqual([place, 'me']);
});
