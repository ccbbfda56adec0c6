import { describe, expect, it } from 'vitest';
import { isHostSource } from '../../../lib/balancing/host-source.js';
import { gate, hang, unhandledDuring } from '../../support/core-toolkit.js';
import { asked, down, feedOf } from '../../support/host-feed.js';

describe('A host source', () => {
  class Registry {
    async hosts(): Promise<string[]> {
      return ['a'];
    }
  }

  it.each<[string, unknown]>([
    ['an object with a function hosts', { hosts: async () => ['a'] }],
    ['an instance of a class with one', new Registry()],
    [
      'one that can watch as well',
      { hosts: async () => ['a'], watch: () => {} },
    ],
  ])('is %s', (_what, value) => {
    expect(isHostSource(value)).toBe(true);
  });

  it.each<[string, unknown]>([
    ['null', null],
    ['undefined', undefined],
    ['a text', 'a'],
    ['an array of hosts', ['a']],
    ['an object with a list', { hosts: ['a'] }],
    ['an object without hosts', { watch: () => {} }],
    ['a class', Registry],
    ['a function with hosts', Object.assign(() => {}, { hosts: () => ['a'] })],
  ])('is not %s', (_what, value) => {
    expect(isHostSource(value)).toBe(false);
  });
});

describe('A host feed', () => {
  it('asks at start and then every thirty seconds', async () => {
    const source = asked(
      () => subject.clock.nowMs(),
      (times) => [`a:${times}`],
    );
    const subject = feedOf(source);
    subject.feed.start();
    await subject.clock.advance(90_000);
    expect(source.times).toEqual([0, 30_000, 60_000, 90_000]);
    expect(subject.lists).toEqual([['a:1'], ['a:2'], ['a:3'], ['a:4']]);
  });

  it('asks as often as its source says, at each time anew', async () => {
    const rest = [1_000, 5_000, 2_000];
    const source = asked(
      () => subject.clock.nowMs(),
      () => ['a'],
    );
    Object.defineProperty(source, 'refreshMs', {
      get: () => rest[source.times.length - 1] ?? 60_000,
    });
    const subject = feedOf(source);
    subject.feed.start();
    await subject.clock.advance(8_000);
    expect(source.times).toEqual([0, 1_000, 6_000, 8_000]);
  });

  it.each([
    [0, 900],
    [0.5, 1_000],
    [0.999, 1_099.8],
  ])('spreads by chance: %s draws %s ms of 1,000', async (drawn, restMs) => {
    const source = asked(
      () => subject.clock.nowMs(),
      () => ['a'],
      { refreshMs: 1_000 },
    );
    const subject = feedOf(source, () => drawn);
    subject.feed.start();
    await subject.clock.advance(restMs + 0.001);
    expect(source.times).toHaveLength(2);
    expect(source.times[1]).toBeCloseTo(restMs, 6);
  });

  it.each([NaN, -1, 0, 'often'])(
    'takes a refreshMs of %s as none',
    async (refreshMs) => {
      const source = asked(
        () => subject.clock.nowMs(),
        () => ['a'],
        { refreshMs: refreshMs as number },
      );
      const subject = feedOf(source);
      subject.feed.start();
      await subject.clock.advance(30_000);
      expect(source.times).toEqual([0, 30_000]);
    },
  );

  it('asks no more by time where there is watch, or refreshMs is false', async () => {
    for (const more of [
      { watch: () => () => {} },
      { refreshMs: false as const },
    ]) {
      const source = asked(
        () => subject.clock.nowMs(),
        () => ['a'],
        more,
      );
      const subject = feedOf(source);
      subject.feed.start();
      await subject.clock.advance(3_600_000);
      expect(source.times).toEqual([0]);
      expect(subject.clock.pending).toBe(0);
    }
  });
});

