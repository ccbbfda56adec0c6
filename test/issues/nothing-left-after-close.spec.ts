import { getEventListeners } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDependency } from '../../lib/core.js';
import { ManualClock } from '../../lib/testing/manual-clock.js';
import { Compiled } from '../support/child.js';
import { until, Upstream } from '../support/http-upstream.js';

const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'answered',
    (error: { code?: string }) => String(error.code),
  );

describe('After close', () => {
  it('of a dependency used over HTTP no listener and no connection is left', async () => {
    const upstream = await Upstream.start((request, response) => {
      if (request.url !== '/hang') response.end('hit');
    });
    const search = createDependency('search', {
      hosts: [upstream.origin],
      maxOpenPerNetloc: 1,
      timeoutMs: 60_000,
      shutdownGraceMs: 20,
    });
    const { signal } = new AbortController();
    const answered = await search.http.get('/find', { signal });
    await search.execute((call) => call.http.get('/find'), { signal });
    const hung = codeOf(
      search.execute((call) => call.http.get('/hang'), { signal }),
    );
    await until(() => upstream.requests.at(-1)?.url === '/hang');
    const queued = codeOf(search.http.get('/find', { signal }));
    expect(search.snapshot()).toMatchObject({ inFlight: 1, queued: 1 });
    expect(getEventListeners(signal, 'abort')).not.toEqual([]);

    await search.close();

    expect(answered.data).toBe('hit');
    expect(await Promise.all([hung, queued])).toEqual([
      'DACE_SHUTDOWN',
      'DACE_SHUTDOWN',
    ]);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    await until(async () => (await upstream.connections()) === 0);
    expect(search.snapshot()).toMatchObject({
      inFlight: 0,
      queued: 0,
      abandoned: 0,
      totals: { started: 4, succeeded: 2, failed: 1, refused: 1 },
    });
    expect(await codeOf(search.http.get('/find'))).toBe('DACE_SHUTDOWN');
    await upstream.stop();
  });

  it('no alarm is set, whatever was going on', async () => {
    const clock = new ManualClock();
    const search = createDependency(
      'search',
      {
        hosts: ['http://a:1'],
        maxOpenPerNetloc: 3,
        timeoutMs: 60_000,
        shutdownGraceMs: 5_000,
        retry: { backoff: { delayMs: 1_000 } },
      },
      { clock },
    );
    const { signal } = new AbortController();
    const hang = (): Promise<never> => new Promise(() => {});
    const abandoned = codeOf(search.execute(hang, { timeoutMs: 10 }));
    await clock.advance(10);
    const hung = codeOf(search.execute(hang, { signal }));
    const sleeping = codeOf(
      search.execute(
        () => {
          throw Object.assign(new Error('no'), { code: 'ECONNREFUSED' });
        },
        { signal },
      ),
    );
    const other = codeOf(search.execute(hang, { signal }));
    await clock.advance(1);
    const queued = codeOf(search.execute(hang, { signal }));
    expect(search.snapshot()).toMatchObject({
      inFlight: 2,
      abandoned: 1,
      queued: 1,
    });

    const closed = search.close();
    await clock.advance(5_000);
    await closed;

    expect(
      await Promise.all([abandoned, hung, sleeping, other, queued]),
    ).toEqual([
      'DACE_TIMEOUT',
      'DACE_SHUTDOWN',
      'ECONNREFUSED',
      'DACE_SHUTDOWN',
      'DACE_SHUTDOWN',
    ]);
    expect(clock.pending).toBe(0);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});

describe('A process that has closed its dependencies', () => {
  let compiled: Compiled;

  beforeAll(() => {
    compiled = Compiled.make();
  });

  afterAll(() => compiled.remove());

  it('ends by itself', async () => {
    const ended = await compiled.run(
      `
      import { createServer } from 'node:http';
      import { once } from 'node:events';
      const server = createServer((request, response) => {
        if (request.url !== '/hang') response.end('hit');
        else server.emit('hangs');
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const search = createDependency('search', {
        hosts: ['http://127.0.0.1:' + server.address().port],
        maxOpenPerNetloc: 2,
        timeoutMs: 600_000,
        abandonAfterMs: 600_000,
        shutdownGraceMs: 20,
      });
      const { signal } = new AbortController();
      const codes = [];
      const note = (call) => call.catch((error) => codes.push(error.code));
      await search.http.get('/find', { signal });
      const hangs = once(server, 'hangs');
      const calls = [
        note(search.execute((call) => call.http.get('/hang'), { signal })),
        note(search.execute(() => new Promise(() => {}), { signal })),
        note(search.http.get('/find', { signal })),
      ];
      await hangs;
      await search.close();
      await Promise.all(calls);
      console.log(codes.join());
      server.close(); // Its connections would keep the process alive.
      `,
      25_000,
    );

    expect(ended).toMatchObject({
      code: 0,
      out: 'DACE_SHUTDOWN,DACE_SHUTDOWN,DACE_SHUTDOWN\n',
      err: '',
    });
    // Sooner than any connection that is kept would let it.
    expect(ended.tookMs).toBeLessThan(3_500);
  });
});
