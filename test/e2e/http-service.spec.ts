import { HttpService } from '@nestjs/axios';
import {
  firstValueFrom,
  forkJoin,
  lastValueFrom,
  merge,
  type Observable,
} from 'rxjs';
import { describe, expect, it } from 'vitest';
import { errorOf } from '../support/core-toolkit.js';
import { failing, hanging, start, upstream } from './http-service-app.js';
import { isNest11, until } from './nest-app.js';

describe('The HttpService of a dependency', () => {
  it('is a real one, and goes to the dependency’s host', async () => {
    const { http, totals } = await start();

    const answer = await firstValueFrom(
      http.get<{ url: string }>('/accounts/7', { params: { full: true } }),
    );

    expect(http).toBeInstanceOf(HttpService);
    expect(answer.status).toBe(200);
    expect(answer.data.url).toBe('/v1/accounts/7?full=true');
    expect(totals()).toMatchObject({ started: 1, succeeded: 1, attempts: 1 });
  });

  const form = expect.stringContaining('name="b"');
  it.each<[string, (http: HttpService) => Observable<{ data: any }>, object]>([
    ['get', (http) => http.get('/a'), { method: 'GET' }],
    ['delete', (http) => http.delete('/a'), { method: 'DELETE' }],
    ['post', (http) => http.post('/a', { b: 1 }), { body: '{"b":1}' }],
    ['put', (http) => http.put('/a', { b: 1 }), { method: 'PUT' }],
    ['patch', (http) => http.patch('/a', { b: 1 }), { method: 'PATCH' }],
    ['postForm', (http) => http.postForm('/a', { b: 1 }), { body: form }],
    [
      'putForm',
      (http) => http.putForm('/a', { b: 1 }),
      { method: 'PUT', body: form },
    ],
    [
      'patchForm',
      (http) => http.patchForm('/a', { b: 1 }),
      { method: 'PATCH', body: form },
    ],
    [
      'request',
      (http) => http.request({ url: '/a', method: 'OPTIONS' }),
      { method: 'OPTIONS' },
    ],
  ])('sends a %s as one operation', async (_verb, send, expected) => {
    const { http, totals } = await start();

    expect((await firstValueFrom(send(http))).data).toMatchObject(expected);
    expect(totals()).toMatchObject({ started: 1, attempts: 1 });
  });

  it('sends a HEAD', async () => {
    const { http, totals } = await start();

    expect(await firstValueFrom(http.head('/a'))).toMatchObject({
      status: 200,
      data: '',
    });
    expect(totals()).toMatchObject({ started: 1, attempts: 1 });
  });

  it.skipIf(isNest11)('sends a QUERY, and repeats it', async () => {
    upstream.answer(failing(503, 1));
    const { http, totals } = await start();

    const { data } = await firstValueFrom(http.query('/a', { b: 1 }));

    expect(data).toMatchObject({ method: 'QUERY', body: '{"b":1}' });
    expect(totals()).toMatchObject({ started: 1, attempts: 2 });
  });

  it('is cold: each subscription is an operation', async () => {
    const { http, totals } = await start();
    const request = http.get('/a');
    expect(totals().started).toBe(0);

    await firstValueFrom(request);
    await lastValueFrom(forkJoin([request, request]));

    expect(totals()).toMatchObject({ started: 3, succeeded: 3 });
    expect(upstream.requests).toHaveLength(3);
  });

  it('gives its axiosRef, which may be called in every way axios is', async () => {
    const { http, totals } = await start();
    const { axiosRef } = http;

    const answers = await Promise.all([
      axiosRef<{ url: string }>('/a'),
      axiosRef<{ url: string }>('/a', { params: { b: 1 } }),
      axiosRef<{ url: string }>({ url: '/a' }),
      axiosRef.request<{ url: string }>({ url: '/a' }),
      axiosRef.get<{ url: string }>('/a'),
    ]);

    expect(http.axiosRef).toBe(axiosRef);
    expect(answers.map(({ data }) => data.url)).toEqual([
      '/v1/a',
      '/v1/a?b=1',
      '/v1/a',
      '/v1/a',
      '/v1/a',
    ]);
    expect(totals()).toMatchObject({ started: 5, attempts: 5 });
  });

  it('repeats what may be repeated', async () => {
    upstream.answer(failing(503, 2));
    const { http, totals } = await start();

    const { data } = await firstValueFrom(http.get('/a'));

    expect(data).toMatchObject({ url: '/v1/a' });
    expect(totals()).toMatchObject({ started: 1, succeeded: 1, attempts: 3 });
  });

  it('does not repeat what was posted', async () => {
    upstream.answer(failing(503));
    const { http, totals } = await start();

    const error = await errorOf(firstValueFrom(http.post('/a', {})));

    expect(error).toMatchObject({ response: { status: 503 } });
    expect(totals()).toMatchObject({ failed: 1, attempts: 1 });
  });

  it('repeats a POST that names its idempotency key', async () => {
    upstream.answer(failing(503, 1));
    const { http, totals } = await start();
    const headers = { 'Idempotency-Key': '7' };

    const { data } = await firstValueFrom(
      http.post('/a', { b: 1 }, { headers }),
    );

    expect(data).toMatchObject({ method: 'POST', body: '{"b":1}' });
    expect(totals()).toMatchObject({ succeeded: 1, attempts: 2 });
  });

  it('takes the next host where one is dead', async () => {
    const { http, totals } = await start({
      hosts: ['http://127.0.0.1:1', upstream.origin],
      loadBalancer: 'round-robin',
    });

    const answers = await Promise.all([
      firstValueFrom(http.post('/a')),
      firstValueFrom(http.post('/a')),
    ]);

    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(totals()).toMatchObject({ succeeded: 2, attempts: 3 });
  });

  it('is not served by a fallback that is made for values', async () => {
    upstream.answer(failing(500));
    const { http } = await start({ fallback: 'spare', retry: false });

    expect(await errorOf(firstValueFrom(http.get('/a')))).toMatchObject({
      response: { status: 500 },
    });
  });

  it('runs bare, on the dependency’s host, where that is switched off', async () => {
    const { http, totals } = await start({ enabled: false });

    const { data } = await firstValueFrom(http.get('/a'));

    expect(data).toMatchObject({ url: '/v1/a' });
    expect(totals()).toMatchObject({ started: 0, attempts: 0 });
  });

  it('takes what configure changes', async () => {
    const { http, payments } = await start();
    await firstValueFrom(http.get('/a'));

    payments.configure({
      hosts: [`${upstream.origin}/v2`],
      http: { headers: { 'x-app': 'shop' } },
    });
    const { data } = await firstValueFrom(http.get('/a'));

    expect(data).toMatchObject({ url: '/v2/a', headers: { 'x-app': 'shop' } });
  });

  it('holds as many requests back as the dependency takes at once', async () => {
    upstream.answer(hanging);
    const { http, payments } = await start({ maxOpenPerNetloc: 2 });

    const all = merge(...Array.from({ length: 5 }, () => http.get('/a')));
    const subscription = all.subscribe();
    await until(() => upstream.requests.length === 2);

    expect(payments.snapshot()).toMatchObject({ inFlight: 2, queued: 3 });
    subscription.unsubscribe();
    await until(() => payments.snapshot().inFlight === 0);
    expect(payments.snapshot()).toMatchObject({ queued: 0 });
  });
});
