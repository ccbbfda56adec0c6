import { beforeEach, describe, expect, it } from 'vitest';
import { Host } from '../../../lib/balancing/host.js';
import { Circuit, type CircuitMode } from '../../../lib/circuit/circuit.js';
import { ASKED } from '../../../lib/circuit/tally.js';
import { probes } from '../../../lib/circuit/recovery.js';
import { firstFailure } from '../../../lib/circuit/trip-rules.js';
import { Permits } from '../../../lib/limits/permits.js';

const setting = {
  netloc: 'a:80',
  protocol: 'http',
  baseUrl: 'http://a',
  weight: 3,
} as const;

const circuitOf = (): Circuit =>
  new Circuit(
    {
      trip: [firstFailure()],
      recovery: probes(),
      resetTimeoutMs: 1_000,
      resetBackoff: { factor: 1, maxMs: 1_000, jitter: 0 },
      leaseMs: 1_000,
      maxOutRatio: 0.5,
    },
    { mayOpen: () => true, changed: () => {}, ruleFailed: () => {} },
    () => 0,
  );

const fail = (circuit: Circuit): void =>
  circuit.record(circuit.admit(0, 1_000), true, false, 0);

describe('A host', () => {
  let host: Host;
  let circuit: Circuit;

  beforeEach(() => {
    host = new Host(setting, new Permits(1, 1));
    circuit = circuitOf();
  });

  it('is called by its netloc and asked by its whole weight', () => {
    expect(host).toMatchObject({ netloc: 'a:80', weight: 3, isPinned: false });
  });

  it('without a name weighs one', () => {
    expect(new Host(undefined, new Permits(1, 1))).toMatchObject({
      netloc: '',
      weight: 1,
    });
  });

  it('tells when it was last asked, and that it never was', () => {
    expect(host.askedMs).toBe(-Infinity);
    host.asked(500);
    expect(host.askedMs).toBe(500);
  });

  it('shows how long its answers are thought to take', () => {
    expect(host.latencyMs).toBeUndefined();
    host.latency.succeeded(12, 0);
    expect(host.latencyMs).toBe(12);
  });

  it('has pending what runs there, and what failed too soon', () => {
    host.inFlight = 2;
    expect(host.pendingAt(0)).toBe(2);
    host.latency.failed(0, 0);
    expect(host.pendingAt(0)).toBe(3);
    expect(host.pendingAt(999)).toBe(3);
    expect(host.pendingAt(1_000)).toBe(2);
  });

  it('is out of service for good once it is listed no more', () => {
    host.hasLeft = true;
    expect(host.isInService).toBe(false);
    host.circuit = circuit;
    expect(host.isInService).toBe(false);
  });

  it('is in service without a circuit, or with one that is closed', () => {
    expect(host.isInService).toBe(true);
    host.circuit = circuit;
    expect(host.isInService).toBe(true);
  });

  it('is out of service while its circuit is open', () => {
    host.circuit = circuit;
    fail(circuit);

    expect(host.isInService).toBe(false);
  });

  it.each<[CircuitMode, boolean]>([
    ['forced-open', false],
    ['metrics-only', true],
    ['disabled', true],
  ])('in mode %s is in service: %s', (mode, isInService) => {
    host.circuit = circuit;
    circuit.control(mode, 0);

    expect(host.isInService).toBe(isInService);
  });

  it.each([
    ['failed last', true, { name: 'failureRatio' }, false],
    ['answered last', false, { name: 'failureRatio' }, true],
    ['answered last, slowly', false, { name: 'slowRatio', slowMs: 9 }, false],
    ['answered last that it be left alone', false, ASKED, false],
  ])(
    'that %s is past what holds against it',
    (_, isFailure, reason, isPast) => {
      host.circuit = circuit;
      circuit.enter(circuit.closedTicket, isFailure, false, 0);

      expect(host.isPast(reason)).toBe(isPast);
    },
  );

  it('without a circuit has nothing held against it', () => {
    expect(host.isPast({ name: 'failureRatio' })).toBe(false);
  });

  it('is idle when nobody would miss it', () => {
    expect(host.isIdle).toBe(true);
    host.circuit = circuit;
    expect(host.isIdle).toBe(true);
  });

  it.each<[string, () => void]>([
    ['somebody waits for its answer', () => (host.inFlight = 1)],
    ['a permit is out', () => host.permits.tryAcquire()],
    ['somebody queues', () => host.permits.enqueue({ granted: () => {} })],
    ['its circuit is open', () => fail(circuit)],
    ['an operator holds it open', () => circuit.control('forced-open', 0)],
    ['an operator only watches it', () => circuit.control('metrics-only', 0)],
  ])('is not idle while %s', (_, busy) => {
    host.circuit = circuit;

    busy();

    expect(host.isIdle).toBe(false);
  });
});
