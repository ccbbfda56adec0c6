import { describe, expect, it } from 'vitest';
import { RoundRobin } from '../../../lib/balancing/round-robin.js';

/** A host whose weight the test changes. */
class Some {
  readonly inFlight = 0;
  readonly askedMs = 0;

  constructor(
    readonly netloc: string,
    public weight = 1,
  ) {}

  pendingAt(): number {
    return 0;
  }
}

const asked = (
  balancer: RoundRobin,
  hosts: readonly Some[],
  times: number,
): string =>
  Array.from({ length: times }, () => balancer.pick(hosts).netloc).join('');

describe('Round robin, of fewer hosts than all', () => {
  it('asks who is due first, wherever it stands in the list', () => {
    const balancer = new RoundRobin();
    const [a, b, c] = [new Some('a'), new Some('b'), new Some('c')];
    const all = [a, b, c];
    expect(asked(balancer, all, 1)).toBe('a');
    expect(asked(balancer, [a, c, b], 1)).toBe('b');
    expect(asked(balancer, [a, b], 1)).toBe('a');
    expect(asked(balancer, [b, c], 1)).toBe('c');
    // Who had an extra turn comes later by it.
    expect(asked(balancer, all, 6)).toBe('bcabca');
  });
});

describe('Round robin, when a weight changes', () => {
  it('leaves the host the part of its wait that is not over', () => {
    const balancer = new RoundRobin();
    const [a, b] = [new Some('a'), new Some('b')];
    // a is due at 0.25, 1.25, …, b at 0.75, 1.75, …
    expect(asked(balancer, [a, b], 3)).toBe('aba');

    b.weight = 4;
    const heavier = [a, b];
    // A list that comes once is no new one.
    expect(asked(balancer, heavier, 1)).toBe('b');
    // At 1.25 b was due at 2.75: a quarter of that wait, and a quarter of a unit each time.
    expect(asked(balancer, heavier, 8)).toBe('bbbabbbb');

    b.weight = 1;
    const lighter = [a, b];
    expect(asked(balancer, lighter, 1)).toBe('a');
    // At 3.125 b was due at 3.375: four times that wait, and a unit each time.
    expect(asked(balancer, lighter, 4)).toBe('baba');
  });
});
