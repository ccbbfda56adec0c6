import { getEventListeners } from 'node:events';
import { Readable } from 'node:stream';
import { AxiosError } from 'axios';
import type { AxiosRequestConfig, InternalAxiosRequestConfig } from 'axios';
import type { DependencyOptions } from 'nestjs-dace/core';
import { describe, expect, it } from 'vitest';
import { textOf, until } from '../../support/http-upstream.js';
import { FACES, faces } from '../../support/parity.js';
import {
  atRest,
  dependency,
  open,
  served,
  unhandled,
  upstream,
} from '../../support/reentrant.js';

/**
 * Code of the user's runs in the middle of a request. Whatever it does there, the request ends once, no
 * permit and no connection stays behind, and whoever comes next is answered.
 */
served(async (request, response) => {
  const body = await textOf(request);
  if (request.url === '/from')
    response.writeHead(307, { location: '/to', 'content-length': 0 }).end();
  else response.end(`answer to ${body.length}`);
});

type Http = NonNullable<DependencyOptions['http']>;
type Act = () => void;
type Ends = Pick<AbortController, 'abort'>;

/** Where it runs: what the dependency, and what the request, is given. */
interface Place {
  readonly http?: (act: Act) => Http;
  readonly config?: (act: Act) => AxiosRequestConfig;
}

const acting =
  <A extends unknown[], R>(act: Act, then: (...args: A) => R) =>
  (...args: A): R => {
    act();
    return then(...args);
  };

const READ = 'a body that is read';

const PLACES: Record<string, Place> = {
  'a function for a header': {
    http: (act) => ({ headers: { 'x-token': acting(act, () => 't') } }),
  },
  'a function that promises a header': {
    http: (act) => ({ headers: { 'x-token': acting(act, async () => 't') } }),
  },
  'a slow function for a header': {
    http: (act) => ({
      headers: {
        'x-token': async () => {
          await Promise.resolve();
          act();
          return 't';
        },
      },
    }),
  },
  onRequest: {
    http: (act) => ({
      onRequest: acting(act, (config: InternalAxiosRequestConfig) => config),
    }),
  },
  onResponse: { http: (act) => ({ onResponse: acting(act, () => {}) }) },
  transformRequest: {
    config: (act) => ({
      transformRequest: acting(act, (data: unknown) => data),
    }),
  },
  transformResponse: {
    config: (act) => ({
      transformResponse: acting(act, (data: unknown) => data),
    }),
  },
  validateStatus: {
    config: (act) => ({ validateStatus: acting(act, () => true) }),
  },
  'validateStatus of a stream': {
    config: (act) => ({
      validateStatus: acting(act, () => true),
      responseType: 'stream',
    }),
  },
  paramsSerializer: {
    config: (act) => ({
      params: { a: 1 },
      paramsSerializer: { serialize: acting(act, () => 'a=1') },
    }),
  },
  'the text of a header': {
    config: (act) => ({
      headers: { 'x-text': [{ toString: acting(act, () => 'x') }] as never },
    }),
  },
  beforeRedirect: {
    config: (act) => ({ url: '/from', beforeRedirect: acting(act, () => {}) }),
  },
  onUploadProgress: {
    config: (act) => ({ onUploadProgress: acting(act, () => {}) }),
  },
  onDownloadProgress: {
    config: (act) => ({ onDownloadProgress: acting(act, () => {}) }),
  },
  [READ]: {
    config: (act) => ({
      data: new Readable({
        read: acting(act, function (this: Readable) {
          this.push(null);
        }),
      }),
    }),
  },
};

/** What it does there. */
const ACTS: Record<string, (request: Ends, attempt: Ends) => void> = {
  'aborts the request': (request) => request.abort(),
  'ends the attempt': (_request, attempt) => attempt.abort(),
  'closes the dependency': () => void dependency.close(),
  'changes the connections': () =>
    dependency.configure({ http: { poolSize: 7, connectTimeoutMs: 900 } }),
  'lets go of the host': () =>
    dependency.configure({ hosts: ['http://127.0.0.1:1'] }),
  'calls the dependency': () => dependency.http.get('/other').catch(() => {}),
};

