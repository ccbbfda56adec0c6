import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it } from 'vitest';
import {
  consecutiveFailures,
  createDependency,
  type DependencyOptions,
  type HostInput,
  type HostSource,
} from '../../lib/core.js';
import {
  errorOf,
  eventsOf,
  expectRest,
  fail,
  gate,
  hang,
  subject,
  watch,
  type Subject,
} from '../support/core-toolkit.js';

/** A source in the test's hand. */
class Registry implements HostSource {
  refreshMs: number | false = false;
  asked = 0;
  unwatched = 0;
  private change: (hosts?: readonly HostInput[]) => void = () => {};

  constructor(public answer: () => unknown) {}

  async hosts(): Promise<HostInput[]> {
    this.asked += 1;
    return (await this.answer()) as HostInput[];
  }

  watch(onChange: (hosts?: readonly HostInput[]) => void): () => void {
    this.change = onChange;
    return () => {
      this.unwatched += 1;
    };
  }

  push(...hosts: HostInput[]): void {
    this.change(hosts);
  }
}

const down = (): never => {
  throw new Error('registry is down');
};

async function listing(
  hosts: readonly HostInput[],
  options: DependencyOptions = {},
): Promise<Subject & { readonly registry: Registry }> {
  const registry = new Registry(() => hosts);
  const made = subject({ hosts: registry, ...options });
  await made.clock.advance(0);
  return { ...made, registry };
}

const netlocsOf = ({ dependency }: Pick<Subject, 'dependency'>): string[] =>
  dependency.snapshot().hosts.map(({ netloc }) => netloc);

