import type { Readable } from 'node:stream';
import { createDependency, type Dependency } from 'nestjs-dace/core';
import { request } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Upstream, until } from '../../support/http-upstream.js';
import { FACES, faces, type Face } from '../../support/parity.js';

let upstream: Upstream;
let dependency: Dependency | undefined;
/** Lets go of whoever asked for /hold. */
let release: () => void;

beforeEach(async () => {
  let isFree = false;
  const held: (() => void)[] = [];
  release = () => {
    isFree = true;
    for (const go of held.splice(0)) go();
  };
  upstream = await Upstream.start((asked, response) => {
    if (asked.url === '/hangs') return;
    if (asked.url === '/endless') {
      response.on('error', () => {});
      response.writeHead(200);
      response.write('a beginning');
    } else if (asked.url === '/hold' && !isFree)
      held.push(() => response.end('{}'));
    else response.end('{}');
  });
});
afterEach(async () => {
  release();
  await dependency?.close();
  await upstream.stop();
});

const withPool = (poolSize: number, maxOpenPerNetloc: number): Dependency =>
  (dependency = createDependency('payments', {
    hosts: [upstream.origin],
    retry: false,
    circuit: false,
    timeoutMs: 20_000,
    maxOpenPerNetloc,
    maxQueuedPerNetloc: 1_000,
    http: { poolSize },
  }));

describe('Of poolSize and maxOpenPerNetloc the smaller one bounds', () => {
  it.each([
    [2, 10, 2],
    [10, 2, 2],
    [3, 3, 3],
  ])('%i connections and %i permits: %i', async (poolSize, permits, most) => {
    const { http } = withPool(poolSize, permits);
    const sent = Array.from({ length: 12 }, () => http.get('/hold'));
    await until(() => upstream.requests.length === most);
    // Whatever else would come has had its time.
    let turns = 0;
    await until(() => ++turns > 100);
    expect(upstream.requests).toHaveLength(most);
    expect(await upstream.connections()).toBe(most);

    release();

    const answers = await Promise.all(sent);
    expect(answers.map(({ status }) => status)).toEqual(Array(12).fill(200));
    expect(await upstream.connections()).toBeLessThanOrEqual(poolSize);
  });
});

describe.each(FACES)(
  'Who waits for a connection of a full pool, by %s',
  (face) => {
    const waiting = (config: object) => faces(dependency!)[face](config);

    it('is served in turn', async () => {
      withPool(1, 10);
      const first = waiting({ url: '/hold' });
      await until(() => upstream.requests.length === 1);
      const rest = ['/a', '/b', '/c'].map((url) => waiting({ url }));
      release();
      await Promise.all([first, ...rest]);
      expect(upstream.requests.map(({ url }) => url)).toEqual([
        '/hold',
        '/a',
        '/b',
        '/c',
      ]);
    });

    it('is not sent once its timeout is over, nor once its caller is gone', async () => {
      withPool(1, 10);
      const first = waiting({ url: '/hold' });
      await until(() => upstream.requests.length === 1);
      const controller = new AbortController();
      const { signal } = controller;
      const late = waiting({ url: '/late', method: 'post', timeout: 20 });
      await expect(late).rejects.toMatchObject({ code: 'ECONNABORTED' });
      const gone = waiting({ url: '/gone', method: 'post', signal });
      const outcome = gone.catch((error: Error) => error.name);
      controller.abort();
      expect(await outcome).toMatch(/^(?:CanceledError|AbortError)$/);
      expect(dependency!.snapshot()).toMatchObject({
        inFlight: 1,
        abandoned: 0,
      });

      release();
      await first;
      await waiting({ url: '/next' });

      expect(upstream.requests.map(({ url }) => url)).toEqual([
        '/hold',
        '/next',
      ]);
    });
  },
);

const ROUNDS = 4;
const AT_ONCE = 100;
const ENDS: Record<string, (face: Face) => Promise<unknown>> = {
  'timed out': (face) =>
    faces(dependency!)[face]({ url: '/hangs', timeout: 5 }),
  'were aborted': (face) => {
    const controller = new AbortController();
    const { signal } = controller;
    setImmediate(() => controller.abort());
    return faces(dependency!)[face]({ url: '/hangs', signal });
  },
  'were destroyed': async (face) => {
    const config = { url: '/endless', responseType: 'stream' } as const;
    const { data } = await faces(dependency!)[face](config);
    (data as Readable).destroy();
  },
  'were refused midway': (face) =>
    faces(dependency!)[face]({ url: '/endless', maxContentLength: 1 }),
};

describe.each(Object.entries(ENDS))(
  `After ${ROUNDS * AT_ONCE} requests that %s`,
  (_name, end) => {
    it.each(FACES)(
      'no socket, permit or listener is left, by %s',
      async (face) => {
        withPool(5, 50);
        for (let round = 0; round < ROUNDS; round += 1) {
          const sent = Array.from({ length: AT_ONCE }, () => end(face));
          await Promise.allSettled(sent);
          // Both sides hear of an end in a tick of their own.
          expect(await upstream.connections()).toBeLessThanOrEqual(AT_ONCE);
        }
        await until(async () => (await upstream.connections()) <= 5);
        expect(dependency!.snapshot()).toMatchObject({
          inFlight: 0,
          abandoned: 0,
          queued: 0,
        });
        const { status } = await faces(dependency!)[face]({ url: '/next' });
        expect(status).toBe(200);
      },
    );
  },
);

it(`after ${ROUNDS * AT_ONCE} bodies of the agent that were destroyed no socket or permit is left`, async () => {
  withPool(5, 50);
  const one = () =>
    dependency!.execute(async ({ agent }) => {
      const { body } = await request(`${upstream.origin}/endless`, {
        dispatcher: agent,
      });
      body.on('error', () => {}).destroy();
    });
  for (let round = 0; round < ROUNDS; round += 1)
    await Promise.all(Array.from({ length: AT_ONCE }, one));
  await until(async () => (await upstream.connections()) <= 5);
  expect(dependency!.snapshot()).toMatchObject({ inFlight: 0, abandoned: 0 });
});
