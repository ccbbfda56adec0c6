import { describe, expect, it } from 'vitest';
import type { HostInput, HostSource } from '../../lib/core.js';
import {
  eventsOf,
  expectRest,
  fail,
  gate,
  subject,
} from '../support/core-toolkit.js';
import type { Subject } from '../support/core-toolkit.js';

/** A registry that may be asked, and says by itself that something is new. */
class Registry implements HostSource {
  refreshMs: number | false | undefined = undefined;
  readonly askedAtMs: number[] = [];
  nowMs = (): number => 0;
  private change: (hosts?: readonly HostInput[]) => void = () => {};

  constructor(public answer: () => unknown) {}

  async hosts(): Promise<HostInput[]> {
    this.askedAtMs.push(this.nowMs());
    return (await this.answer()) as HostInput[];
  }

  watch(onChange: (hosts?: readonly HostInput[]) => void): () => void {
    this.change = onChange;
    return () => {};
  }

  tell(hosts?: unknown): void {
    this.change(hosts as HostInput[] | undefined);
  }
}

function watching(
  answer: () => unknown,
): Subject & { readonly registry: Registry } {
  const registry = new Registry(answer);
  const made = subject({ hosts: registry });
  registry.nowMs = () => made.clock.nowMs();
  return { ...made, registry };
}

const netlocsOf = ({ dependency }: Pick<Subject, 'dependency'>): string[] =>
  dependency.snapshot().hosts.map(({ netloc }) => netloc);

describe('A source that tells of a change', () => {
  it('is asked again where it tells while it is being asked', async () => {
    const old = gate<HostInput[]>();
    const made = watching(() => old.promise);
    await made.clock.advance(100);
    made.registry.answer = () => ['new'];
    made.registry.tell();
    old.resolve(['old']);
    await made.clock.advance(0);
    expect(netlocsOf(made)).toEqual(['old:80']);
    await made.clock.advance(1_000);
    expect(netlocsOf(made)).toEqual(['new:80']);
    await made.clock.advance(3_600_000);
    expect(made.registry.askedAtMs).toEqual([0, 1_000]);
  });

  it('is not asked again where it has handed over a list since', async () => {
    const old = gate<HostInput[]>();
    const made = watching(() => old.promise);
    await made.clock.advance(100);
    made.registry.tell();
    made.registry.tell(['new']);
    old.resolve(['old']);
    await made.clock.advance(3_600_000);
    expect(netlocsOf(made)).toEqual(['new:80']);
    expect(made.registry.askedAtMs).toEqual([0]);
  });

  it('is asked once a second however often it tells', async () => {
    const made = watching(() => ['a']);
    for (let n = 0; n < 50_000; n++) {
      made.registry.tell();
      if (n % 10 === 9) await made.clock.advance(1);
    }
    expect(made.registry.askedAtMs).toEqual([
      0, 1_000, 2_000, 3_000, 4_000, 5_000,
    ]);
  });

  it('is asked for what it said badly', async () => {
    const made = watching(() => ['a', 'b']);
    await made.clock.advance(5_000);
    made.registry.tell(['ftp://a']);
    expect(made.dependency.snapshot().source).toMatchObject({ state: 'stale' });
    await made.clock.advance(0);
    expect(made.dependency.snapshot().source).toEqual({ state: 'fresh' });
    expect(made.registry.askedAtMs).toEqual([0, 5_000]);
    expect(netlocsOf(made)).toEqual(['a:80', 'b:80']);
  });

  it('is asked for what it said badly once a second at most', async () => {
    const made = watching(() => ['a']);
    for (let n = 0; n < 300; n++) {
      made.registry.tell([7]);
      await made.clock.advance(10);
    }
    expect(made.registry.askedAtMs).toEqual([0, 1_000, 2_000, 3_000]);
  });

  it('may do so while it is being watched for the first time', async () => {
    const { clock, dependency } = subject({
      hosts: {
        hosts: async () => ['asked'],
        watch: (onChange) => {
          onChange(['told']);
          return () => {};
        },
      },
    });
    expect(netlocsOf({ dependency })).toEqual(['told:80']);
    await clock.advance(0);
    expect(netlocsOf({ dependency })).toEqual(['asked:80']);
  });

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('no such registry');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no such registry'))],
  ])(
    'is asked by time where watch %s, though only watch was to tell',
    async (_what, watch) => {
      const askedAtMs: number[] = [];
      const { clock } = subject({
        hosts: {
          refreshMs: false,
          hosts: async () => {
            askedAtMs.push(clock.nowMs());
            return ['a'];
          },
          watch: watch as () => () => void,
        },
      });
      await clock.advance(90_000);
      expect(askedAtMs).toEqual([0, 30_000, 60_000, 90_000]);
    },
  );
});

