import { beforeEach, describe, expect, it } from 'vitest';
import {
  Circuit,
  REFUSED,
  type CircuitSettings,
} from '../../../lib/circuit/circuit.js';
import { probes } from '../../../lib/circuit/recovery.js';
import {
  consecutiveFailures,
  errorCount,
  failureRatio,
  type TripRule,
} from '../../../lib/circuit/trip-rules.js';

const LEASE_MS = 6_000;
const usual: CircuitSettings = {
  trip: [consecutiveFailures(2)],
  recovery: probes(),
  resetTimeoutMs: 10_000,
  resetBackoff: { factor: 1, maxMs: 60_000, jitter: 0 },
  leaseMs: LEASE_MS,
  maxOutRatio: 0.5,
};

let events: string[];
let faults: unknown[];
let mayOpen: boolean;

beforeEach(() => {
  events = [];
  faults = [];
  mayOpen = true;
});

const circuitOf = (
  changes: Partial<CircuitSettings> = {},
  random = () => 0,
): Circuit =>
  new Circuit(
    { ...usual, ...changes },
    {
      mayOpen: () => mayOpen,
      changed: (change, nowMs) => events.push(`${change} at ${nowMs}`),
      ruleFailed: (rule, error) => faults.push([rule.name, error]),
    },
    random,
  );

const call = (circuit: Circuit, isFailure: boolean, nowMs: number): void =>
  circuit.record(circuit.admit(nowMs, LEASE_MS), isFailure, false, nowMs);
const opened = (changes: Partial<CircuitSettings> = {}, random = () => 0) => {
  const circuit = circuitOf(changes, random);
  for (let each = 0; each < 2; each++) call(circuit, true, 0);
  return circuit;
};

describe('A circuit, closed', () => {
  it('lets every call through', () => {
    const circuit = circuitOf();

    const tickets = [1, 2, 3].map((nowMs) => circuit.admit(nowMs, LEASE_MS));

    expect(tickets).not.toContain(REFUSED);
    expect(circuit.look(3)).toEqual({ state: 'closed' });
  });

  it('opens on the verdict that a rule was waiting for', () => {
    const circuit = circuitOf();

    call(circuit, true, 1);
    expect(circuit.isClosed).toBe(true);
    call(circuit, true, 2);

    expect(events).toEqual(['opened at 2']);
    expect(circuit.tripped).toBe('consecutiveFailures');
  });

  it('names the rule that tripped, the first of several', () => {
    const trip = [
      errorCount({ maxFail: 9 }),
      failureRatio({ minimumCalls: 2 }),
      consecutiveFailures(2),
    ];
    const circuit = circuitOf({ trip });

    for (let each = 0; each < 2; each++) call(circuit, true, 0);

    expect(circuit.tripped).toBe('failureRatio');
  });

  it('may open on a success that completes the minimum of calls', () => {
    const circuit = circuitOf({
      trip: [failureRatio({ ratio: 0.5, minimumCalls: 3 })],
    });
    call(circuit, true, 0);
    call(circuit, true, 0);

    call(circuit, false, 0);

    expect(circuit.isClosed).toBe(false);
  });

  it('judges each rule by a window of its own', () => {
    const circuit = circuitOf({
      trip: [
        failureRatio({ minimumCalls: 3, windowMs: 1_000 }),
        errorCount({ maxFail: 4, windowMs: 60_000 }),
      ],
    });
    for (const atMs of [0, 5_000, 10_000, 15_000]) call(circuit, true, atMs);
    expect(circuit.isClosed).toBe(true);

    call(circuit, true, 20_000);

    expect(circuit.tripped).toBe('errorCount');
  });

  it('is not hurt by a rule that throws, and tells of it', () => {
    const fault = new Error('in the rule');
    const broken: TripRule = {
      name: 'broken',
      trips: () => {
        throw fault;
      },
    };
    const circuit = circuitOf({ trip: [broken, consecutiveFailures(2)] });

    call(circuit, true, 0);
    expect(faults).toEqual([['broken', fault]]);
    call(circuit, true, 0);

    expect(circuit.tripped).toBe('consecutiveFailures');
  });

  it('shows the counts of its longest window', () => {
    const trip = [
      failureRatio({ windowMs: 100 }),
      errorCount({ windowMs: 60_000 }),
    ];
    const circuit = circuitOf({ trip });
    call(circuit, true, 0);

    expect(circuit.tally.read(30_000)).toMatchObject({ calls: 1, failures: 1 });
  });

  it('stays closed, marked with its rule, where there is no room to open', () => {
    mayOpen = false;
    const circuit = circuitOf();
    for (let each = 0; each < 3; each++) call(circuit, true, 0);
    expect(circuit.look(0)).toEqual({ state: 'closed' });
    expect(circuit.tripped).toBe('consecutiveFailures');

    mayOpen = true;
    circuit.rejudge(5);

    expect(events).toEqual(['opened at 5']);
  });

  it('loses the mark when the rule no longer holds', () => {
    mayOpen = false;
    const circuit = circuitOf();
    for (let each = 0; each < 2; each++) call(circuit, true, 0);

    call(circuit, false, 1);
    mayOpen = true;
    circuit.rejudge(2);

    expect(circuit.tripped).toBeUndefined();
    expect(events).toEqual([]);
  });
});

