import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDependency, type Dependency } from '../../lib/core.js';
import { Upstream } from '../support/http-upstream.js';

/** An origin on loopback where nobody listens. */
async function deadOrigin(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}`;
}

describe('Two closed ports of four hosts', () => {
  let alive: Upstream[];
  let dead: string[];
  let search: Dependency;

  beforeEach(async () => {
    const start = () =>
      Upstream.start((_request, response) => response.end('hit'));
    alive = [await start(), await start()];
    dead = [await deadOrigin(), await deadOrigin()];
    const [first, second] = alive.map(({ origin }) => origin);
    search = createDependency('search', {
      hosts: [dead[0]!, first!, dead[1]!, second!],
    });
  });

  afterEach(async () => {
    await search.close();
    for (const upstream of alive) await upstream.stop();
  });

  /** How the calls of a burst of forty ended, by code. */
  async function burst(): Promise<string[]> {
    const calls = Array.from({ length: 40 }, () => search.http.get('/find'));
    const ends = await Promise.allSettled(calls);
    return ends.map((end) =>
      end.status === 'fulfilled'
        ? (end.value.data as string)
        : String((end.reason as { code?: string }).code),
    );
  }

  it('fail none of forty concurrent requests', async () => {
    const answers = await burst();

    expect(answers).toEqual(Array(40).fill('hit'));
  });

  it('go out, and the dependency stays closed', async () => {
    await burst();
    await burst();

    const { state, hosts } = search.snapshot();
    expect(state).toBe('closed');
    expect(hosts.map((host) => host.inService)).toEqual([
      false,
      true,
      false,
      true,
    ]);
  });

  it('cost later requests nothing', async () => {
    await burst();
    const { retries } = search.snapshot().totals;

    expect(await burst()).toEqual(Array(40).fill('hit'));
    expect(search.snapshot().totals.retries).toBe(retries);
  });
});
