import { Controller, Get } from '@nestjs/common';
import { once } from 'node:events';
import { Agent, request, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { beforeEach, describe, expect, it } from 'vitest';
import { DaceModule, FaultTolerant } from 'nestjs-dace';
import { hang } from '../support/core-toolkit.js';
import { platforms, serve, until } from './nest-app.js';

let tries = 0;
let work: () => Promise<unknown>;

@Controller()
class Routes {
  @Get('work')
  @FaultTolerant('payments')
  async work() {
    tries += 1;
    return work();
  }
}

describe.each(platforms)('On $platform, a client', (platform) => {
  const start = async () => {
    const sockets: Socket[] = [];
    const served = await serve(
      {
        imports: [DaceModule.forRoot({ payments: {} }, { logger: false })],
        controllers: [Routes],
      },
      (app) => {
        const server = app.getHttpServer() as unknown as Server;
        server.on('connection', (socket) => sockets.push(socket));
      },
      platform,
    );
    return { ...served, sockets };
  };
  beforeEach(() => {
    tries = 0;
    work = hang;
  });

  it('that closes its half of the connection has left', async () => {
    const { app, snapshot } = await start();
    const { port } = app.getHttpServer().address() as { port: number };
    const socket = connect({ port, host: '127.0.0.1' });
    socket.write('GET /work HTTP/1.1\r\nHost: a\r\n\r\n');
    await until(() => tries === 1);

    socket.end();

    await until(() => snapshot('payments').totals.cancelled === 1);
    socket.destroy();
  });

  it('that sends several requests at once ends all of them', async () => {
    const { app, snapshot } = await start();
    const { port } = app.getHttpServer().address() as { port: number };
    const socket = connect({ port, host: '127.0.0.1' });
    socket.write('GET /work HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(3));
    await until(() => tries === 3);

    socket.destroy();

    await until(() => snapshot('payments').inFlight === 0);
    expect(snapshot('payments').totals).toMatchObject({ cancelled: 3 });
  });

  it('that leaves after its answer ends nothing', async () => {
    work = () => Promise.resolve('answer');
    const { get, sockets, snapshot } = await start();
    expect(await (await get('/work')).text()).toBe('answer');

    sockets[0]!.destroy();
    await once(sockets[0]!, 'close');

    expect(snapshot('payments').totals).toMatchObject({
      succeeded: 1,
      cancelled: 0,
    });
  });

  it('that comes back on one connection leaves nothing behind on it', async () => {
    work = () => Promise.resolve('answer');
    const warnings: Error[] = [];
    const onWarning = (warning: Error): number => warnings.push(warning);
    process.on('warning', onWarning);
    const { url, sockets, snapshot } = await start();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ask = (): Promise<void> =>
      new Promise((resolve, reject) =>
        request(`${url}/work`, { agent }, (response) =>
          response.resume().once('end', resolve),
        )
          .on('error', reject)
          .end(),
      );
    await ask();
    const listeners = sockets[0]!.listenerCount('close');

    for (let i = 0; i < 30; i += 1) await ask();
    expect(sockets[0]!.listenerCount('close')).toBe(listeners);
    work = hang;
    const last = ask().catch(() => 'hung up');
    await until(() => tries === 32);
    agent.destroy();

    expect(await last).toBe('hung up');
    await until(() => snapshot('payments').totals.cancelled === 1);
    expect(sockets).toHaveLength(1);
    expect(snapshot('payments').totals).toMatchObject({ succeeded: 31 });
    process.off('warning', onWarning);
    expect(warnings).toEqual([]);
  });
});
