import {
  Controller,
  Get,
  Injectable,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type LoggerService,
  type NestInterceptor,
} from '@nestjs/common';
import { finalize, retry, tap, type Observable } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  DaceModule,
  DaceRegistry,
  FaultTolerant,
  type Dependency,
  type DependencyOptions,
} from 'nestjs-dace';
import { DaceHealthIndicator, DaceHealthModule } from 'nestjs-dace/health';
import { TerminusModule } from '@nestjs/terminus';
import {
  platforms,
  serve,
  startRequest,
  until,
  type Platform,
} from './nest-app.js';

/** What Nest runs around a handler, and what is told of it, is code of the user's. */
let dependency: Dependency;
let act: () => unknown = () => {};
let fails = false;
let unhandled: unknown[] = [];
const note = (error: unknown): void => void unhandled.push(error);

beforeEach(() => {
  unhandled = [];
  fails = false;
  act = () => {};
  process.on('unhandledRejection', note);
  process.on('uncaughtException', note);
});
afterEach(() => {
  process.off('unhandledRejection', note);
  process.off('uncaughtException', note);
});

@Injectable()
class Acting implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const path = context.getArgByIndex<{ url: string }>(0).url;
    if (path === '/before') act();
    return next.handle().pipe(
      tap(() => path === '/value' && act()),
      finalize(() => path === '/after' && act()),
    );
  }
}

@Injectable()
class Insisting implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler) {
    return next.handle().pipe(retry(100));
  }
}

@Controller()
class Routes {
  @Get('handler')
  @FaultTolerant('stock')
  async handler(): Promise<string> {
    act();
    if (fails) throw new Error('no');
    return 'answer';
  }

  @Get('fallback')
  @FaultTolerant('stock', { fallback: 'spare' })
  async withFallback(): Promise<string> {
    throw new Error('no');
  }

  spare(): string {
    act();
    return 'spare';
  }

  @Get(['before', 'value', 'after'])
  @UseInterceptors(Acting)
  @FaultTolerant('stock')
  async around(): Promise<string> {
    if (fails) throw new Error('no');
    return 'answer';
  }

  @Get('insist')
  @UseInterceptors(Insisting)
  @FaultTolerant('stock')
  async insist(): Promise<string> {
    throw new Error('no');
  }

  @Get('hang')
  @FaultTolerant('stock')
  hang(): Promise<string> {
    return new Promise(() => {});
  }

  @Get('unprotected')
  unprotected(): string {
    return 'there';
  }
}

async function up(
  platform: Platform,
  options: DependencyOptions = {},
  logger: object | false = false,
  appLogger?: LoggerService,
) {
  const served = await serve(
    {
      imports: [
        DaceModule.forRoot(
          {
            stock: {
              maxOpenPerNetloc: 1,
              timeoutMs: 1_500,
              abandonAfterMs: 60_000,
              retry: false,
              circuit: false,
              shutdownGraceMs: 0,
              ...options,
            },
          },
          { logger: logger as false, filter: true },
        ),
        TerminusModule,
        DaceHealthModule,
      ],
      controllers: [Routes],
    },
    (app) => appLogger && app.useLogger(appLogger),
    platform,
  );
  dependency = served.app.get(DaceRegistry).get('stock');
  return served;
}

const nothingIsLeft = (): Promise<void> =>
  until(() => {
    const { inFlight, abandoned, queued, totals } = dependency.snapshot();
    const { started, succeeded, failed, refused, cancelled } = totals;
    return (
      inFlight + abandoned + queued === 0 &&
      started === succeeded + failed + refused + cancelled
    );
  });

const ACTS: Record<string, () => void> = {
  'closes the dependency': () => void dependency.close(),
  'changes it': () => dependency.configure({ timeoutMs: 1_400 }),
  'calls it': () => void dependency.execute(() => 1).catch(() => 0),
  throws: () => {
    throw new Error('of the user');
  },
};

