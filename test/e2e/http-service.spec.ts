import { HttpService } from '@nestjs/axios';
import { Injectable } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import axios from 'axios';
import { AsyncLocalStorage } from 'node:async_hooks';
import { catchError, firstValueFrom, of, type Observable } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  Call,
  DaceCall,
  DaceModule,
  DaceRegistry,
  FaultTolerant,
  firstFailure,
  getDependencyToken,
  getHttpServiceToken,
  InjectHttpService,
  type DependencyOptions,
} from 'nestjs-dace';
import { echo, until, Upstream, type Route } from '../support/http-upstream.js';
import { errorOf } from '../support/core-toolkit.js';

const open: TestingModule[] = [];
let upstream: Upstream;
beforeEach(async () => {
  upstream = await Upstream.start(echo);
});
afterEach(async () => {
  for (const app of open.splice(0)) await app.close();
  await upstream.stop();
});

@Injectable()
class Payments {
  constructor(@InjectHttpService('payments') readonly http: HttpService) {}

  @FaultTolerant('payments', { retry: { attempts: 3 } })
  async balance(@DaceCall() _call: Call = Call.injected): Promise<unknown> {
    return (await firstValueFrom(this.http.get('/balance'))).data;
  }
}

async function start(options: DependencyOptions = {}) {
  const app = await Test.createTestingModule({
    imports: [
      DaceModule.forRoot(
        { payments: { hosts: [`${upstream.origin}/v1`], ...options } },
        { logger: false },
      ),
    ],
    providers: [Payments],
  }).compile();
  await app.init();
  open.push(app);
  const payments = app.get(DaceRegistry).get('payments');
  const { http } = app.get(Payments);
  return { app, http, payments, totals: () => payments.snapshot().totals };
}

const failing =
  (status: number, times = Infinity): Route =>
  (request, response) => {
    if (upstream.requests.length > times) return echo(request, response);
    response.writeHead(status).end('no');
  };
