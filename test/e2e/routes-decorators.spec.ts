import {
  All,
  Controller,
  Delete,
  Get,
  Header,
  HttpCode,
  Options,
  Patch,
  Post,
  Redirect,
  Render,
  Sse,
  Version,
  VersioningType,
  type INestApplication,
} from '@nestjs/common';
import { from, Observable } from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { Call, DaceCall, DaceModule, FaultTolerant } from 'nestjs-dace';
import { platforms, serve, type Platform } from './nest-app.js';

let runs = 0;

/** The first try fails, so that whoever answers was protected. */
const twice = FaultTolerant('payments', {
  retry: { on: 'any' },
}) as MethodDecorator;
function answerOf({ dependencyId, attempt }: Call): string {
  runs += 1;
  if (attempt === 1) throw new Error('once');
  return `${dependencyId} ${attempt}`;
}

/** Routes with the decorator in one of two places among those of Nest. */
function routes(path: string, above: MethodDecorator, below: MethodDecorator) {
  @Controller(path)
  class Routes {
    @above
    @Get('get')
    @below
    async get(@DaceCall() call: Call = Call.injected) {
      return answerOf(call);
    }

    @above
    @Post('post')
    @below
    async post(@DaceCall() call: Call = Call.injected) {
      return answerOf(call);
    }

    @above
    @Patch('patch')
    @below
    async patch(@DaceCall() call: Call = Call.injected) {
      return answerOf(call);
    }

    @above
    @Delete('delete')
    @below
    async delete(@DaceCall() call: Call = Call.injected) {
      return answerOf(call);
    }

    @above
    @All('all')
    @below
    async all(@DaceCall() call: Call = Call.injected) {
      return answerOf(call);
    }

    @above
    @Options('options')
    @below
    async options(@DaceCall() call: Call = Call.injected) {
      return answerOf(call);
    }

    @above
    @Post('code')
    @HttpCode(202)
    @below
    async code(@DaceCall() call: Call = Call.injected) {
      return answerOf(call);
    }

    @above
    @Get('header')
    @Header('x-made', 'by hand')
    @below
    async header(@DaceCall() call: Call = Call.injected) {
      return answerOf(call);
    }

    @above
    @Get('redirect')
    @Redirect('/elsewhere', 301)
    @below
    async redirect(@DaceCall() call: Call = Call.injected) {
      return { url: `/${answerOf(call).replace(' ', '-')}`, statusCode: 307 };
    }

    @above
    @Get('view')
    @Render('page')
    @below
    async view(@DaceCall() call: Call = Call.injected) {
      return { title: answerOf(call) };
    }

    @above
    @Sse('events')
    @below
    events(@DaceCall() call: Call = Call.injected): Observable<string> {
      return from([`${answerOf(call)}, first`, 'second']);
    }

    @above
    @Sse('promised-events')
    @below
    async promisedEvents(@DaceCall() call: Call = Call.injected) {
      return from([`${answerOf(call)}, first`, 'second']);
    }

    @above
    @Get('version')
    @Version('2')
    @below
    async version(@DaceCall() call: Call = Call.injected) {
      return answerOf(call);
    }
  }
  return Routes;
}
const nothing: MethodDecorator = () => {};

/** A view engine of each platform that needs no files. */
function renderTitles(app: INestApplication, { platform }: Platform): void {
  const instance = app.getHttpAdapter().getInstance();
  const page = (name: string, { title }: { title: string }) =>
    `${name}: ${title}`;
  if (platform === 'Fastify')
    instance.decorateReply(
      'view',
      function (this: any, name: string, data: { title: string }) {
        return this.send(page(name, data));
      },
    );
  else
    instance.set(
      'view',
      class View {
        constructor(readonly path: string) {}
        render(data: { title: string }, done: (e: null, t: string) => void) {
          done(null, page(this.path, data));
        }
      },
    );
}

