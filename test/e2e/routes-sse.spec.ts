import {
  Controller,
  Sse,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { get as request, type IncomingMessage } from 'node:http';
import { firstValueFrom, map, Observable, Subject, timer } from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { DaceModule, DaceRegistry, FaultTolerant } from 'nestjs-dace';
import { platforms, serve, startRequest, until } from './nest-app.js';

/** What the route subscribes to; the test emits. */
let events: Subject<string>;
let subscribed = 0;
let unsubscribed = 0;
let tries = 0;
const source = new Observable<string>((subscriber) => {
  subscribed += 1;
  const subscription = events.subscribe(subscriber);
  return () => {
    unsubscribed += 1;
    subscription.unsubscribe();
  };
});

/** Longer than it takes Nest to send the head of an event stream. */
const aWhile = (): Promise<unknown> => firstValueFrom(timer(30));

class Marking implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler) {
    return next.handle().pipe(map((value: string) => `[${value}]`));
  }
}

@Controller()
class Routes {
  @Sse('events')
  @FaultTolerant('payments')
  events(): Observable<string> {
    return source;
  }

  @Sse('promised')
  @FaultTolerant('payments')
  async promised() {
    await aWhile();
    return source;
  }

  @Sse('marked')
  @UseInterceptors(Marking)
  @FaultTolerant('payments')
  marked(): Observable<string> {
    return source;
  }

  @Sse('late')
  @FaultTolerant('payments', { retry: { on: 'any' } })
  late(): Observable<string> {
    return new Observable((subscriber) => {
      tries += 1;
      const isLast = tries === 3;
      void aWhile().then(() =>
        isLast ? source.subscribe(subscriber) : subscriber.error(new Error()),
      );
    });
  }

  @Sse('spare')
  @FaultTolerant('payments', { retry: false, fallback: 'spare' })
  async failing(): Promise<Observable<string>> {
    await aWhile();
    throw new Error('down');
  }
  spare(error: Error) {
    return source.pipe(map((value) => `${value} instead of ${error.message}`));
  }
}

/** The data of the events as they come. */
async function listen(url: string) {
  const response = await new Promise<IncomingMessage>((resolve) =>
    request(url, resolve),
  );
  let text = '';
  response.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  response.on('error', () => {});
  return {
    response,
    data: () =>
      text
        .split('\n')
        .filter((line) => line.startsWith('data: '))
        .map((line) => line.slice(6)),
  };
}

describe.each(platforms)(
  'A protected event stream on $platform',
  (platform) => {
    const start = () =>
      serve(
        {
          imports: [
            DaceModule.forRoot(
              { payments: {} },
              { logger: false, cancelOnDisconnect: true },
            ),
          ],
          controllers: [Routes],
        },
        () => {},
        platform,
      );
    beforeEach(() => {
      events = new Subject();
      subscribed = unsubscribed = tries = 0;
    });

    it.each(['events', 'promised', 'marked'])(
      'is one operation, over at its first event (%s)',
      async (path) => {
        const { url, snapshot } = await start();
        const { response, data } = await listen(`${url}/${path}`);
        await until(() => subscribed === 1);
        expect(snapshot('payments').inFlight).toBe(1);

        events.next('a');
        await until(() => data().length === 1);

        expect(snapshot('payments')).toMatchObject({
          inFlight: 0,
          totals: { started: 1, succeeded: 1 },
        });
        events.next('b');
        events.complete();
        await until(() => response.complete);
        expect(data()).toEqual(path === 'marked' ? ['[a]', '[b]'] : ['a', 'b']);
        expect({ subscribed, unsubscribed }).toEqual({
          subscribed: 1,
          unsubscribed: 1,
        });
        expect(snapshot('payments').totals.started).toBe(1);
      },
    );

    it.each(['events', 'promised', 'marked'])(
      'is left once by a client that leaves before its first event (%s)',
      async (path) => {
        const { url, snapshot } = await start();
        const client = startRequest(`${url}/${path}`);
        await until(() => subscribed === 1);

        client.destroy();
        await until(() => unsubscribed === 1);

        await until(() => snapshot('payments').inFlight === 0);
        expect(events.observed).toBe(false);
        expect(snapshot('payments')).toMatchObject({
          abandoned: 0,
          window: { failures: 0 },
          totals: { started: 1, cancelled: 1, failed: 0 },
        });
      },
    );

    it.each(['events', 'promised', 'marked', 'late', 'spare'])(
      'is left once by a client that leaves after an event (%s)',
      async (path) => {
        const { url, snapshot } = await start();
        const { response, data } = await listen(`${url}/${path}`);
        await until(() => subscribed === 1);
        events.next('a');
        await until(() => data().length === 1);

        response.destroy();
        await until(() => unsubscribed === 1);

        expect(subscribed).toBe(1);
        expect(snapshot('payments').totals).toMatchObject({
          started: 1,
          cancelled: 0,
        });
      },
    );

    it('is begun again until its first event, though Nest has sent the head', async () => {
      const { url, snapshot } = await start();
      const { data } = await listen(`${url}/late`);
      await until(() => subscribed === 1);

      events.next('a');
      await until(() => data().length === 1);

      expect(tries).toBe(3);
      expect(data()).toEqual(['a']);
      expect(snapshot('payments').totals).toMatchObject({
        started: 1,
        succeeded: 1,
        retries: 2,
      });
    });

    it('is replaced by its fallback, though Nest has sent the head', async () => {
      const { url, snapshot } = await start();
      const { data } = await listen(`${url}/spare`);
      await until(() => subscribed === 1);

      events.next('a');
      await until(() => data().length === 1);

      expect(data()).toEqual(['a instead of down']);
      expect(snapshot('payments').totals).toMatchObject({
        failed: 1,
        fallbacks: 1,
      });
    });

    it('that fails after an event does not count as failed', async () => {
      const { url, snapshot } = await start();
      const { response, data } = await listen(`${url}/events`);
      await until(() => subscribed === 1);

      events.next('a');
      await until(() => data().length === 1);
      events.error(new Error('broken'));
      await until(() => response.complete);

      expect(data()).toEqual(['a', 'Internal server error']);
      expect(snapshot('payments').totals).toMatchObject({
        succeeded: 1,
        failed: 0,
        attempts: 1,
      });
    });

    it.each(['events', 'promised', 'marked'])(
      'that is refused is answered 503 with Retry-After (%s)',
      async (path) => {
        const { app, get, snapshot } = await start();
        app.get(DaceRegistry).get('payments').control('forced-open');

        const answer = await get(`/${path}`);

        expect(answer.status).toBe(503);
        expect(answer.headers.get('retry-after')).toBe('1');
        expect(subscribed).toBe(0);
        expect(snapshot('payments').totals).toMatchObject({ refused: 1 });
      },
    );
  },
);
