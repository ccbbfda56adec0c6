import { beforeEach, describe, expect, it } from 'vitest';
import {
  Circuit,
  REFUSED,
  type CircuitSettings,
} from '../../../lib/circuit/circuit.js';
import { ramp } from '../../../lib/circuit/recovery.js';
import { consecutiveFailures } from '../../../lib/circuit/trip-rules.js';

const LEASE_MS = 100_000;
const OPEN_MS = 10_000;
const RAMP_MS = 1_000;
/** When the ramps of these tests begin. */
const START_MS = OPEN_MS;

const settings: CircuitSettings = {
  trip: [consecutiveFailures(1)],
  recovery: ramp({
    recoveryMs: RAMP_MS,
    graceMs: 500,
    ratio: 0.5,
    minimumCalls: 4,
  }),
  resetTimeoutMs: OPEN_MS,
  resetBackoff: { factor: 2, maxMs: 60_000, jitter: 0 },
  leaseMs: LEASE_MS,
  maxOutRatio: 0.5,
};

let events: string[];
let draws: number[];
let drawn: number;

beforeEach(() => {
  events = [];
  draws = [];
  drawn = 0;
});

/** Opened at 0; chance is what `draws` says, then 0. */
function openCircuit(changes: Partial<CircuitSettings> = {}): Circuit {
  const circuit = new Circuit(
    { ...settings, ...changes },
    {
      mayOpen: () => true,
      changed: (change, nowMs) => events.push(`${change} at ${nowMs}`),
      ruleFailed: () => {},
    },
    () => {
      drawn += 1;
      return draws.shift() ?? 0;
    },
  );
  circuit.record(circuit.admit(0, LEASE_MS), true, false, 0);
  return circuit;
}

/** In its ramp: the call that begins it has been refused. */
function ramping(changes: Partial<CircuitSettings> = {}): Circuit {
  const circuit = openCircuit(changes);
  circuit.isDrawn(START_MS);
  return circuit;
}

/** A ticket, or REFUSED by chance or by the state. */
const ask = (circuit: Circuit, nowMs: number, leaseMs = LEASE_MS): number =>
  circuit.isDrawn(nowMs) ? circuit.admit(nowMs, leaseMs) : REFUSED;

const end = (circuit: Circuit, isFailure: boolean, nowMs: number): void =>
  circuit.record(ask(circuit, nowMs), isFailure, false, nowMs);

describe('A ramp, from the first call after the opening', () => {
  it('lets nobody in at its first moment, and nothing is drawn for that', () => {
    const circuit = openCircuit();
    expect(ask(circuit, START_MS)).toBe(REFUSED);
    expect(drawn).toBe(0);
    expect(circuit.look(START_MS)).toEqual({ state: 'half-open' });
    expect(events).toEqual(['opened at 0', `half-opened at ${START_MS}`]);
  });

  it.each([
    [0.25, 2 ** 0.25 - 1],
    [0.5, 2 ** 0.5 - 1],
    [0.75, 2 ** 0.75 - 1],
  ])('lets in 2^t - 1 of the calls at %f of its time', (at, chance) => {
    const circuit = ramping();
    const nowMs = START_MS + at * RAMP_MS;
    draws = [chance - 1e-9, chance];
    expect(ask(circuit, nowMs)).not.toBe(REFUSED);
    expect(ask(circuit, nowMs)).toBe(REFUSED);
    expect(drawn).toBe(2);
  });

  it('lets everybody in from its end on, without a draw', () => {
    const circuit = ramping();
    for (let call = 0; call < 100; call++)
      expect(ask(circuit, START_MS + RAMP_MS)).not.toBe(REFUSED);
    expect(drawn).toBe(0);
  });

  it('begins with the first call, however late', () => {
    const circuit = openCircuit();
    expect(ask(circuit, 500_000)).toBe(REFUSED);
    expect(ask(circuit, 500_000 + RAMP_MS)).not.toBe(REFUSED);
  });

  it('is drawn for a part of the calls where only that part is asked', () => {
    const circuit = ramping();
    const nowMs = START_MS + RAMP_MS;
    draws = [0.25, 0.249];
    expect(circuit.isDrawn(nowMs, 0.25)).toBe(false);
    expect(circuit.isDrawn(nowMs, 0.25)).toBe(true);
  });

  it('is refused by nobody who only asks whether it would be', () => {
    const circuit = ramping();
    expect(circuit.refuses(START_MS + 1)).toBe(false);
    expect(circuit.willRefuseAt(START_MS + 1)).toBe(false);
    expect(circuit.nextProbeMs).toBe(-Infinity);
    expect(drawn).toBe(0);
  });
});

