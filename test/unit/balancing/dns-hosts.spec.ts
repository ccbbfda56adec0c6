import dns from 'node:dns/promises';
import { syncBuiltinESMExports } from 'node:module';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  dnsHosts,
  type DnsHostsOptions,
  type DnsResolver,
} from '../../../lib/balancing/dns-hosts.js';
import type { HostSource } from '../../../lib/balancing/host-source.js';
import { errorOf, gate } from '../../support/core-toolkit.js';

type Address = { readonly address: string; readonly ttl: number };
type Service = Awaited<ReturnType<DnsResolver['resolveSrv']>>[number];

const a = (address: string, ttl = 60): Address => ({ address, ttl });
const srv = (name: string, more: Partial<Service> = {}): Service => ({
  name,
  port: 80,
  priority: 10,
  weight: 1,
  ...more,
});

/** Answers what the test has written down; what is not there is not there. */
class Zone implements DnsResolver {
  readonly asked: string[] = [];

  constructor(
    readonly records: Record<
      string,
      readonly Address[] | readonly Service[] | string
    > = {},
  ) {}

  async resolve4(name: string, options: { ttl: true }): Promise<Address[]> {
    return this.find(`A ${name}`, options) as Address[];
  }

  async resolve6(name: string, options: { ttl: true }): Promise<Address[]> {
    return this.find(`AAAA ${name}`, options) as Address[];
  }

  async resolveSrv(name: string): Promise<Service[]> {
    return this.find(`SRV ${name}`) as Service[];
  }

  private find(question: string, options?: { ttl: true }): readonly unknown[] {
    this.asked.push(question);
    const found = this.records[question] ?? 'ENOTFOUND';
    if (typeof found === 'string')
      throw Object.assign(new Error(`${question}: ${found}`), { code: found });
    // As DNS does: without being asked for it no time to live.
    const isTimed = options?.ttl === true || question.startsWith('SRV');
    return isTimed ? found : found.map((each) => (each as Address).address);
  }
}

const sourceOf = (
  resolver: DnsResolver,
  options: Partial<DnsHostsOptions> = {},
): HostSource =>
  dnsHosts({ name: 'search.internal', type: 'A', resolver, ...options });

