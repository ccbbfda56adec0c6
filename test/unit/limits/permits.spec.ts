import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Permits } from '../../../lib/limits/permits.js';

function line(permits: Permits) {
  const granted: string[] = [];
  const waiters = new Map<string, { granted(): void }>();
  return {
    granted,
    wait(...names: readonly string[]) {
      for (const name of names) {
        const waiter = { granted: () => void granted.push(name) };
        waiters.set(name, waiter);
        permits.enqueue(waiter);
      }
    },
    leave: (name: string) => permits.leave(waiters.get(name)!),
  };
}

describe('Permits', () => {
  it('are given up to the limit and no further', () => {
    const permits = new Permits(2, 10);

    const taken = [1, 2, 3].map(() => permits.tryAcquire());

    expect(taken).toEqual([true, true, false]);
    expect({ inUse: permits.inUse, isFull: permits.isFull }).toEqual({
      inUse: 2,
      isFull: true,
    });
  });

  it('go to those who wait, first come, first served', () => {
    const permits = new Permits(1, 10);
    permits.tryAcquire();
    const { wait, granted } = line(permits);
    wait('a', 'b', 'c');

    permits.release();
    expect(granted).toEqual(['a']);
    permits.release();
    permits.release();

    expect(granted).toEqual(['a', 'b', 'c']);
    expect(permits.inUse).toBe(1);
  });

  it('pass by one who has left the queue', () => {
    const permits = new Permits(1, 10);
    permits.tryAcquire();
    const { wait, leave, granted } = line(permits);
    wait('a', 'b');

    leave('a');
    permits.release();

    expect(granted).toEqual(['b']);
  });

  it('are untouched by one who leaves without having waited', () => {
    const permits = new Permits(1, 10);
    permits.tryAcquire();

    permits.leave({ granted: () => {} });
    permits.release();

    expect({ inUse: permits.inUse, queued: permits.queued }).toEqual({
      inUse: 0,
      queued: 0,
    });
  });

  it('cannot be taken past those who wait', () => {
    const permits = new Permits(1, 10);
    permits.tryAcquire();
    const { wait } = line(permits);
    wait('a');

    permits.release();

    expect(permits.tryAcquire()).toBe(false);
  });

  it('are granted once to one who gives his back in the same tick', () => {
    const permits = new Permits(1, 10);
    permits.tryAcquire();
    const granted: number[] = [];
    for (let name = 0; name < 3; name++)
      permits.enqueue({
        granted: () => {
          granted.push(name);
          permits.release();
        },
      });

    permits.release();

    expect(granted).toEqual([0, 1, 2]);
    expect(permits.inUse).toBe(0);
  });

  it('know when their queue is full', () => {
    const permits = new Permits(1, 2);
    const { wait, leave } = line(permits);
    wait('a');
    expect(permits.hasQueueRoom).toBe(true);

    wait('b');
    expect(permits.hasQueueRoom).toBe(false);
    leave('a');

    expect({ room: permits.hasQueueRoom, queued: permits.queued }).toEqual({
      room: true,
      queued: 1,
    });
  });

  it('have no queue where none is allowed', () => {
    expect(new Permits(1, 0).hasQueueRoom).toBe(false);
  });

  it('let waiting ones in when the limit is raised, and wait for returns when it is lowered', () => {
    const permits = new Permits(1, 10);
    permits.tryAcquire();
    const { wait, granted } = line(permits);
    wait('a', 'b', 'c');

    permits.configure(3, 10);
    expect(granted).toEqual(['a', 'b']);

    permits.configure(1, 10);
    permits.release();
    permits.release();
    expect(granted).toEqual(['a', 'b']);
    permits.release();

    expect(granted).toEqual(['a', 'b', 'c']);
  });

  it('tell at once that none is taken, or as soon as it is so, once', () => {
    const permits = new Permits(2, 10);
    const told: string[] = [];
    permits.whenIdle(() => told.push('at once'));
    expect(told).toEqual(['at once']);
    permits.tryAcquire();
    permits.tryAcquire();

    permits.whenIdle(() => told.push('later'));
    permits.release();
    expect(told).toEqual(['at once']);
    permits.release();
    permits.tryAcquire();
    permits.release();

    expect(told).toEqual(['at once', 'later']);
  });

  it('are scattered to all who may go elsewhere, beyond the limit', () => {
    const permits = new Permits(1, 10);
    permits.tryAcquire();
    const { wait, granted } = line(permits);
    wait('a');
    const pinned = { pinned: 'here', granted: () => granted.push('pinned') };
    permits.enqueue(pinned);
    wait('b');

    permits.scatter();

    expect(granted).toEqual(['a', 'b']);
    expect({ inUse: permits.inUse, queued: permits.queued }).toEqual({
      inUse: 3,
      queued: 1,
    });
  });

  it('are scattered to nobody where nobody waits', () => {
    const permits = new Permits(1, 10);

    permits.scatter();

    expect(permits.inUse).toBe(0);
  });

  it('are never more than the limit, and each waiter gets one exactly once, in order', () => {
    const move = fc.constantFrom('come', 'go', 'go', 'leave' as const);
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.tuple(move, fc.nat(20)), { maxLength: 80, size: 'max' }),
        (limit, moves) => {
          const permits = new Permits(limit, 100);
          const granted: number[] = [];
          const waiting: { name: number; granted(): void }[] = [];
          let holders = 0;
          let names = 0;
          for (const [what, which] of moves) {
            if (what === 'come') {
              if (permits.tryAcquire()) {
                holders += 1;
              } else {
                const waiter = {
                  name: names++,
                  granted() {
                    expect(waiting.shift()).toBe(waiter);
                    granted.push(waiter.name);
                    holders += 1;
                  },
                };
                waiting.push(waiter);
                permits.enqueue(waiter);
              }
            } else if (what === 'go' && holders > 0) {
              holders -= 1;
              permits.release();
            } else if (what === 'leave' && waiting.length > 0) {
              const [left] = waiting.splice(which % waiting.length, 1);
              permits.leave(left!);
            }
            expect(permits.inUse).toBe(holders);
            expect(holders).toBeLessThanOrEqual(limit);
            expect(permits.queued).toBe(waiting.length);
            if (waiting.length > 0) expect(holders).toBe(limit);
          }
          expect(new Set(granted).size).toBe(granted.length);
          expect([...granted].sort((a, b) => a - b)).toEqual(granted);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