describe('A ramp, judging', () => {
  it('opens again as soon as minimumCalls are in and the ratio is reached', () => {
    const circuit = ramping();
    const nowMs = START_MS + 500;
    for (const isFailure of [false, false, true])
      end(circuit, isFailure, nowMs);
    expect(circuit.look(nowMs).state).toBe('half-open');
    end(circuit, true, nowMs);
    expect(circuit.look(nowMs)).toEqual({
      state: 'open',
      retryAfterMs: 2 * OPEN_MS,
    });
  });

  it('goes on below the ratio', () => {
    const circuit = ramping();
    const nowMs = START_MS + 500;
    for (const isFailure of [false, false, false, true, true])
      end(circuit, isFailure, nowMs);
    expect(circuit.look(nowMs).state).toBe('half-open');
  });

  it('closes at its end, as of that instant, whoever asks when', () => {
    const circuit = ramping();
    end(circuit, false, START_MS + 500);
    expect(circuit.look(START_MS + RAMP_MS - 1).state).toBe('half-open');
    expect(circuit.look(START_MS + RAMP_MS)).toEqual({ state: 'closed' });
    expect(circuit.refuses(START_MS + 5_000)).toBe(false);
    expect(events.at(-1)).toBe(`closed at ${START_MS + RAMP_MS}`);
  });

  it('opens at its end by the ratio of fewer calls', () => {
    const circuit = ramping();
    end(circuit, true, START_MS + 500);
    const endMs = START_MS + RAMP_MS;
    expect(circuit.look(endMs + 1_000)).toEqual({
      state: 'open',
      retryAfterMs: 2 * OPEN_MS - 1_000,
    });
    expect(circuit.refuses(endMs + 1_000)).toBe(true);
    expect(events.at(-1)).toBe(`opened at ${endMs}`);
  });

  it.each([
    [true, 'open'],
    [false, 'closed'],
  ])(
    'has the first verdict decide where none came in time (failure: %s)',
    (isFailure, state) => {
      const circuit = ramping();
      const lateMs = START_MS + 60 * RAMP_MS;
      expect(circuit.look(lateMs)).toEqual({ state: 'half-open' });
      end(circuit, isFailure, lateMs);
      expect(circuit.look(lateMs).state).toBe(state);
    },
  );

  it('counts a hung call as failed, as of the end of its lease', () => {
    const circuit = ramping();
    ask(circuit, START_MS + 500, 100);
    expect(circuit.look(START_MS + 700).state).toBe('half-open');
    expect(circuit.look(START_MS + RAMP_MS).state).toBe('open');
    circuit.refuses(START_MS + 3_000);
    expect(events.at(-1)).toBe(`opened at ${START_MS + RAMP_MS}`);
  });

  it('lets a call that hangs past its end decide where no other was seen', () => {
    const circuit = ramping();
    ask(circuit, START_MS + 500, 2_000);
    expect(circuit.look(START_MS + 2_499).state).toBe('half-open');
    expect(circuit.look(START_MS + 2_500).state).toBe('open');
  });

  it('is decided by its end before a lease that hangs after it', () => {
    const circuit = ramping();
    end(circuit, false, START_MS + 400);
    ask(circuit, START_MS + 500, 2_000);
    circuit.refuses(START_MS + 9_000);
    expect(events.at(-1)).toBe(`closed at ${START_MS + RAMP_MS}`);
  });

  it('has a call given back prove nothing', () => {
    const circuit = ramping();
    for (let call = 0; call < 10; call++)
      circuit.release(ask(circuit, START_MS + 900), START_MS + 900);
    expect(circuit.look(START_MS + 2_000)).toEqual({ state: 'half-open' });
  });

  it('lets a renewed lease hang later', () => {
    const circuit = ramping();
    const ticket = ask(circuit, START_MS + 500, 100);
    circuit.renewLease(ticket, START_MS + 5_000);
    circuit.record(ticket, false, false, START_MS + 900);
    expect(circuit.look(START_MS + RAMP_MS).state).toBe('closed');
  });

  it('takes no notice of calls that were admitted before it opened', () => {
    const circuit = openCircuit();
    const old = 1;
    circuit.isDrawn(START_MS);
    circuit.record(old, false, false, START_MS + 1);
    expect(circuit.look(START_MS + RAMP_MS).state).toBe('half-open');
  });
});