describe('A host feed whose source fails', () => {
  it('asks again after one second, then two, four, up to thirty', async () => {
    const source = asked(() => subject.clock.nowMs(), down);
    const subject = feedOf(source);
    subject.feed.start();
    await subject.clock.advance(91_000);
    expect(source.times).toEqual([
      0, 1_000, 3_000, 7_000, 15_000, 31_000, 61_000, 91_000,
    ]);
    expect(subject.lists).toEqual([]);
  });

  it('tells it at once and then once a minute', async () => {
    const subject = feedOf({ hosts: async () => down() });
    subject.feed.start();
    await subject.clock.advance(59_999);
    expect(subject.told).toEqual(['registry is down']);
    expect(subject.failures.length).toBeGreaterThan(3);
    await subject.clock.advance(60_000);
    expect(subject.told).toHaveLength(2);
  });

  it('forgets its failures at the next list', async () => {
    const source = asked(
      () => subject.clock.nowMs(),
      (times) => (times <= 3 || times === 5 ? down() : ['a']),
      { refreshMs: 10_000 },
    );
    const subject = feedOf(source);
    subject.feed.start();
    await subject.clock.advance(7_000);
    expect(subject.feed.failure).toBeUndefined();
    await subject.clock.advance(11_000);
    expect(source.times).toEqual([0, 1_000, 3_000, 7_000, 17_000, 18_000]);
  });

  it('gives up an answer after ten seconds, and a late one changes nothing', async () => {
    const late = gate<readonly string[]>();
    const source = asked(
      () => subject.clock.nowMs(),
      (times) => (times === 1 ? late.promise : hang()),
    );
    const subject = feedOf(source);
    subject.feed.start();
    await subject.clock.advance(10_000);
    expect(subject.failures).toEqual(['it has not answered within 10000 ms']);
    late.resolve(['too-late']);
    await subject.clock.advance(0);
    expect(subject.lists).toEqual([]);
    await subject.clock.advance(1_000);
    expect(source.times).toEqual([0, 11_000]);
  });

  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'expected an array of hosts'],
    ['a text', 'http://a', 'expected an array of hosts'],
    ['a number among hosts', ['a', 7], 'hosts[1] is 7'],
    ['another scheme', ['ftp://a'], 'expected the scheme http or https'],
    ['the same host twice', ['a:80', 'http://a'], 'a:80 is listed already'],
    ['a password', ['http://me:secret@a'], 'expected no user or password'],
    [
      'what cannot be read',
      [
        {
          get url() {
            throw new Error('secret');
          },
        },
      ],
      'it cannot be read',
    ],
  ])('takes no list that holds %s', async (_what, answer, message) => {
    const subject = feedOf({ hosts: async () => answer as string[] });
    subject.feed.start();
    await subject.clock.advance(0);
    expect(subject.lists).toEqual([]);
    expect(subject.failures).toHaveLength(1);
    expect(subject.failures[0]).toContain(message);
    expect(subject.failures[0]).not.toContain('secret');
  });

  it('survives one that throws in place of rejecting, and one whose then throws', async () => {
    for (const hosts of [
      down,
      () =>
        // oxlint-disable-next-line unicorn/no-thenable -- that is what it is for
        Object.defineProperty({}, 'then', {
          get: down,
        }) as PromiseLike<string[]>,
    ]) {
      const subject = feedOf({ hosts });
      subject.feed.start();
      await subject.clock.advance(0);
      expect(subject.failures).toEqual(['registry is down']);
    }
  });
});

describe('A host feed that is asked to hurry', () => {
  it('asks at once when a second has passed since the last question', async () => {
    const source = asked(
      () => subject.clock.nowMs(),
      () => ['a'],
    );
    const subject = feedOf(source);
    subject.feed.start();
    await subject.clock.advance(1_000);
    subject.feed.refreshEarly();
    await subject.clock.advance(0);
    expect(source.times).toEqual([0, 1_000]);
  });

  it('asks once a second however often it is urged', async () => {
    const source = asked(
      () => subject.clock.nowMs(),
      () => ['a'],
    );
    const subject = feedOf(source);
    subject.feed.start();
    for (let n = 0; n < 500; n++) {
      subject.feed.refreshEarly();
      await subject.clock.advance(10);
    }
    expect(source.times).toEqual([0, 1_000, 2_000, 3_000, 4_000, 5_000]);
  });

  it('waits for the pause after failures, however often it is urged', async () => {
    const source = asked(() => subject.clock.nowMs(), down);
    const subject = feedOf(source);
    subject.feed.start();
    for (let n = 0; n < 80; n++) {
      subject.feed.refreshEarly();
      await subject.clock.advance(100);
    }
    expect(source.times).toEqual([0, 1_000, 3_000, 7_000]);
  });
});

