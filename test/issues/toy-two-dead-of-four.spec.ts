import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDependency, type Dependency } from '../../lib/core.js';
import { Upstream } from '../support/http-upstream.js';

/** A port at which nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve()),
  );
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe('Two hosts of four that refuse every connection', () => {
  let upstreams: Upstream[];
  let dead: string[];
  let dependency: Dependency;

  beforeEach(async () => {
    const answer = (_request: unknown, response: any): void =>
      void response.end('ok');
    upstreams = [await Upstream.start(answer), await Upstream.start(answer)];
    dead = [
      `http://127.0.0.1:${await closedPort()}`,
      `http://127.0.0.1:${await closedPort()}`,
    ];
    dependency = createDependency('payments', {
      hosts: [dead[0]!, upstreams[0]!.origin, dead[1]!, upstreams[1]!.origin],
    });
  });
  afterEach(async () => {
    await dependency.close();
    await Promise.all(upstreams.map((upstream) => upstream.stop()));
  });

  const get = () =>
    dependency.execute(async (call) => (await call.http.get('/')).data);

  it('leave the dependency closed in a burst of 40, and then nobody notices them', async () => {
    const burst = await Promise.allSettled(Array.from({ length: 40 }, get));
    expect(dependency.snapshot().state).toBe('closed');
    // Of 40 calls 8 may be repeated at first, by the budget.
    const good = burst.filter(({ status }) => status === 'fulfilled').length;
    expect(good).toBeGreaterThanOrEqual(15);

    let failed = 0;
    for (let n = 0; n < 40; n++)
      await get().catch(() => {
        failed += 1;
      });
    expect(dependency.snapshot().state).toBe('closed');
    expect(failed).toBeLessThanOrEqual(2);
    const { hosts } = dependency.snapshot();
    expect(hosts.filter((host) => !host.inService)).toHaveLength(2);
  });

  it('leave it closed burst after burst', async () => {
    for (let burst = 0; burst < 5; burst++) {
      await Promise.allSettled(Array.from({ length: 40 }, get));
      expect(dependency.snapshot().state).toBe('closed');
    }
    expect(dependency.snapshot().totals.refused).toBe(0);
  });
});
