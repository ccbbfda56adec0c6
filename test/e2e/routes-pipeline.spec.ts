import {
  Catch,
  Controller,
  Get,
  Injectable,
  MiddlewareConsumer,
  Module,
  Param,
  UseFilters,
  UseGuards,
  UseInterceptors,
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
  type NestMiddleware,
  type PipeTransform,
} from '@nestjs/common';
import { finalize, tap } from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { DaceModule, FaultTolerant } from 'nestjs-dace';
import { platforms, serve } from './nest-app.js';

const ran: string[] = [];
let failures: Record<string, number> = {};

/** Notes that `what` ran, and fails as often as the test says. */
async function note(what: string): Promise<void> {
  ran.push(what);
  const left = failures[what] ?? 0;
  failures[what] = left - 1;
  if (left > 0) throw new Error(`${what} is down`);
}

/** What middleware, guards, pipes, interceptors and filters ask. */
@Injectable()
class Sessions {
  @FaultTolerant('sessions', { retry: { on: 'any' } })
  async check(who: string) {
    await note(`session for ${who}`);
    return true;
  }
}

@Injectable()
class Middleware implements NestMiddleware {
  constructor(private readonly sessions: Sessions) {}
  async use(_request: unknown, _response: unknown, next: () => void) {
    await this.sessions.check('middleware');
    next();
  }
}

@Injectable()
class Guard implements CanActivate {
  constructor(private readonly sessions: Sessions) {}
  async canActivate(context: ExecutionContext) {
    await this.sessions.check('guard');
    return !context.switchToHttp().getRequest().url.includes('forbidden');
  }
}

@Injectable()
class Interceptor implements NestInterceptor {
  constructor(private readonly sessions: Sessions) {}
  async intercept(_context: ExecutionContext, next: CallHandler) {
    await this.sessions.check('interceptor');
    return next.handle().pipe(
      tap(() => ran.push('answer')),
      finalize(() => ran.push('end')),
    );
  }
}

@Injectable()
class Pipe implements PipeTransform {
  constructor(private readonly sessions: Sessions) {}
  async transform(value: string) {
    await this.sessions.check('pipe');
    return value;
  }
}

@Catch()
@Injectable()
class Filter implements ExceptionFilter {
  constructor(private readonly sessions: Sessions) {}
  async catch(error: Error, host: ArgumentsHost) {
    await this.sessions.check('filter');
    host.switchToHttp().getResponse().status(418).send(error.message);
  }
}

@Controller()
class Routes {
  @Get('all/:id')
  @UseGuards(Guard)
  @UseInterceptors(Interceptor)
  @UseFilters(Filter)
  @FaultTolerant('sessions', { retry: { on: 'any' } })
  async all(@Param('id', Pipe) id: string) {
    await note('handler');
    return id;
  }
}

@Module({
  imports: [
    DaceModule.forRoot(
      { sessions: { retry: { budget: false } } },
      { logger: false },
    ),
  ],
  controllers: [Routes],
  providers: [Sessions],
})
class AppModule {
  configure(consumer: MiddlewareConsumer) {
    const functional = (_request: unknown, _response: unknown, next: any) => {
      ran.push('function');
      next();
    };
    consumer.apply(functional, Middleware).forRoutes('{*all}');
  }
}

describe.each(platforms)('On $platform, a protected route', (platform) => {
  beforeEach(() => {
    ran.length = 0;
    failures = {};
  });

  it('is an operation of its own, and so is each call on the way to it', async () => {
    failures = { 'session for guard': 1, 'session for pipe': 1, handler: 2 };
    const { get, snapshot } = await serve(
      { imports: [AppModule] },
      undefined,
      platform,
    );

    expect(await (await get('/all/7')).text()).toBe('7');

    expect(ran).toEqual([
      'function',
      'session for middleware',
      'session for guard',
      'session for guard',
      'session for interceptor',
      'session for pipe',
      'session for pipe',
      'handler',
      'handler',
      'handler',
      'answer',
      'end',
    ]);
    expect(snapshot('sessions').totals).toMatchObject({
      started: 5,
      succeeded: 5,
      attempts: 9,
    });
  });

  it('asks for nothing where a guard says no', async () => {
    const { get, snapshot } = await serve(
      { imports: [AppModule] },
      undefined,
      platform,
    );

    expect(await (await get('/all/forbidden')).text()).toBe(
      'Forbidden resource',
    );

    expect(ran).toEqual([
      'function',
      'session for middleware',
      'session for guard',
      'session for filter',
    ]);
    expect(snapshot('sessions').totals).toMatchObject({ started: 3 });
  });

  it('leaves its error to a filter, whose calls are not part of it', async () => {
    failures = { handler: 9, 'session for filter': 1 };
    const { get, snapshot } = await serve(
      { imports: [AppModule] },
      undefined,
      platform,
    );

    const answer = await get('/all/7');

    expect([answer.status, await answer.text()]).toEqual([
      418,
      expect.stringContaining('handler is down'),
    ]);
    expect(ran.filter((what) => what === 'handler')).toHaveLength(3);
    expect(ran.slice(-4)).toEqual([
      'handler',
      'end',
      'session for filter',
      'session for filter',
    ]);
    expect(snapshot('sessions').totals).toMatchObject({
      started: 6,
      succeeded: 5,
      failed: 1,
    });
  });
});