describe('Hosts of a name', () => {
  it('are its addresses, each once, and carry its name', async () => {
    const zone = new Zone({
      'A search.internal': [a('10.0.0.1'), a('10.0.0.2'), a('10.0.0.1')],
    });
    expect(await sourceOf(zone).hosts()).toEqual([
      { url: 'http://10.0.0.1:80', weight: 1, name: 'search.internal' },
      { url: 'http://10.0.0.2:80', weight: 1, name: 'search.internal' },
    ]);
    expect(zone.asked).toEqual(['A search.internal']);
  });

  it('are its addresses of IPv6, in brackets', async () => {
    const zone = new Zone({ 'AAAA search.internal': [a('2001:db8::7')] });
    expect(await sourceOf(zone, { type: 'AAAA' }).hosts()).toEqual([
      { url: 'http://[2001:db8::7]:80', weight: 1, name: 'search.internal' },
    ]);
    expect(zone.asked).toEqual(['AAAA search.internal']);
  });

  it.each<[string, Partial<DnsHostsOptions>, string]>([
    ['port 80 and http', {}, 'http://10.0.0.1:80'],
    ['port 443 for https', { protocol: 'https' }, 'https://10.0.0.1:443'],
    ['port 80 for http', { protocol: 'http' }, 'http://10.0.0.1:80'],
    ['https for port 443', { port: 443 }, 'https://10.0.0.1:443'],
    ['http for another port', { port: 8443 }, 'http://10.0.0.1:8443'],
    [
      'what is said, whatever is usual',
      { port: 443, protocol: 'http' },
      'http://10.0.0.1:443',
    ],
  ])('have %s', async (_what, options, url) => {
    const zone = new Zone({ 'A search.internal': [a('10.0.0.1')] });
    expect(await sourceOf(zone, options).hosts()).toMatchObject([{ url }]);
  });

  it('are http where only the name looks like a service of https', async () => {
    const zone = new Zone({ 'A _https.internal': [a('10.0.0.1')] });
    const source = sourceOf(zone, { name: '_https.internal' });
    expect(await source.hosts()).toMatchObject([
      { url: 'http://10.0.0.1:80', name: 'internal' },
    ]);
  });

  it.each([
    [[7, 3, 9], 3_000],
    [[0], 1_000],
    [[1], 1_000],
    [[300], 300_000],
    [[301, 86_400], 300_000],
  ])('with times to live of %j s hold for %s ms', async (ttls, refreshMs) => {
    const zone = new Zone({
      'A search.internal': ttls.map((ttl, n) => a(`10.0.0.${n}`, ttl)),
    });
    const source = sourceOf(zone);
    await source.hosts();
    expect(source.refreshMs).toBe(refreshMs);
  });

  it('hold a second where nothing was answered yet, and as long as is said', () => {
    expect(sourceOf(new Zone()).refreshMs).toBe(1_000);
    expect(sourceOf(new Zone(), { refreshMs: 50 }).refreshMs).toBe(50);
  });

  it('are called by a name without the point at its end', async () => {
    const zone = new Zone({ 'A search.internal.': [a('10.0.0.1')] });
    const source = sourceOf(zone, { name: 'search.internal.' });
    expect(await source.hosts()).toMatchObject([{ name: 'search.internal' }]);
  });

  it('lose only what stands first of a service in their name', async () => {
    const zone = new Zone({ 'A search._tcp.internal': [a('10.0.0.1')] });
    const source = sourceOf(zone, { name: 'search._tcp.internal' });
    expect(await source.hosts()).toMatchObject([
      { name: 'search._tcp.internal' },
    ]);
  });

  it.each(['A', 'AAAA'] as const)(
    'are not there where the answer of %s holds no record',
    async (type) => {
      const zone = new Zone({ [`${type} search.internal`]: [] });
      expect(await errorOf(sourceOf(zone, { type }).hosts())).toMatchObject({
        message: `query${type} ENODATA search.internal`,
        code: 'ENODATA',
        syscall: `query${type}`,
      });
    },
  );

  it('are not known while its servers fail', async () => {
    const zone = new Zone({ 'A search.internal': 'ESERVFAIL' });
    expect(await errorOf(sourceOf(zone).hosts())).toMatchObject({
      code: 'ESERVFAIL',
    });
    expect(zone.asked).toEqual(['A search.internal']);
  });
});

