import { describe, expect, it } from 'vitest';
import { Leases } from '../../../lib/circuit/leases.js';

function lent(...ends: readonly number[]): Leases {
  const leases = new Leases();
  ends.forEach((endMs, ticket) => leases.lend(ticket, endMs));
  return leases;
}

describe('Leases', () => {
  it('are none at first, and nothing is waited for', () => {
    const leases = new Leases();

    expect(leases.count).toBe(0);
    expect(leases.firstEndMs).toBe(Infinity);
    expect(leases.hungBy(1e9)).toEqual([]);
  });

  it('know the first to end, whichever was lent first', () => {
    const leases = lent(300, 100, 200);

    expect(leases.count).toBe(3);
    expect(leases.firstEndMs).toBe(100);
  });

  it('come back once', () => {
    const leases = lent(100);
    expect(leases.has(0)).toBe(true);

    expect(leases.giveBack(0)).toBe(true);

    expect(leases.giveBack(0)).toBe(false);
    expect(leases.has(0)).toBe(false);
    expect(leases.count).toBe(0);
  });

  it('hang from their end on, the first one first', () => {
    const leases = lent(300, 100, 200);

    expect(leases.hungBy(99)).toEqual([]);
    expect(leases.hungBy(100)).toEqual([100]);
    expect(leases.hungBy(299)).toEqual([100, 200]);
    expect(leases.hungBy(300)).toEqual([100, 200, 300]);
  });

  it('are in order by time, not by their figures', () => {
    expect(lent(1_000, 90).hungBy(2_000)).toEqual([90, 1_000]);
  });

  it('are looked at without being taken back', () => {
    const leases = lent(100);

    expect([leases.hungBy(100), leases.hungBy(100)]).toEqual([[100], [100]]);
    expect(leases.count).toBe(1);
  });

  it('are taken back from their end on, the others stay', () => {
    const leases = lent(100, 200, 300);

    leases.reclaim(200);

    expect([0, 1, 2].map((ticket) => leases.has(ticket))).toEqual([
      false,
      false,
      true,
    ]);
  });

  it('are found hung though an earlier one came back', () => {
    const leases = lent(100, 200);
    leases.giveBack(0);

    expect(leases.hungBy(150)).toEqual([]);
    expect(leases.hungBy(200)).toEqual([200]);
  });

  it('are found hung though they were lent after a later one', () => {
    const leases = lent(500);
    expect(leases.hungBy(400)).toEqual([]);

    leases.lend(1, 100);

    expect(leases.hungBy(100)).toEqual([100]);
  });

  it('end later or sooner once renewed', () => {
    const leases = lent(100, 500);

    leases.renew(0, 300);
    leases.renew(1, 200);

    expect(leases.hungBy(199)).toEqual([]);
    expect(leases.hungBy(250)).toEqual([200]);
    expect(leases.firstEndMs).toBe(200);
  });

  it('that came back are not renewed', () => {
    const leases = lent(100);
    leases.giveBack(0);

    leases.renew(0, 300);

    expect(leases.has(0)).toBe(false);
  });
});