describe('The grace after a ramp', () => {
  const CLOSED_MS = START_MS + RAMP_MS;
  const closed = (changes: Partial<CircuitSettings> = {}): Circuit => {
    const circuit = ramping(changes);
    end(circuit, false, START_MS + 900);
    circuit.refuses(CLOSED_MS);
    return circuit;
  };

  it('keeps it closed though a rule holds, and shows the rule', () => {
    const circuit = closed();
    end(circuit, true, CLOSED_MS + 499);
    expect(circuit.look(CLOSED_MS + 499)).toEqual({ state: 'closed' });
    expect(circuit.tripped).toBe('consecutiveFailures');
  });

  it('ends: the next verdict opens if the rule still holds', () => {
    const circuit = closed();
    end(circuit, true, CLOSED_MS + 499);
    end(circuit, true, CLOSED_MS + 500);
    expect(circuit.look(CLOSED_MS + 500).state).toBe('open');
  });

  it('leaves it closed where the rule has ceased to hold', () => {
    const circuit = closed();
    end(circuit, true, CLOSED_MS + 499);
    end(circuit, false, CLOSED_MS + 500);
    expect(circuit.look(CLOSED_MS + 500)).toEqual({ state: 'closed' });
    expect(circuit.tripped).toBeUndefined();
  });

  it('is forgotten with an operator’s mode', () => {
    const circuit = closed();
    circuit.control('metrics-only', CLOSED_MS + 1);
    circuit.control('auto', CLOSED_MS + 2);
    end(circuit, true, CLOSED_MS + 3);
    expect(circuit.look(CLOSED_MS + 3).state).toBe('open');
  });

  it('is none where graceMs is 0', () => {
    const circuit = closed({
      recovery: ramp({ recoveryMs: RAMP_MS, graceMs: 0 }),
    });
    end(circuit, true, CLOSED_MS);
    expect(circuit.look(CLOSED_MS).state).toBe('open');
  });

  it('is kept by the recovery that began, whatever is configured meanwhile', () => {
    const circuit = ramping();
    circuit.configure({
      ...settings,
      recovery: ramp({ recoveryMs: 5, graceMs: 0 }),
    });
    end(circuit, false, START_MS + 900);
    circuit.refuses(CLOSED_MS);
    end(circuit, true, CLOSED_MS + 1);
    expect(circuit.look(CLOSED_MS + 1)).toEqual({ state: 'closed' });
  });
});

describe('ramp()', () => {
  it('has defaults, and a grace as long as the recovery', () => {
    expect(ramp()).toEqual({
      kind: 'ramp',
      recoveryMs: 10_000,
      graceMs: 10_000,
      ratio: 0.5,
      minimumCalls: 10,
    });
    expect(ramp({ recoveryMs: 70 }).graceMs).toBe(70);
  });

  it.each([
    [
      { recoveryMs: 0 },
      'ramp({ recoveryMs }) is 0: expected a number of milliseconds from 1',
    ],
    [{ recoveryMs: 2_147_483_648 }, 'to 2,147,483,647'],
    [
      { graceMs: -1 },
      'ramp({ graceMs }) is -1: expected a number of milliseconds from 0',
    ],
    [{ ratio: 0 }, 'ramp({ ratio }) is 0'],
    [
      { minimumCalls: 2.5 },
      'ramp({ minimumCalls }) is 2.5: expected a whole number',
    ],
    [{ minimumCalls: '3' as never }, 'ramp({ minimumCalls }) is "3"'],
    [
      { recovery: 1 } as never,
      'ramp({ recovery }): unknown option: known are recoveryMs',
    ],
    [null as never, 'ramp(…) is null: expected an object of recoveryMs'],
  ])('refuses %j', (options, message) => {
    expect(() => ramp(options)).toThrow(message);
  });
});
