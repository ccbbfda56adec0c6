import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Dial } from '../../../lib/core/dial.js';

const now = (): Promise<void> => Promise.resolve();

/** One hand on the alarms: sets one of eight, or takes it back. */
const move = fc.oneof(
  fc.record({ alarm: fc.nat(7), atMs: fc.nat(20) }),
  fc.record({ alarm: fc.nat(7), atMs: fc.constant(undefined) }),
);

/** What a list would do: alarms in the order in which they were set, looked through each time. */
class ListDial {
  private readonly set = new Map<number, number>();

  apply(alarm: number, atMs: number | undefined): void {
    if (atMs === undefined) this.set.delete(alarm);
    else this.set.set(alarm, atMs);
  }

  rung(untilMs: number, isLastRung: boolean): number[] {
    const due = [...this.set].filter(
      ([, atMs]) => atMs < untilMs || (isLastRung && atMs === untilMs),
    );
    // Array sorting is stable: equals stay in the order in which they were set.
    return due.toSorted(([, a], [, b]) => a - b).map(([alarm]) => alarm);
  }

  get pending(): number {
    return this.set.size;
  }
}

describe('A dial', () => {
  it('rings as a list of alarms would, whatever was set and taken back', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(move, { maxLength: 40 }),
        fc.nat(20),
        fc.boolean(),
        async (moves, untilMs, isLastRung) => {
          const dial = new Dial();
          const list = new ListDial();
          const heard: number[] = [];
          const alarms = Array.from({ length: 8 }, (_, index) =>
            dial.alarm(() => heard.push(index)),
          );
          for (const { alarm, atMs } of moves) {
            list.apply(alarm, atMs);
            if (atMs === undefined) alarms[alarm]!.clear();
            else alarms[alarm]!.set(atMs);
          }
          const { pending } = dial;

          await dial.turn(untilMs, now, isLastRung);

          expect(heard).toEqual(list.rung(untilMs, isLastRung));
          expect(pending).toBe(list.pending);
          expect(dial.nowMs).toBe(untilMs);
        },
      ),
    );
  });

  it('stops before what is due at the very end, if it is told so', async () => {
    const dial = new Dial();
    const heard: number[] = [];
    dial.alarm(() => heard.push(dial.nowMs)).set(10);

    await dial.turn(10, now, false);
    expect([heard, dial.nowMs, dial.pending]).toEqual([[], 10, 1]);

    await dial.turn(10, now, true);
    expect([heard, dial.pending]).toEqual([[10], 0]);
  });

  it('waits before each alarm and at the end', async () => {
    const dial = new Dial();
    const heard: string[] = [];
    dial.alarm(() => heard.push('first')).set(5);
    dial.alarm(() => heard.push('second')).set(5);
    const settle = (): Promise<void> => {
      heard.push('-');
      return Promise.resolve();
    };

    await dial.turn(5, settle, true);

    expect(heard).toEqual(['-', 'first', '-', 'second', '-', '-']);
  });

  it('shows each alarm its moment, and never turns back for one that is past', async () => {
    const dial = new Dial();
    const heard: number[] = [];
    await dial.turn(10, now, true);
    for (const atMs of [30, 4, 20, 10]) {
      dial.alarm(() => heard.push(dial.nowMs)).set(atMs);
    }

    await dial.turn(40, now, true);

    expect([heard, dial.nowMs]).toEqual([[10, 10, 20, 30], 40]);
  });

  it('rings an alarm again that is set by what it calls, on the way', async () => {
    const dial = new Dial();
    const heard: number[] = [];
    const alarm = dial.alarm(() => {
      heard.push(dial.nowMs);
      if (heard.length < 3) alarm.set(dial.nowMs + 10);
    });
    alarm.set(10);

    await dial.turn(25, now, true);
    expect([heard, dial.pending]).toEqual([[10, 20], 1]);

    await dial.turn(100, now, true);
    expect([heard, dial.pending]).toEqual([[10, 20, 30], 0]);
  });

  it('lets one that is moved keep its turn among equals', async () => {
    const dial = new Dial();
    const heard: string[] = [];
    const first = dial.alarm(() => heard.push('first'));
    first.set(5);
    dial.alarm(() => heard.push('second')).set(7);

    first.set(9);
    first.set(7);
    await dial.turn(7, now, true);

    expect(heard).toEqual(['first', 'second']);
  });

  it('gives one that was taken back a new turn', async () => {
    const dial = new Dial();
    const heard: string[] = [];
    const first = dial.alarm(() => heard.push('first'));
    first.set(7);
    dial.alarm(() => heard.push('second')).set(7);

    first.clear();
    first.clear();
    first.set(7);
    await dial.turn(7, now, true);

    expect(heard).toEqual(['second', 'first']);
  });

  it('keeps thousands of alarms in order', async () => {
    const dial = new Dial();
    const heard: number[] = [];
    for (let n = 0; n < 5_000; n++) {
      const atMs = (n * 7_919) % 5_000;
      dial.alarm(() => heard.push(atMs)).set(atMs);
    }

    await dial.turn(5_000, now, true);

    expect(heard).toEqual(Array.from({ length: 5_000 }, (_, n) => n));
  });
});
