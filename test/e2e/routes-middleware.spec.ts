import {
  Controller,
  Get,
  Injectable,
  MiddlewareConsumer,
  Module,
  Post,
  type NestMiddleware,
} from '@nestjs/common';
import { beforeEach, describe, expect, it } from 'vitest';
import { DaceModule, FaultTolerant } from 'nestjs-dace';
import { ManualClock } from 'nestjs-dace/testing';
import { deferred, platforms, serve, until } from './nest-app.js';

const ran: string[] = [];
let failures = 0;

describe.each(platforms)('A protected middleware on $platform', (platform) => {
  const start = (middleware: new () => NestMiddleware, clock?: ManualClock) => {
    @Controller()
    class Handlers {
      @Get()
      async read() {
        ran.push('handler');
        return 'read';
      }

      @Post()
      async write() {
        ran.push('handler');
        return 'written';
      }
    }
    @Module({
      imports: [
        DaceModule.forRoot(
          { sessions: {} },
          { logger: false, filter: true, ...(clock && { clock }) },
        ),
      ],
      controllers: [Handlers],
    })
    class App {
      configure(consumer: MiddlewareConsumer) {
        consumer.apply(middleware).forRoutes('{*all}');
      }
    }
    return serve({ imports: [App] }, undefined, platform);
  };
  beforeEach(() => {
    ran.length = 0;
    failures = 0;
  });

  @Injectable()
  class Checking implements NestMiddleware {
    @FaultTolerant('sessions', { retry: { on: 'any' } })
    async use(_request: unknown, _response: unknown, next: () => void) {
      ran.push('check');
      failures -= 1;
      if (failures >= 0) throw new Error('down');
      next();
    }
  }

  it.each(['GET', 'POST'])(
    'lets a %s pass once, after its tries',
    async (method) => {
      failures = 2;
      const { get, snapshot } = await start(Checking);

      expect((await get('/', { method })).ok).toBe(true);

      expect(ran).toEqual(['check', 'check', 'check', 'handler']);
      expect(snapshot('sessions').totals).toMatchObject({
        started: 1,
        succeeded: 1,
      });
    },
  );

  it('that fails is answered by the filters, and nothing passes', async () => {
    failures = 9;
    const { get } = await start(Checking);

    const answer = await get('/');

    expect(answer.status).toBe(503);
    expect(ran).toEqual(['check', 'check', 'check']);
  });

  it('that fails after it has let a request pass is not repeated', async () => {
    const isOver = deferred();
    @Injectable()
    class Failing implements NestMiddleware {
      @FaultTolerant('sessions', {
        retry: { on: 'any' },
        fallback: () => ran.push('spare'),
      })
      async use(_request: unknown, _response: unknown, next: () => void) {
        ran.push('check');
        next();
        await isOver.promise;
        throw new Error('too late');
      }
    }
    const { get, snapshot } = await start(Failing);

    expect(await (await get('/')).text()).toBe('read');
    isOver.resolve();
    await until(() => snapshot('sessions').inFlight === 0);
    await until(() => snapshot('sessions').totals.failed === 1);

    expect(ran).toEqual(['check', 'handler']);
  });

  it('whose time ends while the request it let pass goes on is not repeated', async () => {
    const clock = new ManualClock();
    const isOver = deferred();
    let response: any;
    @Injectable()
    class Waiting implements NestMiddleware {
      @FaultTolerant('sessions', {
        attemptTimeoutMs: 100,
        retry: { onTimeout: true },
      })
      async use(_request: unknown, _response: unknown, next: () => void) {
        ran.push('check');
        response = _response;
        next();
        await isOver.promise;
      }
    }
    const { get, snapshot } = await start(Waiting, clock);

    const answer = await get('/');
    expect(await answer.text()).toBe('read');
    await clock.advance(1_000);

    expect(response.writableEnded).toBe(true);
    expect(ran).toEqual(['check', 'handler']);
    expect(snapshot('sessions').totals).toMatchObject({
      started: 1,
      attempts: 1,
    });
    isOver.resolve();
  });
});
