import { ClassSerializerInterceptor, Controller, Get } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AsyncResource } from 'node:async_hooks';
import {
  catchError,
  defer,
  from,
  map,
  mergeMap,
  Observable,
  of,
  retry,
  switchMap,
  tap,
  timeout,
} from 'rxjs';
import { describe, expect, it } from 'vitest';
import {
  DaceModule,
  FaultTolerant,
  FaultTolerantInterceptor,
} from 'nestjs-dace';
import { deferred, platforms, serve, until } from './nest-app.js';
import {
  body,
  Interceptor,
  places,
  serveWith,
  type Intercept,
} from './routes-places.js';

/** Something that was there before any request, and runs what it is given as its own. */
const worker = new AsyncResource('worker');

const kinds: Record<string, Intercept> = {
  'passes it through': (_context, next) => next.handle(),
  'maps the answer': (_context, next) =>
    next.handle().pipe(map((value: string) => value)),
  'taps the answer': (_context, next) => next.handle().pipe(tap(() => {})),
  'bounds its time': (_context, next) => next.handle().pipe(timeout(5_000)),
  'would catch its error': (_context, next) =>
    next.handle().pipe(catchError(() => of('caught'))),
  'would repeat it': (_context, next) => next.handle().pipe(retry(2)),
  'goes on after a promise': (_context, next) =>
    from(Promise.resolve()).pipe(switchMap(() => next.handle())),
  'goes on in a later turn': (_context, next) =>
    from(new Promise((resolve) => setImmediate(resolve))).pipe(
      mergeMap(() => next.handle()),
    ),
  'is put off until it is subscribed': (_context, next) =>
    defer(() => next.handle()),
  'is async': async (_context, next) => {
    await new Promise((resolve) => setImmediate(resolve));
    return next.handle();
  },
  'waits for the answer itself': async (_context, next) => {
    const value = await new Promise<unknown>((resolve, reject) =>
      next.handle().subscribe({ next: resolve, error: reject }),
    );
    return of(value);
  },
  'loses the async context': (_context, next) =>
    new Observable((subscriber) =>
      worker.runInAsyncScope(() => next.handle().subscribe(subscriber)),
    ),
  'lost the async context before': async (_context, next) =>
    worker.runInAsyncScope(() => next.handle()),
};

describe.each(platforms)('On $platform', (platform) => {
  describe.each(places)('An interceptor $place', (place) => {
    it('leaves a decorated route one operation, whatever it does', async () => {
      const { get, snapshot } = await serveWith(
        place,
        (_context, next) => next.handle(),
        platform,
      );
      const seen: Record<string, unknown> = {};
      for (const [kind, intercept] of Object.entries(kinds)) {
        Interceptor.does = intercept;
        Object.assign(body, { runs: 0, failures: 1 });
        const text = await (await get('/')).text();
        seen[kind] = { text, runs: body.runs };
      }

      const names = Object.keys(kinds);
      expect(seen).toEqual(
        Object.fromEntries(
          names.map((kind) => [kind, { text: 'answer', runs: 2 }]),
        ),
      );
      expect(snapshot('payments')).toMatchObject({
        inFlight: 0,
        totals: {
          started: names.length,
          succeeded: names.length,
          retries: names.length,
        },
      });
    });

    it('that answers itself asks for nothing', async () => {
      const { get, snapshot } = await serveWith(
        place,
        () => of('cached'),
        platform,
      );

      expect(await (await get('/')).text()).toBe('cached');

      expect(body.runs).toBe(0);
      expect(snapshot('payments').totals.started).toBe(0);
    });

    it('that throws asks for nothing', async () => {
      const { get, snapshot } = await serveWith(
        place,
        () => {
          throw new Error('too early');
        },
        platform,
      );

      expect((await get('/')).status).toBe(500);

      expect(snapshot('payments').totals.started).toBe(0);
    });

    it('that recovers answers for what is left after all tries', async () => {
      const { get, snapshot } = await serveWith(
        place,
        (_context, next) =>
          next.handle().pipe(catchError((error: Error) => of(error.name))),
        platform,
      );
      body.failures = 9;

      const response = await get('/');

      expect(await response.text()).toBe('DaceRetryExhaustedError');
      expect(response.status).toBe(200);
      expect(snapshot('payments').totals).toMatchObject({
        started: 1,
        failed: 1,
        attempts: 3,
      });
    });
  });

  it.each(places.slice(0, 3))(
    'An interceptor $place that gives up leaves a promise to its end',
    async (place) => {
      const { promise, resolve } = deferred<string>();
      const { get, snapshot } = await serveWith(
        place,
        (_context, next) => next.handle().pipe(timeout(20)),
        platform,
      );
      body.work = () => promise;

      expect((await get('/')).status).toBe(500);

      expect(snapshot('payments')).toMatchObject({ inFlight: 1, abandoned: 0 });
      resolve('unheard');
      await until(() => snapshot('payments').inFlight === 0);
      expect(snapshot('payments').totals).toMatchObject({
        started: 1,
        succeeded: 1,
        cancelled: 0,
      });
    },
  );

  it('Our own interceptor, put on all routes by hand, changes nothing', async () => {
    const { get, snapshot } = await serveWith(
      {
        place: 'outside ours',
        prepare: (app) =>
          app.useGlobalInterceptors(new FaultTolerantInterceptor()),
      },
      (_context, next) => next.handle(),
      platform,
    );
    body.failures = 1;

    expect(await (await get('/')).text()).toBe('answer');

    expect(body.runs).toBe(2);
    expect(snapshot('payments').totals).toMatchObject({
      started: 1,
      attempts: 2,
    });
  });

  it('ClassSerializerInterceptor serializes what the operation answers', async () => {
    let runs = 0;
    class Account {
      constructor(
        readonly id: number,
        readonly secret: string,
      ) {}
    }
    @Controller()
    class Accounts {
      @Get()
      @FaultTolerant('payments', { fallback: () => new Account(0, 'spare') })
      async account() {
        runs += 1;
        if (runs > 1) throw new Error('down');
        return new Account(1, 'secret');
      }
    }
    const { get, snapshot } = await serve(
      {
        imports: [DaceModule.forRoot({ payments: {} }, { logger: false })],
        controllers: [Accounts],
      },
      (app) =>
        app.useGlobalInterceptors(
          new ClassSerializerInterceptor(app.get(Reflector), {
            transformerPackage: {
              classToPlain: ({ id }: Account) => ({ id }),
              plainToInstance: (_type: unknown, plain: unknown) => plain,
            } as never,
          }),
        ),
      platform,
    );

    expect(await (await get('/')).json()).toEqual({ id: 1 });
    expect(await (await get('/')).json()).toEqual({ id: 0 });
    expect(snapshot('payments').totals).toMatchObject({
      started: 2,
      succeeded: 1,
      fallbacks: 1,
    });
  });
});
