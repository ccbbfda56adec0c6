import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createDependency,
  dnsHosts,
  type Dependency,
  type DnsHostsOptions,
  type HostSource,
} from '../../lib/core.js';
import {
  a,
  aaaa,
  cname,
  DnsServer,
  SILENCE_MS,
  srv,
} from '../support/dns-server.js';
import { errorOf } from '../support/core-toolkit.js';
import { until } from '../support/http-upstream.js';

const NAME = 'payments.internal';
const SERVICE = `_http._tcp.${NAME}`;

let dns: DnsServer;
const dependencies: Dependency[] = [];

beforeEach(async () => {
  dns = await DnsServer.start();
});

afterEach(async () => {
  await Promise.all(dependencies.splice(0).map((each) => each.close()));
  await dns.stop();
});

const sourceOf = (options: Partial<DnsHostsOptions> = {}): HostSource =>
  dnsHosts({ name: NAME, type: 'A', resolver: dns.resolver(), ...options });

const serviceOf = (options: Partial<DnsHostsOptions> = {}): HostSource =>
  sourceOf({ name: SERVICE, type: 'SRV', ...options });

function dependencyAt(hosts: HostSource): Dependency {
  const dependency = createDependency('payments', { hosts });
  dependencies.push(dependency);
  return dependency;
}

const netlocsOf = (dependency: Dependency): string[] =>
  dependency.snapshot().hosts.map(({ netloc }) => netloc);

describe('An alias in DNS', () => {
  it('is followed to its addresses, and holds as long as its shortest link', async () => {
    dns.answer(`A ${NAME}`, [
      cname('blue.internal', '', 300),
      cname('rack.internal', 'blue.internal', 5),
      { ...a('10.0.0.1', 60), name: 'rack.internal' },
    ]);
    const source = sourceOf();
    expect(await source.hosts()).toEqual([
      { url: 'http://10.0.0.1:80', weight: 1, name: NAME },
    ]);
    expect(source.refreshMs).toBe(5_000);
  });

  it.each(['A', 'AAAA', 'SRV'] as const)(
    'that leads to no %s record is a failure, and no empty list',
    async (type) => {
      const name = type === 'SRV' ? SERVICE : NAME;
      dns.answer(`${type} ${name}`, [cname('gone.internal')]);
      expect(await errorOf(sourceOf({ name, type }).hosts())).toMatchObject({
        code: 'ENODATA',
        syscall: `query${type}`,
        message: `query${type} ENODATA ${name}`,
      });
    },
  );

  it('that has lost its address takes no hosts away', async () => {
    dns.answer(`A ${NAME}`, [a('127.0.0.1')]);
    const dependency = dependencyAt(sourceOf({ refreshMs: 20 }));
    await until(() => netlocsOf(dependency).length === 1);
    dns.answer(`A ${NAME}`, [cname('gone.internal')]);
    await until(() => dependency.snapshot().source?.state === 'stale');
    expect(await dependency.execute((call) => call.netloc)).toBe(
      '127.0.0.1:80',
    );
    expect(dependency.snapshot().source).toMatchObject({
      lastFailure: { name: 'ENODATA' },
    });
  });

  it('of a target that has IPv6 alone is asked for that', async () => {
    dns.answer(`SRV ${SERVICE}`, [srv('one.internal', 80)]);
    dns.answer('A one.internal', [cname('six.internal')]);
    dns.answer('AAAA one.internal', [
      cname('six.internal'),
      { ...aaaa('::1'), name: 'six.internal' },
    ]);
    expect(await serviceOf().hosts()).toMatchObject([
      { url: 'http://[::1]:80' },
    ]);
  });
});

describe('A long answer of DNS', () => {
  it('of 500 addresses is fetched by TCP, whole', async () => {
    const addresses = Array.from(
      { length: 500 },
      (_, n) => `10.1.${n >> 8}.${n & 255}`,
    );
    dns.answer(
      `A ${NAME}`,
      addresses.map((each) => a(each)),
    );
    const dependency = dependencyAt(sourceOf());
    await until(() => netlocsOf(dependency).length > 0);
    expect(netlocsOf(dependency).toSorted()).toEqual(
      addresses.map((each) => `${each}:80`).toSorted(),
    );
    expect(dns.streamed).toBe(1);
  });

  it('of 500 services has every target looked up, once', async () => {
    const names = Array.from({ length: 500 }, (_, n) => `host-${n}.internal`);
    dns.answer(
      `SRV ${SERVICE}`,
      names.map((name, n) => srv(name, 8_000 + (n % 3))),
    );
    for (const [n, name] of names.entries())
      dns.answer(`A ${name}`, [a(`10.1.${n >> 8}.${n & 255}`)]);
    const source = sourceOf({
      name: SERVICE,
      type: 'SRV',
      resolver: dns.resolver(),
    });
    expect(await source.hosts()).toHaveLength(500);
    expect(dns.questions.filter((each) => each.startsWith('A '))).toHaveLength(
      500,
    );
  });
});

