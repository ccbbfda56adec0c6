import { describe, expect, it } from 'vitest';
import {
  probes,
  ramp,
  recoveryRound,
  type RecoveryRound,
} from '../../../lib/circuit/recovery.js';

const LEASE_MS = 100;

/** A round of probes, with a lease for each of the tickets from 0 on. */
function round(calls: number, successes: number, lent: number): RecoveryRound {
  const probing = recoveryRound(probes({ calls, successes }), 0);
  for (let ticket = 0; ticket < lent; ticket++)
    probing.lend(ticket, LEASE_MS * (ticket + 1));
  return probing;
}

describe('Probes', () => {
  it('are one by default, which has to succeed', () => {
    expect(probes()).toEqual({ kind: 'probes', calls: 1, successes: 1 });
  });

  it.each([
    [{ calls: 0 }, 'probes({ calls }) is 0: expected a whole number'],
    [
      { calls: 2, successes: 3 },
      'probes({ successes }) is 3: expected a whole number of at least 1, at most 2',
    ],
    [
      { call: 1 },
      'probes({ call }): unknown option: known are calls, successes',
    ],
  ])('refuse %j', (options, message) => {
    expect(() => probes(options as object)).toThrow(message);
  });

  it('are let through whatever chance says, and give no grace', () => {
    const probing = round(1, 1, 0);

    expect(probing.isDrawn(0, 0.1, () => 0.99)).toBe(true);
    expect(probing.graceMs).toBe(0);
  });

  it.each([
    ['out', 3, 0, 0],
    ['out or won', 1, 2, 0],
    ['out or lost', 1, 0, 2],
    ['won or lost', 0, 1, 2],
  ])('have no room once all are %s', (_, out, won, lost) => {
    const probing = round(3, 3, 0);
    let ticket = 0;
    const lend = () => {
      expect(probing.hasRoom).toBe(true);
      probing.lend(ticket, 1_000);
      return ticket++;
    };
    for (let each = 0; each < out; each++) lend();
    for (let each = 0; each < won; each++) probing.judge(lend(), false, 0);
    for (let each = 0; each < lost; each++) probing.judge(lend(), true, 0);

    expect(probing.hasRoom).toBe(false);
  });

  it('know when the first of their leases ends', () => {
    expect(round(3, 1, 0).firstEndMs).toBe(Infinity);
    expect(round(3, 1, 2).firstEndMs).toBe(LEASE_MS);
  });

  it('that hang are lost one by one, whoever notices when', () => {
    const probing = round(3, 2, 2);

    expect(probing.settle(LEASE_MS)).toBeUndefined();
    expect(probing.settle(LEASE_MS)).toBeUndefined();

    expect(probing.settle(2 * LEASE_MS)).toEqual({
      outcome: 'open',
      atMs: 2 * LEASE_MS,
    });
  });

  it('that hang are leases no more', () => {
    const probing = round(3, 1, 2);

    probing.settle(LEASE_MS);

    expect([probing.has(0), probing.has(1)]).toEqual([false, true]);
    expect(probing.judge(0, false, LEASE_MS)).toBeUndefined();
    expect(probing.judge(1, false, LEASE_MS)).toBe('closed');
  });

  it('that hang together are lost together', () => {
    expect(round(3, 2, 2).settle(1_000)).toEqual({
      outcome: 'open',
      atMs: 2 * LEASE_MS,
    });
  });

  it('are foreseen without being lost', () => {
    const probing = round(2, 1, 1);

    expect(probing.foresee(1_000)).toBeUndefined();
    expect(probing.has(0)).toBe(true);
  });
});

describe('A ramp', () => {
  const ramping = (): RecoveryRound =>
    recoveryRound(ramp({ recoveryMs: 1_000, minimumCalls: 9 }), 0);

  it('names its options, all of them', () => {
    expect(() => ramp({ grace: 1 } as never)).toThrow(
      'ramp({ grace }): unknown option: known are recoveryMs, graceMs, ratio, minimumCalls',
    );
    expect(
      ramp({ recoveryMs: 1, graceMs: 2, ratio: 0.3, minimumCalls: 4 }),
    ).toEqual({
      kind: 'ramp',
      recoveryMs: 1,
      graceMs: 2,
      ratio: 0.3,
      minimumCalls: 4,
    });
  });

  it('is lost by a call that hung before its end', () => {
    const probing = ramping();
    probing.lend(1, 2_000);
    probing.judge(1, false, 400);
    probing.lend(2, 600);

    expect(probing.settle(1_000)).toEqual({ outcome: 'open', atMs: 1_000 });
  });

  it('is not lost by one that hangs from its end on', () => {
    const probing = ramping();
    probing.lend(1, 2_000);
    probing.judge(1, false, 400);
    probing.lend(2, 1_000);

    expect(probing.settle(1_500)).toEqual({ outcome: 'closed', atMs: 1_000 });
  });
});
