import {
  Body,
  CanActivate,
  Controller,
  Get,
  Injectable,
  NestInterceptor,
  Param,
  Post,
  UseGuards,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
} from '@nestjs/common';
import { defer, from, Observable, tap } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  Call,
  DaceCall,
  DaceModule,
  DaceRegistry,
  FaultTolerant,
  type DependencyOptions,
} from 'nestjs-dace';
import { echo, Upstream } from '../support/http-upstream.js';
import { serve } from './nest-app.js';

const ran: string[] = [];

@Injectable()
class Guard implements CanActivate {
  canActivate() {
    ran.push('guard');
    return true;
  }
}

class Noting implements NestInterceptor {
  constructor(private readonly name: string) {}
  intercept(_context: ExecutionContext, next: CallHandler) {
    ran.push(`${this.name} before`);
    return next.handle().pipe(tap(() => ran.push(`${this.name} after`)));
  }
}

@Injectable()
class Accounts {
  @FaultTolerant('payments')
  async read(id: string, @DaceCall() call: Call = Call.injected) {
    ran.push(`service ${call.attempt}`);
    return (await call.http.get(`/accounts/${id}`)).data;
  }

  @FaultTolerant('payments')
  async write(body: object, @DaceCall() call: Call = Call.injected) {
    return (await call.http.post('/accounts', body)).data;
  }

  @FaultTolerant('payments', { fallback: 'unknownBalance' })
  async balance(
    id: string,
    @DaceCall() call: Call = Call.injected,
    currency?: string,
  ): Promise<unknown> {
    return (await call.http.get(`/balance/${id}/${currency}`)).data;
  }
  unknownBalance(...given: unknown[]) {
    const error = given.pop() as Error;
    return { given, error: error.name, self: this instanceof Accounts };
  }
}

@Controller()
class Routes {
  constructor(private readonly accounts: Accounts) {}

  @UseGuards(Guard)
  @UseInterceptors(new Noting('inner'))
  @FaultTolerant('payments')
  @UseInterceptors(new Noting('outer'))
  @Get('accounts/:id')
  async read(@Param('id') id: string): Promise<unknown> {
    return this.accounts.read(id);
  }

  @Post('accounts')
  async write(@Body() body: object) {
    return this.accounts.write(body);
  }

  @Get('balance/:id')
  async balance(@Param('id') id: string) {
    return this.accounts.balance(id);
  }

  @Get('orders/:id')
  @FaultTolerant('orders')
  async order(@Param('id') id: string) {
    return this.accounts.read(id);
  }
}

describe('A protected service behind routes, and what it depends on', () => {
  let upstream: Upstream;
  beforeEach(async () => {
    ran.length = 0;
    upstream = await Upstream.start(echo);
  });
  afterEach(() => upstream.stop());

  const failTimes = (times: number, status = 500): void => {
    let left = times;
    upstream.answer((request, response) => {
      left -= 1;
      if (left < 0) return echo(request, response);
      response.statusCode = status;
      response.end();
    });
  };
  const start = (payments: DependencyOptions = {}) =>
    serve({
      imports: [
        DaceModule.forRoot(
          {
            payments: { hosts: [upstream.origin], ...payments },
            orders: {},
          },
          { logger: false },
        ),
      ],
      controllers: [Routes],
      providers: [Accounts],
    });

  it('takes one permit for a route and its service of the same dependency', async () => {
    const { get, snapshot } = await start({
      maxOpenPerNetloc: 1,
      maxQueuedPerNetloc: 0,
    });

    const answer = await get('/accounts/7');

    expect(await answer.json()).toMatchObject({ url: '/accounts/7' });
    expect(snapshot('payments').totals).toMatchObject({
      started: 1,
      attempts: 1,
    });
  });

  it('asks three times and not nine, and runs what is around the route once', async () => {
    failTimes(2);
    const { get, snapshot } = await start();

    const answer = await get('/accounts/7');

    expect(answer.status).toBe(200);
    expect(upstream.requests).toHaveLength(3);
    expect(ran).toEqual([
      'guard',
      'outer before',
      'inner before',
      'service 1',
      'service 2',
      'service 3',
      'inner after',
      'outer after',
    ]);
    expect(snapshot('payments').totals).toMatchObject({
      started: 1,
      retries: 2,
    });
  });

  it('answers 503 when all tries are used up', async () => {
    failTimes(9);
    const { get } = await start();

    expect((await get('/accounts/7')).status).toBe(503);
    expect(upstream.requests).toHaveLength(3);
  });

  it('does not repeat what was posted', async () => {
    failTimes(1);
    const { get } = await start();
    const post = () =>
      get('/accounts', {
        method: 'POST',
        body: JSON.stringify({ amount: 5 }),
        headers: { 'content-type': 'application/json' },
      });

    expect((await post()).status).toBe(500);
    expect(upstream.requests).toHaveLength(1);

    const answer = await post();
    expect(answer.status).toBe(201);
    expect(await answer.json()).toMatchObject({
      method: 'POST',
      body: '{"amount":5}',
    });
  });

  it('gives a fallback method the declared arguments without the call, then the error', async () => {
    failTimes(9);
    const { get } = await start({ retry: false });

    expect(await (await get('/balance/7')).json()).toEqual({
      given: ['7', null],
      error: 'AxiosError',
      self: true,
    });
  });

  it('does not blame one dependency for the refusals of another', async () => {
    const { app, get, snapshot } = await start();
    app.get(DaceRegistry).get('payments').control('forced-open');

    for (let i = 0; i < 6; i++) {
      const answer = await get('/orders/7');
      expect(answer.status).toBe(503);
      expect(answer.headers.get('retry-after')).toBe('1');
    }

    expect(upstream.requests).toHaveLength(0);
    expect(snapshot('payments').totals.refused).toBe(6);
    expect(snapshot('orders')).toMatchObject({
      state: 'closed',
      window: { calls: 0, failures: 0 },
      totals: { attempts: 6, retries: 0 },
    });
  });
});

describe('A route whose own interceptor is protected', () => {
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
  class Direct {
    constructor(private readonly service: Service) {}

    @Get('promise')
    @UseInterceptors(Around)
    @FaultTolerant('orders')
    async promise() {
      return this.service.call();
    }

    @Get('stream')
    @UseInterceptors(Around)
    @FaultTolerant('orders')
    stream(): Observable<string> {
      return from(this.service.call());
    }

    @Get('late')
    @UseInterceptors(Around)
    @FaultTolerant('orders')
    late(): Observable<string> {
      return defer(() => this.service.call());
    }
  }

  it.each(['promise', 'stream', 'late'])(
    'is no part of it (%s)',
    async (path) => {
      const { get, snapshot } = await serve({
        imports: [
          DaceModule.forRoot({ payments: {}, orders: {} }, { logger: false }),
        ],
        controllers: [Direct],
        providers: [Service],
      });

      expect(await (await get(`/${path}`)).text()).toBe('own');
      expect(snapshot('payments').totals).toMatchObject({
        started: 2,
        succeeded: 2,
      });
      expect(snapshot('orders').totals.started).toBe(1);
    },
  );
});