describe('A list that is changed behind our back', () => {
  it('changes nothing until it is handed over', async () => {
    const list: HostInput[] = ['a', { url: 'http://b', weight: 2 }];
    const made = watching(() => list);
    await made.clock.advance(0);
    (list[1] as { url: string }).url = 'ftp://junk';
    list.push('c');
    list[0] = 'z';
    expect(netlocsOf(made)).toEqual(['a:80', 'b:80']);
    expect(
      new Set([
        await made.dependency.execute((call) => call.baseUrl),
        await made.dependency.execute((call) => call.baseUrl),
      ]),
    ).toEqual(new Set(['http://a', 'http://b']));
  });
});

describe('A host that is reached in another way now', () => {
  it('is another host: its circuit is new, and it is told as gone and come', async () => {
    const made = watching(() => ['http://a:8443', 'http://b:8443']);
    await made.clock.advance(0);
    await fail(made.dependency, 5, undefined, { netloc: 'a:8443' });
    const events = eventsOf(made.dependency);
    made.registry.tell(['https://a:8443', 'http://b:8443']);
    expect(made.dependency.snapshot().hosts).toMatchObject([
      { netloc: 'a:8443', state: 'closed', inService: true },
      { netloc: 'b:8443' },
    ]);
    expect(
      await made.dependency.execute((call) => call.baseUrl, {
        netloc: 'a:8443',
      }),
    ).toBe('https://a:8443');
    expect(events).toContainEqual({
      type: 'hosts.changed',
      dependencyId: 'payments',
      added: ['a:8443'],
      removed: ['a:8443'],
    });
  });

  it('is asked as the balancer function says, each time', async () => {
    let protocol = 'http';
    const { dependency } = subject({
      loadBalancer: () => [protocol, 'a:8443'],
    });
    const base = (): Promise<unknown> =>
      dependency.execute((call) => call.baseUrl);
    expect(await base()).toBe('http://a:8443');
    protocol = 'https';
    expect(await base()).toBe('https://a:8443');
    expect(dependency.snapshot().hosts).toHaveLength(1);
  });
});

