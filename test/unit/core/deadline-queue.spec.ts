import { describe, expect, it } from 'vitest';
import {
  DeadlineQueue,
  deadlinesOf,
  leftoversOf,
  type Waiter,
} from '../../../lib/core/deadline-queue.js';
import type { Clock } from '../../../lib/core/clock.js';
import { ManualClock } from '../../../lib/testing/manual-clock.js';
import { seededRandom } from '../../support/chance.js';

class Guest implements Waiter {
  dueMs = 0;
  heapIndex = -1;

  constructor(
    readonly name: string,
    private readonly called: (guest: Guest, nowMs: number) => void,
  ) {}

  onDue(nowMs: number): void {
    this.called(this, nowMs);
  }
}

function house() {
  const clock = new ManualClock();
  const queue = new DeadlineQueue(clock);
  const heard: [string, number][] = [];
  const guest = (name: string, then?: () => void): Guest =>
    new Guest(name, (self, nowMs) => {
      heard.push([self.name, nowMs]);
      then?.();
    });
  return { clock, queue, heard, guest };
}

describe('A deadline queue', () => {
  it('calls those who wait in the order of their moments, each once', async () => {
    const { clock, queue, heard, guest } = house();
    queue.add(guest('third'), 30);
    queue.add(guest('first'), 10);
    queue.add(guest('second'), 20);

    await clock.advance(100);

    expect(heard).toEqual([
      ['first', 10],
      ['second', 20],
      ['third', 30],
    ]);
    expect(queue.size).toBe(0);
  });

  it('calls nobody early', async () => {
    const { clock, queue, heard, guest } = house();
    queue.add(guest('a'), 10);

    await clock.advance(9);

    expect(heard).toEqual([]);
  });

  it.each([
    ['later', 50],
    ['earlier', 5],
  ])('moves one who is added again to his %s moment', async (_, dueMs) => {
    const { clock, queue, heard, guest } = house();
    const a = guest('a');
    queue.add(a, 20);
    queue.add(guest('b'), 30);

    queue.add(a, dueMs);
    await clock.advance(100);

    expect(heard).toContainEqual(['a', dueMs]);
    expect(heard).toHaveLength(2);
  });

  it('forgets one who is removed, first, last or in the middle', async () => {
    const { clock, queue, heard, guest } = house();
    const guests = ['a', 'b', 'c', 'd', 'e'].map((name) => guest(name));
    guests.forEach((each, index) => queue.add(each, index));

    for (const index of [0, 2, 4]) queue.remove(guests[index]!);
    await clock.advance(10);

    expect(heard.map(([name]) => name)).toEqual(['b', 'd']);
  });

  it('takes the removal of one who does not wait for nothing', () => {
    const { queue, guest } = house();

    queue.remove(guest('a'));

    expect(queue.size).toBe(0);
  });

  it('lets one wait for nothing at Infinity, in place of an earlier wait', () => {
    const { clock, queue, guest } = house();
    const a = guest('a');
    queue.add(a, 10);

    queue.add(a, Infinity);

    expect({ size: queue.size, pending: clock.pending }).toEqual({
      size: 0,
      pending: 0,
    });
  });

  it('holds one alarm however many wait, and none at rest', async () => {
    const { clock, queue, guest } = house();
    const guests = Array.from({ length: 100 }, (_, index) => guest(`${index}`));
    expect(clock.pending).toBe(0);

    for (const each of guests) queue.add(each, 10);
    expect(clock.pending).toBe(1);

    for (const each of guests.slice(1)) queue.remove(each);
    expect(clock.pending).toBe(1);

    queue.remove(guests[0]!);
    expect(clock.pending).toBe(0);

    queue.add(guests[0]!, 20);
    await clock.advance(20);
    expect(clock.pending).toBe(0);
  });

  it('takes in those who begin to wait while others are called', async () => {
    const { clock, queue, heard, guest } = house();
    const late = guest('late');
    queue.add(
      guest('early', () => queue.add(late, 15)),
      10,
    );

    await clock.advance(20);

    expect(heard).toEqual([
      ['early', 10],
      ['late', 15],
    ]);
  });

  it('does not call one whom another, called before, has removed', async () => {
    const { clock, queue, heard, guest } = house();
    const victim = guest('victim');
    queue.add(
      guest('other', () => queue.remove(victim)),
      9,
    );
    queue.add(victim, 10);

    await clock.advance(20);

    expect(heard.map(([name]) => name)).toEqual(['other']);
  });

  it('still calls the others when one throws', async () => {
    const { clock, queue, heard, guest } = house();
    const fault = new Error('of one waiter');
    queue.add(
      guest('bad', () => {
        throw fault;
      }),
      10,
    );
    queue.add(guest('good'), 10);

    await expect(clock.advance(10)).rejects.toBe(fault);
    await clock.advance(0);

    expect(heard.map(([name]) => name).sort()).toEqual(['bad', 'good']);
  });

  it('keeps the order of a sorted list through 10,000 random adds, moves, removals and waits', async () => {
    const random = seededRandom(20_261_121);
    const { clock, queue, heard, guest } = house();
    const guests = Array.from({ length: 200 }, (_, index) => guest(`${index}`));
    const list = new Map<Guest, number>();
    const mismatches: unknown[] = [];
    for (let turn = 0; turn < 10_000; turn++) {
      const one = guests[Math.floor(random() * guests.length)]!;
      const choice = random();
      if (choice < 0.6) {
        const dueMs = clock.nowMs() + 1 + Math.floor(random() * 500);
        queue.add(one, dueMs);
        list.set(one, dueMs);
      } else if (choice < 0.95) {
        queue.remove(one);
        list.delete(one);
      } else {
        await clock.advance(Math.floor(random() * 60));
        const due = [...list]
          .filter(([, dueMs]) => dueMs <= clock.nowMs())
          .sort((a, b) => a[1] - b[1]);
        for (const [each] of due) list.delete(each);
        const moments = heard.splice(0);
        const sameMoments =
          moments.map(([, atMs]) => atMs).join() ===
          due.map(([, dueMs]) => dueMs).join();
        const sameGuests =
          moments
            .map(([name]) => name)
            .sort()
            .join() ===
          due
            .map(([each]) => each.name)
            .sort()
            .join();
        if (!sameMoments || !sameGuests) mismatches.push({ moments, due });
      }
      if (queue.size !== list.size) mismatches.push(queue.size);
      if (clock.pending !== Math.min(1, list.size)) mismatches.push('alarm');
    }

    expect(mismatches).toEqual([]);
  });
});

