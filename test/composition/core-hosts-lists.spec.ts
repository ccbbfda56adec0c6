import { describe, expect, it } from 'vitest';
import {
  consecutiveFailures,
  DaceNoHostsError,
  failureRatio,
  probes,
  type DependencyOptions,
  type HostInput,
  type HostSource,
} from '../../lib/core.js';
import {
  answered,
  errorOf,
  eventsOf,
  expectRest,
  fail,
  gate,
  subject,
  type Subject,
} from '../support/core-toolkit.js';

type Listing = Subject & { list(...hosts: HostInput[]): void };

/** A dependency whose list of hosts is in the test's hand. */
async function listing(
  hosts: readonly HostInput[],
  options: DependencyOptions = {},
): Promise<Listing> {
  let change: (hosts: readonly HostInput[]) => void = () => {};
  const source: HostSource = {
    hosts: async () => hosts,
    watch: (onChange) => {
      change = onChange;
      return () => {};
    },
  };
  const made = subject({ hosts: source, retry: false, ...options });
  await made.clock.advance(0);
  return { ...made, list: (...now) => change(now) };
}

const stateOf = ({ dependency }: Subject): string =>
  dependency.snapshot().state;

const ask = ({ dependency }: Subject): Promise<string | undefined> =>
  dependency.execute((call) => call.netloc);

/** Opens the dependency's circuit: every host of the list is down. */
async function bringDown(made: Subject): Promise<void> {
  for (let n = 0; n < 200 && stateOf(made) === 'closed'; n++)
    await fail(made.dependency, 1);
  expect(stateOf(made)).toBe('open');
}

describe('An open circuit none of whose hosts is listed any more', () => {
  it.each([
    [['a'], ['z']],
    [['a'], ['y', 'z']],
    [
      ['a', 'b', 'c'],
      ['x', 'y', 'z'],
    ],
    [['a', 'b', 'c'], ['z']],
  ])('of %j sends a probe to %j at once', async (before, now) => {
    const made = await listing(before, {
      circuit: { resetTimeoutMs: 60_000 },
    });
    await bringDown(made);
    await made.clock.advance(5_000);
    expect(await errorOf(ask(made))).toMatchObject({
      code: 'DACE_CIRCUIT_OPEN',
    });
    made.list(...now);
    expect(stateOf(made)).toBe('half-open');
    const first = gate();
    const probe = made.dependency.execute(() => first.promise);
    expect(await errorOf(ask(made))).toMatchObject({
      code: 'DACE_CIRCUIT_OPEN',
    });
    first.resolve('well');
    expect(await probe).toBe('well');
    expect(stateOf(made)).toBe('closed');
    expect(now.map((host) => `${host}:80`)).toContain(await ask(made));
    await made.dependency.close();
    expectRest(made);
  });

  it('waits for a list that names somebody', async () => {
    const made = await listing(['a', 'b'], {
      circuit: { resetTimeoutMs: 60_000 },
    });
    await bringDown(made);
    await made.clock.advance(5_000);
    made.list();
    expect(stateOf(made)).toBe('open');
    made.list('c', 'd');
    expect(stateOf(made)).toBe('half-open');
  });

  it('opens again when the probe fails, for as long as ever', async () => {
    const made = await listing(['a'], {
      circuit: { resetTimeoutMs: 20_000, resetBackoff: { factor: 2 } },
    });
    await bringDown(made);
    await made.clock.advance(5_000);
    made.list('b');
    await fail(made.dependency, 1);
    expect(made.dependency.snapshot()).toMatchObject({
      state: 'open',
      retryAfterMs: 40_000,
    });
  });

  it('is open for a second whatever the lists do', async () => {
    const made = await listing(['a'], {
      circuit: { resetTimeoutMs: 20_000 },
    });
    await bringDown(made);
    for (let n = 0; n < 1_000; n++) {
      made.list(`b${n}`);
      await fail(made.dependency, 1);
      await made.clock.advance(10);
    }
    // Twenty that opened it, then one a second.
    const { attempts } = made.dependency.snapshot().totals;
    expect(attempts).toBe(5 + 9);
  });

  it('keeps an opening that is shorter than that', async () => {
    const made = await listing(['a'], { circuit: { resetTimeoutMs: 300 } });
    await bringDown(made);
    made.list('b');
    expect(made.dependency.snapshot()).toMatchObject({
      state: 'open',
      retryAfterMs: 300,
    });
  });

  it('stays open where an answer asked for that, and where an operator did', async () => {
    const made = await listing(['a'], {
      circuit: { openOnRetryAfter: { maxMs: 60_000 } },
    });
    await fail(made.dependency, 1, () =>
      answered(429, { 'retry-after': '30' }),
    );
    await made.clock.advance(5_000);
    made.list('b');
    expect(made.dependency.snapshot()).toMatchObject({
      state: 'open',
      retryAfterMs: 25_000,
    });
    made.dependency.control('forced-open');
    made.list('c');
    expect(stateOf(made)).toBe('forced-open');
  });

  it('stays open while one of its hosts is listed', async () => {
    const made = await listing(['a', 'b'], {
      circuit: { resetTimeoutMs: 60_000 },
    });
    await bringDown(made);
    await made.clock.advance(5_000);
    made.list('b', 'c', 'd');
    expect(made.dependency.snapshot()).toMatchObject({
      state: 'open',
      retryAfterMs: 55_000,
    });
  });
});

