import { Controller, Get, Module, type DynamicModule } from '@nestjs/common';
import {
  HealthCheck,
  HealthCheckService,
  TerminusModule,
} from '@nestjs/terminus';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  Call,
  DaceCall,
  DaceModule,
  FaultTolerant,
  firstFailure,
  getDependencyToken,
  DaceRegistry,
  type DaceModuleOptions,
  type DependencyMap,
} from 'nestjs-dace';
import { DaceHealthIndicator, DaceHealthModule } from 'nestjs-dace/health';
import { DaceTestingModule, ManualClock } from 'nestjs-dace/testing';
import { Test } from '@nestjs/testing';
import { Upstream, type Route } from '../support/http-upstream.js';
import { degraded } from '../support/nests.js';
import { serve } from './nest-app.js';

const healthy: Route = (_request, response) => void response.end('well');
const broken: Route = (_request, response) => {
  response.statusCode = 500;
  response.end();
};
const opening = { trip: firstFailure(), resetTimeoutMs: 10_000 };

@Controller('balance')
class Balances {
  @Get()
  @FaultTolerant('payments')
  async read(@DaceCall() call: Call = Call.injected): Promise<unknown> {
    return (await call.http.get('/balance')).data;
  }
}

describe('The health of an app, over HTTP', () => {
  let upstream: Upstream;
  let clock: ManualClock;
  beforeEach(async () => {
    upstream = await Upstream.start(healthy);
    clock = new ManualClock();
  });
  afterEach(() => upstream.stop());

  const serveHealth = (critical: boolean, health: unknown) =>
    serve({
      imports: [
        DaceModule.forRoot(
          {
            payments: {
              hosts: [upstream.origin],
              critical,
              circuit: opening,
              retry: false,
            },
            search: {},
          },
          { clock, logger: false },
        ),
        health as DynamicModule,
      ],
      controllers: [Balances],
    });
  const read = async (answer: Promise<Response>) => {
    const response = await answer;
    return { status: response.status, body: (await response.json()) as any };
  };

  it('is 200 and up before an outage, degraded in it, up again after it', async () => {
    const { get } = await serveHealth(
      false,
      DaceHealthModule.forRoot({ path: 'ready' }),
    );
    const hosts = { inService: 1, out: 0 };

    await get('/balance');
    expect(await read(get('/ready'))).toMatchObject({
      status: 200,
      body: {
        status: 'ok',
        details: {
          payments: { status: 'up', state: 'closed', hosts },
          search: { status: 'up', state: 'closed' },
        },
      },
    });

    upstream.answer(broken);
    await get('/balance');
    await clock.advance(4_000);
    expect(await read(get('/ready'))).toMatchObject({
      status: 200,
      body: {
        status: degraded.overall,
        info: {
          payments: {
            status: degraded.status,
            state: 'open',
            retryAfterMs: 6_000,
          },
        },
      },
    });

    upstream.answer(healthy);
    await clock.advance(6_000);
    expect(await read(get('/ready'))).toMatchObject({
      status: 200,
      body: {
        info: { payments: { status: degraded.status, state: 'half-open' } },
      },
    });
    expect((await get('/balance')).status).toBe(200);
    expect(await read(get('/ready'))).toMatchObject({
      status: 200,
      body: { status: 'ok', info: { payments: { state: 'closed' } } },
    });
  });

  it('is 503 while a critical dependency is open, and 200 as soon as it may be probed', async () => {
    const { get } = await serveHealth(true, DaceHealthModule.forRoot());
    upstream.answer(broken);

    await get('/balance');

    expect(await read(get('/health'))).toMatchObject({
      status: 503,
      body: { error: { payments: { status: 'down', state: 'open' } } },
    });
    const asked = upstream.requests.length;
    await clock.advance(10_000);
    expect(await read(get('/health'))).toMatchObject({
      status: 200,
      body: {
        info: { payments: { status: degraded.status, state: 'half-open' } },
      },
    });
    expect(upstream.requests).toHaveLength(asked);
  });

  it('is 503 while an operator holds a critical dependency open', async () => {
    const { app, get } = await serveHealth(true, DaceHealthModule.forRoot());
    const payments = app.get(DaceRegistry).get('payments');

    payments.control('forced-open');
    expect(await read(get('/health'))).toMatchObject({
      status: 503,
      body: { error: { payments: { state: 'forced-open' } } },
    });

    payments.control('auto');
    expect((await get('/health')).status).toBe(200);
  });

  it('is served by a controller of the app, which may choose dependencies', async () => {
    @Controller('own')
    class OwnHealth {
      constructor(
        readonly health: HealthCheckService,
        readonly dace: DaceHealthIndicator,
      ) {}
      @Get()
      @HealthCheck()
      read() {
        return this.health.check([() => this.dace.check(['search'])]);
      }
    }
    @Module({
      imports: [TerminusModule, DaceHealthModule],
      controllers: [OwnHealth],
    })
    class OwnModule {}
    const { get } = await serveHealth(true, OwnModule);

    const { body } = await read(get('/own'));

    expect(Object.keys(body.details)).toEqual(['search']);
  });

  it('is served beside a DaceModule that is not global', async () => {
    const { get } = await serve({
      imports: [
        DaceModule.forRoot({ search: {} }, { isGlobal: false, logger: false }),
        DaceHealthModule.forRoot(),
      ],
    });

    expect(await read(get('/health'))).toMatchObject({
      status: 200,
      body: { info: { search: { state: 'closed' } } },
    });
  });
});