describe.each(platforms)('On $platform', (platform) => {
  describe.each(['handler', 'fallback', 'before', 'value', 'after'])(
    'who at /%s',
    (path) => {
      // Of a finalizer that throws nobody hears in rxjs, and Nest itself never answers.
      const acts = Object.entries(ACTS).filter(
        ([name]) => path !== 'after' || name !== 'throws',
      );
      it.each(acts)('%s gets an answer', async (name, does) => {
        const { get } = await up(platform);
        act = does;
        const answer = await get(`/${path}`);
        expect([200, 500, 503]).toContain(answer.status);
        await nothingIsLeft();
        act = () => {};
        if (name !== 'closes the dependency')
          expect((await get('/handler')).status).toBe(200);
        expect(unhandled).toEqual([]);
      });
    },
  );

  it('a client that hangs up while the handler closes the app is let go', async () => {
    const { app, url } = await up(platform);
    const started = startRequest(`${url}/hang`);
    await until(() => dependency.snapshot().inFlight === 1);
    const closed = app.close();
    started.destroy();
    await dependency.close();
    void closed.catch(() => {});
    await until(() => dependency.snapshot().inFlight === 0);
    expect(unhandled).toEqual([]);
  });

  it('an interceptor that asks for its handler again, a hundred times, is one request', async () => {
    const { get } = await up(platform);
    expect((await get('/insist')).status).toBe(500);
    await nothingIsLeft();
    expect(dependency.snapshot().totals.started).toBe(101);
  });

  it('a refusal is answered though the app’s logger throws', async () => {
    const broken = (): never => {
      throw new Error('of the logger');
    };
    const { get } = await up(platform, {}, false, {
      log: () => {},
      warn: broken,
      error: broken,
      debug: broken,
    });
    await dependency.close();
    const answer = await get('/handler', {
      signal: AbortSignal.timeout(3_000),
    });
    expect(answer.status).toBe(503);
    expect(unhandled).toEqual([]);
  });

  it('a logger may call the dependency it is told of, and fail', async () => {
    let told = 0;
    const call = (): never => {
      told += 1;
      void dependency
        .execute(() => Promise.reject(new Error('again')))
        .catch(() => 0);
      throw new Error('of the logger');
    };
    const { get } = await up(
      platform,
      {},
      { log: call, warn: call, error: call, debug: call },
    );
    fails = true;
    expect((await get('/handler')).status).toBe(500);
    await nothingIsLeft();
    expect(told).toBeGreaterThan(0);
    expect((await get('/unprotected')).status).toBe(200);
    expect(unhandled).toEqual([]);
  });

  it('health may be asked in the middle of a call and at each event', async () => {
    const { app, get } = await up(platform);
    const health = app.get(DaceHealthIndicator, { strict: false });
    const seen = new Set<unknown>();
    const look = (): void => void seen.add(health.check()['stock']?.status);
    dependency.on(look);
    act = look;
    expect((await get('/handler')).status).toBe(200);
    expect([...seen]).toEqual(['up']);
  });
});

describe('An answer that takes no header', () => {
  it.each([false, true])(
    'is given all the same (filter: %s)',
    async (filter) => {
      const served = await serve(
        {
          imports: [
            DaceModule.forRoot(
              { stock: { retry: false } },
              { logger: false, filter },
            ),
          ],
          controllers: [Routes],
        },
        (app) =>
          app.use(
            (
              _request: unknown,
              response: { setHeader: unknown },
              next: () => void,
            ) => {
              const { setHeader } = response as { setHeader: Function };
              response.setHeader = function (name: string, value: unknown) {
                if (name === 'Retry-After') throw new Error('of a middleware');
                return setHeader.call(this, name, value);
              };
              next();
            },
          ),
      );
      const { app, get } = served;
      app.get(DaceRegistry).get('stock').control('forced-open');
      const answer = await get('/handler', {
        signal: AbortSignal.timeout(3_000),
      });
      expect(answer.status).toBe(503);
      expect(unhandled).toEqual([]);
    },
  );
});
