import { describe, expect, it } from 'vitest';
import { createDependency } from '../../lib/core.js';
import { ManualClock } from '../../lib/testing/manual-clock.js';

const SECONDS = 10;
const PER_SECOND = 200;

/** The same chance in every run. */
function mulberry(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

describe.each([
  { name: 'without hosts', hosts: undefined },
  { name: 'with one host', hosts: ['http://10.0.0.1:8080'] },
  {
    name: 'with three hosts',
    hosts: ['http://a:1', 'http://b:1', 'http://c:1'],
  },
])('Two hundred requests a second on the defaults, $name', ({ hosts }) => {
  it('see no refusal', async () => {
    const clock = new ManualClock();
    const random = mulberry(1);
    const search = createDependency('search', { hosts }, { clock, random });
    const answer = (): Promise<void> =>
      new Promise((resolve) => {
        const inMs = 20 + 20 * random();
        clock.alarm(resolve).set(clock.nowMs() + inMs);
      });
    const calls: Promise<void>[] = [];

    for (let i = 0; i < SECONDS * PER_SECOND; i += 1) {
      calls.push(search.execute(answer));
      await clock.advance(1_000 / PER_SECOND);
    }
    await clock.advance(1_000);

    const ends = await Promise.allSettled(calls);
    expect(ends.filter((end) => end.status === 'rejected')).toEqual([]);
    expect(search.snapshot()).toMatchObject({
      state: 'closed',
      inFlight: 0,
      queued: 0,
      totals: { started: 2_000, succeeded: 2_000, attempts: 2_000, refused: 0 },
    });
    expect(clock.pending).toBe(0);
  });

  it('see no refusal where they come in bursts of twenty', async () => {
    const clock = new ManualClock();
    const random = mulberry(2);
    const search = createDependency('search', { hosts }, { clock, random });
    const answer = (): Promise<void> =>
      new Promise((resolve) => {
        const inMs = 20 + 20 * random();
        clock.alarm(resolve).set(clock.nowMs() + inMs);
      });
    const calls: Promise<void>[] = [];

    for (let i = 0; i < SECONDS * PER_SECOND; i += 20) {
      for (let j = 0; j < 20; j += 1) calls.push(search.execute(answer));
      await clock.advance(20_000 / PER_SECOND);
    }
    await clock.advance(1_000);

    const ends = await Promise.allSettled(calls);
    expect(ends.filter((end) => end.status === 'rejected')).toEqual([]);
    expect(search.snapshot().totals).toMatchObject({
      succeeded: 2_000,
      refused: 0,
    });
  });
});