describe('A circuit, open', () => {
  it('refuses, and tells for how long', () => {
    const circuit = opened();

    expect(circuit.admit(4_000, LEASE_MS)).toBe(REFUSED);
    expect(circuit.look(4_000)).toEqual({ state: 'open', retryAfterMs: 6_000 });
    expect(circuit.nextProbeMs).toBe(10_000);
  });

  it('is sure to refuse until its time is up, and no longer', () => {
    const circuit = opened();

    const sure = [0, 9_999, 10_000].map((atMs) => circuit.willRefuseAt(atMs));

    expect(sure).toEqual([true, true, false]);
  });

  it('reads half-open once its time is up, before anybody asks', () => {
    const circuit = opened();

    expect(circuit.look(10_000)).toEqual({ state: 'half-open' });
    expect(events).toEqual(['opened at 0']);
  });

  it('keeps its counts, and takes no late result', () => {
    const circuit = circuitOf();
    const late = circuit.admit(0, LEASE_MS);
    call(circuit, true, 0);
    call(circuit, true, 0);

    circuit.record(late, false, false, 10);

    expect(circuit.tally.read(10)).toMatchObject({ calls: 2, failures: 2 });
    expect(circuit.isClosed).toBe(false);
  });

  it('stays open longer after each failed recovery, up to its bound', () => {
    const circuit = opened({
      resetBackoff: { factor: 2, maxMs: 30_000, jitter: 0 },
    });
    const lengths: (number | undefined)[] = [];
    let nowMs = 0;
    for (let each = 0; each < 4; each++) {
      const { retryAfterMs } = circuit.look(nowMs);
      lengths.push(retryAfterMs);
      nowMs += retryAfterMs!;
      call(circuit, true, nowMs);
    }

    expect(lengths).toEqual([10_000, 20_000, 30_000, 30_000]);
  });

  it.each([
    ['a shorter time than its last opening', 19_999, 20_000],
    ['as long as its last opening', 20_000, 10_000],
  ])(
    'remembers failed recoveries if it was closed for %s',
    (_, closedMs, expected) => {
      const circuit = opened({
        resetBackoff: { factor: 2, maxMs: 60_000, jitter: 0 },
      });
      call(circuit, true, 10_000);
      call(circuit, false, 30_000);

      const atMs = 30_000 + closedMs;
      for (let each = 0; each < 2; each++) call(circuit, true, atMs);

      expect(circuit.look(atMs).retryAfterMs).toBe(expected);
    },
  );

  it('draws its jitter once an opening', () => {
    let draws = 0;
    const circuit = opened(
      { resetBackoff: { factor: 1, maxMs: 60_000, jitter: 1 } },
      () => ++draws / 10,
    );

    for (let each = 0; each < 3; each++)
      expect(circuit.look(0).retryAfterMs).toBe(11_000);
    call(circuit, true, 11_000);

    expect(circuit.look(11_000).retryAfterMs).toBe(12_000);
  });
});

