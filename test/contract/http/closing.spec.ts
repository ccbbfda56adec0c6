import type { Readable } from 'node:stream';
import { createDependency, type Dependency } from 'nestjs-dace/core';
import { fetch, request } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Upstream, echo, until } from '../../support/http-upstream.js';
import { FACES, faces } from '../../support/parity.js';

let upstream: Upstream;
let dependency: Dependency;

beforeEach(async () => {
  upstream = await Upstream.start((asked, response) => {
    if (asked.url === '/endless') {
      response.writeHead(200);
      response.write('a beginning');
    } else if (asked.url !== '/hangs') echo(asked, response);
  });
  dependency = createDependency('payments', {
    hosts: [upstream.origin],
    retry: false,
    circuit: false,
    shutdownGraceMs: 20,
  });
});
afterEach(async () => {
  await dependency.close();
  await upstream.stop();
});

const areGone = async (): Promise<void> => {
  await dependency.close();
  await until(async () => (await upstream.connections()) === 0);
};

describe('Once a dependency is closed, the server counts no connection', () => {
  describe.each(FACES)('of %s', (face) => {
    it('that was kept for the next request', async () => {
      const send = faces(dependency)[face];
      await Promise.all(['/a', '/b', '/c'].map((url) => send({ url })));
      expect(await upstream.connections()).toBe(3);
      await areGone();
    });

    it('whose answer was refused', async () => {
      upstream.answer((_asked, response) => {
        response.writeHead(500).end('no');
      });
      await expect(faces(dependency)[face]({ url: '/x' })).rejects.toThrow();
      await areGone();
    });

    it('whose answer never came', async () => {
      const sent = faces(dependency)[face]({ url: '/hangs' });
      const outcome = sent.catch((error: unknown) => error);
      await until(() => upstream.requests.length === 1);
      await areGone();
      expect(await outcome).toMatchObject({ code: 'DACE_SHUTDOWN' });
    });

    it('whose body is still being read', async () => {
      const { data } = await faces(dependency)[face]({
        url: '/endless',
        responseType: 'stream',
      });
      const body = data as Readable;
      body.resume();
      await areGone();
      await until(() => body.destroyed);
    });

    it('whose body nobody has read', async () => {
      await faces(dependency)[face]({
        url: '/endless',
        responseType: 'stream',
      });
      await areGone();
    });

    it('and no new one is made', async () => {
      await areGone();
      await expect(
        faces(dependency)[face]({ url: '/x' }),
      ).rejects.toMatchObject({ code: 'DACE_SHUTDOWN' });
      expect(upstream.requests).toHaveLength(0);
    });
  });

  it('of an agent that fetched', async () => {
    await dependency.execute(async (call) => {
      const response = await fetch(`${upstream.origin}/x`, {
        dispatcher: call.agent,
      });
      await response.text();
    });
    await areGone();
  });

  it('of an agent whose body is not read', async () => {
    await dependency.execute(async (call) => {
      const { body } = await request(`${upstream.origin}/endless`, {
        dispatcher: call.agent,
      });
      body.on('error', () => {});
    });
    await areGone();
  });

  it('of an agent that is kept beyond its call', async () => {
    const agent = await dependency.execute((call) => call.agent);
    await areGone();
    await expect(
      request(`${upstream.origin}/x`, { dispatcher: agent }),
    ).rejects.toThrow();
    expect(await upstream.connections()).toBe(0);
  });
});