describe('A dependency whose hosts come from a source, before the first list', () => {
  it('lets calls wait for it, and asks once for all of them', async () => {
    const list = gate<HostInput[]>();
    const registry = new Registry(() => list.promise);
    const made = subject({ hosts: registry });
    const calls = Array.from({ length: 200 }, () =>
      made.dependency.execute((call) => call.netloc),
    );
    await made.clock.advance(1_000);
    expect(made.dependency.snapshot()).toMatchObject({
      source: { state: 'pending' },
      inFlight: 0,
    });
    list.resolve(['a', 'b']);
    const netlocs = await Promise.all(calls);
    expect(new Set(netlocs)).toEqual(new Set(['a:80', 'b:80']));
    expect(registry.asked).toBe(1);
    expectRest(made);
  });

  it('counts what came of the calls that waited', async () => {
    const list = gate<HostInput[]>();
    const made = subject({
      hosts: new Registry(() => list.promise),
      circuit: { trip: consecutiveFailures(2) },
      retry: false,
    });
    const calls = [1, 2].map(() => errorOf(made.dependency.execute(down)));
    list.resolve(['a']);
    await Promise.all(calls);
    expect(made.dependency.snapshot().state).toBe('open');
  });

  it('bounds the wait by the deadline', async () => {
    const made = subject({ hosts: new Registry(hang), timeoutMs: 300 });
    const call = watch(made.dependency.execute(() => 'never'));
    await made.clock.advance(299);
    expect(call.state).toBe('pending');
    await made.clock.advance(1);
    expect(call.error).toMatchObject({
      code: 'DACE_TIMEOUT',
      kind: 'operation',
    });
    await made.dependency.close();
    expectRest(made);
  });

  it('ends the wait with the caller', async () => {
    const made = subject({ hosts: new Registry(hang) });
    const { signal, abort } = handle();
    const call = watch(made.dependency.execute(() => 'never', { signal }));
    abort('enough');
    await made.clock.advance(0);
    expect(call.error).toBe('enough');
    expect(made.dependency.snapshot().totals.cancelled).toBe(1);
  });

  it('ends the wait when it is closed', async () => {
    const made = subject({ hosts: new Registry(hang) });
    const call = watch(made.dependency.execute(() => 'never'));
    await made.dependency.close();
    expect(call.error).toMatchObject({ code: 'DACE_SHUTDOWN' });
    expectRest(made);
  });

  it('refuses those that waited when the source fails, and says why', async () => {
    const list = gate<HostInput[]>();
    const made = subject({
      hosts: new Registry(() => list.promise),
      fallback: undefined,
    });
    const call = errorOf(made.dependency.execute(() => 'never'));
    const cause = new Error('registry is down');
    list.reject(cause);
    expect(await call).toMatchObject({ code: 'DACE_NO_HOSTS', cause });
    expect(made.dependency.snapshot()).toMatchObject({
      source: { state: 'pending', lastFailure: { name: 'Error' } },
      totals: { refused: 1 },
    });
    // Nobody waits for a question that is not asked yet.
    expect(await errorOf(made.dependency.execute(() => 1))).toMatchObject({
      code: 'DACE_NO_HOSTS',
    });
  });

  it('gets well without anybody calling', async () => {
    const registry = new Registry(down);
    const made = subject({ hosts: registry });
    await made.clock.advance(0);
    registry.answer = () => ['a'];
    await made.clock.advance(1_000);
    expect(await made.dependency.execute((call) => call.netloc)).toBe('a:80');
  });

  it('is without hosts when the list is empty, and asks at most once a second', async () => {
    const registry = new Registry(() => []);
    const made = subject({ hosts: registry });
    for (let n = 0; n < 30; n++) {
      expect(await errorOf(made.dependency.execute(() => 1))).toMatchObject({
        code: 'DACE_NO_HOSTS',
        statusCode: 503,
      });
      await made.clock.advance(100);
    }
    expect(registry.asked).toBe(4);
    registry.answer = () => ['a'];
    await made.clock.advance(1_000);
    await errorOf(made.dependency.execute(() => 1));
    await made.clock.advance(0);
    expect(await made.dependency.execute((call) => call.netloc)).toBe('a:80');
  });

  it('keeps the async context of the caller', async () => {
    const storage = new AsyncLocalStorage<string>();
    const list = gate<HostInput[]>();
    const asked: unknown[] = [];
    const made = subject({
      hosts: new Registry(() => {
        asked.push(storage.getStore());
        return list.promise;
      }),
    });
    const calls = ['one', 'two'].map((name) =>
      storage.run(name, () =>
        made.dependency.execute(() => storage.getStore()),
      ),
    );
    storage.run('resolver', () => list.resolve(['a', 'b']));
    expect(await Promise.all(calls)).toEqual(['one', 'two']);
    expect(asked).toEqual([undefined]);
  });

  it('has no guard to give', async () => {
    const list = gate<HostInput[]>();
    const made = subject({ hosts: new Registry(() => list.promise) });
    expect(() => made.dependency.acquire()).toThrow(
      expect.objectContaining({ code: 'DACE_NO_HOSTS' }),
    );
    list.resolve(['a']);
    await made.clock.advance(0);
    using permit = made.dependency.acquire();
    expect(permit.netloc).toBe('a:80');
  });

  it('lets calls that are pinned pass', async () => {
    const made = subject({ hosts: new Registry(hang) });
    expect(
      await made.dependency.execute((call) => call.netloc, { netloc: 'z:81' }),
    ).toBe('z:81');
  });

  it('waits also where it is switched off, and runs the work once', async () => {
    const list = gate<HostInput[]>();
    const made = subject({
      hosts: new Registry(() => list.promise),
      enabled: false,
    });
    const call = watch(made.dependency.execute((each) => each.baseUrl));
    await made.clock.advance(100);
    expect(call.state).toBe('pending');
    list.resolve(['a']);
    await made.clock.advance(0);
    expect(call.value).toBe('http://a');
  });

  it('opens its gate to no other host meanwhile, even where it is switched off', async () => {
    const made = subject({ hosts: new Registry(down), enabled: false });
    expect(
      await errorOf(
        made.dependency.execute((call) => call.http.get('http://evil.test/')),
      ),
    ).toMatchObject({ code: 'DACE_FOREIGN_HOST' });
  });
});

function handle(): { signal: AbortSignal; abort(reason: unknown): void } {
  const controller = new AbortController();
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
  };
}

