import { Controller, Get, Post, Res } from '@nestjs/common';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Call, DaceCall, DaceModule, FaultTolerant } from 'nestjs-dace';
import { deferred, serve, startRequest, until, platforms } from './nest-app.js';

const silent = { logger: false } as const;
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** A service that never answers, and what becomes of the requests it gets. */
async function hangingUpstream() {
  const upstream = { asked: 0, gone: 0, host: '' };
  const server = createServer((_request, response) => {
    upstream.asked += 1;
    response.on('close', () => {
      upstream.gone += 1;
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  upstream.host = `http://127.0.0.1:${port}`;
  return upstream;
}

@Controller()
class Routes {
  @Get('read')
  @FaultTolerant('payments')
  async read(@DaceCall() call: Call = Call.injected) {
    return (await call.http.get('/')).data;
  }

  @Post('write')
  @FaultTolerant('payments')
  async write(@DaceCall() call: Call = Call.injected) {
    return (await call.http.post('/')).data;
  }

  @Post('opted-in')
  @FaultTolerant('payments', { cancelOnDisconnect: true })
  async optedIn(@DaceCall() call: Call = Call.injected) {
    return (await call.http.post('/')).data;
  }

  @Get('opted-out')
  @FaultTolerant('payments', { cancelOnDisconnect: false })
  async optedOut(@DaceCall() call: Call = Call.injected) {
    return (await call.http.get('/')).data;
  }
}

describe.each(platforms)('A client that hangs up on $platform', (platform) => {
  it.each([
    ['GET', 'read'],
    ['POST', 'opted-in'],
  ])('ends a %s %s and its upstream request', async (method, path) => {
    const upstream = await hangingUpstream();
    const { url, snapshot } = await serve(
      {
        imports: [
          DaceModule.forRoot({ payments: { hosts: [upstream.host] } }, silent),
        ],
        controllers: [Routes],
      },
      undefined,
      platform,
    );
    const client = startRequest(`${url}/${path}`, method);
    await until(() => upstream.asked === 1);

    client.destroy();
    await until(() => upstream.gone === 1);

    const { totals, inFlight } = snapshot('payments');
    expect(totals).toMatchObject({ started: 1, cancelled: 1, failed: 0 });
    expect(inFlight).toBe(0);
  });

  it.each([
    ['POST', 'write'],
    ['GET', 'opted-out'],
  ])('lets a %s %s go on', async (method, path) => {
    const upstream = await hangingUpstream();
    const { url, app, snapshot } = await serve(
      {
        imports: [
          DaceModule.forRoot({ payments: { hosts: [upstream.host] } }, silent),
        ],
        controllers: [Routes],
      },
      undefined,
      platform,
    );
    const sockets: { destroyed: boolean }[] = [];
    app
      .getHttpServer()
      .on('connection', (socket: { destroyed: boolean }) =>
        sockets.push(socket),
      );
    const client = startRequest(`${url}/${path}`, method);
    await until(() => upstream.asked === 1);

    client.destroy();
    await until(() => sockets[0]?.destroyed === true);

    expect(snapshot('payments')).toMatchObject({ inFlight: 1 });
    expect(upstream.gone).toBe(0);
  });

  it('ends what the module says', async () => {
    const upstream = await hangingUpstream();
    const { url } = await serve(
      {
        imports: [
          DaceModule.forRoot(
            { payments: { hosts: [upstream.host] } },
            { ...silent, cancelOnDisconnect: true },
          ),
        ],
        controllers: [Routes],
      },
      undefined,
      platform,
    );
    const client = startRequest(`${url}/write`, 'POST');
    await until(() => upstream.asked === 1);

    client.destroy();

    await until(() => upstream.gone === 1);
  });

  it('is noticed when it was gone before the handler was reached', async () => {
    const inGuard = deferred();
    let isClosed = false;
    let runs = 0;
    @Controller()
    class Late {
      @Get()
      @FaultTolerant('payments')
      async late() {
        runs += 1;
        return 'late';
      }
    }
    const { url, snapshot } = await serve(
      {
        imports: [DaceModule.forRoot({ payments: {} }, silent)],
        controllers: [Late],
      },
      (app) =>
        app.use((_request: unknown, response: any, next: () => void) => {
          inGuard.resolve();
          response.on('close', () => {
            isClosed = true;
            next();
          });
        }),
      platform,
    );
    const client = startRequest(url);
    await inGuard.promise;

    client.destroy();
    await until(() => isClosed && snapshot('payments').totals.cancelled === 1);

    expect(runs).toBe(0);
  });
});

describe.each(platforms)(
  'An answer that has begun on $platform',
  (platform) => {
    it('that has ended is no disconnect', async () => {
      const done = deferred<string>();
      @Controller()
      class Ended {
        @Get()
        @FaultTolerant('payments')
        async ended(@Res() response: any) {
          (response.raw ?? response).end('whole');
          return done.promise;
        }
      }
      const { get, snapshot, app } = await serve(
        {
          imports: [DaceModule.forRoot({ payments: {} }, silent)],
          controllers: [Ended],
        },
        undefined,
        platform,
      );
      let isClosed = false;
      app.getHttpServer().on('request', (_request: unknown, response: any) =>
        response.on('close', () => {
          isClosed = true;
        }),
      );

      expect(await (await get('/')).text()).toBe('whole');
      await until(() => isClosed);
      done.resolve('later');
      await until(() => snapshot('payments').inFlight === 0);

      expect(snapshot('payments').totals).toMatchObject({
        cancelled: 0,
        succeeded: 1,
      });
    });
  },
);
