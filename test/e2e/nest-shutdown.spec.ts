import { Controller, Get, Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createDependency,
  Call,
  DaceCall,
  DaceModule,
  DaceRegistry,
  FaultTolerant,
  getDependencyToken,
} from 'nestjs-dace';
import { DaceTestingModule, ManualClock } from 'nestjs-dace/testing';
import { errorOf, gate, watch, type Gate } from '../support/core-toolkit.js';
import { Compiled } from '../support/child.js';
import { Upstream } from '../support/http-upstream.js';
import { serve, until } from './nest-app.js';

let work: Gate<string>;

@Injectable()
class Service {
  @FaultTolerant('payments')
  async run(): Promise<string> {
    return work.promise;
  }
}

describe('app.close()', () => {
  async function compile() {
    work = gate();
    const app = await Test.createTestingModule({
      imports: [
        DaceTestingModule.forRoot({
          payments: { shutdownGraceMs: 500, timeoutMs: 60_000 },
        }),
      ],
      providers: [Service],
    }).compile();
    await app.init();
    return {
      app,
      clock: app.get(ManualClock),
      service: app.get(Service),
      payments: app.get(DaceRegistry).get('payments'),
    };
  }

  it('waits for running work, and refuses what is new', async () => {
    const { app, clock, service } = await compile();
    const running = service.run();

    const closing = watch(app.close());
    await clock.advance(499);
    expect(closing.state).toBe('pending');
    expect(await errorOf(service.run())).toMatchObject({
      code: 'DACE_SHUTDOWN',
    });

    work.resolve('done');
    expect(await running).toBe('done');
    await clock.advance(0);
    expect(closing.state).toBe('fulfilled');
    expect(clock.pending).toBe(0);
  });

  it('ends work whose grace is over', async () => {
    const { app, clock, service, payments } = await compile();
    let signal: AbortSignal | undefined;
    const hung = errorOf(service.run());
    const watched = errorOf(
      payments.execute((call) => {
        signal = call.signal;
        return work.promise;
      }),
    );

    const closing = watch(app.close());
    await clock.advance(500);

    expect(await hung).toMatchObject({ code: 'DACE_SHUTDOWN', status: 503 });
    expect(await watched).toMatchObject({ code: 'DACE_SHUTDOWN' });
    expect(signal?.reason).toMatchObject({ code: 'DACE_SHUTDOWN' });
    expect(closing.state).toBe('fulfilled');
    expect(clock.pending).toBe(0);
  });

  it('may be called twice', async () => {
    const { app, payments } = await compile();

    await app.close();
    await app.close();
    await payments.close();

    expect(payments.isClosed).toBe(true);
  });

  it('closes what the app made, and nothing else', async () => {
    const stub = createDependency('payments');
    const app = await Test.createTestingModule({
      imports: [
        DaceModule.forRoot({ payments: {}, search: {} }, { logger: false }),
      ],
    })
      .overrideProvider(getDependencyToken('payments'))
      .useValue(stub)
      .compile();
    await app.init();
    const search = app.get(DaceRegistry).get('search');

    await app.close();

    expect(search.isClosed).toBe(true);
    expect(stub.isClosed).toBe(false);
    expect(await stub.execute(() => 'works')).toBe('works');
    await stub.close();
  });

  it('serves requests that are under way until they are answered', async () => {
    let answer: (() => void) | undefined;
    const upstream = await Upstream.start((_request, response) => {
      answer = () => response.end('served');
    });
    @Controller()
    class Routes {
      @Get()
      @FaultTolerant('payments')
      async read(@DaceCall() call: Call = Call.injected): Promise<unknown> {
        return (await call.http.get('/')).data;
      }
    }
    const { app, get, snapshot } = await serve({
      imports: [
        DaceModule.forRoot(
          { payments: { hosts: [upstream.origin] } },
          { logger: false },
        ),
      ],
      controllers: [Routes],
    });
    const response = get('/', { headers: { connection: 'close' } });
    await until(() => answer !== undefined);

    const closing = app.close();
    answer!();

    expect(await (await response).text()).toBe('served');
    await closing;
    expect(snapshot('payments').inFlight).toBe(0);
    await until(() => upstream.requests[0]!.socket.destroyed);
    await upstream.stop();
  });

  it('lets hooks of the app call until they are over', async () => {
    work = gate();
    work.resolve('last words');
    const said: string[] = [];
    @Injectable()
    class Leaving {
      constructor(private readonly service: Service) {}
      async onModuleDestroy() {
        said.push(await this.service.run());
      }
      async beforeApplicationShutdown() {
        said.push(await this.service.run());
      }
      async onApplicationShutdown() {
        said.push(await this.service.run());
      }
    }
    @Module({ providers: [Service, Leaving] })
    class Feature {}
    const app = await Test.createTestingModule({
      imports: [
        DaceModule.forRoot({ payments: {} }, { logger: false }),
        Feature,
      ],
    }).compile();
    await app.init();

    await app.close();

    expect(said).toEqual(['last words', 'last words', 'last words']);
  });
});

