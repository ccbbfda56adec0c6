import { Controller, Get, Res } from '@nestjs/common';
import { RouteConfig, RouteConstraints } from '@nestjs/platform-fastify';
import { beforeEach, describe, expect, it } from 'vitest';
import { Call, DaceCall, DaceModule, FaultTolerant } from 'nestjs-dace';
import { platforms, serve } from './nest-app.js';

let tries = 0;
const fastify = platforms.find(({ platform }) => platform === 'Fastify')!;

@Controller()
class Routes {
  @Get('above')
  @FaultTolerant('payments')
  @RouteConfig({ role: 'reader' })
  @RouteConstraints({ host: 'shop.example' })
  async above(@Res({ passthrough: true }) reply: any) {
    return reply.request.routeOptions.config.role;
  }

  @FaultTolerant('payments')
  @RouteConstraints({ host: 'shop.example' })
  @RouteConfig({ role: 'reader' })
  @Get('below')
  async below(@Res({ passthrough: true }) reply: any) {
    return reply.request.routeOptions.config.role;
  }

  @Get('hijacked')
  @FaultTolerant('payments', { retry: { on: 'any' } })
  async hijacked(@Res() reply: any, @DaceCall() call: Call = Call.injected) {
    tries += 1;
    reply.hijack();
    if (call.attempt === 1) throw new Error('once');
    reply.raw.end(`by hand at try ${call.attempt}`);
  }
}

describe('A protected route on Fastify', () => {
  const start = () =>
    serve(
      {
        imports: [DaceModule.forRoot({ payments: {} }, { logger: false })],
        controllers: [Routes],
      },
      () => {},
      fastify,
    );
  beforeEach(() => {
    tries = 0;
  });

  it.each(['above', 'below'])(
    'keeps its configuration and constraints, decorated %s',
    async (path) => {
      const { app, snapshot } = await start();
      const { inject } = app.getHttpAdapter().getInstance();
      const of = (host: string) =>
        inject({ url: `/${path}`, headers: { host } });

      expect((await of('other.example')).statusCode).toBe(404);
      expect((await of('shop.example')).body).toBe('reader');
      expect(snapshot('payments').totals.started).toBe(1);
    },
  );

  it('may take over the connection, at the try that works', async () => {
    const { get, snapshot } = await start();

    expect(await (await get('/hijacked')).text()).toBe('by hand at try 2');

    expect(snapshot('payments').totals).toMatchObject({ succeeded: 1 });
  });
});