describe('Hosts of a service', () => {
  const SERVICE = '_http._tcp.search.internal';
  const serviceOf = (
    zone: Zone,
    options: Partial<DnsHostsOptions> = {},
  ): HostSource => sourceOf(zone, { name: SERVICE, type: 'SRV', ...options });

  it('share the weight of their target, and are called as what follows the service', async () => {
    const zone = new Zone({
      [`SRV ${SERVICE}`]: [
        srv('one.internal', { port: 8080, weight: 3 }),
        srv('two.internal', { port: 8081, weight: 0 }),
      ],
      'A one.internal': [a('10.0.0.1', 9), a('10.0.0.2', 5)],
      'A two.internal': [a('10.0.0.3', 30), a('10.0.0.4', 30)],
    });
    const source = serviceOf(zone);
    const name = 'search.internal';
    expect(await source.hosts()).toEqual([
      { url: 'http://10.0.0.1:8080', weight: 1.5, name },
      { url: 'http://10.0.0.2:8080', weight: 1.5, name },
      { url: 'http://10.0.0.3:8081', weight: 0.05, name },
      { url: 'http://10.0.0.4:8081', weight: 0.05, name },
    ]);
    expect(source.refreshMs).toBe(5_000);
  });

  it.each<[string, string, Partial<DnsHostsOptions>, number, string]>([
    ['http', SERVICE, {}, 8080, 'http://10.0.0.1:8080'],
    ['https on port 443', SERVICE, {}, 443, 'https://10.0.0.1:443'],
    [
      'https for _https',
      '_https._tcp.search.internal',
      {},
      8443,
      'https://10.0.0.1:8443',
    ],
    [
      'http where only a part is called so',
      '_tcp._https.search.internal',
      {},
      8443,
      'http://10.0.0.1:8443',
    ],
    [
      'what is said',
      '_https._tcp.search.internal',
      { protocol: 'http' },
      8443,
      'http://10.0.0.1:8443',
    ],
  ])('are asked by %s', async (_what, name, options, port, url) => {
    const zone = new Zone({
      [`SRV ${name}`]: [srv('one.internal', { port })],
      'A one.internal': [a('10.0.0.1')],
    });
    const source = sourceOf(zone, { name, type: 'SRV', ...options });
    expect(await source.hosts()).toMatchObject([
      { url, name: 'search.internal' },
    ]);
  });

  it('are one where two targets are the same server, with the weight of both', async () => {
    const zone = new Zone({
      [`SRV ${SERVICE}`]: [
        srv('one.internal', { weight: 2 }),
        srv('alias.internal', { weight: 3 }),
        srv('one.internal', { weight: 5, port: 81 }),
      ],
      'A one.internal': [a('10.0.0.1')],
      'A alias.internal': [a('10.0.0.1')],
    });
    expect(await serviceOf(zone).hosts()).toMatchObject([
      { url: 'http://10.0.0.1:80', weight: 5 },
      { url: 'http://10.0.0.1:81', weight: 5 },
    ]);
  });

  it('are not there where the answer holds no record', async () => {
    const zone = new Zone({ [`SRV ${SERVICE}`]: [] });
    expect(await errorOf(serviceOf(zone).hosts())).toMatchObject({
      message: `querySRV ENODATA ${SERVICE}`,
      code: 'ENODATA',
      syscall: 'querySRV',
    });
  });

  it('are looked up fifty targets at a time, and stand in their order', async () => {
    const names = Array.from({ length: 120 }, (_, n) => `t${n}.internal`);
    const zone = new Zone({
      [`SRV ${SERVICE}`]: names.map((name) => srv(name)),
    });
    const gates = new Map(names.map((name) => [name, gate<Address[]>()]));
    const asked: string[] = [];
    zone.resolve4 = (name) => {
      asked.push(name);
      return gates.get(name)!.promise;
    };
    const settle = () => new Promise((resolve) => setImmediate(resolve));
    const found = serviceOf(zone).hosts();
    await settle();
    expect(asked).toEqual(names.slice(0, 50));
    gates.get('t49.internal')!.resolve([a('10.0.0.49')]);
    await settle();
    expect(asked).toEqual(names.slice(0, 51));
    for (const [index, name] of names.entries())
      gates.get(name)!.resolve([a(`10.0.0.${index}`)]);
    expect(await found).toMatchObject(
      names.map((_, index) => ({ url: `http://10.0.0.${index}:80` })),
    );
    expect(asked).toEqual(names);
  });

  it('are looked up once for a target that is named twice', async () => {
    const zone = new Zone({
      [`SRV ${SERVICE}`]: [
        srv('one.internal', { port: 80 }),
        srv('one.internal', { port: 81 }),
      ],
      'A one.internal': [a('10.0.0.1')],
    });
    expect(await serviceOf(zone).hosts()).toMatchObject([
      { url: 'http://10.0.0.1:80' },
      { url: 'http://10.0.0.1:81' },
    ]);
    expect(zone.asked).toEqual([`SRV ${SERVICE}`, 'A one.internal']);
  });

  it.each(['ENODATA', 'ENOTFOUND'])(
    'are looked up by IPv6 where IPv4 answers %s',
    async (code) => {
      const zone = new Zone({
        [`SRV ${SERVICE}`]: [srv('one.internal')],
        'A one.internal': code,
        'AAAA one.internal': [a('::1')],
      });
      expect(await serviceOf(zone).hosts()).toMatchObject([
        { url: 'http://[::1]:80' },
      ]);
    },
  );

  it('are not there where neither has a record', async () => {
    const zone = new Zone({
      [`SRV ${SERVICE}`]: [srv('one.internal')],
      'A one.internal': [],
      'AAAA one.internal': [],
    });
    expect(await errorOf(serviceOf(zone).hosts())).toMatchObject({
      message: 'queryAAAA ENODATA one.internal',
      code: 'ENODATA',
    });
  });

  it('are not looked up by IPv6 where IPv4 fails', async () => {
    const zone = new Zone({
      [`SRV ${SERVICE}`]: [srv('one.internal')],
      'A one.internal': 'ETIMEOUT',
      'AAAA one.internal': [a('::1')],
    });
    expect(await errorOf(serviceOf(zone).hosts())).toMatchObject({
      code: 'ETIMEOUT',
    });
    expect(zone.asked).not.toContain('AAAA one.internal');
  });

  it('are those of the lowest priority, whatever the order', async () => {
    const zone = new Zone({
      [`SRV ${SERVICE}`]: [
        srv('third.internal', { priority: 100 }),
        srv('first.internal', { priority: 9 }),
        srv('second.internal', { priority: 20 }),
      ],
      'A first.internal': [a('10.0.0.1')],
      'A second.internal': [a('10.0.0.2')],
      'A third.internal': [a('10.0.0.3')],
    });
    const source = serviceOf(zone);
    expect(await source.hosts()).toMatchObject([{ url: 'http://10.0.0.1:80' }]);
    zone.records['A first.internal'] = 'ENOTFOUND';
    expect(await source.hosts()).toMatchObject([{ url: 'http://10.0.0.2:80' }]);
    zone.records['A second.internal'] = 'ENOTFOUND';
    expect(await source.hosts()).toMatchObject([{ url: 'http://10.0.0.3:80' }]);
  });

  it('tell of the first priority that failed where none has answered', async () => {
    const zone = new Zone({
      [`SRV ${SERVICE}`]: [
        srv('one.internal', { priority: 1 }),
        srv('two.internal', { priority: 2 }),
      ],
      'A one.internal': 'ESERVFAIL',
      'A two.internal': 'ETIMEOUT',
    });
    expect(await errorOf(serviceOf(zone).hosts())).toMatchObject({
      code: 'ESERVFAIL',
    });
  });

  it('stay where they are while the servers of their priority fail for a moment', async () => {
    const zone = new Zone({
      [`SRV ${SERVICE}`]: [
        srv('main.internal', { priority: 1 }),
        srv('new.internal', { priority: 1 }),
        srv('spare.internal', { priority: 2 }),
      ],
      'A main.internal': [a('10.0.0.1')],
      'A new.internal': 'ESERVFAIL',
      'A spare.internal': [a('10.0.0.9')],
    });
    const source = serviceOf(zone);
    await source.hosts();
    zone.records['A main.internal'] = 'ETIMEOUT';
    expect(await errorOf(source.hosts())).toMatchObject({ code: 'ETIMEOUT' });
    expect(zone.asked).not.toContain('A spare.internal');
    zone.records['A main.internal'] = 'ENOTFOUND';
    expect(await source.hosts()).toMatchObject([{ url: 'http://10.0.0.9:80' }]);
  });

  it('are forgotten with a target that has gone, though the others fail as well', async () => {
    const zone = new Zone({
      [`SRV ${SERVICE}`]: [
        srv('one.internal', { priority: 1 }),
        srv('two.internal', { priority: 1 }),
        srv('spare.internal', { priority: 2 }),
      ],
      'A one.internal': [a('10.0.0.1')],
      'A two.internal': [a('10.0.0.2')],
      'A spare.internal': [a('10.0.0.9')],
    });
    const source = serviceOf(zone);
    await source.hosts();
    zone.records['A one.internal'] = 'ENOTFOUND';
    zone.records['A two.internal'] = 'ESERVFAIL';
    await errorOf(source.hosts());
    // What servers that fail still hide is not what has gone.
    zone.records['A one.internal'] = 'ESERVFAIL';
    zone.records['A two.internal'] = [a('10.0.0.2')];
    expect(await source.hosts()).toMatchObject([{ url: 'http://10.0.0.2:80' }]);
  });

  it('tell of the target that failed first of its priority', async () => {
    const zone = new Zone({
      [`SRV ${SERVICE}`]: [srv('one.internal'), srv('two.internal')],
      'A one.internal': 'ESERVFAIL',
      'A two.internal': 'ETIMEOUT',
    });
    expect(await errorOf(serviceOf(zone).hosts())).toMatchObject({
      code: 'ESERVFAIL',
    });
  });

  it('fail as it does', async () => {
    const zone = new Zone({ [`SRV ${SERVICE}`]: 'EREFUSED' });
    expect(await errorOf(serviceOf(zone).hosts())).toMatchObject({
      code: 'EREFUSED',
    });
  });

  it.each(['.', ''])('are none where its target is "%s"', async (name) => {
    const zone = new Zone({ [`SRV ${SERVICE}`]: [srv(name)] });
    expect(await serviceOf(zone).hosts()).toEqual([]);
    expect(zone.asked).toEqual([`SRV ${SERVICE}`]);
  });

  it('may have one letter, and a name that ends in a point', async () => {
    const zone = new Zone({
      [`SRV ${SERVICE}`]: [srv('a'), srv('b.')],
      'A a': [a('10.0.0.1')],
      'A b.': [a('10.0.0.2')],
    });
    expect(await serviceOf(zone).hosts()).toHaveLength(2);
  });

  it('stay those of a target whose servers fail, for as long as that lasts', async () => {
    const zone = new Zone({
      [`SRV ${SERVICE}`]: [srv('one.internal'), srv('two.internal')],
      'A one.internal': [a('10.0.0.1')],
      'A two.internal': [a('10.0.0.2')],
    });
    const source = serviceOf(zone);
    const both = await source.hosts();
    zone.records['A two.internal'] = 'ESERVFAIL';
    expect(await source.hosts()).toEqual(both);
    expect(await source.hosts()).toEqual(both);
  });

  it('go with a target that is not there any more, and are not remembered', async () => {
    const zone = new Zone({
      [`SRV ${SERVICE}`]: [srv('one.internal'), srv('two.internal')],
      'A one.internal': [a('10.0.0.1')],
      'A two.internal': [a('10.0.0.2')],
    });
    const source = serviceOf(zone);
    await source.hosts();
    for (const code of ['ENOTFOUND', 'ESERVFAIL']) {
      zone.records['A two.internal'] = code;
      expect(await source.hosts()).toMatchObject([
        { url: 'http://10.0.0.1:80' },
      ]);
    }
  });

  it('are fewer where a target was never found', async () => {
    const zone = new Zone({
      [`SRV ${SERVICE}`]: [srv('one.internal'), srv('two.internal')],
      'A one.internal': [a('10.0.0.1', 7)],
      'A two.internal': 'ESERVFAIL',
    });
    const source = serviceOf(zone);
    expect(await source.hosts()).toMatchObject([{ url: 'http://10.0.0.1:80' }]);
    expect(source.refreshMs).toBe(7_000);
  });

  it('are not none where a resolver rejects with nothing', async () => {
    const zone = new Zone({ [`SRV ${SERVICE}`]: [srv('one.internal')] });
    // oxlint-disable-next-line prefer-promise-reject-errors -- that is what it is for
    zone.resolve4 = () => Promise.reject(undefined);
    const outcome = await serviceOf(zone)
      .hosts()
      .then(
        () => 'hosts',
        (error: unknown) => error,
      );
    expect(outcome).toBeUndefined();
  });
});

