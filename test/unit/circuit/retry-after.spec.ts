import { beforeEach, describe, expect, it } from 'vitest';
import { Circuit, type CircuitSettings } from '../../../lib/circuit/circuit.js';
import { probes, ramp } from '../../../lib/circuit/recovery.js';
import { consecutiveFailures } from '../../../lib/circuit/trip-rules.js';

const LEASE_MS = 6_000;
const settings: CircuitSettings = {
  trip: [consecutiveFailures(3)],
  recovery: probes(),
  resetTimeoutMs: 10_000,
  resetBackoff: { factor: 2, maxMs: 60_000, jitter: 0.5 },
  leaseMs: LEASE_MS,
  maxOutRatio: 0.5,
};

let events: string[];
let mayOpen: boolean;

beforeEach(() => {
  events = [];
  mayOpen = true;
});

const circuitOf = (changes: Partial<CircuitSettings> = {}): Circuit =>
  new Circuit(
    { ...settings, ...changes },
    {
      mayOpen: () => mayOpen,
      changed: (change, nowMs) => events.push(`${change} at ${nowMs}`),
      ruleFailed: () => {},
    },
    () => 0,
  );

/** An answer that asks to be left in peace for `askedMs`: 503 is a failure, 429 none. */
const told = (
  circuit: Circuit,
  nowMs: number,
  askedMs: number,
  isFailure = false,
): void => {
  const ticket = circuit.admit(nowMs, LEASE_MS);
  circuit.record(ticket, isFailure, false, nowMs, 1, askedMs);
};

describe('A throttled answer that asks for peace', () => {
  it('opens the circuit for that time, with no rule holding', () => {
    const circuit = circuitOf();
    told(circuit, 100, 3_000);
    expect(circuit.look(100)).toEqual({ state: 'open', retryAfterMs: 3_000 });
    expect(circuit.tripped).toBe('retryAfter');
    expect(circuit.refuses(3_099)).toBe(true);
    expect(circuit.refuses(3_100)).toBe(false);
  });

  it('is neither multiplied nor jittered', () => {
    const circuit = circuitOf();
    for (let round = 0; round < 3; round++)
      told(circuit, round * 2_000, 2_000, true);
    expect(circuit.look(4_000)).toMatchObject({ retryAfterMs: 2_000 });
  });

  it('asks for nothing with 0', () => {
    const circuit = circuitOf();
    told(circuit, 0, 0);
    expect(circuit.look(0)).toEqual({ state: 'closed' });
    expect(events).toEqual([]);
  });

  it('of a call that was admitted before an opening changes nothing', () => {
    const circuit = circuitOf();
    const old = circuit.admit(0, LEASE_MS);
    told(circuit, 0, 1_000);
    circuit.record(old, false, false, 500, 1, 60_000);
    expect(circuit.look(500)).toEqual({ state: 'open', retryAfterMs: 500 });
  });

  it('where there is no room waits for room, for what is left of its time', () => {
    mayOpen = false;
    const circuit = circuitOf();
    told(circuit, 0, 3_000);
    expect(circuit.look(0)).toEqual({ state: 'closed' });
    expect(circuit.tripped).toBe('retryAfter');
    mayOpen = true;
    circuit.rejudge(1_000);
    expect(circuit.look(1_000)).toEqual({ state: 'open', retryAfterMs: 2_000 });
  });

  it('where there is no room is over with its time', () => {
    mayOpen = false;
    const circuit = circuitOf();
    told(circuit, 0, 3_000);
    mayOpen = true;
    circuit.rejudge(3_000);
    expect(circuit.look(3_000)).toEqual({ state: 'closed' });
    expect(circuit.tripped).toBeUndefined();
  });

  it('keeps the longest of several requests', () => {
    mayOpen = false;
    const circuit = circuitOf();
    told(circuit, 0, 3_000);
    told(circuit, 10, 500);
    mayOpen = true;
    circuit.rejudge(1_000);
    expect(circuit.look(1_000)).toMatchObject({ retryAfterMs: 2_000 });
  });

  it('in metrics-only is told once while it lasts', () => {
    const circuit = circuitOf();
    circuit.control('metrics-only', 0);
    for (const nowMs of [0, 10, 20]) told(circuit, nowMs, 1_000);
    expect(events).toEqual(['would-open at 0']);
    expect(circuit.tripped).toBe('retryAfter');
    circuit.record(circuit.admit(1_021, LEASE_MS), false, false, 1_021);
    expect(circuit.tripped).toBeUndefined();
  });

  it('is nothing to a disabled circuit', () => {
    const circuit = circuitOf();
    circuit.control('disabled', 0);
    told(circuit, 0, 1_000, true);
    circuit.control('auto', 1);
    expect(circuit.look(1)).toEqual({ state: 'closed' });
  });

  it('in the grace of a ramp does not open either', () => {
    const circuit = circuitOf({ recovery: ramp({ recoveryMs: 1_000 }) });
    told(circuit, 0, 1_000);
    circuit.isDrawn(1_000);
    circuit.record(circuit.admit(2_000, LEASE_MS), false, false, 2_000);
    told(circuit, 2_100, 500);
    expect(circuit.look(2_100)).toEqual({ state: 'closed' });
    expect(circuit.tripped).toBe('retryAfter');
  });
});

describe('A probe that is told to wait', () => {
  /** Half-open at 1,000. */
  const halfOpen = (changes: Partial<CircuitSettings> = {}): Circuit => {
    const circuit = circuitOf(changes);
    told(circuit, 0, 1_000);
    return circuit;
  };

  it('opens the circuit again for that time, though it is no failure', () => {
    const circuit = halfOpen();
    told(circuit, 1_000, 4_000);
    expect(circuit.look(1_000)).toEqual({ state: 'open', retryAfterMs: 4_000 });
    expect(circuit.tripped).toBe('retryAfter');
  });

  it('counts as a failed recovery only if it is a failure', () => {
    for (const [isFailure, lengthMs] of [
      [false, 20_000],
      [true, 40_000],
    ] as const) {
      const circuit = halfOpen();
      told(circuit, 1_000, 4_000, isFailure);
      const ticket = circuit.admit(5_000, LEASE_MS);
      circuit.record(ticket, true, false, 5_000);
      expect(circuit.look(5_000).retryAfterMs).toBe(lengthMs);
    }
  });

  it('whose lease had hung changes nothing more', () => {
    const circuit = halfOpen();
    const ticket = circuit.admit(1_000, 100);
    circuit.record(ticket, true, false, 1_200, 1, 90_000);
    expect(circuit.look(1_200)).toEqual({
      state: 'open',
      retryAfterMs: 20_000 - 100,
    });
  });
});
