import { describe, expect, it } from 'vitest';
import {
  DaceRateLimitedError,
  type Call,
  type LoadBalancer,
} from '../../lib/core.js';
import {
  errorOf,
  expectRest,
  gate,
  refusedConnection,
  subject,
  watch,
  type Gate,
} from '../support/core-toolkit.js';

const HOSTS = ['http://a', 'http://b', 'http://c'];

/** Always the first of those that may be asked. */
const first: LoadBalancer = { pick: (hosts) => hosts[0]! };

describe('A retry over several hosts', () => {
  it('goes to hosts not tried yet', async () => {
    const { dependency } = subject({
      hosts: HOSTS,
      loadBalancer: first,
      retry: { attempts: 3 },
    });
    const seen: unknown[] = [];
    const error = await errorOf(
      dependency.execute((call) => {
        seen.push(call.netloc);
        throw refusedConnection();
      }),
    );
    expect(seen).toEqual(['a:80', 'b:80', 'c:80']);
    expect(error).toMatchObject({ code: 'DACE_RETRY_EXHAUSTED', attempts: 3 });
  });

  it('returns to a tried host only when no other is left', async () => {
    const { dependency } = subject({
      hosts: ['http://a', 'http://b'],
      loadBalancer: first,
      retry: { attempts: 4, budget: false },
    });
    const seen: string[] = [];
    await errorOf(
      dependency.execute((call) => {
        seen.push(call.netloc!);
        throw refusedConnection();
      }),
    );
    expect(seen.slice(0, 2)).toEqual(['a:80', 'b:80']);
    expect(seen).toHaveLength(4);
  });

  it('stays for sameHost more tries, all within attempts', async () => {
    const { dependency } = subject({
      hosts: HOSTS,
      loadBalancer: first,
      retry: { attempts: 4, sameHost: 1, budget: false },
    });
    const seen: string[] = [];
    await errorOf(
      dependency.execute((call) => {
        seen.push(call.netloc!);
        throw refusedConnection();
      }),
    );
    expect(seen).toEqual(['a:80', 'a:80', 'b:80', 'b:80']);
  });

  it('tells the function where it is', async () => {
    const { dependency } = subject({
      hosts: ['https://secure.example/base/', 'plain.example'],
      loadBalancer: 'round-robin',
    });
    const see = ({ netloc, protocol, baseUrl }: Call) => ({
      netloc,
      protocol,
      baseUrl,
    });
    const places = [
      await dependency.execute(see),
      await dependency.execute(see),
    ];
    expect(places).toContainEqual({
      netloc: 'secure.example:443',
      protocol: 'https',
      baseUrl: 'https://secure.example/base',
    });
    expect(places).toContainEqual({
      netloc: 'plain.example:80',
      protocol: 'http',
      baseUrl: 'http://plain.example',
    });
  });
});

describe('A full host', () => {
  it('is passed by while another has a free permit', async () => {
    const { dependency } = subject({
      hosts: ['http://a', 'http://b'],
      loadBalancer: first,
      maxOpenPerNetloc: 1,
    });
    const holder = gate();
    void dependency.execute(() => holder.promise);
    expect(await dependency.execute((call) => call.netloc)).toBe('b:80');
    holder.resolve('');
  });

  it('is passed by without a queue, and refused only when all are full', async () => {
    const { dependency } = subject({
      hosts: ['http://a', 'http://b'],
      loadBalancer: first,
      maxOpenPerNetloc: 1,
      maxQueuedPerNetloc: 0,
    });
    const holder = gate();
    const held = [
      dependency.execute(() => holder.promise),
      dependency.execute(() => holder.promise),
    ];
    expect(dependency.snapshot().hosts.map((host) => host.inFlight)).toEqual([
      1, 1,
    ]);
    const error = await errorOf(dependency.execute(() => 'never'));
    expect(error).toBeInstanceOf(DaceRateLimitedError);
    holder.resolve('');
    await Promise.all(held);
  });

  it('queues at the shortest queue when all are full', async () => {
    const { clock, dependency } = subject({
      hosts: ['http://a', 'http://b'],
      loadBalancer: first,
      maxOpenPerNetloc: 1,
    });
    const running = new Map<string, Gate<string>[]>([
      ['a:80', []],
      ['b:80', []],
    ]);
    const work = (call: Call): Promise<string> => {
      const mine = gate();
      running.get(call.netloc!)!.push(mine);
      return mine.promise;
    };
    const calls = Array.from({ length: 6 }, () => dependency.execute(work));
    expect(dependency.snapshot().queued).toBe(4);
    const finish = async (netloc: string): Promise<void> => {
      const list = running.get(netloc)!;
      for (let n = 0; n < list.length; n++) {
        list[n]!.resolve(netloc);
        await clock.advance(0);
      }
    };
    await finish('a:80');
    expect(running.get('a:80')).toHaveLength(3);
    expect(dependency.snapshot().queued).toBe(2);
    await finish('b:80');
    expect(running.get('b:80')).toHaveLength(3);
    await Promise.all(calls);
    expectRest({ clock, dependency });
  });

  it('with a full queue leaves the call to a queue that has room', async () => {
    const { clock, dependency } = subject({
      hosts: ['http://a', 'http://b'],
      loadBalancer: first,
      maxOpenPerNetloc: 1,
      maxQueuedPerNetloc: 1,
    });
    const holder = gate();
    const calls = Array.from({ length: 4 }, () =>
      dependency.execute(() => holder.promise),
    );
    expect(dependency.snapshot().queued).toBe(2);
    expect(await errorOf(dependency.execute(() => 'never'))).toMatchObject({
      code: 'DACE_RATE_LIMITED',
    });
    holder.resolve('done');
    await Promise.all(calls);
    expectRest({ clock, dependency });
  });

  it('is passed by at a retry while another untried host is free', async () => {
    const { dependency } = subject({
      hosts: HOSTS,
      loadBalancer: first,
      maxOpenPerNetloc: 1,
      retry: { attempts: 2 },
    });
    const holder = gate();
    // Holds b through a retry of its own.
    const holding = watch(
      dependency.execute((call) => {
        if (call.attempt === 1) throw refusedConnection();
        return holder.promise;
      }),
    );
    await Promise.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    expect(
      dependency.snapshot().hosts.find((host) => host.netloc === 'b:80')
        ?.inFlight,
    ).toBe(1);
    const seen: string[] = [];
    await dependency.execute((call) => {
      seen.push(call.netloc!);
      if (call.attempt === 1) throw refusedConnection();
      return 'ok';
    });
    expect(seen).toEqual(['a:80', 'c:80']);
    holder.resolve('');
    expect(holding.state).toBe('pending');
  });
});
