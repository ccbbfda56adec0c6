import { once } from 'node:events';
import {
  createServer as createHttp,
  type IncomingMessage,
  type Server,
} from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import axios from 'axios';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createDependency,
  dnsHosts,
  type Dependency,
  type DependencyOptions,
  type DnsHostsOptions,
} from '../../lib/core.js';
import { a, aaaa, DnsServer, SILENCE_MS, srv } from '../support/dns-server.js';
import { cert, key } from '../support/dns-tls.js';
import { errorOf, eventsOf } from '../support/core-toolkit.js';
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

const portOf = (server: Server): number =>
  (server.address() as AddressInfo).port;

/** An upstream on one of the loopback addresses, which answers what it saw. */
async function upstream(
  address = '127.0.0.1',
  { port = 0, isSecure = false } = {},
): Promise<Server> {
  const route = (
    request: IncomingMessage,
    response: import('node:http').ServerResponse,
  ): void => {
    const { host } = request.headers;
    const servername = (request.socket as TLSSocket).servername;
    if (request.url === '/moved') {
      response.writeHead(302, {
        location: `${isSecure ? 'https' : 'http'}://${host}/there`,
      });
      response.end();
      return;
    }
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify({ address, host, servername, url: request.url }),
    );
  };
  const server: Server = isSecure
    ? createHttps({ key, cert }, route)
    : createHttp(route);
  server.keepAliveTimeout = 60_000;
  server.listen(port, address);
  await once(server, 'listening');
  servers.push(server);
  return server;
}

function dependencyAt(
  hosts: Partial<DnsHostsOptions>,
  options: DependencyOptions = {},
): Dependency {
  const dependency = createDependency('payments', {
    hosts: dnsHosts({
      name: NAME,
      type: 'A',
      resolver: dns.resolver(),
      ...hosts,
    }),
    ...options,
  });
  dependencies.push(dependency);
  return dependency;
}

const netlocsOf = (dependency: Dependency): string[] =>
  dependency.snapshot().hosts.map(({ netloc }) => netloc);

interface Seen {
  readonly address: string;
  readonly host: string;
  readonly servername?: string | false;
  readonly url: string;
}

const get = async (dependency: Dependency, url = '/'): Promise<Seen> =>
  (await dependency.http.get<Seen>(url)).data;

describe('dnsHosts, asking a real server', () => {
  it('finds a host for each address, and calls them by their name', async () => {
    const first = await upstream('127.0.0.1');
    const port = portOf(first);
    await upstream('127.0.0.2', { port });
    dns.answer(`A ${NAME}`, [a('127.0.0.1'), a('127.0.0.2'), a('127.0.0.1')]);
    const dependency = dependencyAt({ port }, { loadBalancer: 'round-robin' });
    const seen = [await get(dependency), await get(dependency)];
    expect(new Set(seen.map(({ address }) => address))).toEqual(
      new Set(['127.0.0.1', '127.0.0.2']),
    );
    expect(new Set(seen.map(({ host }) => host))).toEqual(
      new Set([`${NAME}:${port}`]),
    );
    expect(dns.asked(`A ${NAME}`)).toBe(1);
  });

  it('holds an answer as long as its shortest time to live, within bounds', async () => {
    const source = dnsHosts({
      name: NAME,
      type: 'A',
      resolver: dns.resolver(),
    });
    const seen: unknown[] = [];
    for (const ttls of [[0], [7, 3], [86_400]]) {
      dns.answer(
        `A ${NAME}`,
        ttls.map((ttl, n) => a(`127.0.0.${n + 1}`, ttl)),
      );
      await source.hosts();
      seen.push(source.refreshMs);
    }
    expect(seen).toEqual([1_000, 3_000, 300_000]);
  });

  it('asks again when the time to live is over', async () => {
    dns.answer(`A ${NAME}`, [a('127.0.0.1', 1)]);
    const dependency = dependencyAt({});
    await until(() => netlocsOf(dependency).length === 1);
    dns.answer(`A ${NAME}`, [a('127.0.0.2', 60)]);
    await until(() => netlocsOf(dependency)[0] === '127.0.0.2:80');
    expect(dns.asked(`A ${NAME}`)).toBe(2);
  });

  it.each(['nxdomain', 'nodata', 'servfail', 'silence'] as const)(
    'is without hosts at first, and keeps them later, when the answer is %s',
    async (trouble) => {
      dns.answer(`A ${NAME}`, trouble);
      const dependency = dependencyAt({
        refreshMs: 50,
        resolver: dns.resolver(SILENCE_MS),
      });
      const error = await errorOf(dependency.http.get('/'));
      expect(error).toMatchObject({
        code: 'DACE_NO_HOSTS',
        cause: { syscall: 'queryA' },
      });

      dns.answer(`A ${NAME}`, [a('127.0.0.1')]);
      await until(() => netlocsOf(dependency).length === 1);
      dns.answer(`A ${NAME}`, trouble);
      await until(() => dependency.snapshot().source?.state === 'stale');
      expect(netlocsOf(dependency)).toEqual(['127.0.0.1:80']);
    },
  );

  it('finds hosts of IPv6', async () => {
    const source = dnsHosts({
      name: NAME,
      type: 'AAAA',
      port: 8443,
      protocol: 'https',
      resolver: dns.resolver(),
    });
    dns.answer(`AAAA ${NAME}`, [aaaa('::1'), aaaa('2001:db8::7')]);
    expect(await source.hosts()).toEqual([
      { url: 'https://[::1]:8443', weight: 1, name: NAME },
      { url: 'https://[2001:db8::7]:8443', weight: 1, name: NAME },
    ]);
    const dependency = createDependency('payments', { hosts: source });
    dependencies.push(dependency);
    await dependency.execute(() => 1);
    expect(netlocsOf(dependency)).toEqual(['[::1]:8443', '[2001:db8::7]:8443']);
    expect(
      await dependency.execute((call) => call.baseUrl, {
        netloc: '[2001:DB8::7]:8443',
      }),
    ).toBe('https://[2001:db8::7]:8443');
  });
});