describe('A circuit, half-open', () => {
  it('lets one probe through and refuses the second', () => {
    const circuit = opened();

    const [first, second] = [1, 2].map(() => circuit.admit(10_000, LEASE_MS));

    expect(first).not.toBe(REFUSED);
    expect(second).toBe(REFUSED);
    expect(circuit.isLease(first!)).toBe(true);
    expect(events).toEqual(['opened at 0', 'half-opened at 10000']);
  });

  it('closes, empty, by the probe that succeeds', () => {
    const circuit = opened();

    call(circuit, false, 10_000);

    expect(circuit.look(10_000)).toEqual({ state: 'closed' });
    expect(circuit.tally.read(10_000).calls).toBe(0);
    expect(circuit.tripped).toBeUndefined();
  });

  it('opens again by the probe that fails', () => {
    const circuit = opened();

    call(circuit, true, 10_000);

    expect(circuit.look(10_000)).toEqual({
      state: 'open',
      retryAfterMs: 10_000,
    });
  });

  it.each([
    ['closes at the second success', [false, true, false], 'closed'],
    ['opens once two successes are out of reach', [true, true], 'open'],
    ['waits while it is not certain', [true, false], 'half-open'],
  ])('with two of three to succeed %s', (_, results, expected) => {
    const circuit = opened({ recovery: probes({ calls: 3, successes: 2 }) });
    const tickets = [1, 2, 3].map(() => circuit.admit(10_000, LEASE_MS));

    results.forEach((isFailure, index) =>
      circuit.record(tickets[index]!, isFailure, false, 10_001),
    );

    expect(circuit.look(10_001).state).toBe(expected);
  });

  it('gives another probe for one that was cancelled', () => {
    const circuit = opened();
    const cancelled = circuit.admit(10_000, LEASE_MS);

    circuit.release(cancelled, 10_001);

    expect(circuit.admit(10_001, LEASE_MS)).not.toBe(REFUSED);
  });

  it('fails a hung probe as of the instant its lease ended, however late that is noticed', () => {
    const circuit = opened();
    circuit.admit(10_000, LEASE_MS);

    expect(circuit.refuses(25_000)).toBe(true);

    expect(events.at(-1)).toBe('opened at 16000');
    expect(circuit.look(25_000)).toEqual({
      state: 'open',
      retryAfterMs: 1_000,
    });
    expect(circuit.refuses(26_000)).toBe(false);
  });

  it('does not take a hung probe back as merely cancelled', () => {
    const circuit = opened();
    const hung = circuit.admit(10_000, LEASE_MS);

    circuit.release(hung, 16_000);

    expect(circuit.admit(16_000, LEASE_MS)).toBe(REFUSED);
    expect(events.at(-1)).toBe('opened at 16000');
  });

  it('ignores what a hung probe brings late', () => {
    const circuit = opened();
    const hung = circuit.admit(10_000, LEASE_MS);

    circuit.record(hung, false, false, 16_000);

    expect(circuit.look(16_000).state).toBe('open');
  });

  it('counts a lease from the start of its work', () => {
    const circuit = opened();
    const probe = circuit.admit(10_000, LEASE_MS);

    circuit.renewLease(probe, 20_000);
    circuit.record(probe, false, false, 19_999);

    expect(circuit.isClosed).toBe(true);
  });

  it('reads open, with the time that is left, after a hung probe nobody noticed', () => {
    const circuit = opened({
      resetBackoff: { factor: 2, maxMs: 60_000, jitter: 0 },
    });
    circuit.admit(10_000, LEASE_MS);

    expect(circuit.look(20_000)).toEqual({
      state: 'open',
      retryAfterMs: 16_000,
    });
    expect(circuit.look(36_000)).toEqual({ state: 'half-open' });
    expect(events).toEqual(['opened at 0', 'half-opened at 10000']);
  });

  it('reads half-open after one hung probe where others may still go', () => {
    const circuit = opened({ recovery: probes({ calls: 3, successes: 1 }) });
    circuit.admit(10_000, LEASE_MS);

    expect(circuit.look(16_000)).toEqual({ state: 'half-open' });
    expect(circuit.admit(16_000, LEASE_MS)).not.toBe(REFUSED);
  });
});

