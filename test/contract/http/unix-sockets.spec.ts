import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createDependency,
  type Dependency,
  type DependencyOptions,
} from 'nestjs-dace/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { errorOf } from '../../support/core-toolkit.js';
import { cert, key } from '../../support/http-tls.js';
import { FACES, faces } from '../../support/parity.js';

let folder: string;
const servers: Server[] = [];
const dependencies: Dependency[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dace-'));
});
afterEach(async () => {
  await Promise.all(dependencies.splice(0).map((each) => each.close()));
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
  rmSync(folder, { recursive: true });
});

async function listening(server: Server, where: string | 0): Promise<Server> {
  servers.push(server);
  server.listen(where === 0 ? { port: 0, host: '127.0.0.1' } : { path: where });
  await once(server, 'listening');
  return server;
}

/** Says who answers, and what it was called. */
const named =
  (name: string): RequestListener =>
  ({ headers, url }, response) =>
    response.end(`${name} ${headers.host}${url}`);

function made(options: DependencyOptions): Dependency {
  const dependency = createDependency('payments', options);
  dependencies.push(dependency);
  return dependency;
}

describe.each(FACES)('A Unix socket, by %s', (face) => {
  it('leads to the host, which keeps its name', async () => {
    const socketPath = join(folder, 'a.sock');
    await listening(createServer(named('socket')), socketPath);
    const dependency = made({
      hosts: ['http://payments/v1'],
      http: { socketPath },
    });

    const { data } = await faces(dependency)[face]({ url: '/x' });

    expect(data).toBe('socket payments/v1/x');
  });

  it('speaks TLS where the host’s URL says so', async () => {
    const socketPath = join(folder, 'a.sock');
    await listening(
      createTlsServer({ key, cert }, named('secure')),
      socketPath,
    );
    const dependency = made({
      hosts: ['https://127.0.0.1'],
      http: { socketPath, tls: { ca: cert } },
    });

    const { data } = await faces(dependency)[face]({ url: '/x' });

    expect(data).toBe('secure 127.0.0.1/x');
  });

  it('that is not there is a connection never made, and heals with it', async () => {
    const socketPath = join(folder, 'a.sock');
    const dependency = made({
      hosts: ['http://payments'],
      http: { socketPath },
    });
    const send = faces(dependency)[face];

    const error = await errorOf(send({ url: '/x', method: 'post' }));

    expect(error).toMatchObject({
      code: expect.stringMatching(/ENOENT|EXHAUSTED/),
    });
    const { attempts, failed } = dependency.snapshot().totals;
    expect([failed, attempts > 1]).toEqual([1, true]);
    await listening(createServer(named('socket')), socketPath);
    expect((await send({ url: '/x' })).data).toBe('socket payments/x');
  });

  it('may be changed under way', async () => {
    for (const name of ['a', 'b'])
      await listening(createServer(named(name)), join(folder, name));
    const dependency = made({
      hosts: ['http://payments'],
      http: { socketPath: join(folder, 'a') },
    });
    const send = faces(dependency)[face];
    const { data: before } = await send({ url: '/x' });

    dependency.configure({ http: { socketPath: join(folder, 'b') } });

    expect([before, (await send({ url: '/x' })).data]).toEqual([
      'a payments/x',
      'b payments/x',
    ]);
  });

  it('is not for other hosts', async () => {
    const socketPath = join(folder, 'a.sock');
    await listening(createServer(named('socket')), socketPath);
    const tcp = await listening(createServer(named('tcp')), 0);
    const { port } = tcp.address() as AddressInfo;
    const dependency = made({
      hosts: ['http://payments'],
      http: { socketPath, allowOtherHosts: true },
    });

    const url = `http://127.0.0.1:${port}/x`;

    expect((await faces(dependency)[face]({ url })).data).toMatch(/^tcp /);
  });
});

it('A Unix socket serves call.agent as well', async () => {
  const socketPath = join(folder, 'a.sock');
  await listening(createServer(named('socket')), socketPath);
  const dependency = made({ hosts: ['http://payments'], http: { socketPath } });

  const text = await dependency.execute(async ({ agent }) => {
    const { body } = await agent.request({ path: '/x', method: 'GET' });
    return body.text();
  });

  expect(text).toBe('socket payments/x');
});

it.each([true, 'http://proxy:3128'])(
  'A Unix socket goes with no proxy: %s',
  (proxy) => {
    const socketPath = '/run/payments.sock';

    expect(() => made({ http: { socketPath, proxy } })).toThrow(
      'http.socketPath goes with no http.proxy',
    );
  },
);
