import { Controller, Get, Post, StreamableFile } from '@nestjs/common';
import { get as request, type IncomingMessage } from 'node:http';
import { PassThrough, Readable } from 'node:stream';
import { of } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  Call,
  DaceCall,
  DaceModule,
  FaultTolerant,
  type DependencyOptions,
} from 'nestjs-dace';
import { ManualClock } from 'nestjs-dace/testing';
import { Upstream } from '../support/http-upstream.js';
import {
  deferred,
  isNest11,
  platforms,
  serve,
  startRequest,
  until,
} from './nest-app.js';

let runs = 0;
let late = deferred<unknown>();

@Controller()
class Routes {
  @Get('file')
  @FaultTolerant('payments', { retry: { on: 'any' } })
  async file() {
    runs += 1;
    if (runs === 1) throw new Error('once');
    return new StreamableFile(Readable.from(['a', 'b', 'c']), {
      type: 'text/csv',
    });
  }

  @Get('promised-by-a-stream')
  @FaultTolerant('payments')
  streamed() {
    runs += 1;
    return of(new StreamableFile(Buffer.from('abc')));
  }

  @Get('upstream')
  @FaultTolerant('payments')
  async upstream(@DaceCall() call: Call = Call.injected) {
    runs += 1;
    const { data } = await call.http.get<Readable>('/', {
      responseType: 'stream',
    });
    return new StreamableFile(data);
  }

  @Get('late')
  @FaultTolerant('payments', { fallback: () => 'spare' })
  async late() {
    runs += 1;
    return late.promise;
  }

  @Post('late')
  @FaultTolerant('payments', { fallback: () => 'spare' })
  async latePost() {
    runs += 1;
    return late.promise;
  }

  @Get('raw')
  @FaultTolerant('payments')
  async raw() {
    runs += 1;
    return Readable.from(['a', 'b', 'c']);
  }

  @Get('response')
  @FaultTolerant('payments')
  async response() {
    runs += 1;
    return new Response('abc', { status: runs === 1 ? 503 : 203 });
  }
}

describe.each(platforms)('A protected file on $platform', (platform) => {
  let upstream: Upstream;
  beforeEach(async () => {
    runs = 0;
    late = deferred();
    upstream = await Upstream.start((_request, response) => {
      response.write('begun');
    });
  });
  afterEach(() => upstream.stop());

  const start = (options: DependencyOptions = {}, clock?: ManualClock) =>
    serve(
      {
        imports: [
          DaceModule.forRoot(
            { payments: options },
            { logger: false, ...(clock && { clock }) },
          ),
        ],
        controllers: [Routes],
      },
      () => {},
      platform,
    );

  it.each(['file', 'promised-by-a-stream'])(
    'is one operation, over when it is there (%s)',
    async (path) => {
      const { get, snapshot } = await start();

      const answer = await get(`/${path}`);

      expect(await answer.text()).toBe('abc');
      expect(snapshot('payments')).toMatchObject({
        inFlight: 0,
        abandoned: 0,
        totals: { started: 1, succeeded: 1, attempts: runs },
      });
    },
  );

  it('of a dependency holds its permit until the client has read it', async () => {
    let body!: NodeJS.WritableStream;
    upstream.answer((_request, response) => {
      response.write('begun');
      body = response;
    });
    const { url, get, snapshot } = await start({
      hosts: [upstream.origin],
      maxOpenPerNetloc: 1,
      maxQueuedPerNetloc: 0,
    });
    const answer = await get('/upstream');
    await until(() => snapshot('payments').totals.succeeded === 1);
    expect((await fetch(`${url}/upstream`)).status).toBe(503);

    body.end(', ended');

    expect(await answer.text()).toBe('begun, ended');
    const again = await get('/upstream');
    expect(again.status).toBe(200);
    await again.body?.cancel();
    expect(snapshot('payments').totals).toMatchObject({
      started: 3,
      succeeded: 2,
      refused: 1,
    });
  });

  it('of a dependency is let go by a client that leaves in the middle of it', async () => {
    const { url, get, snapshot } = await start({
      hosts: [upstream.origin],
      maxOpenPerNetloc: 1,
      maxQueuedPerNetloc: 0,
    });
    const answer = await new Promise<IncomingMessage>((resolve) =>
      request(`${url}/upstream`, resolve),
    );
    answer.on('error', () => {});
    answer.once('data', () => answer.destroy());

    await until(() => upstream.cut === 1);

    expect((await get('/upstream')).status).toBe(200);
    expect(runs).toBe(2);
    expect(snapshot('payments')).toMatchObject({
      window: { failures: 0 },
      totals: { started: 2, succeeded: 2, cancelled: 0, failed: 0 },
    });
  });

  it.each([
    ['a file', (stream: Readable) => new StreamableFile(stream)],
    ['a stream', (stream: Readable) => stream],
    [
      'a response',
      (stream: Readable) =>
        new Response(Readable.toWeb(stream) as ReadableStream),
    ],
  ])(
    'is closed when it comes too late for its client (%s)',
    async (_what, answerOf) => {
      const { url, snapshot } = await start();
      const client = startRequest(`${url}/late`);
      await until(() => runs === 1);
      client.destroy();
      await until(() => snapshot('payments').totals.cancelled === 1);

      const stream = new PassThrough();
      late.resolve(answerOf(stream));

      await until(() => stream.destroyed);
      expect(snapshot('payments').totals).toMatchObject({
        started: 1,
        succeeded: 0,
      });
    },
  );

  it('is closed when it comes after its fallback', async () => {
    const clock = new ManualClock();
    const { get, snapshot } = await start({ timeoutMs: 100 }, clock);
    const answer = get('/late', { method: 'POST' });
    await until(() => runs === 1);
    await clock.advance(100);
    expect(await (await answer).text()).toBe('spare');

    const stream = new PassThrough();
    late.resolve(new StreamableFile(stream));

    await until(() => stream.destroyed);
    expect(snapshot('payments')).toMatchObject({
      abandoned: 0,
      totals: { failed: 1, fallbacks: 1 },
    });
  });

  it('is closed by Nest where its operation goes on without its client', async () => {
    const { url, snapshot } = await start();
    const client = startRequest(`${url}/late`, 'POST');
    await until(() => runs === 1);
    const isClosed = deferred();
    client.on('close', () => isClosed.resolve());
    client.destroy();
    await isClosed.promise;

    const stream = new PassThrough();
    late.resolve(new StreamableFile(stream));

    await until(() => stream.destroyed);
    expect(snapshot('payments').totals).toMatchObject({ succeeded: 1 });
  });

  it.skipIf(isNest11 && platform.platform === 'Express')(
    'may be a bare stream',
    async () => {
      const { get, snapshot } = await start();

      expect(await (await get('/raw')).text()).toBe('abc');

      expect(snapshot('payments').totals).toMatchObject({ succeeded: 1 });
    },
  );

  it.skipIf(isNest11)(
    'may be a web response, which is judged by its status and given as it is',
    async () => {
      const { get, snapshot } = await start();

      const failed = await get('/response');
      const answered = await get('/response');

      expect([failed.status, await failed.text()]).toEqual([503, 'abc']);
      expect([answered.status, await answered.text()]).toEqual([203, 'abc']);
      expect(snapshot('payments')).toMatchObject({
        window: { calls: 2, failures: 1 },
        totals: { started: 2, succeeded: 2, attempts: 2 },
      });
    },
  );
});
