import { createDependency, type Dependency } from 'nestjs-dace/core';
import { request } from 'undici';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Upstream, until } from '../support/http-upstream.js';
import { FACES, faces } from '../support/parity.js';

/**
 * A request that is given up while it waits for a connection is not on the wire. When its turn came,
 * undici was told to abort it, and closed the idle connection that it would have been sent on: after
 * an overload each request that had timed out cost one more handshake.
 */
let upstream: Upstream;
let dependency: Dependency;
let release: () => void;

beforeEach(async () => {
  const isFree = new Promise<void>((resolve) => (release = resolve));
  upstream = await Upstream.start((asked, response) => {
    if (asked.url === '/first') void isFree.then(() => response.end('first'));
    else response.end('{}');
  });
  dependency = createDependency('payments', {
    hosts: [upstream.origin],
    retry: false,
    circuit: false,
    maxOpenPerNetloc: 100,
    http: { poolSize: 1 },
  });
});
afterEach(async () => {
  release();
  await dependency.close();
  await upstream.stop();
});

const WAYS: readonly (readonly [string, () => Promise<unknown>])[] = [
  ...FACES.map(
    (face) =>
      [
        face,
        () => faces(dependency)[face]({ url: '/waits', timeout: 20 }),
      ] as const,
  ),
  [
    'the agent',
    () =>
      dependency.execute(
        (call) =>
          request(`${upstream.origin}/waits`, { dispatcher: call.agent }),
        { timeoutMs: 20 },
      ),
  ],
];

it.each(WAYS)('given up while they wait, by %s', async (_way, send) => {
  const first = dependency.http.get('/first');
  await until(() => upstream.requests.length === 1);
  const waiting = Array.from({ length: 20 }, () =>
    send().catch((error: { code: string }) => error.code),
  );
  expect(new Set(await Promise.all(waiting)).size).toBe(1);

  release();
  await first;
  await dependency.http.get('/next');

  expect(upstream.requests.map(({ url }) => url)).toEqual(['/first', '/next']);
  const sockets = new Set(upstream.requests.map(({ socket }) => socket));
  expect(sockets.size).toBe(1);
});