describe('A source that answers junk', () => {
  const throwing = (part: string): object =>
    Object.defineProperty({}, part, {
      enumerable: true,
      get: () => {
        throw new Error('secret');
      },
    });

  it.each<[string, () => unknown]>([
    ['null', () => null],
    ['a set', () => new Set(['z'])],
    ['what looks like an array', () => ({ 0: 'z', length: 1 })],
    ['an object of hosts', () => ({ z: 80 })],
    ['a typed array', () => new Uint8Array(4)],
    ['a list of lists', () => [['z']]],
    // oxlint-disable-next-line no-sparse-arrays -- that is what it is for
    ['a list with a hole', () => ['z', , 'y']],
    ['a list with nothing', () => ['z', null]],
    ['an empty text', () => ['']],
    ['a list in a text', () => ['y,z']],
    ['a weight of 0', () => [{ url: 'http://z', weight: 0 }]],
    ['a weight below 0', () => [{ url: 'http://z', weight: -1 }]],
    ['a weight of NaN', () => [{ url: 'http://z', weight: NaN }]],
    ['a weight without end', () => [{ url: 'http://z', weight: Infinity }]],
    ['a weight in words', () => [{ url: 'http://z', weight: '1' }]],
    ['a weight of null', () => [{ url: 'http://z', weight: null }]],
    ['a host without url', () => [{ host: 'z', port: 80 }]],
    ['a host with more', () => [{ url: 'http://z', zone: 'b' }]],
    ['a name that is a URL', () => [{ url: 'http://z', name: 'http://y' }]],
    ['one host with two weights', () => ['z', { url: 'http://z', weight: 2 }]],
    ['one host by two protocols', () => ['http://z:81', 'https://z:81']],
    ['port 0', () => ['z:0']],
    ['a port too high', () => ['z:65536']],
    ['a promise in a list', () => [Promise.resolve('z')]],
    ['a symbol', () => [Symbol('z')]],
    ['a number', () => [8080]],
    ['a bigint', () => [8080n]],
    ['a function', () => [() => 'z']],
    ['a host that cannot be read', () => [throwing('url')]],
    ['a weight that cannot be read', () => [throwing('weight')]],
    ['an error', () => new Error('not thrown')],
    ['a class', () => class {}],
  ])('is left with its last list: %s', async (_what, answer) => {
    const made = watching(() => ['a', 'b']);
    await made.clock.advance(2_000);
    const events = eventsOf(made.dependency);
    made.registry.answer = answer;
    made.registry.tell();
    await made.clock.advance(0);
    expect(netlocsOf(made)).toEqual(['a:80', 'b:80']);
    expect(made.dependency.snapshot().source).toMatchObject({ state: 'stale' });
    expect(await made.dependency.execute(() => 'served')).toBe('served');
    const failed = events.find(({ type }) => type === 'hosts.failed') as {
      error: Error;
    };
    expect(failed.error.message).toMatch(/^its answer is no list of hosts: /);
    expect(failed.error.message).not.toContain('secret');
  });

  it('is left with its last list where it says the same of its own accord', async () => {
    const made = watching(() => ['a']);
    await made.clock.advance(2_000);
    for (const hosts of [['ftp://z'], [null], [['z']], [throwing('url')]])
      expect(() => made.registry.tell(hosts)).not.toThrow();
    await made.clock.advance(0);
    expect(netlocsOf(made)).toEqual(['a:80']);
  });
});

describe('A source that is heard in the middle of something', () => {
  it('may tell again while its list is being told of', async () => {
    const made = watching(() => ['a']);
    await made.clock.advance(0);
    let left = 5;
    made.dependency.on(({ type }) => {
      if (type === 'hosts.changed' && left-- > 0)
        made.registry.tell([`z${left}`, 'y']);
    });
    made.registry.tell(['b', 'c']);
    expect(netlocsOf(made)).toEqual(['z0:80', 'y:80']);
    expect(['z0:80', 'y:80']).toContain(
      await made.dependency.execute((call) => call.netloc),
    );
  });

  it('may end the dependency while its list is being told of', async () => {
    const made = watching(() => ['a']);
    await made.clock.advance(0);
    let closed: Promise<void> | undefined;
    made.dependency.on(({ type }) => {
      if (type === 'hosts.changed') closed = made.dependency.close();
    });
    made.registry.tell(['b', 'c']);
    made.registry.tell(['d']);
    await closed;
    expect(netlocsOf(made)).toEqual(['b:80', 'c:80']);
    expectRest(made);
  });

  it('may tell from within a call, to which nothing happens', async () => {
    const made = watching(() => ['a', 'b']);
    await made.clock.advance(0);
    const seen = await made.dependency.execute((call) => {
      made.registry.tell(['c']);
      made.registry.tell([]);
      made.registry.tell(['d', 'e']);
      return call.netloc;
    });
    expect(['a:80', 'b:80']).toContain(seen);
    expect(netlocsOf(made)).toEqual(['d:80', 'e:80']);
    expect(made.dependency.snapshot()).toMatchObject({
      window: { calls: 0 },
      totals: { succeeded: 1 },
    });
    await made.dependency.close();
    expectRest(made);
  });
});
