import {
  ArgumentsHost,
  Catch,
  Controller,
  Get,
  Injectable,
  Scope,
  UseFilters,
  type ExceptionFilter,
} from '@nestjs/common';
import { APP_FILTER, HttpAdapterHost } from '@nestjs/core';
import { describe, expect, it } from 'vitest';
import {
  DaceCircuitOpenError,
  DaceExceptionFilter,
  DaceModule,
  DaceRegistry,
  FaultTolerant,
  firstFailure,
} from 'nestjs-dace';
import { ManualClock } from 'nestjs-dace/testing';
import { serve, platforms } from './nest-app.js';

@Injectable()
class Service {
  @FaultTolerant('payments')
  async fail(): Promise<string> {
    throw new Error('secret detail');
  }
}

@Controller()
class Routes {
  constructor(private readonly service: Service) {}

  @Get('own')
  @FaultTolerant('payments')
  async own(): Promise<string> {
    throw new Error('secret detail');
  }

  @Get('service')
  async viaService() {
    return this.service.fail();
  }
}

@Catch()
class CatchAll implements ExceptionFilter {
  catch(_error: unknown, host: ArgumentsHost) {
    host.switchToHttp().getResponse().status(418).send({ own: true });
  }
}

const metadata = (options: object = {}, providers: any[] = []) => ({
  imports: [
    DaceModule.forRoot(
      {
        payments: { circuit: { trip: firstFailure(), resetTimeoutMs: 1_500 } },
      },
      { logger: false, clock: new ManualClock(), ...options },
    ),
  ],
  controllers: [Routes],
  providers: [Service, ...providers],
});

describe.each(platforms)(
  'A refused route without a filter on $platform',
  (platform) => {
    it('answers 503 with Retry-After, rounded up, and tells nothing else', async () => {
      const { get } = await serve(metadata(), undefined, platform);
      await get('/own');

      const answer = await get('/own');

      expect(answer.status).toBe(503);
      expect(answer.headers.get('retry-after')).toBe('2');
      expect(await answer.text()).not.toContain('secret');
    });

    it('has no Retry-After where a service was refused', async () => {
      const { get } = await serve(metadata(), undefined, platform);
      await get('/service');

      const answer = await get('/service');

      expect(answer.status).toBe(503);
      expect(answer.headers.get('retry-after')).toBeNull();
    });

    it('says Retry-After: 1 while half-open or forced open', async () => {
      const { get, app } = await serve(metadata(), undefined, platform);
      app.get(DaceRegistry).get('payments').control('forced-open');

      const answer = await get('/own');

      expect(answer.status).toBe(503);
      expect(answer.headers.get('retry-after')).toBe('1');
    });
  },
);

describe.each(platforms)('The exception filter on $platform', (platform) => {
  it('of the module answers whichever method was refused', async () => {
    const { get } = await serve(
      metadata({ filter: true }),
      undefined,
      platform,
    );
    await get('/service');

    const answer = await get('/service');

    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('2');
    expect(await answer.json()).toEqual({
      statusCode: 503,
      message: 'Service Unavailable',
    });
  });

  it('answers 504 to a timeout', async () => {
    const clock = new ManualClock();
    @Controller()
    class Hanging {
      @Get()
      @FaultTolerant('search')
      async hang(): Promise<string> {
        void Promise.resolve().then(() => clock.advance(100));
        return new Promise(() => {});
      }
    }
    const { get } = await serve(
      {
        imports: [
          DaceModule.forRoot(
            { search: { timeoutMs: 100 } },
            { logger: false, clock, filter: true },
          ),
        ],
        controllers: [Hanging],
      },
      undefined,
      platform,
    );

    const answer = await get('/');

    expect(answer.status).toBe(504);
    expect(await answer.json()).toMatchObject({ message: 'Gateway Timeout' });
  });

  it.each([
    ['before', [{ provide: APP_FILTER, useClass: CatchAll }]],
    ['by factory', [{ provide: APP_FILTER, useFactory: () => new CatchAll() }]],
    [
      'per request',
      [{ provide: APP_FILTER, useClass: CatchAll, scope: Scope.REQUEST }],
    ],
  ])('of the module goes after a catch-all registered %s', async (_, own) => {
    const { get } = await serve(
      metadata({ filter: true }, own),
      undefined,
      platform,
    );

    await get('/service');

    expect((await get('/service')).status).toBe(418);
  });

  it('of the module goes after a global filter made by hand, and after a narrower one', async () => {
    @Catch(DaceCircuitOpenError)
    class Narrow implements ExceptionFilter {
      catch(_error: unknown, host: ArgumentsHost) {
        host.switchToHttp().getResponse().status(429).send({});
      }
    }
    const byHand = await serve(
      metadata({ filter: true }),
      (app) => app.useGlobalFilters(new CatchAll()),
      platform,
    );
    const narrow = await serve(
      metadata({ filter: true }, [{ provide: APP_FILTER, useClass: Narrow }]),
      undefined,
      platform,
    );
    await narrow.get('/service');

    expect((await byHand.get('/service')).status).toBe(418);
    expect((await narrow.get('/service')).status).toBe(429);
  });

  it('that the app put there itself answers in spite of a catch-all', async () => {
    @Controller()
    @UseFilters(DaceExceptionFilter)
    class Own {
      @Get('filtered')
      @FaultTolerant('payments', { retry: false })
      async filtered(): Promise<string> {
        throw new DaceCircuitOpenError({ dependencyId: 'other' });
      }
    }
    const { get } = await serve(
      {
        ...metadata({}, [{ provide: APP_FILTER, useClass: CatchAll }]),
        controllers: [Own],
      },
      undefined,
      platform,
    );

    const answer = await get('/filtered');

    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('1');
  });

  it.each([
    ['with the adapter', true],
    ['without', false],
  ])('made by hand %s answers too', async (_, hasAdapter) => {
    const { get } = await serve(
      metadata(),
      (app) =>
        app.useGlobalFilters(
          new DaceExceptionFilter(
            hasAdapter ? app.get(HttpAdapterHost) : undefined,
          ),
        ),
      platform,
    );
    await get('/service');

    const answer = await get('/service');

    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('2');
    expect(await answer.json()).toMatchObject({ statusCode: 503 });
  });
});