describe('dnsHosts of a service', () => {
  const SERVICE = `_http._tcp.${NAME}`;
  const service = (resolver = dns.resolver()) =>
    dnsHosts({ name: SERVICE, type: 'SRV', resolver });

  it('takes ports and weights from the records, and the addresses of their targets', async () => {
    dns.answer(`SRV ${SERVICE}`, [
      srv('one.internal', 8080, { weight: 3 }),
      srv('two.internal', 443, { weight: 0 }),
    ]);
    dns.answer('A one.internal', [a('10.0.0.1', 9), a('10.0.0.2', 5)]);
    dns.answer('A two.internal', 'nodata');
    dns.answer('AAAA two.internal', [aaaa('::1', 30)]);
    const source = service();
    expect(await source.hosts()).toEqual([
      { url: 'http://10.0.0.1:8080', weight: 1.5, name: NAME },
      { url: 'http://10.0.0.2:8080', weight: 1.5, name: NAME },
      { url: 'https://[::1]:443', weight: 0.1, name: NAME },
    ]);
    expect(source.refreshMs).toBe(5_000);
  });

  it('takes the lowest priority, and the next one only when that has no address', async () => {
    dns.answer(`SRV ${SERVICE}`, [
      srv('spare.internal', 81, { priority: 20 }),
      srv('main.internal', 80, { priority: 10 }),
    ]);
    dns.answer('A main.internal', [a('10.0.0.1')]);
    dns.answer('A spare.internal', [a('10.0.0.9')]);
    const source = service();
    expect(await source.hosts()).toMatchObject([{ url: 'http://10.0.0.1:80' }]);
    dns.answer('A main.internal', 'nxdomain');
    expect(await source.hosts()).toMatchObject([{ url: 'http://10.0.0.9:81' }]);
  });

  it('keeps the addresses of a target whose servers fail, not of one that is gone', async () => {
    dns.answer(`SRV ${SERVICE}`, [
      srv('one.internal', 80),
      srv('two.internal', 80),
      srv('three.internal', 80),
    ]);
    dns.answer('A one.internal', [a('10.0.0.1')]);
    dns.answer('A two.internal', [a('10.0.0.2')]);
    dns.answer('A three.internal', [a('10.0.0.3')]);
    const source = service();
    await source.hosts();
    dns.answer('A two.internal', 'servfail');
    dns.answer('A three.internal', 'nxdomain');
    expect(await source.hosts()).toMatchObject([
      { url: 'http://10.0.0.1:80' },
      { url: 'http://10.0.0.2:80' },
    ]);
  });

  it('fails when no target can be found', async () => {
    dns.answer(`SRV ${SERVICE}`, [srv('one.internal', 80)]);
    dns.answer('A one.internal', 'servfail');
    expect(await errorOf(service().hosts())).toMatchObject({
      code: 'ESERVFAIL',
    });
  });

  it('lists nobody when the service says that it is not there', async () => {
    dns.answer(`SRV ${SERVICE}`, [srv('.', 0)]);
    expect(await service().hosts()).toEqual([]);
  });

  it('is called for real', async () => {
    const server = await upstream('127.0.0.3');
    dns.answer(`SRV ${SERVICE}`, [srv('one.internal', portOf(server))]);
    dns.answer('A one.internal', [a('127.0.0.3')]);
    const dependency = dependencyAt({ name: SERVICE, type: 'SRV' });
    expect(await get(dependency, '/x')).toMatchObject({
      address: '127.0.0.3',
      host: `${NAME}:${portOf(server)}`,
      url: '/x',
    });
  });
});