describe('The alarm of a deadline queue', () => {
  /** A clock whose one alarm is set off by hand, and that notes what is asked of it. */
  function belfry() {
    const asked: (number | 'clear')[] = [];
    const held: unknown[] = [];
    const rings: (() => void)[] = [];
    const time = { nowMs: 0 };
    const clock: Clock = {
      nowMs: () => time.nowMs,
      dateMs: () => time.nowMs,
      alarm: (ring, options) => {
        rings.push(ring);
        held.push(options);
        return {
          set: (atMs) => void asked.push(atMs),
          clear: () => void asked.push('clear'),
        };
      },
    };
    const ring = (nowMs: number): void => {
      time.nowMs = nowMs;
      for (const each of rings) each();
    };
    return { asked, held, clock, ring };
  }
  const guest = (): Guest => new Guest('a', () => {});

  it('is set for the first to come, and moved only where another comes sooner', () => {
    const { asked, clock } = belfry();
    const queue = new DeadlineQueue(clock);

    for (const dueMs of [30, 40, 20, 35]) queue.add(guest(), dueMs);

    expect(asked).toEqual([30, 20]);
  });

  it('is moved when the first one leaves, and left alone when another does', () => {
    const { asked, clock } = belfry();
    const queue = new DeadlineQueue(clock);
    const [first, second, third] = [guest(), guest(), guest()];
    queue.add(first, 10);
    queue.add(second, 20);
    queue.add(third, 30);

    queue.remove(third);
    expect(asked).toEqual([10]);
    queue.remove(first);
    queue.remove(second);

    expect(asked).toEqual([10, 20, 'clear']);
  });

  it('is set again where it rang too early', () => {
    const { asked, clock, ring } = belfry();
    new DeadlineQueue(clock).add(guest(), 10);

    ring(9);

    expect(asked).toEqual([10, 10]);
  });

  it('is not set where it rang for nobody', () => {
    const { asked, clock, ring } = belfry();
    new DeadlineQueue(clock).add(guest(), Infinity);

    ring(9);

    expect(asked).toEqual([]);
  });

  it('holds the process for those who wait, and not for what is left over', () => {
    const { held, clock } = belfry();

    deadlinesOf(clock);
    leftoversOf(clock);

    expect(held).toEqual([{ holdsProcess: true }, { holdsProcess: false }]);
  });
});

describe('A clock', () => {
  it('has one queue of deadlines and one of leftovers', () => {
    const clock = new ManualClock();

    expect(deadlinesOf(clock)).toBe(deadlinesOf(clock));
    expect(leftoversOf(clock)).toBe(leftoversOf(clock));
    expect(leftoversOf(clock)).not.toBe(deadlinesOf(clock));
    expect(deadlinesOf(new ManualClock())).not.toBe(deadlinesOf(clock));
  });
});
