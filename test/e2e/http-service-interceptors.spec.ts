import { AsyncLocalStorage } from 'node:async_hooks';
import { firstValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { errorOf } from '../support/core-toolkit.js';
import { failing, start, upstream } from './http-service-app.js';

const nextTick = () => new Promise((resolve) => setImmediate(resolve));

describe('The interceptors of a drop-in HttpService', () => {
  it.each([
    ['sync', { synchronous: true }, (value: unknown) => value],
    ['async', undefined, (value: unknown) => nextTick().then(() => value)],
  ])(
    'that are %s run once, around all tries of an operation',
    async (_kind, options, pass) => {
      upstream.answer(failing(503, 2));
      const { http, totals } = await start();
      const { interceptors } = http.axiosRef;
      const seen: string[] = [];
      interceptors.request.use(
        (config) => {
          seen.push(`request, ${upstream.requests.length} sent`);
          config.headers.set('x-added', 'yes');
          return pass(config) as typeof config;
        },
        undefined,
        options,
      );
      interceptors.response.use((response) => {
        seen.push(`response, ${upstream.requests.length} sent`);
        response.data.from = 'interceptor';
        return pass(response) as typeof response;
      });

      const { data } = await firstValueFrom(http.get('/a'));

      expect(data).toMatchObject({
        from: 'interceptor',
        headers: { 'x-added': 'yes' },
      });
      expect(seen).toEqual(['request, 0 sent', 'response, 3 sent']);
      expect(totals()).toMatchObject({ started: 1, succeeded: 1, attempts: 3 });
    },
  );

  it('run in axios’ order', async () => {
    const { http } = await start();
    const { interceptors } = http.axiosRef;
    const seen: string[] = [];
    for (const name of ['1', '2']) {
      interceptors.request.use((config) => {
        seen.push(`request ${name}`);
        return config;
      });
      interceptors.response.use((response) => {
        seen.push(`response ${name}`);
        return response;
      });
    }

    await firstValueFrom(http.get('/a'));

    expect(seen).toEqual([
      'request 2',
      'request 1',
      'response 1',
      'response 2',
    ]);
  });

  it('may be added and ejected at any time', async () => {
    const { http } = await start();
    const { request } = http.axiosRef.interceptors;
    const added = async (): Promise<unknown> =>
      (await firstValueFrom(http.get('/a'))).data.headers['x-added'];
    const before = await added();

    const id = request.use((config) => {
      config.headers.set('x-added', 'yes');
      return config;
    });
    const between = await added();
    request.eject(id);

    expect([before, between, await added()]).toEqual([
      undefined,
      'yes',
      undefined,
    ]);
  });

  it('leave what is not theirs when they are all cleared', async () => {
    upstream.answer(failing(401));
    const asked: unknown[] = [];
    const { http } = await start({
      http: { onRequest: ({ url }) => void asked.push(url) },
    });
    const { interceptors } = http.axiosRef;
    interceptors.request.use(() => {
      throw new Error('cleared');
    });
    interceptors.request.clear();
    interceptors.response.clear();
    const headers = { authorization: 'Bearer s3cret' };

    const error = await errorOf(firstValueFrom(http.get('/a', { headers })));

    expect(error).toMatchObject({ response: { status: 401 } });
    expect(JSON.stringify(error)).not.toContain('s3cret');
    expect(asked).toEqual(['/a']);
  });

  it('that throw before a request leave the dependency alone', async () => {
    const { http, totals } = await start();
    http.axiosRef.interceptors.request.use(() => {
      throw new Error('no token');
    });

    expect((await errorOf(firstValueFrom(http.get('/a')))).message).toBe(
      'no token',
    );
    expect(totals()).toMatchObject({ started: 0 });
    expect(upstream.requests).toHaveLength(0);
  });

  it('that throw after an answer are not the dependency’s fault', async () => {
    const { http, totals } = await start();
    http.axiosRef.interceptors.response.use(() => {
      throw new Error('not what I asked for');
    });

    await errorOf(firstValueFrom(http.get('/a')));

    expect(totals()).toMatchObject({ succeeded: 1, failed: 0, attempts: 1 });
  });

  it('may make an answer of an error', async () => {
    upstream.answer(failing(500));
    const { http, totals } = await start();
    http.axiosRef.interceptors.response.use(
      undefined,
      ({ response }) => response,
    );

    const answer = await firstValueFrom(http.get('/a'));

    expect(answer).toMatchObject({ status: 500, data: 'no' });
    expect(totals()).toMatchObject({ failed: 1, attempts: 3 });
  });

  it('may send a request elsewhere within the dependency, and nowhere else', async () => {
    const { http } = await start();
    http.axiosRef.interceptors.request.use((config) => {
      config.url = config.params.to;
      config.params = undefined;
      return config;
    });
    const go = (to: string) =>
      firstValueFrom(http.get('/a', { params: { to } }));

    expect((await go('/b')).data.url).toBe('/v1/b');
    expect(await errorOf(go('http://elsewhere/'))).toMatchObject({
      code: 'DACE_FOREIGN_HOST',
    });
  });

  it('may send a request again, as an operation of its own', async () => {
    upstream.answer(failing(401, 1));
    const { http, totals } = await start();
    http.axiosRef.interceptors.response.use(undefined, (error) => {
      error.config.headers.set('authorization', 'Bearer renewed');
      return http.axiosRef.request(error.config);
    });

    const { data } = await firstValueFrom(http.post('/a', { b: 1 }));

    expect(data).toMatchObject({
      body: '{"b":1}',
      headers: { authorization: 'Bearer renewed' },
    });
    expect(totals()).toMatchObject({ started: 2, failed: 1, succeeded: 1 });
  });

  it('that send a request again have the dependency asked for its headers anew', async () => {
    upstream.answer(failing(401, 1));
    let token = 0;
    const { http } = await start({
      http: { headers: { authorization: () => `Bearer ${++token}` } },
    });
    http.axiosRef.interceptors.response.use(undefined, (error) =>
      http.axiosRef(error.config),
    );

    const answer = await firstValueFrom(http.get('/a'));

    expect(answer.data.headers.authorization).toBe('Bearer 2');
    expect(answer.config.headers.has('authorization')).toBe(false);
  });

  it('may themselves use the service', async () => {
    const { http, totals } = await start({ maxOpenPerNetloc: 1 });
    http.axiosRef.interceptors.request.use(async (config) => {
      if (config.url === '/token') return config;
      const { data } = await firstValueFrom(http.post('/token'));
      config.headers.set('x-token', data.url);
      return config;
    });

    const { data } = await firstValueFrom(http.get('/a'));

    expect(data.headers['x-token']).toBe('/v1/token');
    expect(totals()).toMatchObject({ started: 2, succeeded: 2 });
  });

  it('stand next to the dependency’s own hooks, which run once as well', async () => {
    upstream.answer(failing(503, 1));
    const seen: string[] = [];
    const { http } = await start({
      http: {
        onRequest: (config) => {
          seen.push(`hook, ${String(config.headers.get('x-added'))}`);
        },
        onResponse: (response) => {
          seen.push('hook, answered');
          return { ...response, status: 299 };
        },
      },
    });
    const { interceptors } = http.axiosRef;
    interceptors.request.use((config) => {
      config.headers.set('x-added', 'yes');
      return config;
    });
    interceptors.response.use((response) => {
      seen.push(`interceptor, ${response.status}`);
      return response;
    });

    await firstValueFrom(http.get('/a'));

    expect(seen).toEqual(['hook, yes', 'hook, answered', 'interceptor, 299']);
  });

  it('and subscriptions keep the async context of their caller', async () => {
    upstream.answer(failing(503, 2));
    const storage = new AsyncLocalStorage<number>();
    const { http } = await start({ maxOpenPerNetloc: 1 });
    const seen: (number | undefined)[] = [];
    const { interceptors } = http.axiosRef;
    interceptors.request.use(async (config) => {
      await nextTick();
      seen.push(storage.getStore());
      return config;
    });
    interceptors.response.use((response) => {
      seen.push(storage.getStore());
      return response;
    });

    await Promise.all(
      [1, 2, 3].map((caller) =>
        storage.run(
          caller,
          () =>
            new Promise<void>((resolve, reject) =>
              http.get('/a').subscribe({
                next: () => seen.push(storage.getStore()),
                error: reject,
                complete: () => {
                  seen.push(storage.getStore());
                  resolve();
                },
              }),
            ),
        ),
      ),
    );

    expect(
      [1, 2, 3].map((caller) => seen.filter((one) => one === caller).length),
    ).toEqual([4, 4, 4]);
    expect(seen).toHaveLength(12);
  });
});
