import { describe, expect, it } from 'vitest';
import { summaryOf } from '../../../lib/simulate/summary.js';
import { simulationByHand } from '../../support/simulations.js';

const well = { callers: { succeeded: 10 } };
const lost = { callers: { succeeded: 5, failed: 5 } };
const dead = (fromS: number, toS?: number) => ({
  hosts: [
    {
      phases: [
        { fromS, errorRatio: 1 },
        ...(toS === undefined ? [] : [{ fromS: toS, errorRatio: 0 }]),
      ],
    },
  ],
});

describe('The summary', () => {
  it('counts a fallback among the served, but not among the succeeded', () => {
    const { served, succeeded } = summaryOf(
      simulationByHand({
        seconds: [{ callers: { succeeded: 6, fallback: 2, failed: 2 } }],
      }),
    );

    expect(served).toBe(0.8);
    expect(succeeded).toBe(0.6);
  });

  it('leaves out those who gave up themselves', () => {
    const { served, ended } = summaryOf(
      simulationByHand({
        seconds: [{ callers: { succeeded: 3, cancelled: 7 } }],
      }),
    );

    expect(ended).toBe(3);
    expect(served).toBe(1);
  });

  it('has no share where nobody called', () => {
    const { served, worst, amplification } = summaryOf(
      simulationByHand({ seconds: [{}] }),
    );

    expect([served, worst, amplification]).toEqual([null, null, null]);
  });

  it('names the first of the worst seconds', () => {
    const { worst } = summaryOf(
      simulationByHand({ seconds: [well, lost, well, lost] }),
    );

    expect(worst).toEqual({ second: 1, served: 0.5 });
  });

  it('divides all attempts by all that was asked for', () => {
    const { amplification } = summaryOf(
      simulationByHand({
        seconds: [{ ...well, hosts: [{ attempts: 8 }, { attempts: 7 }] }],
        hosts: ['a:80', 'b:80'],
      }),
    );

    expect(amplification).toBe(1.5);
  });
});

describe('The times of the summary', () => {
  const transitions = [
    { atMs: 400, type: 'circuit.opened' },
    { atMs: 500, type: 'circuit.closed' },
    { atMs: 2_250, type: 'circuit.opened' },
    { atMs: 3_100, type: 'circuit.half-opened' },
    { atMs: 4_500, type: 'circuit.closed' },
  ] as const;
  const seconds = [well, well, lost, lost, lost, well];

  it('count the opening from the start of the trouble', () => {
    const { openedAfterMs } = summaryOf(
      simulationByHand({ seconds, transitions, scenario: dead(2, 4) }),
    );

    expect(openedAfterMs).toBe(250);
  });

  it('count healing from the end of the trouble to the last closing', () => {
    const { healedAfterMs, wellAfterMs } = summaryOf(
      simulationByHand({ seconds, transitions, scenario: dead(2, 4) }),
    );

    expect(healedAfterMs).toBe(500);
    expect(wellAfterMs).toBe(1_000);
  });

  it('know no healing while something is still open at the end', () => {
    const { healedAfterMs } = summaryOf(
      simulationByHand({
        seconds: [...seconds, { ...well, state: 'open' }],
        transitions,
        scenario: dead(2, 4),
      }),
    );

    expect(healedAfterMs).toBe(null);
  });

  it('know none while a host is out', () => {
    const { healedAfterMs } = summaryOf(
      simulationByHand({
        seconds: [...seconds, { ...well, hosts: [{ isInService: false }] }],
        transitions,
        scenario: dead(2, 4),
      }),
    );

    expect(healedAfterMs).toBe(null);
  });

  it('know no healing from a trouble that does not end', () => {
    const summary = summaryOf(
      simulationByHand({ seconds, transitions, scenario: dead(2) }),
    );

    expect(summary.healedAfterMs).toBe(null);
    expect(summary.wellAfterMs).toBe(null);
    expect(summary.openedAfterMs).toBe(250);
  });

  it('are none where callers are not well by the end', () => {
    const { wellAfterMs } = summaryOf(
      simulationByHand({ seconds: [...seconds, lost], scenario: dead(2, 4) }),
    );

    expect(wellAfterMs).toBe(null);
  });

  it('are none without trouble', () => {
    const summary = summaryOf(simulationByHand({ seconds, transitions }));

    expect(summary.trouble).toBe(null);
    expect(summary.openedAfterMs).toBe(null);
  });
});