const hanging: Route = () => {};

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

  it.each<[string, (http: HttpService) => Observable<{ data: any }>, object]>([
    [
      'post',
      (http) => http.post('/a', { b: 1 }),
      { method: 'POST', body: '{"b":1}' },
    ],
    ['put', (http) => http.put('/a', { b: 1 }), { method: 'PUT' }],
    ['patch', (http) => http.patch('/a', { b: 1 }), { method: 'PATCH' }],
    ['delete', (http) => http.delete('/a'), { method: 'DELETE' }],
    [
      'request',
      (http) => http.request({ url: '/a', method: 'OPTIONS' }),
      { method: 'OPTIONS' },
    ],
    [
      'postForm',
      (http) => http.postForm('/a', { b: 1 }),
      { body: expect.stringContaining('name="b"') },
    ],
  ])('sends a %s as one operation', async (_verb, send, expected) => {
    const { http, totals } = await start();

    expect((await firstValueFrom(send(http))).data).toMatchObject(expected);
    expect(totals()).toMatchObject({ started: 1, attempts: 1 });
  });

  it('is cold: each subscription is an operation', async () => {
    const { http, totals } = await start();
    const request = http.get('/a');
    expect(totals().started).toBe(0);

    await firstValueFrom(request);
    await firstValueFrom(request);

    expect(totals().started).toBe(2);
    expect(upstream.requests).toHaveLength(2);
  });

  it('is cut for real when nobody listens any more', async () => {
    upstream.answer(hanging);
    const { http, payments, totals } = await start();
    const subscription = http.get('/a').subscribe();
    await until(() => upstream.requests.length === 1);

    subscription.unsubscribe();

    await until(() => upstream.cut === 1);
    expect(totals()).toMatchObject({ started: 1, cancelled: 1 });
    expect(payments.snapshot().inFlight).toBe(0);
  });

  it('may be given up while it waits for another try', async () => {
    upstream.answer(failing(503));
    const { http, payments, totals } = await start({
      retry: { backoff: { delayMs: 60_000 } },
      timeoutMs: false,
    });
    let isWaiting = false;
    payments.on(({ type }) => {
      isWaiting ||= type === 'retry.scheduled';
    });
    const subscription = http.get('/a').subscribe();
    await until(() => isWaiting);

    subscription.unsubscribe();

    await until(() => totals().cancelled === 1);
    expect(upstream.requests).toHaveLength(1);
  });

  it('repeats what may be repeated, below the interceptors', async () => {
    upstream.answer(failing(503, 2));
    const { http, totals } = await start();
    const seen: string[] = [];
    http.axiosRef.interceptors.request.use((config) => {
      seen.push('request');
      config.headers.set('x-added', 'yes');
      return config;
    });
    http.axiosRef.interceptors.response.use((response) => {
      seen.push('response');
      return response;
    });

    const { data } = await firstValueFrom(http.get('/a'));

    expect(data.headers['x-added']).toBe('yes');
    expect(seen).toEqual(['request', 'response']);
    expect(totals()).toMatchObject({ started: 1, succeeded: 1, attempts: 3 });
  });

  it('does not repeat what was posted', async () => {
    upstream.answer(failing(503));
    const { http, totals } = await start();

    const error = await errorOf(firstValueFrom(http.post('/a', {})));

    expect(error).toMatchObject({ response: { status: 503 } });
    expect(totals()).toMatchObject({ failed: 1, attempts: 1 });
  });

  it('fails with the AxiosError of its last try', async () => {
    upstream.answer(failing(500));
    const { http, totals } = await start();

    const error = await errorOf(firstValueFrom(http.get('/a')));

    expect(axios.isAxiosError(error)).toBe(true);
    expect(error).toMatchObject({
      code: 'ERR_BAD_RESPONSE',
      response: { status: 500, data: 'no' },
    });
    expect(totals()).toMatchObject({ failed: 1, attempts: 3 });
  });

  it('leaves our refusals and timeouts what they are', async () => {
    upstream.answer(hanging);
    const { http, totals } = await start({
      timeoutMs: 20,
      retry: false,
      circuit: { trip: firstFailure() },
    });
    const codes = http
      .get('/a')
      .pipe(catchError((error: { code: string }) => of(error.code)));

    expect(await firstValueFrom(codes)).toBe('DACE_TIMEOUT');
    expect(await firstValueFrom(codes)).toBe('DACE_CIRCUIT_OPEN');
    expect(totals()).toMatchObject({ attempts: 1, failed: 1, refused: 1 });
  });

  it('is not served by a fallback that is made for values', async () => {
    upstream.answer(failing(500));
    const { http } = await start({ fallback: 'spare', retry: false });

    expect(await errorOf(firstValueFrom(http.get('/a')))).toMatchObject({
      response: { status: 500 },
    });
  });

  it('does not leave the dependency', async () => {
    const { http } = await start();

    const error = await errorOf(
      firstValueFrom(http.get('http://127.0.0.1:9/elsewhere')),
    );

    expect(error).toMatchObject({ code: 'DACE_FOREIGN_HOST' });
  });

  it('gives its axiosRef, which may be called by itself', async () => {
    const { http, totals } = await start();
    http.axiosRef.defaults.headers.common['x-app'] = 'shop';

    const { data } = await http.axiosRef<{ url: string; headers: any }>('/a');

    expect(data.url).toBe('/v1/a');
    expect(data.headers['x-app']).toBe('shop');
    expect(totals().started).toBe(1);
  });

  it('keeps the caller’s async context', async () => {
    const storage = new AsyncLocalStorage<string>();
    const { http } = await start();
    const seen: unknown[] = [];
    http.axiosRef.interceptors.request.use((config) => {
      seen.push(storage.getStore());
      return config;
    });

    await storage.run('mine', async () => {
      await firstValueFrom(http.get('/a'));
      seen.push(storage.getStore());
    });

    expect(seen).toEqual(['mine', 'mine']);
  });

  it('shows no secret in an error', async () => {
    upstream.answer(failing(401));
    const { http } = await start();
    const headers = { authorization: 'Bearer s3cret' };

    const error = await errorOf(firstValueFrom(http.get('/a', { headers })));

    expect(error).toMatchObject({ response: { status: 401 } });
    expect(JSON.stringify(error)).not.toContain('s3cret');
  });

  it('streams, and holds its permit until the body has been read', async () => {
    const { http, payments } = await start();

    const { data } = await firstValueFrom(
      http.get('/a', { responseType: 'stream' }),
    );
    expect(payments.snapshot().totals.succeeded).toBe(1);
    let text = '';
    for await (const chunk of data) text += String(chunk);

    expect(JSON.parse(text)).toMatchObject({ url: '/v1/a' });
  });

  it('in a protected method of the same dependency is part of its attempt', async () => {
    upstream.answer(failing(503));
    const { app, totals } = await start();

    await errorOf(app.get(Payments).balance());

    expect(totals()).toMatchObject({ started: 1, failed: 1, attempts: 3 });
    expect(upstream.requests).toHaveLength(3);
  });

  it('is refused after shutdown', async () => {
    const { app, http } = await start();
    await app.close();

    expect(await errorOf(firstValueFrom(http.get('/a')))).toMatchObject({
      code: 'DACE_SHUTDOWN',
    });
  });
});