describe('A probe at a host that has left meanwhile', () => {
  it.each([['z'], ['y', 'z']])(
    'that fails does not shut out those who came, %j',
    async (...now) => {
      const made = await listing(['a'], {
        circuit: { resetTimeoutMs: 10_000 },
      });
      await bringDown(made);
      await made.clock.advance(10_000);
      const work = gate();
      const probe = errorOf(made.dependency.execute(() => work.promise));
      made.list(...now);
      work.reject(new Error('of the old one'));
      await probe;
      expect(stateOf(made)).toBe('half-open');
      expect(now.map((host) => `${host}:80`)).toContain(await ask(made));
      expect(stateOf(made)).toBe('closed');
      expectRest(made);
    },
  );

  it('of two that it takes is one when it succeeds, however often the list changes', async () => {
    const made = await listing(['a'], {
      circuit: {
        resetTimeoutMs: 10_000,
        recovery: probes({ calls: 2, successes: 2 }),
      },
    });
    await bringDown(made);
    await made.clock.advance(10_000);
    for (const next of ['b', 'c']) {
      const work = gate();
      const probe = made.dependency.execute(() => work.promise);
      made.list(next);
      work.resolve('well');
      await probe;
    }
    expect(stateOf(made)).toBe('closed');
  });
});

describe('A call that was pinned to a host and waits there when it leaves', () => {
  it.each([['only'], ['first of two', 'other']])(
    'counts nowhere, the %s',
    async (_what, ...others) => {
      const made = await listing(['a', ...others], { maxOpenPerNetloc: 1 });
      const work = gate();
      const calls = [1, 2].map(() =>
        made.dependency.execute(() => work.promise, { netloc: 'a:80' }),
      );
      made.list('b', 'c');
      work.resolve('well');
      expect(await Promise.all(calls)).toEqual(['well', 'well']);
      expect(made.dependency.snapshot()).toMatchObject({
        window: { calls: 0 },
        totals: { succeeded: 2 },
        hosts: [{ window: { calls: 0 } }, { window: { calls: 0 } }],
      });
      expectRest(made);
    },
  );
});

describe('A list that goes from one to two, to one, to none, to three', () => {
  it('is judged by the dependency where there is one, by hosts where there are more', async () => {
    const made = await listing(['a'], {
      circuit: { trip: consecutiveFailures(3), resetTimeoutMs: 10_000 },
    });
    const events = eventsOf(made.dependency);
    await fail(made.dependency, 2);
    made.list('a', 'b');
    // What the only host has counted is not the sum of two.
    expect(made.dependency.snapshot().window.calls).toBe(0);
    await fail(made.dependency, 3, undefined, { netloc: 'a:80' });
    expect(made.dependency.snapshot()).toMatchObject({
      state: 'closed',
      hosts: [
        { netloc: 'a:80', state: 'open', inService: false },
        { netloc: 'b:80', state: 'closed', inService: true },
      ],
    });
    made.list('a');
    expect(made.dependency.snapshot()).toMatchObject({
      state: 'closed',
      window: { calls: 0 },
      hosts: [{ netloc: 'a:80', inService: true }],
    });
    await fail(made.dependency, 3);
    expect(stateOf(made)).toBe('open');
    await made.clock.advance(2_000);
    made.list();
    expect(stateOf(made)).toBe('open');
    await made.clock.advance(8_000);
    expect(await errorOf(ask(made))).toBeInstanceOf(DaceNoHostsError);
    expect(stateOf(made)).toBe('half-open');
    made.list('a', 'b', 'c');
    await ask(made);
    expect(made.dependency.snapshot()).toMatchObject({
      state: 'closed',
      hosts: [{ inService: true }, { inService: true }, { inService: true }],
    });
    const told = events.map(({ type }) => type);
    expect(told.filter((type) => type === 'hosts.changed')).toHaveLength(4);
    expectRest(made);
  });

  it('never counts for a host what it did when it was alone', async () => {
    const made = await listing(['a', 'b'], {
      circuit: { trip: consecutiveFailures(1), maxOutRatio: 0.5 },
    });
    const work = gate();
    const running = errorOf(
      made.dependency.execute(() => work.promise, { netloc: 'a:80' }),
    );
    made.list('a');
    made.list('a', 'b');
    work.reject(new Error('of another time'));
    await running;
    expect(made.dependency.snapshot()).toMatchObject({
      window: { calls: 0 },
      hosts: [
        { netloc: 'a:80', state: 'closed', window: { calls: 0 } },
        { netloc: 'b:80', state: 'closed' },
      ],
    });
  });
});

