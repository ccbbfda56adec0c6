import { beforeEach, describe, expect, it } from 'vitest';
import {
  Circuit,
  REFUSED,
  type CircuitSettings,
} from '../../../lib/circuit/circuit.js';
import { probes, ramp } from '../../../lib/circuit/recovery.js';
import {
  consecutiveFailures,
  failureRatio,
  slowRatio,
  type TripRule,
} from '../../../lib/circuit/trip-rules.js';

const LEASE_MS = 6_000;
const OPEN_MS = 10_000;

let events: string[];
let mayOpen: boolean;

beforeEach(() => {
  events = [];
  mayOpen = true;
});

const circuitOf = (changes: Partial<CircuitSettings> = {}): Circuit =>
  new Circuit(
    {
      trip: [consecutiveFailures(2)],
      recovery: probes(),
      resetTimeoutMs: OPEN_MS,
      resetBackoff: { factor: 1, maxMs: 60_000, jitter: 0 },
      leaseMs: LEASE_MS,
      maxOutRatio: 0.5,
      ...changes,
    },
    {
      mayOpen: () => mayOpen,
      changed: (change, nowMs) => events.push(`${change} at ${nowMs}`),
      ruleFailed: () => {},
    },
    () => 0,
  );

const call = (
  circuit: Circuit,
  isFailure: boolean,
  nowMs: number,
  tookMs = 0,
): void =>
  circuit.record(
    circuit.admit(nowMs, LEASE_MS),
    isFailure,
    false,
    nowMs,
    tookMs,
  );

const opened = (changes: Partial<CircuitSettings> = {}): Circuit => {
  const circuit = circuitOf(changes);
  for (let each = 0; each < 2; each++) call(circuit, true, 0);
  return circuit;
};

describe('A circuit that never opened', () => {
  it('refuses nobody, leaves nothing to chance and waits for no probe', () => {
    const circuit = circuitOf();

    expect(circuit.refuses(0)).toBe(false);
    expect(circuit.isDrawn(0)).toBe(true);
    expect(circuit.willRefuseAt(1)).toBe(false);
    expect(circuit.nextProbeMs).toBe(Infinity);
  });

  it('takes a ticket for no lease, and takes it back as if it were', () => {
    const circuit = circuitOf();
    const ticket = circuit.admit(0, LEASE_MS);

    circuit.renewLease(ticket, 5);
    circuit.release(ticket, 1);

    expect(circuit.isLease(ticket)).toBe(false);
    expect(circuit.tally.read(1).calls).toBe(0);
  });

  it('is refused to everybody by an operator, with no probe to wait for', () => {
    const circuit = circuitOf();

    circuit.control('forced-open', 0);

    expect(circuit.refuses(1)).toBe(true);
    expect(circuit.isDrawn(1)).toBe(false);
    expect(circuit.nextProbeMs).toBe(Infinity);
  });
});

describe('A ticket', () => {
  it('of a closed circuit counts, whoever judged the call', () => {
    const circuit = circuitOf();

    circuit.record(circuit.closedTicket, true, false, 0);

    expect(circuit.tally.read(0)).toMatchObject({ calls: 1, failures: 1 });
  });

  it('of a closed circuit is none while it is open', () => {
    expect(opened().closedTicket).toBe(REFUSED);
  });

  it('is said to have counted, or not', () => {
    const circuit = circuitOf();
    const ticket = circuit.admit(0, LEASE_MS);
    expect(circuit.enter(ticket, false, false, 0)).toBe(true);

    expect(circuit.enter(ticket + 1, false, false, 0)).toBe(false);
    circuit.control('disabled', 0);
    expect(circuit.enter(circuit.closedTicket, true, false, 0)).toBe(false);

    expect(circuit.tally.read(0).calls).toBe(0);
  });

  it('of before an opening counts nothing in a mode chosen since', () => {
    const circuit = circuitOf();
    const late = circuit.admit(0, LEASE_MS);
    for (let each = 0; each < 2; each++) call(circuit, true, 0);

    circuit.control('metrics-only', 1);
    circuit.record(late, true, false, 2);

    expect(events).toEqual(['opened at 0', 'closed at 1']);
    expect(circuit.tally.read(2).calls).toBe(0);
  });

  it('of a lease counts nothing once another probe has closed the circuit', () => {
    const circuit = opened({ recovery: probes({ calls: 2 }) });
    const [late, first] = [1, 2].map(() => circuit.admit(OPEN_MS, LEASE_MS));
    circuit.record(first!, false, false, OPEN_MS);
    expect(circuit.isClosed).toBe(true);

    circuit.record(late!, true, false, OPEN_MS + 1);

    expect(circuit.tally.read(OPEN_MS + 1).calls).toBe(0);
  });

  it('is another one after each start afresh', () => {
    const circuit = circuitOf();
    const tickets = [1, 2, 3, 4].map(() => {
      const ticket = circuit.admit(0, LEASE_MS);
      circuit.startAfresh();
      return ticket;
    });

    expect(new Set(tickets).size).toBe(4);
    expect(tickets).not.toContain(REFUSED);
    circuit.record(tickets[0]!, true, false, 0);
    expect(circuit.tally.read(0).calls).toBe(0);
  });

  it('given back without a time is given back, however late', () => {
    const circuit = opened();
    const probe = circuit.admit(OPEN_MS, 100);

    circuit.release(probe);

    expect(circuit.look(OPEN_MS + 500)).toEqual({ state: 'half-open' });
    expect(circuit.admit(OPEN_MS + 500, LEASE_MS)).not.toBe(REFUSED);
  });
});