describe('A process whose app was closed', () => {
  let compiled: Compiled;
  beforeAll(() => {
    compiled = Compiled.make();
  });
  afterAll(() => compiled.remove());

  it('ends by itself, with nothing open', async () => {
    const { code, out, err } = await compiled.run(
      `
      import 'reflect-metadata';
      import http from 'node:http';
      import { once } from 'node:events';
      import { NestFactory } from '@nestjs/core';
      import { Controller, Get, Module } from '@nestjs/common';
      import dace from './dist/index.js';
      const { DaceModule, FaultTolerant, DaceRegistry, Call, DaceCall } = dace;

      const upstream = http.createServer((request, response) => {
        if (request.url === '/hang') return;
        response.end('hit');
      });
      upstream.listen(0, '127.0.0.1');
      await once(upstream, 'listening');
      const origin = 'http://127.0.0.1:' + upstream.address().port;

      class Routes {
        async read(call) { return (await call.http.get('/')).data; }
      }
      const descriptor = Object.getOwnPropertyDescriptor(Routes.prototype, 'read');
      DaceCall()(Routes.prototype, 'read', 0);
      FaultTolerant('search')(Routes.prototype, 'read', descriptor);
      Get()(Routes.prototype, 'read', descriptor);
      Object.defineProperty(Routes.prototype, 'read', descriptor);
      Controller()(Routes);
      class AppModule {}
      Module({
        imports: [DaceModule.forRoot({
          search: { hosts: [origin], shutdownGraceMs: 20, timeoutMs: 60_000 },
        })],
        controllers: [Routes],
      })(AppModule);

      const app = await NestFactory.create(AppModule, { logger: ['fatal'] });
      await app.listen(0, '127.0.0.1');
      const answer = await fetch(await app.getUrl(), { headers: { connection: 'close' } });
      console.log(await answer.text());
      const search = app.get(DaceRegistry).get('search');
      const hung = search.execute((call) => call.http.get('/hang')).catch((error) => error.code);
      await new Promise((resolve) => upstream.once('request', resolve));
      await app.close();
      console.log(await hung);
      upstream.closeAllConnections();
      await new Promise((resolve) => upstream.close(resolve));
      const open = () => process.getActiveResourcesInfo().filter((name) => !/Pipe|TTY|Immediate/.test(name));
      for (let i = 0; i < 1_000 && open().length > 0; i++)
        await new Promise((resolve) => setImmediate(resolve));
      console.log('open: ' + open().join());
      `,
      25_000,
    );

    expect(err).toBe('');
    expect(code).toBe(0);
    expect(out.trim().split('\n')).toEqual(['hit', 'DACE_SHUTDOWN', 'open:']);
  }, 30_000);
});