describe('A dependency whose hosts change', () => {
  it('tells what was added and removed, once for each change', async () => {
    const { registry, dependency, clock } = await listing(['a', 'b']);
    const events = eventsOf(dependency);
    registry.push('c', 'b');
    registry.push('b', 'c');
    await clock.advance(0);
    expect(events).toEqual([
      {
        type: 'hosts.changed',
        dependencyId: 'payments',
        added: ['c:80'],
        removed: ['a:80'],
      },
    ]);
  });

  it('keeps the circuit of a host that stays', async () => {
    const made = await listing(['a', 'b', 'c'], {
      circuit: { trip: consecutiveFailures(2) },
    });
    await fail(made.dependency, 2, down, { netloc: 'a:80' });
    made.registry.push('b', 'd', 'a', 'e');
    const { hosts } = made.dependency.snapshot();
    expect(hosts).toContainEqual(
      expect.objectContaining({
        netloc: 'a:80',
        state: 'open',
        inService: false,
      }),
    );
    expect(hosts.filter(({ inService }) => inService)).toHaveLength(3);
  });

  it('starts new hosts slowly', async () => {
    const made = await listing(['a', 'b'], { loadBalancer: 'round-robin' });
    await made.clock.advance(60_000);
    made.registry.push('a', 'b', 'c');
    const seen: (string | undefined)[] = [];
    for (let n = 0; n < 105; n++)
      seen.push(await made.dependency.execute((call) => call.netloc));
    expect(seen.filter((netloc) => netloc === 'c:80')).toHaveLength(5);
  });

  it('takes a new weight', async () => {
    const made = await listing(['a', 'b'], { loadBalancer: 'round-robin' });
    made.registry.push('a', { url: 'http://b', weight: 3 });
    const seen: (string | undefined)[] = [];
    for (let n = 0; n < 8; n++)
      seen.push(await made.dependency.execute((call) => call.netloc));
    expect(seen.filter((netloc) => netloc === 'b:80')).toHaveLength(6);
  });

  it('takes the counts of a host that leaves out of the sum', async () => {
    const made = await listing(['a', 'b', 'c']);
    for (const netloc of ['a:80', 'b:80', 'c:80'])
      for (let n = 0; n < 3; n++)
        await made.dependency.execute(() => 1, { netloc });
    await fail(made.dependency, 3, down, { netloc: 'a:80' });
    expect(made.dependency.snapshot().window).toMatchObject({
      calls: 12,
      failures: 3,
    });
    made.registry.push('b', 'c');
    expect(made.dependency.snapshot().window).toMatchObject({
      calls: 6,
      failures: 0,
    });
  });

  it('lets what runs on a host that left end, and counts it nowhere', async () => {
    const made = await listing(['a', 'b', 'c']);
    const work = gate();
    const call = made.dependency.execute(() => work.promise, {
      netloc: 'a:80',
      retry: false,
    });
    made.registry.push('b', 'c');
    work.reject(new Error('late'));
    expect((await errorOf(call)).message).toBe('late');
    expect(made.dependency.snapshot().window.calls).toBe(0);
    expectRest({ ...made });
  });

  it('gives a new only host a clean slate', async () => {
    const made = await listing(['a'], {
      circuit: { trip: consecutiveFailures(3) },
    });
    await fail(made.dependency, 2);
    const work = gate();
    const running = errorOf(
      made.dependency.execute(() => work.promise, { retry: false }),
    );
    made.registry.push('b');
    work.reject(new Error('of the old host'));
    await running;
    await fail(made.dependency, 2);
    expect(made.dependency.snapshot()).toMatchObject({ state: 'closed' });
    await fail(made.dependency, 1);
    expect(made.dependency.snapshot()).toMatchObject({ state: 'open' });
  });

  it('sends those who wait at a host that leaves to another', async () => {
    const made = await listing(['a'], { maxOpenPerNetloc: 1 });
    const work = gate();
    const first = made.dependency.execute(() => work.promise);
    const second = watch(made.dependency.execute((call) => call.netloc));
    await made.clock.advance(0);
    expect(made.dependency.snapshot().queued).toBe(1);
    made.registry.push('b');
    await made.clock.advance(0);
    expect(second.value).toBe('b:80');
    work.resolve('done');
    expect(await first).toBe('done');
    expectRest(made);
  });

  it('lets those who are pinned to a host that leaves keep their turn', async () => {
    const made = await listing(['a', 'b'], { maxOpenPerNetloc: 1 });
    const work = gate();
    const first = made.dependency.execute(() => work.promise, {
      netloc: 'a:80',
    });
    const second = watch(
      made.dependency.execute((call) => call.netloc, { netloc: 'a:80' }),
    );
    await made.clock.advance(0);
    made.registry.push('b', 'c');
    await made.clock.advance(0);
    expect(second.state).toBe('pending');
    work.resolve('done');
    await first;
    await made.clock.advance(0);
    expect(second.value).toBe('a:80');
    expectRest(made);
  });

  it('retries on another host when the tried one has left', async () => {
    const made = await listing(['a', 'b'], {
      retry: { on: 'any', sameHost: 2, backoff: { delayMs: 100 } },
    });
    const seen: (string | undefined)[] = [];
    const call = watch(
      made.dependency.execute((each) => {
        seen.push(each.netloc);
        if (seen.length === 1) throw new Error('once');
        return each.netloc;
      }),
    );
    await made.clock.advance(0);
    made.registry.push('c', 'd');
    await made.clock.advance(100);
    expect(['c:80', 'd:80']).toContain(call.value);
  });

  it('brings one of two hosts back when the healthy ones leave', async () => {
    const made = await listing(['a', 'b', 'c', 'd'], {
      circuit: { trip: consecutiveFailures(2) },
    });
    await fail(made.dependency, 2, down, { netloc: 'a:80' });
    await made.clock.advance(100);
    await fail(made.dependency, 2, down, { netloc: 'b:80' });
    made.registry.push('a', 'b');
    expect(
      made.dependency
        .snapshot()
        .hosts.map(({ netloc, inService }) => [netloc, inService]),
    ).toEqual([
      ['a:80', true],
      ['b:80', false],
    ]);
    expect(await made.dependency.execute((call) => call.netloc)).toBe('a:80');
  });

  it('makes a peer that is listed now a host', async () => {
    const made = await listing(['a', 'b']);
    await made.dependency.execute(() => 1, { netloc: 'c:80' });
    made.registry.push('a', 'b', 'c');
    expect(netlocsOf(made)).toEqual(['a:80', 'b:80', 'c:80']);
    expect(made.dependency.snapshot().hosts[2]).not.toHaveProperty('pinned');
  });

  it('remembers what an operator said of a host that left and came back', async () => {
    const made = await listing(['a', 'b', 'c']);
    made.dependency.control('forced-open', 'a:80');
    made.registry.push('b', 'c');
    made.registry.push('a', 'b', 'c');
    expect(made.dependency.snapshot().hosts[0]).toMatchObject({
      netloc: 'a:80',
      state: 'forced-open',
    });
  });

  it('refuses when the list has become empty, and goes on with the next one', async () => {
    const made = await listing(['a', 'b']);
    made.registry.push();
    expect(await errorOf(made.dependency.execute(() => 1))).toMatchObject({
      code: 'DACE_NO_HOSTS',
    });
    made.registry.push('c');
    expect(await made.dependency.execute((call) => call.netloc)).toBe('c:80');
  });
});