const hostile = (): unknown =>
  new Proxy(new Error('nobody may look at it'), {
    get() {
      throw new Error('of the trap');
    },
    getPrototypeOf() {
      throw new Error('of the trap');
    },
  });

/** What it throws there. */
const THROWN: Record<string, () => unknown> = {
  'an error': () => new Error('of the hook'),
  null: () => null,
  'a text': () => 'of the hook',
  'what nobody may look at': hostile,
  'a frozen error of axios': () =>
    Object.freeze(
      new AxiosError('of the hook', 'CODE', {} as InternalAxiosRequestConfig),
    ),
  'a sealed error of axios': () =>
    Object.seal(
      new AxiosError('of the hook', 'CODE', {} as InternalAxiosRequestConfig),
    ),
};

/** Sends a request with a body in which `act` acts once, and waits until nothing of it is left. */
async function sent(
  place: Place,
  face: (typeof FACES)[number],
  act: (request: Ends, attempt: Ends) => void,
): Promise<{ outcome: unknown; tookMs: number; acts: number }> {
  const controller = new AbortController();
  const { signal } = controller;
  // Those of a request alone know of no attempt.
  const attempt = face === 'call.http' ? new AbortController() : controller;
  let acts = 0;
  const once = (): void => {
    acts += 1;
    if (acts === 1) act(controller, attempt);
  };
  open({ http: place.http?.(once) ?? {} });
  const config: AxiosRequestConfig = {
    url: '/x',
    method: 'post',
    data: 'body',
    signal,
    ...place.config?.(once),
  };
  const startedMs = performance.now();
  const asked =
    face === 'call.http'
      ? dependency.execute((call) => call.http.request(config), {
          signal: attempt.signal,
        })
      : faces(dependency)[face](config);
  const outcome = await asked.then(
    (answer) => {
      (answer.data as Partial<Readable> | undefined)?.destroy?.();
      return answer.status;
    },
    (error: unknown) => ({ error }),
  );
  const tookMs = performance.now() - startedMs;
  await until(atRest);
  await until(() => getEventListeners(signal, 'abort').length === 0);
  return { outcome, tookMs, acts };
}

/** Node itself fails to destroy a stream with what nobody may look at, and nobody hears of it. */
const thrownIn = (place: Place): [string, () => unknown][] =>
  Object.entries(THROWN).filter(
    ([, thrown]) => thrown !== hostile || place !== PLACES[READ],
  );

async function answersTheNext(): Promise<void> {
  dependency.configure({ hosts: [upstream.origin] });
  expect((await dependency.http.get('/next')).status).toBe(200);
}

describe.each(Object.entries(PLACES))('%s', (_place, place) => {
  describe.each(FACES)('of %s', (face) => {
    it.each(Object.entries(ACTS))(
      'may be where somebody %s',
      async (name, act) => {
        const { tookMs, acts } = await sent(place, face, act);
        expect(acts).toBeGreaterThan(0);
        expect(tookMs).toBeLessThan(9_000);
        const posts = upstream.requests.filter(({ url }) => url !== '/other');
        expect(posts.length).toBeLessThanOrEqual(
          posts[0]?.url === '/from' ? 2 : 1,
        );
        if (name !== 'closes the dependency') await answersTheNext();
        expect(unhandled).toEqual([]);
      },
    );

    it.each(thrownIn(place))('may throw %s', async (_name, thrown) => {
      const error = thrown();
      const { outcome, tookMs } = await sent(place, face, () => {
        throw error;
      });
      expect(tookMs).toBeLessThan(9_000);
      expect(outcome).toHaveProperty('error');
      await answersTheNext();
      expect(unhandled).toEqual([]);
    });
  });
});
