import { Controller, Get, UseFilters, type Type } from '@nestjs/common';
import {
  MessagePattern,
  Payload,
  Transport,
  type MicroserviceOptions,
} from '@nestjs/microservices';
import type { Server } from 'node:net';
import { describe, expect, it } from 'vitest';
import { DaceExceptionFilter, FaultTolerant } from 'nestjs-dace';
import { errorOf } from '../support/core-toolkit.js';
import {
  bringTrouble,
  lastOf,
  tcpClient,
  Troubled,
  troubledModule,
  troubles,
  type Trouble,
} from './context-apps.js';
import { platforms, serve } from './nest-app.js';

describe.each(platforms)('A hybrid app on $platform', (platform) => {
  @Controller()
  class Both {
    constructor(private readonly troubled: Troubled) {}

    @MessagePattern('plain')
    async plain(@Payload() trouble: Trouble) {
      return this.troubled.meet(trouble);
    }
    @Get('route')
    async route() {
      return this.troubled.meet('open');
    }
    @Get('handler')
    @FaultTolerant('gate')
    @MessagePattern('handler')
    async both() {
      this.troubled.ran += 1;
      return 'both';
    }
  }
  const tcp: MicroserviceOptions = {
    transport: Transport.TCP,
    options: { host: '127.0.0.1', port: 0 },
  };
  const startHybrid = async (
    controller: Type,
    hybrid?: { inheritAppConfig: boolean },
  ) => {
    let server!: Server;
    const served = await serve(
      {
        imports: [troubledModule({ filter: true })],
        controllers: [controller],
        providers: [Troubled],
      },
      async (app) => {
        const microservice = app.connectMicroservice(tcp, hybrid);
        await app.startAllMicroservices();
        server = microservice.unwrap<Server>();
      },
      platform,
    );
    await bringTrouble(served.app);
    const client = tcpClient(server);
    return {
      ...served,
      ask: (pattern: string, data: unknown = {}) =>
        lastOf(client.send(pattern, data)),
    };
  };
  const told = { status: 'error', ...troubles[0].told };

  it('runs a handler of routes and messages once for each', async () => {
    const { get, ask, app, snapshot } = await startHybrid(Both);

    expect(await (await get('/handler')).text()).toBe('both');
    expect(await ask('handler')).toBe('both');

    expect(app.get(Troubled).ran).toBe(2);
    expect(snapshot('gate').totals).toMatchObject({ started: 2, attempts: 2 });
  });

  it('answers each side in its own form where messages inherit its filters', async () => {
    const { get, ask } = await startHybrid(Both, { inheritAppConfig: true });

    const route = await get('/route');
    const message = await errorOf(ask('plain', 'open'));

    expect(route.status).toBe(503);
    expect(route.headers.get('retry-after')).toBe('10');
    expect(message).toEqual(told);
  });

  it('does so without that where the controller has the filter', async () => {
    @UseFilters(DaceExceptionFilter)
    @Controller()
    class FilteredBoth extends Both {}
    const { get, ask } = await startHybrid(FilteredBoth);

    expect((await get('/route')).status).toBe(503);
    expect(await errorOf(ask('plain', 'open'))).toEqual(told);
  });

  it('leaves messages to Nest’s filter where they inherit nothing', async () => {
    const { ask } = await startHybrid(Both);

    expect(await errorOf(ask('plain', 'open'))).toEqual({
      status: 'error',
      message: 'Internal server error',
    });
  });
});
