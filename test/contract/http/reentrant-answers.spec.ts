import axios, {
  type AxiosResponse,
  type InternalAxiosRequestConfig,
} from 'axios';
import { getEventListeners } from 'node:events';
import { Readable } from 'node:stream';
import { firstValueFrom, take, type Observable } from 'rxjs';
import type { DependencyOptions } from 'nestjs-dace/core';
import { describe, expect, it } from 'vitest';
import { DropInHttpService } from '../../../lib/nest/drop-in-http-service.js';
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

served(async (request, response) => {
  await textOf(request);
  response.end('answer');
});

const answersTheNext = async (): Promise<void> => {
  dependency.configure({
    hosts: [upstream.origin],
    http: { onRequest: undefined, onResponse: undefined, headers: undefined },
  });
  expect((await dependency.http.get('/next')).status).toBe(200);
  expect(unhandled).toEqual([]);
};

type Then = (value: unknown) => PromiseLike<never>;

/* oxlint-disable unicorn/no-thenable -- this is what it is about */
/** Promises that are none: of other libraries, or of a hand-written class. */
const THENABLES: Record<string, Then> = {
  'answers twice': (value) => ({
    then(done?: ((value: never) => unknown) | null) {
      done?.(value as never);
      done?.(value as never);
      return this;
    },
  }),
  'answers and fails': (value) => ({
    then(
      done?: ((value: never) => unknown) | null,
      fail?: ((error: unknown) => unknown) | null,
    ) {
      done?.(value as never);
      fail?.(new Error('after all'));
      return this;
    },
  }),
  'answers and throws': (value) => ({
    then(done?: ((value: never) => unknown) | null) {
      done?.(value as never);
      throw new Error('after all');
    },
  }),
  'answers later, to one alone': (value) => ({
    then(done?: ((value: never) => unknown) | null) {
      setImmediate(() => done?.(value as never));
      return undefined as never;
    },
  }),
};

/* oxlint-enable unicorn/no-thenable */

type Hook = (then: Then) => NonNullable<DependencyOptions['http']>;
const HOOKS: Record<string, Hook> = {
  'A function for a header': (then) => ({
    headers: { 'x-token': () => then('t') },
  }),
  onRequest: (then) => ({
    onRequest: (config: InternalAxiosRequestConfig) => then(config),
  }),
  onResponse: (then) => ({
    onResponse: (response: AxiosResponse) => then(response),
  }),
};

describe.each(Object.entries(HOOKS))('%s', (_hook, options) => {
  describe.each(FACES)('of %s', (face) => {
    it.each(Object.entries(THENABLES))(
      'may give what %s',
      async (_name, then) => {
        open({ http: options(then) });
        const { data } = await faces(dependency)[face]({ url: '/x' });
        expect(data).toBe('answer');
        expect(upstream.requests).toHaveLength(1);
        await until(atRest);
        await answersTheNext();
      },
    );
  });
});

/** What an interceptor of the drop-in does. */
const ACTS: Record<string, (controller: AbortController) => unknown> = {
  'aborts the caller’s signal': (controller) => controller.abort(),
  'closes the dependency': () => dependency.close(),
  'changes the connections': () =>
    dependency.configure({ http: { poolSize: 7 } }),
  'lets go of the host': () =>
    dependency.configure({ hosts: ['http://127.0.0.1:1'] }),
  'asks the dependency first': () => dependency.http.get('/first'),
  throws: () => {
    throw new Error('of the interceptor');
  },
  'throws null': () => {
    // oxlint-disable-next-line no-throw-literal -- somebody does
    throw null;
  },
};

const service = () =>
  new DropInHttpService((library) =>
    dependency.dropIn({ library, enclosing: () => undefined }),
  );

describe.each(Object.entries(ACTS))('An interceptor that %s', (name, act) => {
  it.each(['request', 'response'] as const)(
    'leaves nothing behind (%s)',
    async (side) => {
      open();
      const http = service();
      const controller = new AbortController();
      const { interceptors } = http.axiosRef;
      const acting = async (passed: unknown): Promise<never> => {
        await act(controller);
        return passed as never;
      };
      if (side === 'request') interceptors.request.use(acting);
      else interceptors.response.use(acting);
      const startedMs = performance.now();
      await firstValueFrom(
        http.post('/x', 'body', { signal: controller.signal }),
      ).catch(() => 0);
      expect(performance.now() - startedMs).toBeLessThan(9_000);
      await until(atRest);
      if (name !== 'closes the dependency') await answersTheNext();
      expect(unhandled).toEqual([]);
    },
  );
});