describe.each(platforms)('A decorated route on $platform', (platform) => {
  const start = (prepare: (app: INestApplication) => void = () => {}) =>
    serve(
      {
        imports: [DaceModule.forRoot({ payments: {} }, { logger: false })],
        controllers: [
          routes('above', twice, nothing),
          routes('below', nothing, twice),
        ],
      },
      (app) => {
        renderTitles(app, platform);
        prepare(app);
      },
      platform,
    );
  beforeEach(() => {
    runs = 0;
  });

  const orders = ['above', 'below'];
  const methods = [
    ['GET', 'get', 200],
    ['POST', 'post', 201],
    ['PATCH', 'patch', 200],
    ['DELETE', 'delete', 200],
    ['PUT', 'all', 200],
    ['OPTIONS', 'options', 200],
    ['POST', 'code', 202],
    ['GET', 'header', 200],
  ] as const;
  it.each(
    orders.flatMap((order) => methods.map((row) => [order, ...row] as const)),
  )(
    'is protected with its decorator %s that of %s %s',
    async (order, method, path, status) => {
      const { get, snapshot } = await start();

      const answer = await get(`/${order}/${path}`, { method });

      expect(answer.status).toBe(status);
      expect(await answer.text()).toBe('payments 2');
      expect(answer.headers.get('x-made')).toBe(
        path === 'header' ? 'by hand' : null,
      );
      expect(runs).toBe(2);
      expect(snapshot('payments').totals).toMatchObject({
        started: 1,
        succeeded: 1,
        attempts: 2,
      });
    },
  );

  it.each(orders)('redirects, decorated %s', async (order) => {
    const { get, snapshot } = await start();

    const answer = await get(`/${order}/redirect`, { redirect: 'manual' });

    expect(answer.status).toBe(307);
    expect(answer.headers.get('location')).toBe('/payments-2');
    expect(snapshot('payments').totals).toMatchObject({ succeeded: 1 });
  });

  it.each(orders)('renders, decorated %s', async (order) => {
    const { get, snapshot } = await start();

    const answer = await get(`/${order}/view`);

    expect(await answer.text()).toBe('page: payments 2');
    expect(snapshot('payments').totals).toMatchObject({ succeeded: 1 });
  });

  it.each(
    orders.flatMap((order) => [
      [order, 'events'],
      [order, 'promised-events'],
    ]),
  )('sends events, decorated %s (%s)', async (order, path) => {
    const { get, snapshot } = await start();

    const answer = await get(`/${order}/${path}`);

    expect(answer.headers.get('content-type')).toContain('text/event-stream');
    const lines = (await answer.text()).split('\n');
    expect(lines.filter((line) => line.startsWith('data:'))).toEqual([
      'data: payments 2, first',
      'data: second',
    ]);
    expect(runs).toBe(2);
    expect(snapshot('payments').totals).toMatchObject({
      started: 1,
      succeeded: 1,
      attempts: 2,
    });
  });

  it.each(orders)('has its version, decorated %s', async (order) => {
    const { get } = await start((app) =>
      app.enableVersioning({ type: VersioningType.URI }),
    );

    expect((await get(`/${order}/version`)).status).toBe(404);
    expect(await (await get(`/v2/${order}/version`)).text()).toBe('payments 2');
  });

  it('has the version that a header asks for, and the prefix of the app', async () => {
    const { get, snapshot } = await start((app) => {
      app.setGlobalPrefix('api');
      app.enableVersioning({
        type: VersioningType.HEADER,
        header: 'x-version',
      });
    });
    const of = (version: string) => ({ headers: { 'x-version': version } });

    expect((await get('/api/below/version', of('1'))).status).toBe(404);
    expect((await get('/below/version', of('2'))).status).toBe(404);
    const answer = await get('/api/below/version', of('2'));
    expect(await answer.text()).toBe('payments 2');
    expect(snapshot('payments').totals).toMatchObject({ started: 1 });
  });

  it('answers HEAD as it does GET, once and without a body', async () => {
    const { get, snapshot } = await start();

    const answer = await get('/above/get', { method: 'HEAD' });

    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-length')).toBe('10');
    expect(await answer.text()).toBe('');
    expect(snapshot('payments').totals).toMatchObject({
      started: 1,
      attempts: 2,
    });
  });

  it('does not run for an OPTIONS that nobody handles', async () => {
    const { get, snapshot } = await start();

    await get('/above/get', { method: 'OPTIONS' });

    expect(runs).toBe(0);
    expect(snapshot('payments').totals.started).toBe(0);
  });
});
