import { Controller, Get, Res, UseInterceptors } from '@nestjs/common';
import {
  concat,
  concatMap,
  forkJoin,
  from,
  map,
  Observable,
  retry,
  tap,
  toArray,
} from 'rxjs';
import { describe, expect, it } from 'vitest';
import { DaceModule, FaultTolerant } from 'nestjs-dace';
import { hang } from '../support/core-toolkit.js';
import { platforms, serve, startRequest, until } from './nest-app.js';
import {
  body,
  Interceptor,
  places,
  serveWith,
  type Intercept,
} from './routes-places.js';

const oneAfterTheOther: Intercept = (_context, next) =>
  concat(next.handle(), next.handle()).pipe(
    toArray(),
    map((values) => values.join()),
  );
const bothAtOnce: Intercept = (_context, next) =>
  forkJoin([next.handle(), next.handle()]).pipe(map((values) => values.join()));
const again: Intercept = (_context, next) => next.handle().pipe(retry(1));

describe.each(platforms)('On $platform', (platform) => {
  describe.each(places.filter(({ place }) => place !== 'in all places'))(
    'An interceptor $place',
    (place) => {
      it.each([
        ['one after the other', oneAfterTheOther],
        ['both at once', bothAtOnce],
      ])('that asks twice gets two operations, %s', async (_how, intercept) => {
        const { get, snapshot } = await serveWith(place, intercept, platform);

        expect(await (await get('/')).text()).toBe('answer,answer');

        expect(body.runs).toBe(2);
        expect(snapshot('payments').totals).toMatchObject({
          started: 2,
          succeeded: 2,
        });
      });

      it('that repeats gets an operation in each round', async () => {
        const { get, snapshot } = await serveWith(place, again, platform);
        body.failures = 3;

        expect(await (await get('/')).text()).toBe('answer');

        expect(body.runs).toBe(4);
        expect(snapshot('payments').totals).toMatchObject({
          started: 2,
          failed: 1,
          succeeded: 1,
        });
      });

      it('that repeats has the client in each round', async () => {
        const { url, snapshot } = await serveWith(place, again, platform);
        Object.assign(body, { failures: 3, work: hang });
        const client = startRequest(url);
        await until(() => body.runs === 4);

        client.destroy();

        await until(() => snapshot('payments').inFlight === 0);
        expect(snapshot('payments').totals).toMatchObject({
          started: 2,
          failed: 1,
          cancelled: 1,
        });
      });

      it('that asks twice at once has the client in both', async () => {
        const { url, snapshot } = await serveWith(place, bothAtOnce, platform);
        body.work = hang;
        const client = startRequest(url);
        await until(() => body.runs === 2);

        client.destroy();

        await until(() => snapshot('payments').inFlight === 0);
        expect(snapshot('payments').totals).toMatchObject({
          started: 2,
          cancelled: 2,
        });
      });

      it('that lets one through at a time mixes none up', async () => {
        let last: Promise<unknown> = Promise.resolve();
        const inTurn: Intercept = (_context, next) => {
          const turn = last;
          let leave = (): void => {};
          last = new Promise<void>((resolve) => {
            leave = resolve;
          });
          return from(turn).pipe(
            concatMap(() => next.handle()),
            tap({ finalize: () => leave() }),
          );
        };
        const { get, snapshot } = await serveWith(place, inTurn, platform);

        const answers = await Promise.all(
          Array.from({ length: 20 }, async () => (await get('/')).text()),
        );

        expect(answers).toEqual(Array(20).fill('answer'));
        expect(body.runs).toBe(20);
        expect(snapshot('payments').totals).toMatchObject({
          started: 20,
          succeeded: 20,
        });
      });
    },
  );

  /** Answers in its third run. */
  let runs = 0;
  let fallbacks = 0;
  const begin = (response: any): Promise<string> => {
    runs += 1;
    if (runs === 3) (response.raw ?? response).end('answered');
    return Promise.reject(new Error('down'));
  };
  const fragile = FaultTolerant('payments', {
    retry: { on: 'any', attempts: 2 },
    fallback: () => {
      fallbacks += 1;
      if (runs > 2) return 'spare';
      throw new Error('no spare yet');
    },
  });
  @Controller()
  class Begun {
    @Get('inside')
    @UseInterceptors(Interceptor)
    @fragile
    async inside(@Res() response: unknown) {
      return begin(response);
    }

    @Get('outside')
    @fragile
    @UseInterceptors(Interceptor)
    async outside(@Res() response: unknown) {
      return begin(response);
    }

    @Get('inside-stream')
    @UseInterceptors(Interceptor)
    @fragile
    insideStream(@Res() response: unknown): Observable<string> {
      return from(begin(response));
    }
  }

  it.each(['inside', 'inside-stream', 'outside'])(
    'An answer of a later round is neither repeated nor replaced (%s)',
    async (path) => {
      runs = 0;
      fallbacks = 0;
      Interceptor.does = again;
      const { get, snapshot } = await serve(
        {
          imports: [DaceModule.forRoot({ payments: {} }, { logger: false })],
          controllers: [Begun],
        },
        () => {},
        platform,
      );

      expect(await (await get(`/${path}`)).text()).toBe('answered');
      await until(() => snapshot('payments').totals.failed === 2);

      expect({ runs, fallbacks }).toEqual({ runs: 3, fallbacks: 1 });
    },
  );
});