/** What who listens to an `HttpService` does with its answer. */
const READERS: Record<string, (http: DropInHttpService) => unknown> = {
  'closes the dependency': () => dependency.close(),
  'changes the connections': () =>
    dependency.configure({ http: { poolSize: 7 } }),
  'asks again': (http) => firstValueFrom(http.get('/again')),
};

describe.each(Object.entries(READERS))('A subscriber that %s', (name, act) => {
  it.each<[string, (asked: Observable<unknown>) => Observable<unknown>]>([
    ['to its end', (asked) => asked],
    ['for one value', (asked) => asked.pipe(take(1))],
  ])('leaves nothing behind (%s)', async (_name, read) => {
    open();
    const http = service();
    const acted = await new Promise((resolve, reject) =>
      read(http.get('/x')).subscribe({
        next: () => resolve(act(http)),
        error: reject,
      }),
    );
    await acted;
    await until(atRest);
    if (name !== 'closes the dependency') await answersTheNext();
    expect(unhandled).toEqual([]);
  });
});

describe('An unsubscription', () => {
  it('in the middle of an interceptor sends nothing', async () => {
    open();
    const http = service();
    let leave = (): void => {};
    http.axiosRef.interceptors.request.use((config) => {
      leave();
      return config;
    });
    let told = 0;
    const subscription = http.get('/x').subscribe({
      next: () => (told += 1),
      error: () => (told += 1),
    });
    leave = () => subscription.unsubscribe();
    await until(atRest);
    await answersTheNext();
    expect(told).toBe(0);
    expect(upstream.requests.map(({ url }) => url)).toEqual(['/next']);
  });

  it('by who reads a stream ends that, not the next', async () => {
    open();
    const http = service();
    const { data } = await firstValueFrom(
      http.get<Readable>('/x', { responseType: 'stream' }),
    );
    data.destroy();
    await until(atRest);
    await answersTheNext();
  });

  it('is heard beside the caller’s own token and signal', async () => {
    open();
    upstream.answer(() => {});
    const { token } = axios.CancelToken.source();
    const { signal } = new AbortController();
    const subscription = service()
      .get('/x', { cancelToken: token, signal })
      .subscribe();
    await until(() => upstream.requests.length === 1);
    subscription.unsubscribe();
    await until(() => upstream.cut === 1);
    await until(atRest);
    expect(unhandled).toEqual([]);
  });
});

/** What a listener on the caller's signal does that hears of it before the request does. */
const LISTENERS: Record<string, () => void> = {
  'closes the dependency': () => void dependency.close(),
  'changes the connections': () =>
    dependency.configure({ http: { poolSize: 7 } }),
  'lets go of the host': () =>
    dependency.configure({ hosts: ['http://127.0.0.1:1'] }),
  'calls the dependency': () => void dependency.http.get('/x').catch(() => 0),
};

describe.each(FACES)('A request of %s', (face) => {
  it.each(Object.entries(LISTENERS))(
    'ends once where a listener of its signal %s',
    async (name, act) => {
      open();
      upstream.answer((request, response) => {
        if (request.url !== '/hangs') response.end('answer');
      });
      const controller = new AbortController();
      const { signal } = controller;
      signal.addEventListener('abort', act);
      const ask = faces(dependency)[face];
      const sent = ask({ url: '/hangs', signal }).catch(
        (error: Error) => error.name,
      );
      await until(() => upstream.requests.length === 1);
      controller.abort();
      expect(await sent).toMatch(/Abort|Cancel|Shutdown/);
      await until(atRest);
      expect(getEventListeners(signal, 'abort')).toHaveLength(1);
      if (name !== 'closes the dependency') await answersTheNext();
      expect(unhandled).toEqual([]);
    },
  );
});