describe('Hosts by DNS, without a resolver', () => {
  const { Resolver } = dns;

  afterEach(() => {
    dns.Resolver = Resolver;
    syncBuiltinESMExports();
  });

  it("ask the system's servers of the moment, twice for two seconds", async () => {
    const made: unknown[] = [];
    const zone = new Zone({ 'A search.internal': [a('10.0.0.1')] });
    dns.Resolver = vi.fn(function (options: unknown) {
      made.push(options);
      return zone;
    }) as unknown as typeof Resolver;
    syncBuiltinESMExports();
    const source = dnsHosts({ name: 'search.internal', type: 'A' });
    expect(await source.hosts()).toHaveLength(1);
    expect(await source.hosts()).toHaveLength(1);
    const options = { timeout: 2_000, tries: 2 };
    expect(made).toEqual([options, options]);
  });
});

describe('The options of dnsHosts', () => {
  const wrong = (options: object): string => {
    try {
      dnsHosts(options as DnsHostsOptions);
    } catch (error) {
      return (error as Error).message;
    }
    return 'taken';
  };
  const NAME = { name: 'a', type: 'A' };

  it.each<[string, object, string]>([
    [
      'no name',
      { type: 'A' },
      'dnsHosts({ name }) is undefined: expected a name such as "search.internal"',
    ],
    [
      'an address',
      { ...NAME, name: '10.0.0.1' },
      'dnsHosts({ name }) is "10.0.0.1": expected a name such as "search.internal"',
    ],
    [
      'a number for a name',
      { ...NAME, name: 7 },
      'dnsHosts({ name }) is 7: expected a name such as "search.internal"',
    ],
    [
      'an address that ends in a point',
      { ...NAME, name: '10.0.0.1.' },
      'dnsHosts({ name }) is "10.0.0.1.": expected a name such as "search.internal"',
    ],
    [
      'two points at the end of the name',
      { ...NAME, name: 'a..' },
      'dnsHosts({ name }) is "a..": expected a name such as "search.internal"',
    ],
    [
      'a URL',
      { ...NAME, name: 'http://a' },
      'dnsHosts({ name }) is "http://a": expected a name such as "search.internal"',
    ],
    [
      'another type',
      { name: 'a', type: 'MX' },
      `dnsHosts({ type }) is "MX": expected 'A', 'AAAA' or 'SRV'`,
    ],
    [
      'no time to rest',
      { ...NAME, refreshMs: 0 },
      'dnsHosts({ refreshMs }) is 0: expected a number of milliseconds from 1 to 2,147,483,647',
    ],
    [
      'no port',
      { ...NAME, port: 0 },
      'dnsHosts({ port }) is 0: expected a whole number of at least 1, at most 65535',
    ],
    [
      'a port too high',
      { ...NAME, port: 65_536 },
      'dnsHosts({ port }) is 65536: expected a whole number of at least 1, at most 65535',
    ],
    [
      'a port of a service',
      { name: '_http._tcp.a', type: 'SRV', port: 80 },
      'dnsHosts({ port }) is 80: expected none: an SRV record names its own',
    ],
    [
      'another scheme',
      { ...NAME, protocol: 'ftp' },
      `dnsHosts({ protocol }) is "ftp": expected 'http' or 'https'`,
    ],
    [
      'a resolver that is none',
      { ...NAME, resolver: {} },
      'dnsHosts({ resolver }) is an object: expected a Resolver of node:dns/promises',
    ],
    [
      'no resolver at all',
      { ...NAME, resolver: null },
      'dnsHosts({ resolver }) is null: expected a Resolver of node:dns/promises',
    ],
    [
      'a resolver without services',
      { ...NAME, resolver: { resolve4() {}, resolve6() {} } },
      'dnsHosts({ resolver }) is an object: expected a Resolver of node:dns/promises',
    ],
    [
      'an unknown name',
      { ...NAME, ttl: 1 },
      'dnsHosts({ ttl }): unknown option: known are name, type, refreshMs, port, protocol, resolver',
    ],
  ])('tell of %s', (_what, options, message) => {
    expect(wrong(options)).toBe(message);
  });

  it.each<object>([
    { type: 'A' },
    { type: 'AAAA', port: 1, protocol: 'http', refreshMs: 1 },
    { type: 'SRV', protocol: 'https', resolver: new Zone() },
    { type: 'A', port: 65_535, refreshMs: undefined, resolver: undefined },
    { type: 'SRV', port: undefined, protocol: undefined },
    { type: 'A', name: 'search.internal.' },
  ])('may be %j', (options) => {
    expect(wrong({ name: 'search.internal', ...options })).toBe('taken');
  });
});
