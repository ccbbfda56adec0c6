import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  consecutiveFailures,
  createDependency,
  dnsHosts,
  type Dependency,
  type DependencyOptions,
} from '../../lib/core.js';
import { eventsOf } from '../support/core-toolkit.js';
import { a, DnsServer } from '../support/dns-server.js';
import { until } from '../support/http-upstream.js';

const NAME = 'payments.internal';

let dns: DnsServer;
const servers: Server[] = [];
const dependencies: Dependency[] = [];

beforeEach(async () => {
  dns = await DnsServer.start();
});

afterEach(async () => {
  await Promise.all(dependencies.splice(0).map((each) => each.close()));
  await Promise.all(servers.splice(0).map(stop));
  await dns.stop();
});

async function stop(server: Server): Promise<void> {
  if (!server.listening) return;
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
}

/** Says at which of the loopback addresses it stands. */
async function upstream(address: string, port = 0): Promise<Server> {
  const server = createServer((_request, response) => {
    response.end(address);
  });
  server.keepAliveTimeout = 60_000;
  server.listen(port, address);
  await once(server, 'listening');
  servers.push(server);
  return server;
}

const portOf = (server: Server): number =>
  (server.address() as AddressInfo).port;

function dependencyAt(
  port: number,
  refreshMs: number | undefined,
  options: DependencyOptions = {},
): Dependency {
  const dependency = createDependency('payments', {
    hosts: dnsHosts({
      name: NAME,
      type: 'A',
      port,
      refreshMs,
      resolver: dns.resolver(),
    }),
    ...options,
  });
  dependencies.push(dependency);
  return dependency;
}

const ask = async (dependency: Dependency): Promise<string> =>
  (await dependency.http.get<string>('/')).data;

describe('A name whose address moves when its only server is dead', () => {
  it('is served by the new one as soon as DNS says so, however long the circuit was to be open', async () => {
    const dead = await upstream('127.0.0.1');
    const port = portOf(dead);
    await upstream('127.0.0.2', port);
    dns.answer(`A ${NAME}`, [a('127.0.0.1', 300)]);
    const dependency = dependencyAt(port, undefined, {
      retry: false,
      circuit: { trip: consecutiveFailures(3), resetTimeoutMs: 600_000 },
    });
    const events = eventsOf(dependency);
    expect(await ask(dependency)).toBe('127.0.0.1');
    await stop(dead);
    dns.answer(`A ${NAME}`, [a('127.0.0.2', 300)]);
    await until(() =>
      ask(dependency).then(
        (address) => address === '127.0.0.2',
        () => false,
      ),
    );
    expect(dependency.snapshot().state).toBe('closed');
    expect(
      events
        .map(({ type }) => type)
        .filter((type) => /^(?:circuit|hosts)\./.test(type)),
    ).toEqual([
      'hosts.changed',
      'circuit.opened',
      'hosts.changed',
      'circuit.half-opened',
      'circuit.closed',
    ]);
  });
});

describe('A name that has other addresses at every look', () => {
  it('is called without a loss, and no connection stays behind', async () => {
    const first = await upstream('127.0.0.1');
    const port = portOf(first);
    const all = [first];
    for (let n = 2; n <= 5; n++) all.push(await upstream(`127.0.0.${n}`, port));
    const address = (n: number): string => `127.0.0.${1 + (n % 5)}`;
    let looks = 0;
    dns.answer(`A ${NAME}`, [a(address(0))]);
    const dependency = dependencyAt(port, 5, { retry: false });
    const seen = new Map<string, number>();
    dependency.on(({ type }) => {
      if (type !== 'hosts.changed') return;
      looks += 1;
      // One address, two, one, three.
      const count = [1, 2, 1, 3][looks % 4]!;
      dns.answer(
        `A ${NAME}`,
        Array.from({ length: count }, (_, n) => a(address(looks * 2 + n))),
      );
    });
    await until(async () => {
      const answers = await Promise.all([
        ask(dependency),
        ask(dependency),
        ask(dependency),
      ]);
      for (const each of answers) seen.set(each, (seen.get(each) ?? 0) + 1);
      return looks >= 60;
    });
    expect(seen.size).toBe(5);
    expect(dependency.snapshot().totals).toMatchObject({
      failed: 0,
      refused: 0,
    });

    dns.answer(`A ${NAME}`, [a('127.0.0.1')]);
    await until(
      () => dependency.snapshot().hosts[0]?.netloc === `127.0.0.1:${port}`,
    );
    const connections = (server: Server): Promise<number> =>
      new Promise((resolve) =>
        server.getConnections((_error, count) => resolve(count)),
      );
    for (const gone of all.slice(1))
      await until(async () => (await connections(gone)) === 0);
  });
});