describe('A circuit under an operator', () => {
  it.each([
    ['forced-open', true],
    ['metrics-only', false],
    ['disabled', false],
  ] as const)('in mode %s refuses: %s', (mode, isRefused) => {
    const circuit = circuitOf();

    circuit.control(mode, 0);

    expect(circuit.admit(1, LEASE_MS) === REFUSED).toBe(isRefused);
    expect(circuit.willRefuseAt(1_000_000)).toBe(isRefused);
    expect(circuit.look(1)).toEqual({ state: mode });
  });

  it('metrics-only counts, and tells once what would have opened it', () => {
    const circuit = circuitOf();
    circuit.control('metrics-only', 0);

    for (let each = 1; each <= 5; each++) call(circuit, true, each);

    expect(events).toEqual(['would-open at 2']);
    expect(circuit.tripped).toBe('consecutiveFailures');
    expect(circuit.tally.read(5)).toMatchObject({ calls: 5, failures: 5 });
  });

  it('disabled counts nothing', () => {
    const circuit = circuitOf();
    circuit.control('disabled', 0);

    for (let each = 0; each < 5; each++) call(circuit, true, 0);

    expect(circuit.tally.read(0).calls).toBe(0);
  });

  it('forced open lends no passage to calls that another circuit judges', () => {
    const circuit = circuitOf();
    circuit.control('forced-open', 0);

    expect(circuit.closedTicket).toBe(REFUSED);
  });

  it('starts closed, empty and anew when a mode is left', () => {
    const circuit = circuitOf();
    const late = circuit.admit(0, LEASE_MS);
    call(circuit, true, 0);
    circuit.control('forced-open', 1);

    circuit.control('auto', 2);
    circuit.record(late, true, false, 3);

    expect(circuit.look(3)).toEqual({ state: 'closed' });
    expect(circuit.tally.read(3).calls).toBe(0);
    expect(events).toEqual(['opened at 1', 'closed at 2']);
  });

  it('forgets failed recoveries', () => {
    const circuit = opened({
      resetBackoff: { factor: 2, maxMs: 60_000, jitter: 0 },
    });
    call(circuit, true, 10_000);
    call(circuit, false, 30_000);
    for (let each = 0; each < 2; each++) call(circuit, true, 30_001);
    expect(circuit.look(30_001).retryAfterMs).toBe(20_000);

    circuit.control('metrics-only', 30_002);
    circuit.control('auto', 30_003);
    for (let each = 0; each < 2; each++) call(circuit, true, 30_004);

    expect(circuit.look(30_004).retryAfterMs).toBe(10_000);
  });

  it('takes the mode it is in for nothing new', () => {
    const circuit = opened();

    circuit.control('auto', 1);

    expect(circuit.isClosed).toBe(false);
  });
});

describe('A circuit, configured anew', () => {
  it('keeps state and counts where the rules stay', () => {
    const circuit = opened();

    circuit.configure({ ...usual, resetTimeoutMs: 1 });

    expect(circuit.look(0)).toEqual({ state: 'open', retryAfterMs: 10_000 });
    expect(circuit.tally.read(0).calls).toBe(2);
  });

  it('starts new rules with empty windows', () => {
    const circuit = circuitOf();
    call(circuit, true, 0);

    circuit.configure({ ...usual, trip: [errorCount({ maxFail: 1 })] });
    expect(circuit.tally.read(0).calls).toBe(0);
    call(circuit, true, 0);
    call(circuit, true, 0);

    expect(circuit.tripped).toBe('errorCount');
  });
});
