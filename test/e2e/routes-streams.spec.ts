import { Controller, Get, Injectable } from '@nestjs/common';
import { Observable, of, Subject, throwError } from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { Call, DaceCall, DaceModule, FaultTolerant } from 'nestjs-dace';
import { errorOf } from '../support/core-toolkit.js';
import { isNest11, platforms, serve } from './nest-app.js';

let subscribed = 0;
let unsubscribed = 0;
const noted = <T>(source: Observable<T>): Observable<T> =>
  new Observable((subscriber) => {
    subscribed += 1;
    const subscription = source.subscribe(subscriber);
    return () => {
      unsubscribed += 1;
      subscription.unsubscribe();
    };
  });

describe.each(platforms)('On $platform, a protected route', (platform) => {
  beforeEach(() => {
    subscribed = unsubscribed = 0;
  });

  it('is repeated until its promised Observable begins', async () => {
    let tries = 0;
    const open = (): Observable<string> => {
      tries += 1;
      return tries < 3 ? throwError(() => new Error('down')) : of('third');
    };
    @Controller()
    class Routes {
      @Get()
      @FaultTolerant('payments', { retry: { on: 'any' } })
      async promised(@DaceCall() _call: Call = Call.injected) {
        return noted(open());
      }
    }
    const { get, snapshot } = await serve(
      {
        imports: [DaceModule.forRoot({ payments: {} }, { logger: false })],
        controllers: [Routes],
      },
      () => {},
      platform,
    );

    expect(await (await get('/')).text()).toBe('third');

    expect({ subscribed, unsubscribed }).toEqual({
      subscribed: 3,
      unsubscribed: 3,
    });
    expect(snapshot('payments').totals).toMatchObject({
      started: 1,
      succeeded: 1,
      attempts: 3,
    });
  });

  it('may be replaced by a fallback that is an Observable', async () => {
    @Controller()
    class Routes {
      @Get('promise')
      @FaultTolerant('payments', { fallback: 'spare' })
      async promise(): Promise<string> {
        throw new Error('down');
      }

      @Get('stream')
      @FaultTolerant('payments', { fallback: 'spare' })
      stream(): Observable<string> {
        return throwError(() => new Error('down'));
      }
      spare(error: Error): any {
        return of('spare for', error.message);
      }
    }
    const { get, snapshot } = await serve(
      {
        imports: [DaceModule.forRoot({ payments: {} }, { logger: false })],
        controllers: [Routes],
      },
      () => {},
      platform,
    );

    expect(await (await get('/promise')).text()).toBe('down');
    expect(await (await get('/stream')).text()).toBe('down');

    expect(snapshot('payments').totals).toMatchObject({
      failed: 2,
      fallbacks: 2,
    });
  });

  it('bounds the time until its promised Observable begins', async () => {
    const never = new Subject();
    @Controller()
    class Routes {
      @Get()
      @FaultTolerant('payments', { timeoutMs: 20, fallback: () => 'in time' })
      async promised() {
        return noted(never);
      }
    }
    const { get, snapshot } = await serve(
      {
        imports: [DaceModule.forRoot({ payments: {} }, { logger: false })],
        controllers: [Routes],
      },
      () => {},
      platform,
    );

    expect(await (await get('/')).text()).toBe('in time');

    expect(never.observed).toBe(false);
    expect(snapshot('payments').totals).toMatchObject({ failed: 1 });
  });

  it('may not be a generator, and says so', async () => {
    let runs = 0;
    @Controller()
    class Routes {
      @Get('async')
      // @ts-expect-error: neither a promise nor an Observable
      @FaultTolerant('payments')
      async *generated() {
        runs += 1;
        yield 'a';
      }

      @Get('sync')
      // @ts-expect-error: neither a promise nor an Observable
      @FaultTolerant('payments')
      *generatedAtOnce() {
        runs += 1;
        yield 'a';
      }
    }
    const { app, get, snapshot } = await serve(
      {
        imports: [DaceModule.forRoot({ payments: {} }, { logger: false })],
        controllers: [Routes],
      },
      () => {},
      platform,
    );

    for (const path of ['/async', '/sync'])
      expect((await get(path)).status).toBe(500);
    const routes = app.get(Routes);
    for (const call of [routes.generated, routes.generatedAtOnce])
      expect(await errorOf((call as () => never).call(routes))).toMatchObject({
        code: 'DACE_CONFIGURATION',
        message: expect.stringContaining('returned a generator'),
      });
    expect(runs).toBe(0);
    expect(snapshot('payments').window.failures).toBe(0);
  });

  it.skipIf(isNest11)('streams a generator that it promises', async () => {
    @Injectable()
    class Model {
      @FaultTolerant('payments')
      async tokens() {
        return (async function* tokens() {
          yield 'a';
          yield 'b';
        })();
      }
    }
    @Controller()
    class Routes {
      constructor(private readonly model: Model) {}
      @Get()
      @FaultTolerant('orders')
      async promised() {
        return this.model.tokens();
      }
    }
    const { get, snapshot } = await serve(
      {
        imports: [
          DaceModule.forRoot({ payments: {}, orders: {} }, { logger: false }),
        ],
        controllers: [Routes],
        providers: [Model],
      },
      () => {},
      platform,
    );

    expect(await (await get('/')).text()).toBe('ab');

    expect(snapshot('orders').totals).toMatchObject({ succeeded: 1 });
    expect(snapshot('payments').totals).toMatchObject({ succeeded: 1 });
  });
});