describe('A list whose every answer is another', () => {
  it('serves every call, and never remembers more than it lists', async () => {
    const made = await listing(['a0', 'a1', 'a2', 'a3']);
    for (let n = 1; n < 300; n++) {
      const now = [0, 1, 2, 3].map((m) => `a${(n * 7 + m * 3) % 20}`);
      made.list(...now);
      for (let call = 0; call < 5; call++)
        expect(now.map((host) => `${host}:80`)).toContain(await ask(made));
      await made.clock.advance(1_000);
      expect(made.dependency.snapshot().hosts).toHaveLength(4);
    }
    expect(made.dependency.snapshot().totals).toMatchObject({
      succeeded: 5 * 299,
      failed: 0,
      refused: 0,
    });
    expectRest(made);
  });
});

describe('How many may be out, when the list changes', () => {
  const inService = ({ dependency }: Subject): string[] =>
    dependency
      .snapshot()
      .hosts.filter((host) => host.inService)
      .map(({ netloc }) => netloc);

  it('is looked at anew: one for whom there was no room goes out', async () => {
    const made = await listing(['a', 'b'], {
      circuit: { trip: consecutiveFailures(3), resetTimeoutMs: 60_000 },
    });
    await fail(made.dependency, 3, undefined, { netloc: 'a:80' });
    await fail(made.dependency, 1, undefined, { netloc: 'b:80' });
    await ask(made);
    await fail(made.dependency, 2, undefined, { netloc: 'b:80' });
    // Three in a row would open the dependency, whose only host in service b is.
    expect(inService(made)).toEqual(['b:80']);
    made.list('a', 'b', 'c');
    await fail(made.dependency, 1, undefined, { netloc: 'b:80' });
    expect(inService(made)).toEqual(['c:80']);
  });

  it('brings nobody back where fewer are out than may be', async () => {
    const names = 'a b c d e f g h i j'.split(' ');
    const made = await listing(names, {
      circuit: { trip: consecutiveFailures(2), resetTimeoutMs: 60_000 },
    });
    for (const name of ['a', 'b', 'c'])
      await fail(made.dependency, 2, undefined, { netloc: `${name}:80` });
    made.list(...names.slice(0, 9));
    expect(inService(made)).toEqual(
      names.slice(3, 9).map((name) => `${name}:80`),
    );
  });

  it('lets one that is tripped go out at once, and as many as there is room for', async () => {
    const made = await listing(['a', 'b', 'c', 'd'], {
      circuit: {
        trip: failureRatio({ ratio: 0.9, minimumCalls: 3 }),
        resetTimeoutMs: 60_000,
        maxOutRatio: 0.25,
      },
    });
    for (const netloc of ['d:80', 'd:80', 'd:80'])
      await made.dependency.execute(() => 1, { netloc });
    for (const netloc of ['a:80', 'b:80', 'c:80'])
      await fail(made.dependency, 3, undefined, { netloc });
    expect(inService(made)).toEqual(['b:80', 'c:80', 'd:80']);
    expect(made.dependency.snapshot()).toMatchObject({
      state: 'closed',
      hosts: [
        { netloc: 'a:80', state: 'open' },
        { netloc: 'b:80', state: 'closed', tripped: 'failureRatio' },
        { netloc: 'c:80', state: 'closed', tripped: 'failureRatio' },
        { netloc: 'd:80', state: 'closed' },
      ],
    });
    made.list('a', 'b', 'c', 'd', 'e');
    expect(inService(made)).toEqual(['c:80', 'd:80', 'e:80']);
    expect(made.dependency.snapshot().window).toMatchObject({ failures: 3 });
  });
});
