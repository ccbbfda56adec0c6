import type { AxiosAdapter, InternalAxiosRequestConfig } from 'axios';
import { firstValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { errorOf } from '../support/core-toolkit.js';
import { failing, hanging, start, upstream } from './http-service-app.js';
import { until } from './nest-app.js';

/** Answers without a request. */
const canned: AxiosAdapter = async (config: InternalAxiosRequestConfig) => ({
  status: 200,
  statusText: 'OK',
  headers: {},
  config,
  data: 'canned',
});

describe('The defaults of a drop-in’s axiosRef', () => {
  it('hold for every request, and not for those of other apps', async () => {
    const { http } = await start();
    const { http: other } = await start();
    const { defaults } = http.axiosRef;
    defaults.headers.common['x-app'] = 'shop';
    defaults.headers.post['x-method'] = 'post';
    defaults.params = { tenant: 7 };
    defaults.transformResponse = [(text: string) => [JSON.parse(text)]];

    const [asked] = (await firstValueFrom(http.get('/a', { params: { b: 1 } })))
      .data;
    const [posted] = (await http.axiosRef.post('/a')).data;

    expect(asked).toMatchObject({
      url: '/v1/a?tenant=7&b=1',
      headers: { 'x-app': 'shop' },
    });
    expect(asked.headers).not.toHaveProperty('x-method');
    expect(posted.headers).toMatchObject({ 'x-method': 'post' });
    const { data } = await firstValueFrom(other.get('/a'));
    expect(data.url).toBe('/v1/a');
    expect(data.headers).not.toHaveProperty('x-app');
  });

  it.each<[string, () => string, string]>([
    ['a path below the host’s', () => '/reports', '/v1/reports/a'],
    ['the host’s own URL', () => `${upstream.origin}/v1`, '/v1/a'],
    ['another path of the host', () => `${upstream.origin}/v2`, '/v2/a'],
  ])('may name a baseURL: %s', async (_kind, baseURL, expected) => {
    const { http } = await start();
    http.axiosRef.defaults.baseURL = baseURL();

    expect((await firstValueFrom(http.get('/a'))).data.url).toBe(expected);
  });

  it('lead to no other host', async () => {
    const { http } = await start();
    http.axiosRef.defaults.baseURL = 'http://127.0.0.1:9/elsewhere';

    const error = await errorOf(firstValueFrom(http.get('/a')));

    expect(error).toMatchObject({ code: 'DACE_FOREIGN_HOST' });
  });

  it('may bound the time of each try', async () => {
    upstream.answer(hanging);
    const { http, totals } = await start({ retry: { onTimeout: true } });
    http.axiosRef.defaults.timeout = 20;

    const error = await errorOf(firstValueFrom(http.get('/a')));

    expect(error).toMatchObject({ name: 'AxiosError', code: 'ECONNABORTED' });
    expect(totals()).toMatchObject({ started: 1, failed: 1, attempts: 3 });
  });

  it('say how a streamed request is cut', async () => {
    upstream.answer(hanging);
    const { http } = await start();
    http.axiosRef.defaults.responseType = 'stream';
    const subscription = http.get('/a').subscribe();
    await until(() => upstream.requests.length === 1);

    subscription.unsubscribe();

    await until(() => upstream.cut === 1);
  });
});

describe('An axios instance made by axiosRef.create', () => {
  it('is protected, has the dependency’s hooks, and no interceptors', async () => {
    upstream.answer(failing(503, 1));
    const asked: unknown[] = [];
    const { http, totals } = await start({
      http: { onRequest: ({ url }) => void asked.push(url) },
    });
    http.axiosRef.interceptors.request.use(() => {
      throw new Error('of the first');
    });
    const child = http.axiosRef.create({ headers: { 'x-child': 'yes' } });

    const { data } = await child.get<Record<string, object>>('/a');

    expect(data['headers']).toMatchObject({ 'x-child': 'yes' });
    expect(asked).toEqual(['/a']);
    expect(totals()).toMatchObject({ started: 1, succeeded: 1, attempts: 2 });
  });
});

describe('The adapter of a drop-in', () => {
  it.each(['http', 'fetch', ['xhr', 'http'], null, undefined])(
    'cannot be got round by name: %j',
    async (adapter) => {
      const { http, totals } = await start();

      const { data } = await firstValueFrom(
        http.get('/a', { adapter: adapter as never }),
      );

      expect(data.url).toBe('/v1/a');
      expect(totals()).toMatchObject({ started: 1, succeeded: 1 });
    },
  );

  it('cannot be got round by an interceptor', async () => {
    const { http, totals } = await start();
    http.axiosRef.interceptors.request.use((config) => ({
      ...config,
      adapter: 'fetch',
    }));

    expect((await firstValueFrom(http.get('/a'))).data.url).toBe('/v1/a');
    expect(totals()).toMatchObject({ started: 1, succeeded: 1 });
  });

  it('may be a function that answers in the dependency’s place', async () => {
    const { http, totals } = await start();

    const one = await firstValueFrom(http.get('/a', { adapter: canned }));
    http.axiosRef.defaults.adapter = canned;
    const other = await firstValueFrom(http.get('/a'));

    expect([one.data, other.data]).toEqual(['canned', 'canned']);
    expect(totals()).toMatchObject({ started: 0 });
    expect(upstream.requests).toHaveLength(0);
  });
});

describe('A dependency without hosts', () => {
  it('takes URLs that say where to', async () => {
    const { http, totals } = await start({ hosts: undefined });

    const { data } = await firstValueFrom(http.get(`${upstream.origin}/a`));

    expect(data.url).toBe('/a');
    expect(totals()).toMatchObject({ started: 1, succeeded: 1 });
    expect(await errorOf(firstValueFrom(http.get('/a')))).toMatchObject({
      code: 'DACE_FOREIGN_HOST',
      message: expect.stringContaining('give hosts'),
    });
  });
});