describe('A dependency whose source fails later', () => {
  it('keeps the last list and says so, once a minute in the log', async () => {
    const warnings: string[] = [];
    const registry = new Registry(() => ['a', 'b']);
    registry.refreshMs = 5_000;
    const made = subject(
      { hosts: registry },
      {
        logger: {
          log: () => {},
          error: () => {},
          warn: (message: string) => warnings.push(message),
        },
      },
    );
    await made.clock.advance(0);
    const events = eventsOf(made.dependency);
    registry.answer = down;
    await made.clock.advance(59_999);
    expect(netlocsOf(made)).toEqual(['a:80', 'b:80']);
    expect(made.dependency.snapshot().source).toMatchObject({
      state: 'stale',
      lastFailure: { name: 'Error' },
    });
    expect(warnings).toEqual([
      '"payments": The source of its hosts has failed; the last list stays in use (2 hosts). (Error: registry is down)',
    ]);
    expect(
      events.filter(({ type }) => type === 'hosts.failed').length,
    ).toBeGreaterThan(2);
    registry.answer = () => ['a', 'b'];
    await made.clock.advance(30_000);
    expect(made.dependency.snapshot().source).toEqual({ state: 'fresh' });
  });

  it.each<[string, () => unknown]>([
    ['throws', down],
    ['hangs', hang],
    ['answers rubbish', () => ['ftp://a', 7]],
    ['answers no array', () => ({ hosts: ['a'] })],
  ])('serves calls while it %s', async (_what, answer) => {
    const made = await listing(['a']);
    made.registry.answer = answer;
    made.registry.refreshMs = 1_000;
    made.registry.push('a', 'b');
    await made.clock.advance(25_000);
    expect(made.registry.asked).toBeGreaterThan(1);
    expect(await made.dependency.execute(() => 'served')).toBe('served');
    expect(netlocsOf(made)).toEqual(['a:80', 'b:80']);
  });
});

describe('An outage of a dependency whose hosts come from a source', () => {
  it('asks early when the circuit opens', async () => {
    const made = await listing(['a'], {
      circuit: { trip: consecutiveFailures(2) },
    });
    await made.clock.advance(1_500);
    await fail(made.dependency, 2);
    await made.clock.advance(0);
    expect(made.registry.asked).toBe(2);
  });

  it('asks early when no host can be picked', async () => {
    const made = await listing(['a', 'b']);
    made.dependency.control('forced-open', 'a:80');
    made.dependency.control('forced-open', 'b:80');
    await made.clock.advance(1_500);
    for (let n = 0; n < 50; n++) {
      expect(await errorOf(made.dependency.execute(() => 1))).toMatchObject({
        code: 'DACE_NO_HOSTS',
      });
      await made.clock.advance(100);
    }
    // At 0, and from 1,500 ms on each second.
    expect(made.registry.asked).toBe(7);
  });
});

