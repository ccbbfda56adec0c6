import {
  firstValueFrom,
  map,
  merge,
  of,
  race,
  Subject,
  switchMap,
  takeUntil,
  type Observable,
} from 'rxjs';
import type { AxiosRequestConfig, AxiosResponse } from 'axios';
import { describe, expect, it } from 'vitest';
import { errorOf } from '../support/core-toolkit.js';
import {
  failing,
  hanging,
  library,
  start,
  upstream,
} from './http-service-app.js';
import { until } from './nest-app.js';

const { CancelToken } = library;
type Get = Observable<AxiosResponse<unknown>>;

describe('An answer of the drop-in that nobody waits for any more', () => {
  it.each<[string, AxiosRequestConfig]>([
    ['JSON', {}],
    ['a stream', { responseType: 'stream' }],
    [
      'the answer to a caller with a token',
      { cancelToken: CancelToken.source().token },
    ],
    [
      'the answer to a caller with a signal',
      { signal: new AbortController().signal },
    ],
    [
      'the answer to a caller with both',
      {
        cancelToken: CancelToken.source().token,
        signal: new AbortController().signal,
      },
    ],
  ])('is not waited for: %s', async (_kind, config) => {
    upstream.answer(hanging);
    const { http, payments, totals } = await start();
    const heard: unknown[] = [];
    const hear = (event: unknown) => heard.push(event);
    const subscription = http
      .get('/a', config)
      .subscribe({ next: hear, error: hear, complete: () => hear('complete') });
    await until(() => upstream.requests.length === 1);

    subscription.unsubscribe();

    await until(() => upstream.cut === 1);
    expect(totals()).toMatchObject({ started: 1, cancelled: 1, attempts: 1 });
    expect(payments.snapshot()).toMatchObject({ inFlight: 0, abandoned: 0 });
    expect(heard).toEqual([]);
  });

  it('is not waited for where it has begun', async () => {
    upstream.answer((_request, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('{');
    });
    const { http, totals } = await start();
    const subscription = http.get('/a').subscribe();
    await until(() => upstream.requests.length === 1);

    subscription.unsubscribe();

    await until(() => upstream.cut === 1);
    expect(totals()).toMatchObject({ started: 1, cancelled: 1 });
  });

  it('is not waited for where another try is to come', async () => {
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
    expect(totals()).toMatchObject({ started: 1, attempts: 1 });
  });

  it('is not waited for in the queue', async () => {
    upstream.answer(hanging);
    const { http, payments, totals } = await start({ maxOpenPerNetloc: 1 });
    const [first, second] = [
      http.get('/a').subscribe(),
      http.get('/b').subscribe(),
    ];
    await until(() => payments.snapshot().queued === 1);

    second.unsubscribe();

    await until(() => totals().cancelled === 1);
    expect(payments.snapshot()).toMatchObject({ inFlight: 1, queued: 0 });
    first.unsubscribe();
    await until(() => totals().cancelled === 2);
    expect(upstream.requests.map(({ url }) => url)).toEqual(['/v1/a']);
  });

  it('is never asked for while an interceptor still works', async () => {
    const { http, totals } = await start();
    const entered = new Subject<void>();
    const released = new Subject<void>();
    http.axiosRef.interceptors.request.use(async (config) => {
      setImmediate(() => entered.next());
      await firstValueFrom(released);
      return config;
    });
    const isEntered = firstValueFrom(entered);
    const subscription = http.get('/a').subscribe();
    await isEntered;

    subscription.unsubscribe();
    released.next();
    await new Promise((resolve) => setImmediate(resolve));

    expect(totals()).toMatchObject({ started: 0 });
    expect(upstream.requests).toHaveLength(0);
  });

  it.each<
    [string, (request: Get, end: Subject<string>) => Observable<unknown>]
  >([
    ['takeUntil', (request, end) => request.pipe(takeUntil(end))],
    ['race', (request, end) => race(request, end)],
    [
      'switchMap',
      (request, end) =>
        merge(of(request), end.pipe(map(() => of(1)))).pipe(
          switchMap((current) => current),
        ),
    ],
  ])('ends with %s', async (_operator, ending) => {
    upstream.answer(hanging);
    const { http, totals } = await start();
    const end = new Subject<string>();
    ending(http.get('/a'), end).subscribe({ error: () => {} });
    await until(() => upstream.requests.length === 1);

    end.next('ended');

    await until(() => upstream.cut === 1);
    expect(totals()).toMatchObject({ started: 1, cancelled: 1, attempts: 1 });
  });
});

describe('A caller of the drop-in with a means of their own', () => {
  it.each(['signal', 'cancelToken'])('cancels by %s', async (means) => {
    upstream.answer(hanging);
    const { http, totals } = await start();
    const controller = new AbortController();
    const source = CancelToken.source();
    const config =
      means === 'signal'
        ? { signal: controller.signal }
        : { cancelToken: source.token };
    const error = errorOf(firstValueFrom(http.get('/a', config)));
    await until(() => upstream.requests.length === 1);

    controller.abort();
    source.cancel('no more');

    expect(await error).toBeInstanceOf(library.CanceledError);
    expect(await error).toMatchObject({
      code: 'ERR_CANCELED',
      message: means === 'signal' ? 'canceled' : 'no more',
    });
    expect(totals()).toMatchObject({ started: 1, cancelled: 1 });
    await until(() => upstream.cut === 1);
  });

  it.each<[string, () => AxiosRequestConfig]>([
    ['signal', () => ({ signal: AbortSignal.abort() })],
    [
      'token',
      () => {
        const { token, cancel } = CancelToken.source();
        cancel();
        return { cancelToken: token };
      },
    ],
  ])('that was used before has asked for nothing: %s', async (_, config) => {
    const { http, totals } = await start();

    const error = await errorOf(firstValueFrom(http.get('/a', config())));

    expect(error).toMatchObject({ code: 'ERR_CANCELED' });
    expect(totals()).toMatchObject({ started: 0 });
    expect(upstream.requests).toHaveLength(0);
  });

  it('leaves no listener on a signal that outlives the request', async () => {
    const { http } = await start();
    const { signal } = new AbortController();
    let listeners = 0;
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = (...args: never[]) => {
      listeners += 1;
      return Reflect.apply(addEventListener, signal, args);
    };
    signal.removeEventListener = (...args: never[]) => {
      listeners -= 1;
      return Reflect.apply(removeEventListener, signal, args);
    };

    await firstValueFrom(http.get('/a', { signal }));
    await http.axiosRef('/a', { signal });

    expect(listeners).toBe(0);
  });
});
