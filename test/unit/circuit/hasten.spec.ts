import { describe, expect, it } from 'vitest';
import { Circuit, type CircuitSettings } from '../../../lib/circuit/circuit.js';
import { probes } from '../../../lib/circuit/recovery.js';
import { consecutiveFailures } from '../../../lib/circuit/trip-rules.js';

const LEASE_MS = 6_000;
const settings: CircuitSettings = {
  trip: [consecutiveFailures(1)],
  recovery: probes(),
  resetTimeoutMs: 10_000,
  resetBackoff: { factor: 2, maxMs: 60_000, jitter: 0 },
  leaseMs: LEASE_MS,
  maxOutRatio: 0.5,
};

const circuitOf = (changes: Partial<CircuitSettings> = {}): Circuit =>
  new Circuit(
    { ...settings, ...changes },
    { mayOpen: () => true, changed: () => {}, ruleFailed: () => {} },
    () => 0,
  );

const answer = (circuit: Circuit, nowMs: number, isFailure: boolean): void =>
  circuit.record(circuit.admit(nowMs, LEASE_MS), isFailure, false, nowMs);

describe('A circuit whose probe is to hurry', () => {
  it.each([
    [0, 1_000],
    [400, 600],
    [1_000, 0],
    [7_000, 0],
  ])(
    'that has been open for %s ms waits another %s ms',
    (openMs, retryAfterMs) => {
      const circuit = circuitOf();
      answer(circuit, 50_000, true);
      const nowMs = 50_000 + openMs;
      circuit.hasten(nowMs);
      expect(circuit.look(nowMs)).toEqual(
        retryAfterMs === 0
          ? { state: 'half-open' }
          : { state: 'open', retryAfterMs },
      );
      expect(circuit.refuses(nowMs + retryAfterMs)).toBe(false);
    },
  );

  it('is not hurried twice for one opening', () => {
    const circuit = circuitOf();
    answer(circuit, 50_000, true);
    circuit.hasten(50_200);
    circuit.hasten(50_300);
    expect(circuit.look(50_300)).toEqual({ state: 'open', retryAfterMs: 700 });
  });

  it('waits no longer than it was going to', () => {
    const circuit = circuitOf({ resetTimeoutMs: 400 });
    answer(circuit, 50_000, true);
    circuit.hasten(50_100);
    expect(circuit.look(50_100)).toEqual({ state: 'open', retryAfterMs: 300 });
    circuit.hasten(90_000);
    expect(circuit.look(50_399)).toMatchObject({ state: 'open' });
  });

  it('opens again as if it had waited', () => {
    const circuit = circuitOf();
    answer(circuit, 50_000, true);
    circuit.hasten(52_000);
    answer(circuit, 52_000, true);
    expect(circuit.look(52_000)).toEqual({
      state: 'open',
      retryAfterMs: 20_000,
    });
  });

  it('forgets failed recoveries once it stayed closed for as long as it was open', () => {
    for (const [closedMs, retryAfterMs] of [
      [1_999, 20_000],
      [2_000, 10_000],
    ] as const) {
      const circuit = circuitOf();
      answer(circuit, 50_000, true);
      circuit.hasten(52_000);
      answer(circuit, 52_000, true);
      circuit.hasten(54_000);
      answer(circuit, 54_000, false);
      answer(circuit, 54_000 + closedMs, true);
      expect(circuit.look(54_000 + closedMs)).toEqual({
        state: 'open',
        retryAfterMs,
      });
    }
  });

  it('does not where a throttled answer asked for the time', () => {
    const circuit = circuitOf();
    const ticket = circuit.admit(50_000, LEASE_MS);
    circuit.record(ticket, false, false, 50_000, 1, 30_000);
    circuit.hasten(55_000);
    expect(circuit.look(55_000)).toEqual({
      state: 'open',
      retryAfterMs: 25_000,
    });
    // The opening that follows is its own again.
    answer(circuit, 80_000, true);
    circuit.hasten(85_000);
    expect(circuit.look(85_000)).toEqual({ state: 'half-open' });
  });

  it('changes nothing while it is closed or half-open', () => {
    const closed = circuitOf();
    closed.hasten(5);
    expect(closed.look(5)).toEqual({ state: 'closed' });
    const probing = circuitOf();
    answer(probing, 0, true);
    const lease = probing.admit(10_000, LEASE_MS);
    probing.hasten(10_001);
    expect(probing.refuses(10_001)).toBe(true);
    probing.record(lease, false, false, 10_002);
    expect(probing.look(10_002)).toEqual({ state: 'closed' });
  });
});