describe('A dependency that changes where its hosts come from', () => {
  it('keeps its list until the new source has answered', async () => {
    const list = gate<HostInput[]>();
    const made = subject({ hosts: ['a', 'b'] });
    made.dependency.configure({ hosts: new Registry(() => list.promise) });
    expect(['a:80', 'b:80']).toContain(
      await made.dependency.execute((call) => call.netloc),
    );
    list.resolve(['b', 'c']);
    await made.clock.advance(0);
    expect(netlocsOf(made)).toEqual(['b:80', 'c:80']);
  });

  it('goes back to a list, and lets go of the source', async () => {
    const made = await listing(['a', 'b']);
    made.dependency.configure({ hosts: ['c'] });
    made.registry.push('d');
    expect(netlocsOf(made)).toEqual(['c:80']);
    expect(made.registry.unwatched).toBe(1);
    expect(made.dependency.snapshot()).not.toHaveProperty('source');
  });

  it('leaves a source alone that stays', async () => {
    const made = await listing(['a', 'b']);
    made.dependency.configure({ timeoutMs: 100 });
    await made.clock.advance(0);
    expect(made.registry).toMatchObject({ asked: 1, unwatched: 0 });
    expect(netlocsOf(made)).toEqual(['a:80', 'b:80']);
  });

  it('lets calls that wait for one source wait for the next', async () => {
    const made = subject({ hosts: new Registry(hang) });
    const call = watch(made.dependency.execute((each) => each.netloc));
    const list = gate<HostInput[]>();
    made.dependency.configure({ hosts: new Registry(() => list.promise) });
    await made.clock.advance(0);
    expect(call.state).toBe('pending');
    list.resolve(['a']);
    await made.clock.advance(0);
    expect(call.value).toBe('a:80');
  });

  it('takes a source where it had no hosts, and waits for its list', async () => {
    const made = subject();
    expect(await made.dependency.execute((call) => call.netloc)).toBe(
      undefined,
    );
    made.dependency.configure({ hosts: new Registry(() => ['a']) });
    expect(await made.dependency.execute((call) => call.netloc)).toBe('a:80');
    expect(made.dependency.snapshot().window.calls).toBe(1);
  });

  it('refuses what is neither, and keeps all', async () => {
    const made = await listing(['a']);
    for (const hosts of [[], 'http://a', { list: [] }, 7, () => ['a']])
      expect(() =>
        made.dependency.configure({ hosts: hosts as never }),
      ).toThrow(/hosts is .*expected an array of at least one host/s);
    expect(netlocsOf(made)).toEqual(['a:80']);
  });
});

describe('A balancer function beside a source', () => {
  it('answers without waiting for the list, and its hosts stay when that changes', async () => {
    const registry = new Registry(hang);
    const made = subject({
      hosts: registry,
      loadBalancer: () => ['http', 'z:81'],
    });
    expect(await made.dependency.execute((call) => call.netloc)).toBe('z:81');
    registry.push('a');
    registry.push('b');
    expect(netlocsOf(made)).toEqual(['b:80', 'z:81']);
    expect(await made.dependency.execute((call) => call.netloc)).toBe('z:81');
  });
});

describe('The end of a dependency whose hosts come from a source', () => {
  it('lets go of it, and nothing waits', async () => {
    const made = await listing(['a', 'b']);
    made.registry.refreshMs = 1_000;
    made.registry.push('a');
    expect(made.clock.pending).toBe(1);
    await made.dependency.close();
    made.registry.push('z');
    await made.clock.advance(120_000);
    expect(made.registry).toMatchObject({ asked: 1, unwatched: 1 });
    expect(netlocsOf(made)).toEqual(['a:80']);
    expectRest(made);
  });

  it('is no reason for the process to stay', async () => {
    const held: boolean[] = [];
    const { clock } = subject();
    createDependency(
      'payments',
      { hosts: new Registry(() => ['a']) },
      {
        clock: {
          nowMs: () => clock.nowMs(),
          dateMs: () => clock.dateMs(),
          alarm: (_fn, { holdsProcess = true } = {}) => ({
            set: () => held.push(holdsProcess),
            clear: () => {},
          }),
        },
      },
    );
    await clock.advance(0);
    expect(new Set(held)).toEqual(new Set([false]));
  });
});
