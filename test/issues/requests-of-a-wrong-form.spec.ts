import { createDependency, type Dependency } from 'nestjs-dace/core';
import { fetch, request } from 'undici';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Upstream, echo } from '../support/http-upstream.js';

let upstream: Upstream;
let dependency: Dependency;

beforeEach(async () => {
  upstream = await Upstream.start(echo);
  dependency = createDependency('payments', {
    hosts: [upstream.origin],
    retry: false,
    timeoutMs: 2_000,
    http: { poolSize: 2 },
  });
});
afterEach(async () => {
  await dependency.close();
  await upstream.stop();
});

// Each of them once took a connection out of its pool for good, and counted against the dependency.
it.each([
  { name: 'a header', config: { headers: { connection: 'not a token' } } },
  { name: 'a method', config: { method: 'GET /' } },
  {
    name: 'a query',
    config: { params: { a: 1 }, paramsSerializer: () => 'a b' },
  },
])(
  'requests with $name that cannot be leave the connections usable',
  async ({ config }) => {
    for (let i = 0; i < 5; i += 1)
      await expect(
        dependency.http.request({ url: '/x', ...config }),
      ).rejects.toMatchObject({ code: 'ERR_BAD_REQUEST' });

    expect((await dependency.http.get('/x')).status).toBe(200);
  },
);

it('so do those through the agent', async () => {
  const sent = (headers: Record<string, string>): Promise<number> =>
    dependency.execute(async (call) => {
      const { body, statusCode } = await request(`${upstream.origin}/x`, {
        dispatcher: call.agent,
        headers,
      });
      await body.dump();
      return statusCode;
    });
  for (let i = 0; i < 5; i += 1)
    await expect(sent({ upgrade: 'x' })).rejects.toThrow(/upgrade/);

  expect(await sent({})).toBe(200);
});

it('so do those of fetch', async () => {
  const sent = (headers: Record<string, string>): Promise<number> =>
    dependency.execute(async (call) => {
      const response = await fetch(`${upstream.origin}/x`, {
        dispatcher: call.agent,
        headers,
      });
      await response.text();
      return response.status;
    });
  for (let i = 0; i < 5; i += 1)
    await expect(sent({ upgrade: 'x' })).rejects.toThrow('fetch failed');

  expect(await sent({})).toBe(200);
});