describe('A host feed that watches', () => {
  function watched(answer: () => readonly string[] | Promise<never>) {
    let change: (hosts?: unknown) => void = () => {};
    let unwatched = 0;
    const source = asked(() => subject.clock.nowMs(), answer, {
      watch: (onChange) => {
        change = onChange as typeof change;
        return () => {
          unwatched += 1;
        };
      },
    });
    const subject = feedOf(source);
    subject.feed.start();
    return {
      ...subject,
      source,
      change: (hosts?: unknown) => change(hosts),
      unwatched: () => unwatched,
    };
  }

  it('takes a list that it is handed', async () => {
    const subject = watched(() => ['a']);
    await subject.clock.advance(0);
    subject.change(['b', 'c']);
    expect(subject.lists.at(-1)).toEqual(['b:80', 'c:80']);
  });

  it('asks when it is told of a change without a list, whatever else it is told', async () => {
    const subject = watched(() => ['a']);
    await subject.clock.advance(5_000);
    subject.change();
    await subject.clock.advance(5_000);
    subject.change({ type: 'change' });
    await subject.clock.advance(0);
    expect(subject.source.times).toEqual([0, 5_000, 10_000]);
  });

  it('lets a list that it is handed win over an older question', async () => {
    const slow = gate<never>();
    const subject = watched(() => slow.promise);
    await subject.clock.advance(0);
    subject.change(['new']);
    slow.resolve(['old'] as never);
    await subject.clock.advance(0);
    expect(subject.lists).toEqual([['new:80']]);
  });

  it('keeps what it has when it is handed rubbish', async () => {
    const subject = watched(() => ['a']);
    await subject.clock.advance(0);
    subject.change(['ftp://b']);
    expect(subject.lists).toEqual([['a:80']]);
    expect(subject.feed.failure?.error).toBeInstanceOf(Error);
  });

  it('is deaf after its end, has let go once, and nothing waits', async () => {
    const subject = watched(() => ['a']);
    await subject.clock.advance(0);
    subject.feed.stop();
    subject.feed.stop();
    subject.change(['b']);
    subject.change();
    subject.feed.refreshEarly();
    subject.feed.start();
    await subject.clock.advance(60_000);
    expect(subject.lists).toEqual([['a:80']]);
    expect(subject.source.times).toEqual([0]);
    expect(subject.unwatched()).toBe(1);
    expect(subject.clock.pending).toBe(0);
  });

  it('hears no answer that comes after its end', async () => {
    const slow = gate<never>();
    const subject = watched(() => slow.promise);
    subject.feed.stop();
    slow.resolve(['a'] as never);
    await subject.clock.advance(60_000);
    expect(subject.lists).toEqual([]);
    expect(subject.failures).toEqual([]);
  });

  it.each<[string, () => unknown]>([
    ['throws', down],
    ['rejects', async () => down()],
    ['answers no function', () => 7],
    ['answers a function that throws', () => down],
    ['answers a function that rejects', () => async () => down()],
    ['answers nothing', () => undefined],
  ])('survives a watch that %s', async (_what, watch) => {
    const unhandled = await unhandledDuring(async () => {
      const subject = feedOf({
        hosts: async () => ['a'],
        watch: watch as () => () => void,
      });
      subject.feed.start();
      await subject.clock.advance(0);
      expect(subject.lists).toEqual([['a:80']]);
      subject.feed.stop();
    });
    expect(unhandled).toEqual([]);
  });

  it.each<[string, () => unknown]>([
    ['throws', down],
    ['rejects', async () => down()],
  ])('asks by time after all where watch %s', async (_what, watch) => {
    const source = asked(
      () => subject.clock.nowMs(),
      () => ['a'],
      { watch: watch as () => () => void },
    );
    const subject = feedOf(source);
    subject.feed.start();
    await subject.clock.advance(30_000);
    expect(source.times).toEqual([0, 30_000]);
  });

  it('lets go of a watch that was promised and came too late', async () => {
    let unwatched = 0;
    const off = gate<() => void>();
    const subject = feedOf({
      hosts: async () => ['a'],
      watch: (() => off.promise) as unknown as () => () => void,
    });
    subject.feed.start();
    subject.feed.stop();
    off.resolve(() => {
      unwatched += 1;
    });
    await subject.clock.advance(0);
    expect(unwatched).toBe(1);
  });
});
