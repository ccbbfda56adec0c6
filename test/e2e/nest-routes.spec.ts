import {
  CallHandler,
  CanActivate,
  Controller,
  ExecutionContext,
  Get,
  Injectable,
  MiddlewareConsumer,
  Module,
  NestInterceptor,
  NestMiddleware,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { Observable } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { DaceModule, FaultTolerant } from 'nestjs-dace';
import { serve, platforms } from './nest-app.js';

const silent = { logger: false } as const;

describe.each(platforms)('A decorated route on $platform', (platform) => {
  it('is protected under a decorator that wraps it and copies its metadata', async () => {
    const wrapped: MethodDecorator = (_target, _name, descriptor) => {
      const inner = descriptor.value as unknown as (...a: unknown[]) => unknown;
      const outer = function (this: unknown, ...args: unknown[]) {
        return inner.apply(this, args);
      };
      for (const key of Reflect.getMetadataKeys(inner))
        Reflect.defineMetadata(key, Reflect.getMetadata(key, inner), outer);
      descriptor.value = outer as never;
    };
    let isAnswered: boolean | undefined;
    @Controller()
    class Routes {
      @wrapped
      @Get('wrapped')
      @FaultTolerant('payments', { fallback: () => 'fallback' })
      async route(): Promise<string> {
        isAnswered = true;
        throw new Error('down');
      }
    }
    const { get, snapshot } = await serve(
      {
        imports: [DaceModule.forRoot({ payments: {} }, silent)],
        controllers: [Routes],
      },
      undefined,
      platform,
    );

    expect(await (await get('/wrapped')).text()).toBe('fallback');
    expect(isAnswered).toBe(true);
    expect(snapshot('payments').totals.started).toBe(1);
  });

  it('is no part of what a protected guard has done', async () => {
    @Injectable()
    class Guard implements CanActivate {
      @FaultTolerant('payments')
      async canActivate() {
        return true;
      }
    }
    @Controller()
    class Routes {
      @Get()
      @UseGuards(Guard)
      @FaultTolerant('payments')
      async route() {
        return 'ok';
      }
    }
    const { get, snapshot } = await serve(
      {
        imports: [DaceModule.forRoot({ payments: {} }, silent)],
        controllers: [Routes],
      },
      undefined,
      platform,
    );

    expect(await (await get('/')).text()).toBe('ok');
    expect(snapshot('payments').totals.succeeded).toBe(2);
  });

  it('is no part of a protected middleware that waits for it', async () => {
    @Injectable()
    class Waiting implements NestMiddleware {
      @FaultTolerant('payments')
      async use(_request: unknown, response: any, next: () => void) {
        next();
        await new Promise((resolve) => response.once('finish', resolve));
      }
    }
    @Injectable()
    class Service {
      @FaultTolerant('payments')
      async call() {
        return 'own';
      }
    }
    @Controller()
    class Routes {
      constructor(private readonly service: Service) {}
      @Get()
      async route() {
        return this.service.call();
      }
    }
    @Module({
      imports: [DaceModule.forRoot({ payments: {} }, silent)],
      controllers: [Routes],
      providers: [Service],
    })
    class AppModule {
      configure(consumer: MiddlewareConsumer) {
        consumer.apply(Waiting).forRoutes('{*all}');
      }
    }
    const { get, snapshot } = await serve(
      { imports: [AppModule] },
      undefined,
      platform,
    );

    expect(await (await get('/')).text()).toBe('own');
    expect(snapshot('payments').totals.attempts).toBe(2);
  });

  it('is no part of a protected interceptor around it', async () => {
    @Injectable()
    class Around implements NestInterceptor {
      @FaultTolerant('payments')
      intercept(
        _context: ExecutionContext,
        next: CallHandler,
      ): Observable<unknown> {
        return next.handle();
      }
    }
    @Injectable()
    class Service {
      @FaultTolerant('payments')
      async call() {
        return 'own';
      }
    }
    @Controller()
    @UseInterceptors(Around)
    class Routes {
      constructor(private readonly service: Service) {}
      @Get()
      @FaultTolerant('search')
      async route() {
        return this.service.call();
      }
    }
    const { get, snapshot } = await serve(
      {
        imports: [DaceModule.forRoot({ payments: {}, search: {} }, silent)],
        controllers: [Routes],
        providers: [Service],
      },
      undefined,
      platform,
    );

    expect(await (await get('/')).text()).toBe('own');
    expect(snapshot('payments').totals.attempts).toBe(2);
    expect(snapshot('search').totals.attempts).toBe(1);
  });
});