describe('DaceHealthIndicator', () => {
  const compile = async (
    dependencies: DependencyMap,
    options: DaceModuleOptions = {},
  ) => {
    const builder = Test.createTestingModule({
      imports: [
        DaceTestingModule.forRoot(dependencies, options as object),
        DaceHealthModule,
      ],
    });
    return builder;
  };
  const failing = (): never => {
    throw new Error('down');
  };

  it('names the hosts that are out only when asked for details', async () => {
    const app = await (
      await compile({
        payments: {
          hosts: ['http://a', 'http://b', 'http://c'],
          circuit: opening,
          retry: false,
        },
      })
    ).compile();
    const indicator = app.get(DaceHealthIndicator);
    const payments = app.get(DaceRegistry).get('payments');

    await payments.execute(failing, { netloc: 'b' }).catch(() => {});
    const hosts = { inService: 2, out: 1 };

    expect(indicator.check()['payments']!['hosts']).toEqual(hosts);
    expect(
      indicator.check(undefined, { details: true })['payments']!['hosts'],
    ).toEqual({ ...hosts, outNetlocs: ['b:80'] });
    await app.close();
  });

  it('needs a DaceModule, and says so at start-up', async () => {
    const app = await Test.createTestingModule({
      imports: [DaceHealthModule.forRoot()],
    }).compile();

    await expect(app.init()).rejects.toMatchObject({
      code: 'DACE_CONFIGURATION',
      message: expect.stringContaining('DaceModule.forRoot'),
    });
  });

  it('leaves out peers that nobody listed', async () => {
    const app = await (
      await compile({ payments: { circuit: opening } })
    ).compile();
    const payments = app.get(DaceRegistry).get('payments');

    await payments.execute(failing, { netloc: 'peer' }).catch(() => {});

    const result = app.get(DaceHealthIndicator).check();
    expect(result['payments']).toMatchObject({ status: 'up' });
    expect(result['payments']).not.toHaveProperty('hosts');
    await app.close();
  });

  it('tells of a dependency that nobody registered', async () => {
    const app = await (await compile({ payments: {} })).compile();

    expect(app.get(DaceHealthIndicator).check(['paymets'])).toEqual({
      paymets: {
        status: 'down',
        message: expect.stringContaining('paymets'),
      },
    });
    await app.close();
  });

  it.each([
    ['nothing but execute', { execute: async () => 'stub' }],
    ['nothing', {}],
    [
      'a snapshot that throws',
      {
        snapshot: () => {
          throw new Error('stub');
        },
      },
    ],
    ['a snapshot of nothing', { snapshot: () => undefined }],
    ['an empty snapshot', { snapshot: () => ({}) }],
    [
      'a mock that answers everything',
      new Proxy(
        {},
        { get: (_, name) => (name === 'then' ? undefined : () => undefined) },
      ),
    ],
  ])('never throws for a stub with %s', async (_what, stub) => {
    const app = await (
      await compile({ payments: {}, search: {} })
    )
      .overrideProvider(getDependencyToken('payments'))
      .useValue(stub)
      .compile();

    const result = app.get(DaceHealthIndicator).check();

    expect(result['payments']).toEqual({ status: 'up', state: 'unknown' });
    expect(result['search']).toMatchObject({ status: 'up', state: 'closed' });
    await app.close();
  });
});
