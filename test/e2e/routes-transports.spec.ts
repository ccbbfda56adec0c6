import { Controller, Get, Res } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { connect, type ClientHttp2Session } from 'node:http2';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  Call,
  DaceCall,
  DaceModule,
  DaceRegistry,
  FaultTolerant,
} from 'nestjs-dace';
import { hang } from '../support/core-toolkit.js';
import { deferred, serve, until, type Platform } from './nest-app.js';

let tries = 0;
let work: (call: Call) => Promise<unknown>;
let reached = deferred();
let goOn = deferred();
let isLeft = deferred();

@Controller()
class Routes {
  @Get()
  @FaultTolerant('payments', { retry: { on: 'any' } })
  async read(@DaceCall() call: Call = Call.injected) {
    tries += 1;
    return work(call);
  }

  @Get('begun')
  @FaultTolerant('payments', { retry: { on: 'any' }, fallback: () => 'spare' })
  async begun(@Res() response: any): Promise<string> {
    tries += 1;
    response.send('whole');
    throw new Error('too late');
  }
}

const overHttp2: Platform = {
  platform: 'Fastify',
  adapter: () => new FastifyAdapter({ http2: true } as object),
};

describe('A protected route over HTTP/2', () => {
  const start = async () => {
    const served = await serve(
      {
        imports: [DaceModule.forRoot({ payments: {} }, { logger: false })],
        controllers: [Routes],
      },
      (app) => {
        const server: any = app.getHttpServer();
        // HTTP/2 servers have sessions in place of connections.
        const sessions = new Set<{ destroy(): void }>();
        server.on('session', (session: { destroy(): void }) =>
          sessions.add(session),
        );
        server.closeAllConnections = () => {
          for (const session of sessions) session.destroy();
        };
        app.use(async (_request: unknown, response: any, next: () => void) => {
          reached.resolve();
          response.once('close', () => isLeft.resolve());
          await goOn.promise;
          next();
        });
      },
      overHttp2,
    );
    const session = connect(served.url);
    session.on('error', () => {});
    return { ...served, session };
  };
  const ask = (session: ClientHttp2Session, path = '/') => {
    const stream = session.request({ ':path': path });
    stream.on('error', () => {});
    return stream;
  };
  const textOf = async (stream: NodeJS.ReadableStream): Promise<string> => {
    let text = '';
    for await (const chunk of stream) text += String(chunk);
    return text;
  };
  beforeEach(() => {
    tries = 0;
    work = hang;
    reached = deferred();
    goOn = deferred();
    isLeft = deferred();
  });

  it('answers, after a try that failed', async () => {
    goOn.resolve();
    work = ({ attempt }) =>
      attempt === 1
        ? Promise.reject(new Error('once'))
        : Promise.resolve(`try ${attempt}`);
    const { session, snapshot } = await start();

    expect(await textOf(ask(session))).toBe('try 2');

    expect(snapshot('payments').totals).toMatchObject({
      started: 1,
      succeeded: 1,
      cancelled: 0,
    });
    session.destroy();
  });

  it('ends with the stream that its client closes, and with no other', async () => {
    goOn.resolve();
    const { session, snapshot } = await start();
    const streams = [ask(session), ask(session)];
    await until(() => tries === 2);

    streams[0]!.close();
    await until(() => snapshot('payments').totals.cancelled === 1);
    expect(snapshot('payments').inFlight).toBe(1);
    session.destroy();

    await until(() => snapshot('payments').inFlight === 0);
    expect(snapshot('payments').totals).toMatchObject({ cancelled: 2 });
  });

  it('does not begin for a client that had left before', async () => {
    const { session, snapshot } = await start();
    ask(session);
    await reached.promise;
    session.destroy();
    await isLeft.promise;

    goOn.resolve();
    await until(() => snapshot('payments').totals.started === 1);

    expect(tries).toBe(0);
    expect(snapshot('payments')).toMatchObject({
      inFlight: 0,
      totals: { cancelled: 1 },
    });
  });

  it('repeats nothing once it has answered', async () => {
    goOn.resolve();
    const { session, snapshot } = await start();

    expect(await textOf(ask(session, '/begun'))).toBe('whole');

    await until(() => snapshot('payments').inFlight === 0);
    expect(tries).toBe(1);
    expect(snapshot('payments').totals).toMatchObject({
      failed: 1,
      fallbacks: 0,
    });
    session.destroy();
  });

  it('is refused with 503 and Retry-After', async () => {
    goOn.resolve();
    const { app, session } = await start();
    app.get(DaceRegistry).get('payments').control('forced-open');

    const stream = ask(session);
    const headers = await new Promise((resolve) =>
      stream.once('response', resolve),
    );

    expect(headers).toMatchObject({ ':status': 503, 'retry-after': '1' });
    session.destroy();
  });
});

describe('A protected route that is injected a request', () => {
  it('is answered, and refused, without a connection', async () => {
    work = () => Promise.resolve('answer');
    const { app, snapshot } = await serve(
      {
        imports: [DaceModule.forRoot({ payments: {} }, { logger: false })],
        controllers: [Routes],
      },
      () => {},
      { platform: 'Fastify', adapter: () => new FastifyAdapter() },
    );
    const { inject } = app.getHttpAdapter().getInstance();

    expect((await inject({ url: '/' })).body).toBe('answer');
    app.get(DaceRegistry).get('payments').control('forced-open');
    const refused = await inject({ url: '/' });

    expect(refused.statusCode).toBe(503);
    expect(refused.headers['retry-after']).toBe('1');
    expect(snapshot('payments').totals).toMatchObject({
      succeeded: 1,
      refused: 1,
      cancelled: 0,
    });
  });
});
