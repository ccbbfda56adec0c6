import { describe, expect, it } from 'vitest';
import { LeastPending } from '../../../lib/balancing/least-pending.js';
import type { HostView } from '../../../lib/balancing/load-balancer.js';

const hostsOf = (pending: readonly number[]): readonly HostView[] =>
  pending.map((each, index) => ({
    netloc: `h${index}:80`,
    weight: 1,
    inFlight: each,
    askedMs: 0,
    pendingAt: () => each,
  }));

/** Who is picked, and after how many draws. */
function pick(pending: readonly number[], drawn: readonly number[] = [0]) {
  let draws = 0;
  const host = new LeastPending().pick(hostsOf(pending), {
    nowMs: 0,
    random: () => drawn[draws++] ?? drawn.at(-1)!,
  });
  return [host.netloc, draws];
}

describe('Least pending', () => {
  it('takes the first drawn that is idle', () => {
    expect(pick([1, 0, 0], [0.1, 0.9, 0.5])).toEqual(['h2:80', 2]);
  });

  it('draws four times, no more', () => {
    expect(pick([2, 1, 2])).toEqual(['h1:80', 4]);
  });

  it('keeps the first drawn of those that are alike', () => {
    expect(pick([1, 1, 1], [0.5, 0, 0.9, 0.9])).toEqual(['h1:80', 4]);
  });

  it('looks at all of 32 hosts', () => {
    const pending = Array.from({ length: 32 }, (_, n) => (n === 20 ? 1 : 2));
    expect(pick(pending)).toEqual(['h20:80', 4]);
  });

  it('looks at none but those drawn of more', () => {
    const pending = Array.from({ length: 33 }, (_, n) => (n === 20 ? 1 : 2));
    expect(pick(pending, [0.99, 0, 0, 0])).toEqual(['h32:80', 4]);
    expect(pick(pending, [0.99, 0, 20.5 / 33, 0])).toEqual(['h20:80', 4]);
  });
});
