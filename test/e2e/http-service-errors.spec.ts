import { inspect } from 'node:util';
import { catchError, firstValueFrom, of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { DaceError, firstFailure, type DependencyOptions } from 'nestjs-dace';
import { errorOf } from '../support/core-toolkit.js';
import {
  failing,
  hanging,
  library,
  start,
  upstream,
} from './http-service-app.js';
import { until } from './nest-app.js';

const failed = (http: Awaited<ReturnType<typeof start>>['http']) =>
  errorOf(firstValueFrom(http.get('/a')));

describe('What the drop-in fails with', () => {
  it('is the AxiosError of its last try', async () => {
    upstream.answer((_request, response) => {
      response.writeHead(499 + upstream.requests.length).end('no');
    });
    const { http, totals } = await start();

    const error = await failed(http);

    expect(error).toBeInstanceOf(library.AxiosError);
    expect(error).toMatchObject({
      code: 'ERR_BAD_RESPONSE',
      config: { url: '/a' },
      response: { status: 502, data: 'no' },
    });
    expect(totals()).toMatchObject({ failed: 1, attempts: 3 });
  });

  it('is the AxiosError of a connection that is never made', async () => {
    const { http, totals } = await start({ hosts: ['http://127.0.0.1:1'] });

    const error = await failed(http);

    expect(error).toBeInstanceOf(library.AxiosError);
    expect(error).toMatchObject({ code: 'ECONNREFUSED' });
    expect(error.response).toBeUndefined();
    expect(totals()).toMatchObject({ failed: 1, attempts: 3 });
  });

  it('tells when another try may work', async () => {
    upstream.answer(failing(503, Infinity, { 'retry-after': '60' }));
    const { http } = await start();

    expect(await failed(http)).toMatchObject({
      response: { status: 503 },
      retryAfterMs: 60_000,
    });
  });

  it('is for retry.on and classify an AxiosError of the app’s', async () => {
    upstream.answer(failing(404));
    const isOne: boolean[] = [];
    const { http, totals } = await start({
      retry: { on: [library.AxiosError] },
      classify: (outcome) => {
        isOne.push(outcome instanceof library.AxiosError);
        return undefined;
      },
    });

    await failed(http);

    expect(totals()).toMatchObject({ attempts: 3 });
    expect(isOne).toEqual([true, true, true]);
  });

  it.each<[string, DependencyOptions, object]>([
    [
      'a timeout of the operation',
      { timeoutMs: 500 },
      { code: 'DACE_TIMEOUT', kind: 'operation', status: 504 },
    ],
    [
      'a timeout of every try',
      { attemptTimeoutMs: 200, retry: { onTimeout: true, attempts: 2 } },
      { code: 'DACE_TIMEOUT', kind: 'attempt', status: 504 },
    ],
    [
      'an empty bucket',
      { rateLimit: { limit: 1, intervalMs: 60_000 }, timeoutMs: 500 },
      { code: 'DACE_RATE_LIMITED', limit: 1, status: 503 },
    ],
    [
      'a full queue',
      { maxOpenPerNetloc: 1, maxQueuedPerNetloc: 0, timeoutMs: 500 },
      { code: 'DACE_RATE_LIMITED', limit: 1, status: 503 },
    ],
    [
      'a wait in the queue',
      { maxOpenPerNetloc: 1, queueTimeoutMs: 10, timeoutMs: 500 },
      { code: 'DACE_TIMEOUT', kind: 'queue', status: 504 },
    ],
    [
      'an open circuit',
      { timeoutMs: 500, circuit: { trip: firstFailure() } },
      { code: 'DACE_CIRCUIT_OPEN', status: 503, lastFailure: {} },
    ],
  ])('is our own error for %s', async (kind, options, expected) => {
    upstream.answer(hanging);
    const { http, payments } = await start(options);
    const first = firstValueFrom(http.get('/a')).catch((error) => error);
    await until(() => upstream.requests.length > 0);
    if (kind === 'an open circuit') await first;

    const codes: unknown[] = [];
    const second = await firstValueFrom(
      http.get('/b').pipe(
        catchError((error: DaceError) => {
          codes.push(error.code);
          return of(error);
        }),
      ),
    );
    const error = kind.startsWith('a timeout') ? await first : second;

    expect(error).toBeInstanceOf(DaceError);
    expect(error).toMatchObject(expected);
    expect(codes).toHaveLength(1);
    await until(() => payments.snapshot().inFlight === 0);
  });

  it('is our own error for a host that is not the dependency’s', async () => {
    const { http, totals } = await start();

    const error = await errorOf(
      firstValueFrom(http.get('http://127.0.0.1:9/elsewhere')),
    );

    expect(error).toMatchObject({ code: 'DACE_FOREIGN_HOST', status: 500 });
    expect(totals()).toMatchObject({ started: 1, failed: 1, attempts: 1 });
  });
});

describe('After shutdown, the drop-in', () => {
  it('refuses', async () => {
    const { app, http, totals } = await start();
    await app.close();

    expect(await failed(http)).toMatchObject({ code: 'DACE_SHUTDOWN' });
    expect(totals()).toMatchObject({ started: 1, refused: 1 });
  });

  it('has finished what was under way, and ended what waited', async () => {
    let finish = (): void => {};
    upstream.answer((_request, response) => {
      finish = () => response.end('done');
    });
    const { app, http, payments } = await start({ maxOpenPerNetloc: 1 });
    const running = firstValueFrom(http.get('/a'));
    const queued = failed(http);
    await until(() => upstream.requests.length === 1);
    expect(payments.snapshot().queued).toBe(1);

    const closing = app.close();
    expect(await queued).toMatchObject({ code: 'DACE_SHUTDOWN' });
    finish();

    expect((await running).data).toBe('done');
    await closing;
  });

  it('has cut what went on for too long', async () => {
    upstream.answer(hanging);
    const { app, http } = await start({ shutdownGraceMs: 10 });
    const error = failed(http);
    await until(() => upstream.requests.length === 1);

    await app.close();

    expect(await error).toMatchObject({ code: 'DACE_SHUTDOWN' });
    await until(() => upstream.cut === 1);
  });
});

describe('The errors of the drop-in', () => {
  const config = {
    headers: { authorization: 'Bearer s3cret', 'x-api-key': 's3cret' },
    auth: { username: 'jo', password: 's3cret' },
    data: { card: 's3cret' },
  };
  it.each<[string, () => void, object]>([
    ['a status', () => upstream.answer(failing(401)), {}],
    ['a timeout', () => upstream.answer(hanging), { timeout: 10 }],
    [
      'a cut connection',
      () => upstream.answer((_request, response) => response.socket?.destroy()),
      {},
    ],
    [
      'an answer that nobody can read',
      () => upstream.answer((_request, response) => void response.end('{nope')),
      {
        responseType: 'json',
        transitional: { silentJSONParsing: false },
      },
    ],
    ['a signal', () => {}, { signal: AbortSignal.abort() }],
  ])('show no secret: %s', async (_kind, answering, more) => {
    answering();
    const { http } = await start({
      http: { headers: { cookie: 's3cret' } },
    });

    const error = await errorOf(
      http.axiosRef.get('/a', { ...config, ...more }),
    );

    expect(library.isAxiosError(error)).toBe(true);
    for (const shown of [
      JSON.stringify(error),
      JSON.stringify({ ...error }),
      inspect(error, { depth: 9 }),
    ])
      expect(shown).not.toContain('s3cret');
    // Whoever asks for it by name still gets it.
    expect(error.config.headers.get('x-api-key')).toBe('s3cret');
  });
});
