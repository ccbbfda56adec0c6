import dns from 'node:dns/promises';
import { syncBuiltinESMExports } from 'node:module';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dnsHosts } from '../../../lib/balancing/dns-hosts.js';
import {
  lookUpEach,
  SystemResolver,
  type DnsResolver,
} from '../../../lib/balancing/dns-lookup.js';
import { errorOf, gate } from '../../support/core-toolkit.js';

describe('Targets of a service that are looked up', () => {
  it('are asked for fifty at a time, each once, and told in their order', async () => {
    const names = Array.from({ length: 120 }, (_, n) => `host-${n}`);
    const open = gate();
    const asked: string[] = [];
    let most = 0;
    let running = 0;
    const resolver: DnsResolver = {
      resolve4: async (name) => {
        asked.push(name);
        most = Math.max(most, ++running);
        await open.promise;
        running -= 1;
        return [{ address: name, ttl: 60 }];
      },
      resolve6: async () => [],
      resolveSrv: async () => [],
    };
    const looked = lookUpEach(resolver, names);
    expect(asked).toHaveLength(50);
    open.resolve('go');
    expect(await looked).toMatchObject(
      names.map((name) => ({ value: { addresses: [name] } })),
    );
    expect(asked).toEqual(names);
    expect(most).toBe(50);
  });
});

describe("The system's servers", () => {
  const { Resolver } = dns;
  let asked: string[];
  let cancelled: number;

  /** Never answers, until it is cancelled. */
  class Silent {
    private ends: ((error: Error) => void)[] = [];

    resolve4 = (name: string): Promise<never> => this.ask(`A ${name}`);
    resolve6 = (name: string): Promise<never> => this.ask(`AAAA ${name}`);
    resolveSrv = (name: string): Promise<never> => this.ask(`SRV ${name}`);

    cancel(): void {
      cancelled += 1;
      for (const end of this.ends)
        end(Object.assign(new Error('cancelled'), { code: 'ECANCELLED' }));
    }

    private ask(question: string): Promise<never> {
      asked.push(question);
      return new Promise((_resolve, reject) => this.ends.push(reject));
    }
  }

  beforeEach(() => {
    asked = [];
    cancelled = 0;
    dns.Resolver = Silent as unknown as typeof Resolver;
    syncBuiltinESMExports();
  });

  afterEach(() => {
    dns.Resolver = Resolver;
    syncBuiltinESMExports();
  });

  it('are asked nothing more once that is cancelled', async () => {
    const resolver = new SystemResolver();
    const first = errorOf(resolver.resolve4('a', { ttl: true }));
    resolver.cancel();
    expect(await first).toMatchObject({ code: 'ECANCELLED' });
    for (const late of [
      () => resolver.resolve4('b', { ttl: true }),
      () => resolver.resolve6('b', { ttl: true }),
      () => resolver.resolveSrv('b'),
    ])
      expect(await errorOf(late())).toMatchObject({ name: 'AbortError' });
    expect(asked).toEqual(['A a']);
  });

  it('are left alone when the last one who watches has let go', async () => {
    const source = dnsHosts({ name: '_http._tcp.a', type: 'SRV' });
    const first = source.watch!(() => {});
    const second = source.watch!(() => {});
    const question = errorOf(source.hosts());
    expect(asked).toEqual(['SRV _http._tcp.a']);
    first();
    expect(cancelled).toBe(0);
    second();
    expect(cancelled).toBe(1);
    expect(await question).toMatchObject({ code: 'ECANCELLED' });
  });

  it('are let go of with the question', async () => {
    const source = dnsHosts({ name: 'a', type: 'A' });
    const off = source.watch!(() => {});
    const question = errorOf(source.hosts());
    off();
    await question;
    source.watch!(() => {})();
    expect(cancelled).toBe(1);
  });
});
