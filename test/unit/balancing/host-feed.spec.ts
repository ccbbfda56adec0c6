import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it } from 'vitest';
import type { HostFeed } from '../../../lib/balancing/host-feed.js';
import type { HostSource } from '../../../lib/balancing/host-source.js';
import { gate, hang, unhandledDuring } from '../../support/core-toolkit.js';
import { asked, down, feedOf } from '../../support/host-feed.js';

const LONGEST_MS = 2_147_483_647;

/** A feed of a source that answers at once, unless told otherwise. */
function fed(
  more: Partial<HostSource> = {},
  answer: (
    times: number,
  ) => readonly string[] | Promise<readonly string[]> = () => ['a'],
  draw?: () => number,
) {
  const source = asked(() => subject.clock.nowMs(), answer, more);
  const subject = feedOf(source, draw);
  return { ...subject, source };
}

describe('The start of a host feed', () => {
  it('is one, however often it is called for', async () => {
    let watches = 0;
    const { feed, clock, source } = fed({
      watch: () => {
        watches += 1;
        return () => {};
      },
    });
    feed.start();
    feed.start();
    await clock.advance(5_000);
    feed.start();
    await clock.advance(5_000);
    expect([watches, source.times]).toEqual([1, [0]]);
  });

  it('comes with the first hurry', async () => {
    let watches = 0;
    const { feed, clock, source } = fed({
      watch: () => {
        watches += 1;
        return () => {};
      },
    });
    feed.refreshEarly();
    await clock.advance(0);
    expect([watches, source.times]).toEqual([1, [0]]);
  });

  it('is none after the end', async () => {
    const { feed, clock, source } = fed();
    feed.stop();
    feed.start();
    feed.refreshEarly();
    await clock.advance(60_000);
    expect(source.times).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  it('asks nothing any more where it ends before the caller has gone on', async () => {
    const { feed, clock, source } = fed();
    feed.start();
    feed.stop();
    await clock.advance(60_000);
    expect(source.times).toEqual([]);
  });

  it('asks nothing before the caller has gone on', async () => {
    const { feed, clock, source } = fed();
    feed.start();
    expect(source.times).toEqual([]);
    await clock.advance(0);
    expect(source.times).toEqual([0]);
  });

  it('takes no part in the context of the call that began it', async () => {
    const storage = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const { feed, clock } = fed(
      {
        watch: () => {
          seen.push(storage.getStore());
          return () => {};
        },
      },
      () => {
        seen.push(storage.getStore());
        return ['a'];
      },
    );
    storage.run('call', () => feed.start());
    await clock.advance(0);
    expect(seen).toEqual([undefined, undefined]);
  });
});

describe('A host feed’s question that fails too late', () => {
  it('changes nothing once it has been given up', async () => {
    const late = gate<string[]>();
    const { feed, clock, source, failures } = fed({}, (times) =>
      times === 1 ? late.promise : hang(),
    );
    feed.start();
    await clock.advance(11_000);
    late.reject(new Error('late'));
    await clock.advance(5_000);
    expect(failures).toEqual(['it has not answered within 10000 ms']);
    expect(source.times).toEqual([0, 11_000]);
  });

  it('is told to nobody after the end', async () => {
    const late = gate<string[]>();
    const { feed, clock, source, failures } = fed({}, () => late.promise);
    feed.start();
    await clock.advance(0);
    feed.stop();
    late.reject(new Error('late'));
    await clock.advance(60_000);
    expect([failures, source.times]).toEqual([[], [0]]);
    expect(clock.pending).toBe(0);
  });
});

describe('What a host feed tells of itself', () => {
  const stateOf = ({ isAwaited, hasList, failure }: HostFeed) => ({
    isAwaited,
    hasList,
    failure,
  });

  it('is that the first list is on its way, then that it is there', async () => {
    const list = gate<string[]>();
    const { feed, clock } = fed({ refreshMs: 5_000 }, (times) =>
      times === 1 ? list.promise : hang(),
    );
    const none = { isAwaited: false, hasList: false, failure: undefined };
    expect(stateOf(feed)).toEqual(none);
    feed.start();
    await clock.advance(100);
    expect(stateOf(feed)).toEqual({ ...none, isAwaited: true });
    list.resolve(['a']);
    await clock.advance(0);
    expect(stateOf(feed)).toEqual({ ...none, hasList: true });
    await clock.advance(5_000);
    expect(stateOf(feed)).toEqual({ ...none, hasList: true });
  });

  it('is what went wrong and when, until the next list', async () => {
    const { feed, clock } = fed({}, (times) => (times < 3 ? down() : ['a']));
    feed.start();
    await clock.advance(0);
    expect(stateOf(feed)).toEqual({
      isAwaited: false,
      hasList: false,
      failure: { error: new Error('registry is down'), dateMs: clock.dateMs() },
    });
    const firstMs = clock.dateMs();
    await clock.advance(1_000);
    expect(feed.failure?.dateMs).toBe(firstMs + 1_000);
    await clock.advance(2_000);
    expect(stateOf(feed)).toEqual({
      isAwaited: false,
      hasList: true,
      failure: undefined,
    });
  });

  it('is that nobody is awaited once it has ended', async () => {
    const { feed, clock } = fed({}, () => hang());
    feed.start();
    await clock.advance(0);
    feed.stop();
    expect(feed.isAwaited).toBe(false);
  });
});

describe('Those who wait for the answer to a host feed’s question', () => {
  const woken = (feed: HostFeed): string[] => {
    const seen: string[] = [];
    for (const name of ['first', 'second'])
      feed.whenAnswered(() => seen.push(name));
    return seen;
  };

  it('go on at once where none is under way', () => {
    expect(woken(fed().feed)).toEqual(['first', 'second']);
  });

  it('go on with the list, each once', async () => {
    const { feed, clock } = fed({ refreshMs: 1_000 });
    feed.start();
    const seen = woken(feed);
    expect(seen).toEqual([]);
    await clock.advance(10_000);
    expect(seen).toEqual(['first', 'second']);
  });

  it('find the list told already', async () => {
    const { feed, clock, lists } = fed();
    let known: unknown;
    feed.start();
    feed.whenAnswered(() => (known = [...lists]));
    await clock.advance(0);
    expect(known).toEqual([['a:80']]);
  });

  it('go on with the failure, which they find told', async () => {
    const { feed, clock } = fed({}, down);
    let known: unknown;
    feed.start();
    feed.whenAnswered(() => (known = feed.failure?.error));
    await clock.advance(0);
    expect(known).toEqual(new Error('registry is down'));
  });

  it('go on when it ends', async () => {
    const { feed } = fed({}, () => hang());
    feed.start();
    const seen = woken(feed);
    feed.stop();
    expect(seen).toEqual(['first', 'second']);
  });

  it('go on in the context in which they came', async () => {
    const storage = new AsyncLocalStorage<string>();
    const list = gate<string[]>();
    const { feed, clock } = fed({}, () => list.promise);
    let seen: unknown;
    feed.start();
    storage.run('call', () =>
      feed.whenAnswered(() => (seen = storage.getStore())),
    );
    storage.run('registry', () => list.resolve(['a']));
    await clock.advance(0);
    expect(seen).toBe('call');
  });
});

describe('The pause of a host feed', () => {
  it.each([
    [0, [0, 1_000, 2_800, 6_400]],
    [0.999, [0, 1_099.8, 3_299.4, 7_698.6]],
  ])(
    'after failures is spread by chance and a second at least: %s',
    async (drawn, times) => {
      const { feed, clock, source } = fed({}, down, () => drawn);
      feed.start();
      await clock.advance(10_000);
      expect(source.times.slice(0, 4)).toEqual(
        times.map((ms) => expect.closeTo(ms, 6)),
      );
    },
  );

  it('is a second where a source that is watched is urged', async () => {
    const { feed, clock, source } = fed({ watch: () => () => {} });
    feed.start();
    await clock.advance(400);
    feed.refreshEarly();
    feed.refreshEarly();
    await clock.advance(599);
    expect(source.times).toEqual([0]);
    await clock.advance(60_000);
    expect(source.times).toEqual([0, 1_000]);
  });

  it('is over a second after the last question, not after its answer', async () => {
    const list = gate<string[]>();
    const { feed, clock, source } = fed({ refreshMs: false }, (times) =>
      times === 1 ? list.promise : ['a'],
    );
    feed.start();
    await clock.advance(900);
    list.resolve(['a']);
    await clock.advance(0);
    feed.refreshEarly();
    await clock.advance(100);
    expect(source.times).toEqual([0, 1_000]);
  });

  it('never puts off what is due earlier', async () => {
    const { feed, clock, source } = fed({ refreshMs: 400 });
    feed.start();
    await clock.advance(100);
    feed.refreshEarly();
    await clock.advance(300);
    expect(source.times).toEqual([0, 400]);
  });

  it('is forgotten where it was told a list meanwhile', async () => {
    let change: (hosts: readonly string[]) => void = () => {};
    const { feed, clock, source } = fed(
      {
        watch: (onChange) => {
          change = onChange;
          return () => {};
        },
      },
      down,
    );
    feed.start();
    await clock.advance(0);
    change(['a']);
    await clock.advance(60_000);
    expect(source.times).toEqual([0]);
    expect(clock.pending).toBe(0);
  });

  it('asks nothing where a question is under way', async () => {
    const { feed, clock, source } = fed({}, () => hang());
    feed.start();
    await clock.advance(5_000);
    feed.refreshEarly();
    await clock.advance(0);
    expect(source.times).toEqual([0]);
  });
});

describe('How long a list of a host feed holds', () => {
  const restMs = async (refreshMs: unknown): Promise<number | undefined> => {
    const { feed, clock, source } = fed({ refreshMs: refreshMs as number });
    feed.start();
    await clock.advance(2 * LONGEST_MS);
    return source.times[1];
  };

  it('is the longest time of a timer at most', async () => {
    expect(await restMs(LONGEST_MS + 1)).toBe(LONGEST_MS);
    expect(await restMs(Number.MAX_VALUE)).toBe(LONGEST_MS);
    expect(await restMs(LONGEST_MS - 1)).toBe(LONGEST_MS - 1);
  });

  it('may be without an end', async () => {
    expect(await restMs(Infinity)).toBeUndefined();
    expect(await restMs(false)).toBeUndefined();
  });

  it('is no text, though it reads like a time', async () => {
    expect(await restMs('5000')).toBe(30_000);
  });

  it('is what is said where there is watch', async () => {
    const { feed, clock, source } = fed({
      watch: () => () => {},
      refreshMs: 2_000,
    });
    feed.start();
    await clock.advance(4_000);
    expect(source.times).toEqual([0, 2_000, 4_000]);
  });

  it('is the usual time where it cannot be read', async () => {
    const source = asked(
      () => clock.nowMs(),
      () => ['a'],
    );
    Object.defineProperty(source, 'refreshMs', { get: down });
    const { feed, clock, failures } = feedOf(source);
    feed.start();
    await clock.advance(30_000);
    expect(source.times).toEqual([0, 30_000]);
    expect(failures).toEqual([]);
  });
});

/** One that is told whatever the test likes. */
function heard(
  answer: (times: number) => string[] | Promise<string[]> = (times) =>
    times === 1 ? ['a'] : hang(),
) {
  let change: (hosts?: unknown) => void = () => {};
  const made = fed(
    {
      watch: (onChange) => {
        change = onChange as typeof change;
        return () => {};
      },
    },
    answer,
  );
  made.feed.start();
  return { ...made, change: (hosts?: unknown) => change(hosts) };
}

describe('What a host feed is told out of turn', () => {
  it('is asked for where it is no array, whatever it looks like', async () => {
    const { clock, change, source, failures } = heard();
    await clock.advance(2_000);
    change({ length: 1, 0: 'b' });
    await clock.advance(0);
    expect([source.times, failures]).toEqual([[0, 2_000], []]);
  });

  it('leaves the question under way alone where it is no list', async () => {
    const { clock, feed, change, failures } = heard();
    await clock.advance(2_000);
    change();
    await clock.advance(0);
    change(['ftp://b']);
    expect(failures).toHaveLength(1);
    await clock.advance(10_000);
    expect(failures).toEqual([
      expect.stringContaining('its answer is no list of hosts: hosts[0]'),
      'it has not answered within 10000 ms',
    ]);
    feed.stop();
  });

  it('is asked for once more where an older question is under way', async () => {
    const list = gate<string[]>();
    const { clock, change, source } = heard((times) =>
      times === 2 ? list.promise : ['a'],
    );
    await clock.advance(2_000);
    change();
    await clock.advance(400);
    change();
    list.resolve(['old']);
    await clock.advance(600);
    expect(source.times).toEqual([0, 2_000, 3_000]);
    await clock.advance(60_000);
    expect(source.times).toEqual([0, 2_000, 3_000]);
  });

  it('is asked for at once where the older answer took a second', async () => {
    const list = gate<string[]>();
    const { clock, change, source } = heard((times) =>
      times === 1 ? list.promise : ['a'],
    );
    await clock.advance(1_500);
    change();
    list.resolve(['old']);
    await clock.advance(0);
    expect(source.times).toEqual([0, 1_500]);
  });

  it('is asked for where it cannot be read', async () => {
    const { clock, change, source } = heard(() => ['a']);
    await clock.advance(2_000);
    change(['ftp://b']);
    await clock.advance(60_000);
    expect(source.times).toEqual([0, 2_000]);
  });

  it('is not asked for where it is a list that overtakes the question', async () => {
    const list = gate<string[]>();
    const { clock, change, source, lists } = heard(() => list.promise);
    await clock.advance(2_000);
    change();
    change(['new']);
    list.resolve(['old']);
    await clock.advance(60_000);
    expect([source.times, lists]).toEqual([[0], [['new:80']]]);
  });

  it('wakes those who wait for the first list', async () => {
    let change: (hosts: readonly string[]) => void = () => {};
    const { feed, clock } = fed(
      {
        watch: (onChange) => {
          change = onChange;
          return () => {};
        },
      },
      () => hang(),
    );
    let isAwake = false;
    feed.start();
    feed.whenAnswered(() => (isAwake = true));
    change(['b']);
    expect([isAwake, feed.isAwaited, feed.hasList]).toEqual([
      true,
      false,
      true,
    ]);
    await clock.advance(60_000);
    expect(feed.failure).toBeUndefined();
  });
});

describe('A watch that a host feed has', () => {
  it('ends before stop does', () => {
    let unwatched = 0;
    const { feed } = fed({
      watch: () => () => {
        unwatched += 1;
      },
    });
    feed.start();
    feed.stop();
    expect(unwatched).toBe(1);
  });
});

describe('A watch that a host feed is promised', () => {
  const promised = (off: Promise<unknown>) =>
    fed({ watch: (() => off) as unknown as () => () => void });

  it('ends with the feed, once', async () => {
    let unwatched = 0;
    const { feed, clock } = promised(
      Promise.resolve(() => {
        unwatched += 1;
      }),
    );
    feed.start();
    await clock.advance(0);
    expect(unwatched).toBe(0);
    feed.stop();
    feed.stop();
    expect(unwatched).toBe(1);
  });

  it('counts as one, though it is no function', async () => {
    const { feed, clock, source } = promised(Promise.resolve(7));
    const unhandled = await unhandledDuring(async () => {
      feed.start();
      await clock.advance(60_000);
      feed.stop();
    });
    expect(source.times).toEqual([0]);
    expect(unhandled).toEqual([]);
  });

  it('may fail in letting go too late', async () => {
    const off = gate<unknown>();
    const { feed, clock } = promised(off.promise);
    const unhandled = await unhandledDuring(async () => {
      feed.start();
      feed.stop();
      off.resolve(async () => down());
      await clock.advance(0);
    });
    expect(unhandled).toEqual([]);
  });

  it('that fails after the first list leaves it to time', async () => {
    const off = gate<unknown>();
    const { feed, clock, source, told } = promised(off.promise);
    feed.start();
    await clock.advance(5_000);
    expect(clock.pending).toBe(0);
    off.reject(new Error('no channel'));
    await clock.advance(30_000);
    expect(source.times).toEqual([0, 35_000]);
    expect(told).toEqual(['no channel']);
    await clock.advance(30_000);
    expect(source.times).toEqual([0, 35_000, 65_000]);
  });

  it.each([false, Infinity] as const)(
    'that fails leaves it to time, though refreshMs is %s',
    async (refreshMs) => {
      const { feed, clock, source } = fed({ refreshMs, watch: down });
      feed.start();
      await clock.advance(60_000);
      expect(source.times).toEqual([0, 30_000, 60_000]);
    },
  );

  it('that fails does not put off what is due', async () => {
    const off = gate<unknown>();
    const source = asked(
      () => clock.nowMs(),
      () => ['a'],
      {
        refreshMs: 5_000,
        watch: (() => off.promise) as unknown as () => () => void,
      },
    );
    const { feed, clock } = feedOf(source);
    feed.start();
    await clock.advance(1_000);
    off.reject(new Error('no channel'));
    await clock.advance(9_000);
    expect(source.times).toEqual([0, 5_000, 10_000]);
  });

  it('that fails after the end is nobody’s business', async () => {
    const off = gate<unknown>();
    const { feed, clock, failures } = promised(off.promise);
    feed.start();
    await clock.advance(0);
    feed.stop();
    off.reject(new Error('no channel'));
    await clock.advance(60_000);
    expect(failures).toEqual([]);
    expect(clock.pending).toBe(0);
  });
});

describe('A host feed that is told of failures', () => {
  it('tells again a full minute after it last told', async () => {
    const { change, clock, failures, told } = heard(() => ['a']);
    for (const ms of [0, 59_999, 1, 59_999, 1]) {
      await clock.advance(ms);
      change(['ftp://b']);
    }
    expect([failures.length, told.length]).toEqual([5, 3]);
  });

  it('says no word of what it could not read', async () => {
    const { feed, clock, failures } = fed(
      {},
      () =>
        new Proxy([], {
          get: (_target, name) => (name === 'then' ? undefined : down()),
        }),
    );
    feed.start();
    await clock.advance(0);
    expect(failures).toEqual([
      'its answer is no list of hosts: it cannot be read',
    ]);
  });
});
