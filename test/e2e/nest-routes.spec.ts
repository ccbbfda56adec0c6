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
  Param,
  ParseIntPipe,
  Post,
  Sse,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { defer, interval, map, Observable, of, retry, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { Call, DaceCall, DaceModule, FaultTolerant } from 'nestjs-dace';
import { serve } from './nest-app.js';

const silent = { logger: false } as const;

describe('A decorated route', () => {
  it('does not blame the dependency for what a pipe refuses, and runs pipes once', async () => {
    let pipes = 0;
    let tries = 0;
    @Injectable()
    class CountingPipe extends ParseIntPipe {
      override async transform(value: string, metadata: never) {
        pipes += 1;
        return super.transform(value, metadata);
      }
    }
    @Controller()
    class Routes {
      @Get('items/:id')
      @FaultTolerant('payments', { retry: { on: 'any' } })
      async item(@Param('id', CountingPipe) id: number) {
        tries += 1;
        if (tries < 3) throw new Error('not yet');
        return { id };
      }
    }
    const { get, snapshot } = await serve({
      imports: [DaceModule.forRoot({ payments: {} }, silent)],
      controllers: [Routes],
    });

    expect((await get('/items/x')).status).toBe(400);
    expect(snapshot('payments').totals.started).toBe(0);
    expect(await (await get('/items/7')).json()).toEqual({ id: 7 });
    expect({ pipes, tries }).toEqual({ pipes: 2, tries: 3 });
    expect(snapshot('payments').totals).toMatchObject({
      started: 1,
      succeeded: 1,
      retries: 2,
    });
  });

  it('is protected whichever order its decorators have', async () => {
    @Controller()
    class Routes {
      @FaultTolerant('payments')
      @Get('above')
      async above(@DaceCall() call: Call = Call.injected) {
        return call.dependencyId;
      }

      @Get('below/:id')
      @FaultTolerant('payments')
      async below(
        @Param('id') id: string,
        @DaceCall() call: Call = Call.injected,
      ) {
        return `${id} ${call.attempt}`;
      }
    }
    const { get, snapshot } = await serve({
      imports: [DaceModule.forRoot({ payments: {} }, silent)],
      controllers: [Routes],
    });

    expect(await (await get('/above')).text()).toBe('payments');
    expect(await (await get('/below/x')).text()).toBe('x 1');
    expect(snapshot('payments').totals.started).toBe(2);
  });

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
    const { get, snapshot } = await serve({
      imports: [DaceModule.forRoot({ payments: {} }, silent)],
      controllers: [Routes],
    });

    expect(await (await get('/wrapped')).text()).toBe('fallback');
    expect(isAnswered).toBe(true);
    expect(snapshot('payments').totals.started).toBe(1);
  });

  it('keeps other interceptors outside, which see one answer', async () => {
    const seen: unknown[] = [];
    @Injectable()
    class Wrapping implements NestInterceptor {
      intercept(_context: ExecutionContext, next: CallHandler) {
        return next.handle().pipe(
          map((value: unknown) => {
            seen.push(value);
            return { wrapped: value };
          }),
        );
      }
    }
    let tries = 0;
    @Controller()
    class Routes {
      @Get()
      @UseInterceptors(Wrapping)
      @FaultTolerant('payments', { retry: { on: 'any' } })
      async above() {
        tries += 1;
        if (tries === 1) throw new Error('once');
        return 'value';
      }
    }
    const { get } = await serve({
      imports: [DaceModule.forRoot({ payments: {} }, silent)],
      controllers: [Routes],
    });

    expect(await (await get('/')).json()).toEqual({ wrapped: 'value' });
    expect(seen).toEqual(['value']);
    expect(tries).toBe(2);
  });

  it('runs once in each round of an interceptor that repeats the chain', async () => {
    @Injectable()
    class Repeating implements NestInterceptor {
      intercept(_context: ExecutionContext, next: CallHandler) {
        return defer(() => next.handle()).pipe(retry(1));
      }
    }
    let tries = 0;
    @Controller()
    class Routes {
      @Get()
      @UseInterceptors(Repeating)
      @FaultTolerant('payments', { retry: false })
      async route() {
        tries += 1;
        if (tries === 1) throw new Error('once');
        return 'second';
      }
    }
    const { get, snapshot } = await serve({
      imports: [DaceModule.forRoot({ payments: {} }, silent)],
      controllers: [Routes],
    });

    expect(await (await get('/')).text()).toBe('second');
    expect(snapshot('payments').totals).toMatchObject({
      started: 2,
      attempts: 2,
    });
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
    const { get, snapshot } = await serve({
      imports: [DaceModule.forRoot({ payments: {} }, silent)],
      controllers: [Routes],
    });

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
    const { get, snapshot } = await serve({ imports: [AppModule] });

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
    const { get, snapshot } = await serve({
      imports: [DaceModule.forRoot({ payments: {}, search: {} }, silent)],
      controllers: [Routes],
      providers: [Service],
    });

    expect(await (await get('/')).text()).toBe('own');
    expect(snapshot('payments').totals.attempts).toBe(2);
    expect(snapshot('search').totals.attempts).toBe(1);
  });

  it('answers with the first value of an Observable, annotated or not', async () => {
    @Controller()
    class Routes {
      @Get('annotated')
      @FaultTolerant('payments')
      annotated(): Observable<string> {
        return of('annotated');
      }

      @Get('bare')
      @FaultTolerant('payments')
      bare() {
        return of('bare');
      }

      @Get('failing')
      @FaultTolerant('payments', { fallback: 'spare' })
      failing(): Observable<string> {
        return throwError(() => new Error('down'));
      }
      spare() {
        return of('spare');
      }
    }
    const { get, snapshot } = await serve({
      imports: [DaceModule.forRoot({ payments: {} }, silent)],
      controllers: [Routes],
    });

    expect(await (await get('/annotated')).text()).toBe('annotated');
    expect(await (await get('/bare')).text()).toBe('bare');
    expect(await (await get('/failing')).text()).toBe('spare');
    expect(snapshot('payments').totals).toMatchObject({
      started: 3,
      succeeded: 2,
      failed: 1,
    });
  });

  it('streams events past the end of its operation', async () => {
    @Controller()
    class Routes {
      @Sse('events')
      @FaultTolerant('payments', { timeoutMs: 1_000 })
      events(): Observable<{ data: string }> {
        return interval(1).pipe(map((n) => ({ data: `n${n}` })));
      }
    }
    const { get, snapshot } = await serve({
      imports: [DaceModule.forRoot({ payments: {} }, silent)],
      controllers: [Routes],
    });
    const answer = await get('/events');
    const reader = answer
      .body!.pipeThrough(new TextDecoderStream())
      .getReader();
    let text = '';
    while (!text.includes('n3')) text += (await reader.read()).value ?? '';

    expect(snapshot('payments').totals.succeeded).toBe(1);
    expect(snapshot('payments').inFlight).toBe(0);
    await reader.cancel();
  });

  it('leaves a POST answer to its status', async () => {
    @Controller()
    class Routes {
      @Post()
      @FaultTolerant('payments')
      async create() {
        return 'made';
      }
    }
    const { get } = await serve({
      imports: [DaceModule.forRoot({ payments: {} }, silent)],
      controllers: [Routes],
    });

    expect((await get('/', { method: 'POST' })).status).toBe(201);
  });
});