describe('Hosts found by DNS, over TLS', () => {
  async function secure(
    http: DependencyOptions['http'] = { tls: { ca: cert } },
  ): Promise<{ readonly dependency: Dependency; readonly port: number }> {
    const port = portOf(await upstream('127.0.0.1', { isSecure: true }));
    dns.answer(`A ${NAME}`, [a('127.0.0.1')]);
    const dependency = dependencyAt(
      { port, protocol: 'https' },
      { http, retry: false },
    );
    return { dependency, port };
  }

  const wanted = (port: number) => ({
    host: `${NAME}:${port}`,
    servername: NAME,
  });

  it('are known by their name to dependency.http and call.http', async () => {
    const { dependency, port } = await secure();
    expect(await get(dependency)).toMatchObject(wanted(port));
    const { data } = await dependency.execute((call) => call.http.get('/'));
    expect(data).toMatchObject(wanted(port));
  });

  it('are known by their name to call.agent, by address and by name', async () => {
    const { dependency, port } = await secure();
    for (const origin of [
      undefined,
      `https://127.0.0.1:${port}`,
      `https://${NAME}:${port}`,
    ]) {
      const seen = await dependency.execute(async (call) => {
        const answer = await fetch(`${origin ?? call.baseUrl}/a`, {
          dispatcher: call.agent,
        } as unknown as RequestInit);
        return answer.json() as Promise<Seen>;
      });
      expect(seen).toMatchObject({ ...wanted(port), url: '/a' });
    }
  });

  it('are known by their name to the drop-in HttpService', async () => {
    const { dependency, port } = await secure();
    const client = dependency.dropIn({
      enclosing: () => undefined,
      library: axios,
    });
    expect((await client.get('/')).data).toMatchObject(wanted(port));
  });

  it('may be redirected to themselves by name, and be asked for by name', async () => {
    const { dependency, port } = await secure();
    expect(await get(dependency, '/moved')).toMatchObject({
      ...wanted(port),
      url: '/there',
    });
    expect(await get(dependency, `https://${NAME}:${port}/b`)).toMatchObject({
      ...wanted(port),
      url: '/b',
    });
  });

  it('are refused when the certificate is for another name', async () => {
    const { port } = await secure();
    dns.answer('A other.internal', [a('127.0.0.1')]);
    const dependency = dependencyAt(
      { name: 'other.internal', port, protocol: 'https' },
      { http: { tls: { ca: cert } }, retry: false },
    );
    expect(await errorOf(dependency.http.get('/'))).toMatchObject({
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
  });

  it('are checked against a servername that the options name', async () => {
    const { port } = await secure();
    dns.answer('A other.internal', [a('127.0.0.1')]);
    const dependency = dependencyAt(
      { name: 'other.internal', port, protocol: 'https' },
      { http: { tls: { ca: cert, servername: NAME } }, retry: false },
    );
    expect(await get(dependency)).toMatchObject({
      host: `other.internal:${port}`,
      servername: NAME,
    });
  });

  it('leave a Host header alone that the request has', async () => {
    const { dependency } = await secure({
      tls: { ca: cert, servername: NAME },
    });
    const { data } = await dependency.http.get<Seen>('/', {
      headers: { host: 'tenant.internal' },
    });
    expect(data).toMatchObject({ host: 'tenant.internal', servername: NAME });
  });

  it('never make another origin their own', async () => {
    const { dependency, port } = await secure();
    for (const url of [
      `http://${NAME}:${port}/`,
      `https://${NAME}:${port + 1}/`,
      `https://evil.${NAME}:${port}/`,
      `https://127.0.0.2:${port}/`,
    ])
      expect(await errorOf(dependency.http.get(url))).toMatchObject({
        code: 'DACE_FOREIGN_HOST',
      });
  });
});

describe('A host that DNS no longer names', () => {
  it('answers what it was asked, is asked no more, and its connections close', async () => {
    const first = await upstream('127.0.0.1');
    const port = portOf(first);
    const second = await upstream('127.0.0.2', { port });
    const connections = (server: Server): Promise<number> =>
      new Promise((resolve) =>
        server.getConnections((_error, count) => resolve(count)),
      );
    let release: () => void = () => {};
    first.removeAllListeners('request');
    first.on('request', (_request, response) => {
      release = () => response.end('"late"');
    });
    dns.answer(`A ${NAME}`, [a('127.0.0.1')]);
    const dependency = dependencyAt({ port, refreshMs: 20 });
    const events = eventsOf(dependency);
    const running = dependency.http.get<string>('/');
    await until(async () => (await connections(first)) === 1);

    dns.answer(`A ${NAME}`, [a('127.0.0.2')]);
    await until(() => netlocsOf(dependency)[0] === `127.0.0.2:${port}`);
    expect(await get(dependency)).toMatchObject({ address: '127.0.0.2' });
    expect(await connections(first)).toBe(1);

    release();
    expect((await running).data).toBe('late');
    await until(async () => (await connections(first)) === 0);
    expect(await connections(second)).toBe(1);
    expect(events).toContainEqual({
      type: 'hosts.changed',
      dependencyId: 'payments',
      added: [`127.0.0.2:${port}`],
      removed: [`127.0.0.1:${port}`],
    });
  });

  it('is called again when it is named again', async () => {
    const port = portOf(await upstream('127.0.0.1'));
    await upstream('127.0.0.2', { port });
    const dependency = dependencyAt({ port, refreshMs: 20 });
    for (const address of ['127.0.0.1', '127.0.0.2', '127.0.0.1']) {
      dns.answer(`A ${NAME}`, [a(address)]);
      await until(() => netlocsOf(dependency)[0] === `${address}:${port}`);
      expect(await get(dependency)).toMatchObject({ address });
    }
  });

  it('is found out about early when the only host dies', async () => {
    const dead = await upstream('127.0.0.1');
    const port = portOf(dead);
    await upstream('127.0.0.2', { port });
    dns.answer(`A ${NAME}`, [a('127.0.0.1', 300)]);
    const dependency = dependencyAt(
      { port },
      { circuit: { resetTimeoutMs: 50 } },
    );
    await get(dependency);
    await stop(dead);
    dns.answer(`A ${NAME}`, [a('127.0.0.2', 300)]);
    await until(() =>
      get(dependency).then(
        ({ address }) => address === '127.0.0.2',
        () => false,
      ),
    );
    expect(dns.asked(`A ${NAME}`)).toBe(2);
  });
});

describe('The end of a dependency that asks DNS', () => {
  it('is the end of its questions', async () => {
    dns.answer(`A ${NAME}`, [a('127.0.0.1')]);
    const dependency = dependencyAt({ refreshMs: 10 });
    await until(() => dns.questions.length > 3);
    await dependency.close();
    const asked = dns.questions.length;
    const other = dependencyAt({ refreshMs: 10 });
    await until(() => dns.questions.length > asked + 5);
    await other.close();
    expect(netlocsOf(dependency)).toEqual(['127.0.0.1:80']);
  });
});

describe('The options of dnsHosts', () => {
  it.each<[string, object, RegExp]>([
    ['no name', { type: 'A' }, /dnsHosts\(\{ name \}\) is undefined/],
    ['a URL', { name: 'http://a', type: 'A' }, /name/],
    ['an address', { name: '10.0.0.1', type: 'A' }, /expected a name/],
    ['no type', { name: 'a' }, /expected 'A', 'AAAA' or 'SRV'/],
    ['another type', { name: 'a', type: 'MX' }, /is "MX"/],
    ['a port of 0', { name: 'a', type: 'A', port: 0 }, /port/],
    ['a port too high', { name: 'a', type: 'A', port: 65_536 }, /port/],
    ['a port of a service', { name: 'a', type: 'SRV', port: 80 }, /its own/],
    ['a time of 0', { name: 'a', type: 'A', refreshMs: 0 }, /refreshMs/],
    ['NaN', { name: 'a', type: 'A', refreshMs: NaN }, /refreshMs/],
    ['a scheme', { name: 'a', type: 'A', protocol: 'ftp' }, /protocol/],
    ['a resolver that is none', { name: 'a', type: 'A', resolver: {} }, /dns/],
    ['another name', { name: 'a', type: 'A', ttl: 1 }, /unknown option/],
  ])('tell of %s', (_what, options, message) => {
    expect(() => dnsHosts(options as DnsHostsOptions)).toThrow(message);
  });
});