describe('A service in DNS', () => {
  it('whose targets are one server under two names is one host with the part of both', async () => {
    dns.answer(`SRV ${SERVICE}`, [
      srv('one.internal', 80, { weight: 2 }),
      srv('alias.internal', 80, { weight: 3 }),
      srv('one.internal', 81, { weight: 1 }),
    ]);
    dns.answer('A one.internal', [a('127.0.0.1')]);
    dns.answer('A alias.internal', [
      cname('one.internal'),
      { ...a('127.0.0.1'), name: 'one.internal' },
    ]);
    const source = serviceOf();
    expect(await source.hosts()).toEqual([
      { url: 'http://127.0.0.1:80', weight: 5, name: NAME },
      { url: 'http://127.0.0.1:81', weight: 1, name: NAME },
    ]);
    const dependency = dependencyAt(source);
    await until(() => netlocsOf(dependency).length === 2);
  });

  it.each(['servfail', 'silence'] as const)(
    'stays with its first priority while the servers of that answer %s',
    async (trouble) => {
      dns.answer(`SRV ${SERVICE}`, [
        srv('main.internal', 80, { priority: 1 }),
        srv('spare.internal', 80, { priority: 2 }),
      ]);
      dns.answer('A main.internal', [a('10.0.0.1')]);
      dns.answer('A spare.internal', [a('10.0.0.9')]);
      const source = serviceOf({ resolver: dns.resolver(SILENCE_MS) });
      await source.hosts();
      dns.answer('A main.internal', trouble);
      expect(await errorOf(source.hosts())).toMatchObject({
        syscall: 'queryA',
      });
      dns.answer('A main.internal', 'nxdomain');
      expect(await source.hosts()).toMatchObject([
        { url: 'http://10.0.0.9:80' },
      ]);
    },
  );

  it('begins with its second priority where the first was never found', async () => {
    dns.answer(`SRV ${SERVICE}`, [
      srv('main.internal', 80, { priority: 1 }),
      srv('spare.internal', 80, { priority: 2 }),
      srv('other.internal', 80, { priority: 2 }),
    ]);
    dns.answer('A main.internal', 'servfail');
    dns.answer('A spare.internal', [a('10.0.0.8')]);
    dns.answer('A other.internal', [a('10.0.0.9')]);
    const source = serviceOf();
    const both = [{ url: 'http://10.0.0.8:80' }, { url: 'http://10.0.0.9:80' }];
    expect(await source.hosts()).toMatchObject(both);
    dns.answer('A other.internal', 'servfail');
    expect(await source.hosts()).toMatchObject(both);
  });
});

describe('A name in DNS', () => {
  it('may end in a point, of which only DNS hears', async () => {
    dns.answer(`A ${NAME}`, [a('127.0.0.1')]);
    expect(await sourceOf({ name: `${NAME}.` }).hosts()).toEqual([
      { url: 'http://127.0.0.1:80', weight: 1, name: NAME },
    ]);
    dns.answer(`SRV ${SERVICE}`, [srv('one.internal', 80, { weight: 1 })]);
    dns.answer('A one.internal', [a('127.0.0.1')]);
    expect(
      await sourceOf({ name: `${SERVICE}.`, type: 'SRV' }).hosts(),
    ).toEqual([{ url: 'http://127.0.0.1:80', weight: 1, name: NAME }]);
  });

  it.each(['.', '', 'a..', '..'])('is not "%s"', (name) => {
    expect(() => sourceOf({ name })).toThrow(/expected a name such as/);
  });

  it('is asked for as it is written, without the domains of resolv.conf', async () => {
    dns.answer('A payments', 'nxdomain');
    const error = await errorOf(sourceOf({ name: 'payments' }).hosts());
    expect(error).toMatchObject({ code: 'ENOTFOUND' });
    expect(dns.questions).toEqual(['A payments']);
  });
});