describe('The HttpServices of two apps', () => {
  it('share no interceptor', async () => {
    const [one, other] = [await start(), await start()];
    one.http.axiosRef.interceptors.request.use(() => {
      throw new Error('of the one');
    });

    expect((await errorOf(firstValueFrom(one.http.get('/a')))).message).toBe(
      'of the one',
    );
    expect((await firstValueFrom(other.http.get('/a'))).status).toBe(200);
  });
});

describe('In tests, the HttpService', () => {
  const overriding = (token: string, stub: object) =>
    Test.createTestingModule({
      imports: [DaceModule.forRoot({ payments: {} }, { logger: false })],
      providers: [Payments],
    })
      .overrideProvider(token)
      .useValue(stub)
      .compile();

  it('may be overridden', async () => {
    const stub = { get: () => of({ data: 'stubbed' }) };
    const app = await overriding(getHttpServiceToken('payments'), stub);

    expect(app.get(Payments).http).toBe(stub);
  });

  it('of an overridden dependency says what to override', async () => {
    const app = await overriding(getDependencyToken('payments'), {
      execute: (work: () => unknown) => work(),
    });

    const error = await errorOf(
      firstValueFrom(app.get(Payments).http.get('/a')),
    );

    expect(error).toMatchObject({ code: 'DACE_CONFIGURATION' });
    expect(error.message).toContain("getHttpServiceToken('payments')");
  });

  it('of an unknown id is named by Nest', async () => {
    @Injectable()
    class Lost {
      constructor(@InjectHttpService('paymets') readonly http: HttpService) {}
    }
    const compiling = Test.createTestingModule({
      imports: [DaceModule.forRoot({ payments: {} }, { logger: false })],
      providers: [Lost],
    }).compile();

    expect((await errorOf(compiling)).message).toMatch(
      /Lost.*DaceHttpService:paymets/s,
    );
  });

  it('comes with forFeature, forRootAsync and forFeatureAsync as well', async () => {
    const app = await Test.createTestingModule({
      imports: [
        DaceModule.forRootAsync({
          dependencies: ['payments'],
          useFactory: () => ({ payments: { hosts: [upstream.origin] } }),
          useOptions: () => ({ logger: false }),
        }),
        DaceModule.forFeature({ mail: { hosts: [upstream.origin] } }),
        DaceModule.forFeatureAsync({
          dependencies: ['search'],
          useFactory: () => ({ search: { hosts: [upstream.origin] } }),
        }),
      ],
    }).compile();
    await app.init();
    open.push(app);

    for (const id of ['payments', 'mail', 'search']) {
      const http = app.get<HttpService>(getHttpServiceToken(id), {
        strict: false,
      });
      expect((await firstValueFrom(http.get('/a'))).status).toBe(200);
      const { totals } = app.get(DaceRegistry).get(id).snapshot();
      expect(totals.started).toBe(1);
    }
  });
});