describe('A circuit that is open', () => {
  it('is not started afresh', () => {
    const circuit = opened();

    circuit.startAfresh();

    expect(circuit.look(0).state).toBe('open');
    expect(circuit.tripped).toBe('consecutiveFailures');
    expect(circuit.tally.read(0).calls).toBe(2);
  });

  it('is not opened anew by another look at its rules', () => {
    const circuit = opened();

    circuit.rejudge(5_000);

    expect(circuit.look(5_000).retryAfterMs).toBe(5_000);
    expect(events).toEqual(['opened at 0']);
  });

  it('has no lease to renew or to find', () => {
    const circuit = opened();

    circuit.renewLease(7, 50_000);

    expect(circuit.isLease(7)).toBe(false);
    expect(circuit.refuses(0)).toBe(true);
  });

  it('begins to recover by a call, not by a draw for one', () => {
    const circuit = opened();

    expect(circuit.isDrawn(OPEN_MS)).toBe(true);
    expect(events).toEqual(['opened at 0']);

    circuit.admit(OPEN_MS, LEASE_MS);
    expect(events).toEqual(['opened at 0', `half-opened at ${OPEN_MS}`]);
  });

  it('half-open waits for the first of its leases', () => {
    const circuit = opened({ recovery: probes({ calls: 2, successes: 2 }) });
    circuit.admit(OPEN_MS, 900);
    expect(circuit.nextProbeMs).toBe(-Infinity);
    circuit.admit(OPEN_MS, 500);

    expect(circuit.nextProbeMs).toBe(OPEN_MS + 500);
  });

  it('closed by the end of its ramp admits without a lease', () => {
    const circuit = opened({ recovery: ramp({ recoveryMs: 1_000 }) });
    circuit.isDrawn(OPEN_MS);
    call(circuit, false, OPEN_MS + 500);

    const ticket = circuit.admit(OPEN_MS + 1_000, LEASE_MS);

    expect(circuit.isClosed).toBe(true);
    expect(circuit.isLease(ticket)).toBe(false);
    expect(ticket).toBe(circuit.closedTicket);
    expect(events.at(-1)).toBe(`closed at ${OPEN_MS + 1_000}`);
  });
});

describe('Opened for slowness', () => {
  const slow = { trip: [slowRatio({ slowMs: 100, minimumCalls: 1 })] };

  it.each([
    [100, 'closed'],
    [101, 'open'],
  ])('a probe that took %i ms leaves it %s', (tookMs, state) => {
    const circuit = circuitOf(slow);
    call(circuit, false, 0, 200);
    expect(circuit.isClosed).toBe(false);

    call(circuit, false, OPEN_MS, tookMs);

    expect(circuit.look(OPEN_MS).state).toBe(state);
  });

  it('is no concern of a circuit that failures opened', () => {
    const circuit = opened({ trip: [consecutiveFailures(2), ...slow.trip] });

    call(circuit, false, OPEN_MS, 200);

    expect(circuit.isClosed).toBe(true);
  });
});

describe('The rules of a circuit', () => {
  /** Holds when told to, and counts how often it was asked. */
  function rule(): TripRule & { asked: number; holds: boolean } {
    const self = {
      name: 'told',
      asked: 0,
      holds: false,
      trips: () => {
        self.asked += 1;
        return self.holds;
      },
    };
    return self;
  }

  it('are not asked while nothing failed or was slow', () => {
    const told = rule();
    const circuit = circuitOf({ trip: [told] });

    for (let each = 0; each < 10; each++) call(circuit, false, each);

    expect(told.asked).toBe(0);
  });

  it('are not asked again where none has held for want of room', () => {
    const told = rule();
    const circuit = circuitOf({ trip: [told] });
    call(circuit, true, 0);
    const { asked } = told;

    told.holds = true;
    circuit.rejudge(1);

    expect(told.asked).toBe(asked);
    expect(circuit.isClosed).toBe(true);
  });

  it('take the mark away though all that failed has been forgotten', () => {
    mayOpen = false;
    const circuit = circuitOf({
      trip: [failureRatio({ minimumCalls: 1, windowMs: 1_000 })],
    });
    call(circuit, true, 0);
    expect(circuit.tripped).toBe('failureRatio');

    call(circuit, false, 5_000);

    expect(circuit.tripped).toBeUndefined();
  });
});
