import {
  Catch,
  Controller,
  Get,
  Injectable,
  Module,
  Query,
  Scope,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type MiddlewareConsumer,
  type ModuleMetadata,
  type NestInterceptor,
  type NestMiddleware,
  type PipeTransform,
} from '@nestjs/common';
import {
  APP_FILTER,
  APP_GUARD,
  APP_INTERCEPTOR,
  APP_PIPE,
  HttpAdapterHost,
} from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { describe, expect, it } from 'vitest';
import { FaultTolerant } from 'nestjs-dace';
import { errorOf } from '../support/core-toolkit.js';
import { counting, Ledger, tally, times, twins } from './instances-apps.js';
import { platforms } from './nest-app.js';

@Injectable()
class Guard implements CanActivate {
  constructor(private readonly ledger: Ledger) {}
  @FaultTolerant('payments')
  async canActivate(context: ExecutionContext): Promise<boolean> {
    this.ledger.enter(`guard of ${context.getHandler().name}`);
    return true;
  }
}

@Injectable()
class Interceptor implements NestInterceptor {
  constructor(private readonly ledger: Ledger) {}
  async intercept(_: ExecutionContext, next: CallHandler) {
    await this.ask();
    return next.handle();
  }
  @FaultTolerant('payments')
  async ask(): Promise<void> {
    this.ledger.enter('interceptor');
  }
}

@Injectable()
class Pipe implements PipeTransform<string> {
  constructor(private readonly ledger: Ledger) {}
  @FaultTolerant('payments')
  async transform(value: string): Promise<string> {
    return this.ledger.enter(`pipe of ${value}`);
  }
}

@Injectable()
@Catch()
class Filter implements ExceptionFilter {
  constructor(
    private readonly ledger: Ledger,
    private readonly host: HttpAdapterHost,
  ) {}
  @FaultTolerant('payments')
  async catch(error: Error, host: ArgumentsHost): Promise<void> {
    const line = this.ledger.enter(`filter of ${error.message}`);
    this.host.httpAdapter.reply(host.switchToHttp().getResponse(), line, 418);
  }
}

@Injectable()
class Middleware implements NestMiddleware {
  constructor(private readonly ledger: Ledger) {}
  @FaultTolerant('payments')
  async use(_: unknown, __: unknown, next: () => void): Promise<void> {
    this.ledger.enter('middleware');
    next();
  }
}

/** Answers and fails; what is put on it runs once before or after. */
function routes(...enhancers: ClassDecorator[]): ModuleMetadata {
  class Routes {
    @Get()
    answer(@Query('q') value: string) {
      return value;
    }
    @Get('fail')
    fail() {
      throw new Error('failing');
    }
  }
  const types = [String];
  Reflect.defineMetadata(
    'design:paramtypes',
    types,
    Routes.prototype,
    'answer',
  );
  for (const enhancer of [...enhancers, Controller()]) enhancer(Routes);
  return { controllers: [Routes] };
}

@Module({})
class WithMiddleware {
  configure(consumer: MiddlewareConsumer) {
    consumer.apply(Middleware).forRoutes('/');
  }
}

const globally = (
  provide: string,
  useClass: new (...args: never[]) => object,
) =>
  [Scope.DEFAULT, Scope.REQUEST].map((scope) => ({
    ...routes(),
    providers: [{ provide, useClass, scope }],
  }));
const [guards, interceptors, pipes, filters] = [
  globally(APP_GUARD, Guard),
  globally(APP_INTERCEPTOR, Interceptor),
  globally(APP_PIPE, Pipe),
  globally(APP_FILTER, Filter),
];

describe.each(platforms)(
  'What stands before a route on $platform',
  (platform) => {
    it.each<[string, ModuleMetadata, string, string]>([
      ['a guard', routes(UseGuards(Guard)), '/?q=a', 'guard of answer'],
      ['a global guard', guards[0]!, '/?q=a', 'guard of answer'],
      ['a global guard per request', guards[1]!, '/?q=a', 'guard of answer'],
      [
        'an interceptor',
        routes(UseInterceptors(Interceptor)),
        '/?q=a',
        'interceptor',
      ],
      ['a global interceptor', interceptors[0]!, '/?q=a', 'interceptor'],
      [
        'a global interceptor per request',
        interceptors[1]!,
        '/?q=a',
        'interceptor',
      ],
      ['a pipe', routes(UsePipes(Pipe)), '/?q=a', 'pipe of a'],
      ['a global pipe', pipes[0]!, '/?q=a', 'pipe of a'],
      ['a global pipe per request', pipes[1]!, '/?q=a', 'pipe of a'],
      ['a filter', routes(UseFilters(Filter)), '/fail', 'filter of failing'],
      ['a global filter', filters[0]!, '/fail', 'filter of failing'],
      [
        'a global filter per request',
        filters[1]!,
        '/fail',
        'filter of failing',
      ],
      [
        'a middleware',
        { ...routes(), imports: [WithMiddleware] },
        '/?q=a',
        'middleware',
      ],
    ])(
      '%s is protected once a request, in its own app',
      async (_, metadata, path, line) => {
        const [one, other] = await twins(metadata, platform);

        const { status } = await one.get(path);

        expect(status).toBe(path === '/fail' ? 418 : 200);
        expect(one.app.get(Ledger).lines).toEqual([line]);
        expect(tally(one.app)).toEqual(times(1));
        expect(tally(other.app)).toEqual(times(0));
      },
    );

    it('a middleware is checked at start-up as everything else is', async () => {
      @Injectable()
      class Wrong implements NestMiddleware {
        @FaultTolerant('paymets')
        async use(_: unknown, __: unknown, next: () => void): Promise<void> {
          next();
        }
      }
      @Module({ imports: counting() })
      class App {
        configure(consumer: MiddlewareConsumer) {
          consumer.apply(Wrong).forRoutes('/');
        }
      }
      const module = await Test.createTestingModule({
        imports: [App],
      }).compile();
      const app = module.createNestApplication(platform.adapter(), {
        logger: false,
      });

      const error = await errorOf(app.init());

      expect(error.message).toMatch(
        /No dependency "paymets" \(used by Wrong\.use\).*Did you mean "payments"/,
      );
    });
  },
);
