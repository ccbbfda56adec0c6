import { beforeEach, describe, expect, it } from 'vitest';
import {
  type BalancerContext,
  type LoadBalancer,
} from '../../../lib/balancing/balancers.js';
import { Host } from '../../../lib/balancing/host.js';
import { HostSet } from '../../../lib/balancing/host-set.js';
import {
  Circuit,
  REFUSED,
  type CircuitSettings,
} from '../../../lib/circuit/circuit.js';
import { probes, ramp } from '../../../lib/circuit/recovery.js';
import {
  consecutiveFailures,
  errorCount,
  type TripRule,
} from '../../../lib/circuit/trip-rules.js';
import { Permits } from '../../../lib/limits/permits.js';

const LEASE_MS = 1_000;
const OPEN_MS = 10_000;

let moves: string[];
let chance: number;

beforeEach(() => {
  moves = [];
  chance = 0;
});

/** Hosts `h0`, `h1`, … with circuits below one that never opens by itself. */
function rig(
  count: number,
  {
    maxOutRatio = 0.5,
    above = [],
    ...changes
  }: Partial<CircuitSettings> & { above?: readonly TripRule[] } = {},
) {
  const settings: CircuitSettings = {
    trip: [consecutiveFailures(2)],
    recovery: probes(),
    resetTimeoutMs: OPEN_MS,
    resetBackoff: { factor: 1, maxMs: 60_000, jitter: 0 },
    leaseMs: LEASE_MS,
    maxOutRatio,
    ...changes,
  };
  const random = () => chance;
  const alone = {
    mayOpen: () => true,
    changed: () => {},
    ruleFailed: () => {},
  };
  const circuit = new Circuit({ ...settings, trip: above }, alone, random);
  const set: HostSet = new HostSet(
    {
      random,
      maxOutRatio,
      circuit,
      hostChanged: () => {},
      hostMoved: (host, nowMs) =>
        moves.push(
          `${host.netloc} ${host.isInService ? 'in' : 'out'} at ${nowMs}`,
        ),
    },
    'round-robin',
  );
  const hosts = Array.from({ length: count }, (_, each) => {
    const setting = {
      netloc: `h${each}:80`,
      protocol: 'http',
      baseUrl: `http://h${each}`,
      weight: 1,
    } as const;
    const host = new Host(setting, new Permits(9, 9));
    host.circuit = new Circuit(
      settings,
      {
        ...alone,
        mayOpen: () => set.mayGoOut(),
        changed: (change, nowMs) => set.changed(host, change, nowMs),
      },
      random,
    );
    return host;
  });
  set.setHosts(hosts);
  /** An unpinned call, seen from both circuits, that ends as told. */
  const answer = (
    at: number,
    isFailure: boolean,
    nowMs = 0,
    { isSlow = false, ticket = undefined as number | undefined } = {},
  ): void => {
    const host = hosts[at]!;
    const own = ticket ?? host.circuit!.admit(nowMs, LEASE_MS);
    const whole = circuit.admit(nowMs, LEASE_MS);
    set.record(host, own, whole, isFailure, isSlow, nowMs, 0, 0);
  };
  const takeOut = (at: number, nowMs = 0): void => {
    for (let each = 0; each < 2; each++) answer(at, true, nowMs);
    expect(hosts[at]!.isInService).toBe(false);
  };
  const counts = (nowMs = 0) => circuit.tally.read(nowMs);
  return { set, hosts, circuit, answer, takeOut, counts };
}

const namesOf = (hosts: readonly Host[]): string =>
  hosts.map((host) => host.netloc.slice(0, 2)).join(' ');

describe('A set of hosts', () => {
  it('knows who is listed, who serves, and each by name', () => {
    const { set, hosts, takeOut } = rig(3);
    takeOut(1);

    expect(namesOf(set.all)).toBe('h0 h1 h2');
    expect(namesOf(set.serving)).toBe('h0 h2');
    expect(set.find('h1:80')).toBe(hosts[1]);
    expect(set.find('h9:80')).toBeUndefined();
  });

  it('is forced open only where every host is', () => {
    const { set, hosts } = rig(2);
    expect(set.areAllForcedOpen).toBe(false);

    hosts[0]!.circuit!.control('forced-open', 0);
    expect(set.areAllForcedOpen).toBe(false);
    hosts[1]!.circuit!.control('forced-open', 0);
    expect(set.areAllForcedOpen).toBe(true);

    hosts[1]!.circuit = undefined;
    expect(set.areAllForcedOpen).toBe(false);
  });

  it('hands its balancer the time and the chance of the moment', () => {
    const { set, hosts } = rig(2);
    const seen: [number, number][] = [];
    const last: LoadBalancer = {
      pick: (among, { nowMs, random }: BalancerContext) => {
        seen.push([nowMs, random()]);
        return among.at(-1)!;
      },
    };
    chance = 0.25;

    set.useBalancer(last);

    expect(set.pick(7, undefined, true)).toBe(hosts[1]);
    expect(seen).toEqual([[7, 0.25]]);
  });

  it('asks no balancer where there is no choice', () => {
    const { set, hosts, takeOut } = rig(2);
    takeOut(0);
    set.useBalancer({ pick: () => expect.fail('asked') });

    expect(set.pick(0, undefined, true)).toBe(hosts[1]);
  });

  it('lets the last one out under no circumstances', () => {
    const { set, answer, hosts } = rig(3, { maxOutRatio: 1 });

    for (const at of [0, 1, 2])
      for (let each = 0; each < 3; each++)
        if (hosts[at]!.isInService) answer(at, true);

    expect(namesOf(set.serving)).toBe('h2');
    expect(set.mayGoOut()).toBe(false);
  });
});

describe('What came of an attempt', () => {
  it('is counted for its host and above it', () => {
    const { answer, hosts, counts } = rig(2);

    answer(0, true, 0, { isSlow: true });
    answer(1, false);

    expect(hosts[0]!.circuit!.tally.read(0)).toMatchObject({
      calls: 1,
      failures: 1,
      slow: 1,
    });
    expect(counts()).toMatchObject({ calls: 2, failures: 1, slow: 1 });
  });

  it('is counted nowhere if its host has started afresh since', () => {
    const { answer, hosts, counts } = rig(2);
    const ticket = hosts[0]!.circuit!.admit(0, LEASE_MS);
    hosts[0]!.circuit!.startAfresh();

    answer(0, true, 0, { ticket });

    expect(hosts[0]!.circuit!.tally.read(0).calls).toBe(0);
    expect(counts().calls).toBe(0);
  });

  it('is not counted above for a host that is out', () => {
    const { answer, takeOut, hosts, counts } = rig(3);
    const ticket = hosts[0]!.circuit!.admit(0, LEASE_MS);
    takeOut(0);

    answer(0, false, 1, { ticket });
    answer(0, false, 1, { ticket: REFUSED });

    expect(counts(1).calls).toBe(0);
  });

  it('is counted nowhere for a host that an operator has disabled', () => {
    const { answer, hosts, counts } = rig(2);
    hosts[0]!.circuit!.control('disabled', 0);

    answer(0, true);

    expect(counts().calls).toBe(0);
  });

  it('of a host that goes out by it is judged there and not above', () => {
    const asked: number[] = [];
    const witness = {
      name: 'witness',
      trips: ({ calls }: { calls: number }) => asked.push(calls) < 0,
    };
    const { answer } = rig(3, { above: [witness] });
    answer(1, true);
    answer(0, true);
    expect(asked).toEqual([1, 2]);

    answer(0, true);

    expect(moves).toEqual(['h0:80 out at 0']);
    expect(asked).toEqual([1, 2]);
  });

  it('is judged nowhere if its host has started afresh since', () => {
    let asked = 0;
    const witness = { name: 'witness', trips: () => ((asked += 1), false) };
    const { answer, hosts } = rig(3, { above: [witness] });
    const ticket = hosts[0]!.circuit!.admit(0, LEASE_MS);
    hosts[0]!.circuit!.startAfresh();
    answer(1, true);
    expect(asked).toBe(1);

    answer(0, true, 0, { ticket });

    expect(asked).toBe(1);
  });

  it('is nobody’s where there are no circuits', () => {
    const { hosts } = rig(1);
    const bare = (circuit: Circuit | undefined) => {
      const set = new HostSet(
        {
          random: () => 0,
          maxOutRatio: 0.5,
          circuit,
          hostChanged: () => {},
          hostMoved: () => {},
        },
        'round-robin',
      );
      set.setHosts(hosts);
      return set;
    };
    const { circuit } = rig(0);
    const own = hosts[0]!.circuit!;

    bare(undefined).record(hosts[0]!, 1, 1, true, false, 0, 0, 0);
    expect(own.tally.read(0).calls).toBe(0);
    hosts[0]!.circuit = undefined;
    bare(circuit).record(hosts[0]!, 1, 1, true, false, 0, 0, 0);
    expect(circuit.tally.read(0).calls).toBe(0);
  });
});

describe('A host that goes out', () => {
  it('takes what it brought with it, and nobody else’s', () => {
    const { answer, takeOut, counts } = rig(3);
    answer(1, true);
    answer(2, false);

    takeOut(0);

    expect(counts()).toMatchObject({ calls: 2, failures: 1 });
  });

  it('takes it once, not again when it is probed', () => {
    const { answer, takeOut, hosts, counts } = rig(3, { resetTimeoutMs: 100 });
    takeOut(0);
    for (let each = 0; each < 2; each++) answer(1, false);

    hosts[0]!.circuit!.admit(100, LEASE_MS);

    expect(counts(100).calls).toBe(2);
  });

  it('is told of once, going and coming', () => {
    const { set, takeOut, answer, hosts } = rig(3);
    takeOut(0);

    expect(hosts[0]!.weight).toBe(1);
    answer(0, false, OPEN_MS);

    expect(moves).toEqual(['h0:80 out at 0', `h0:80 in at ${OPEN_MS}`]);
    expect(namesOf(set.serving)).toBe('h0 h1 h2');
    expect(hosts[0]!.weight).toBeCloseTo(0.1);
  });

  it('makes room, when it comes back, for one whose rule still holds', () => {
    const { set, answer, takeOut, hosts } = rig(2);
    takeOut(0);
    for (let each = 0; each < 2; each++) answer(1, true, 1);
    expect(hosts[1]!.circuit!.tripped).toBe('consecutiveFailures');
    expect(namesOf(set.serving)).toBe('h1');

    answer(0, false, OPEN_MS);

    expect(namesOf(set.serving)).toBe('h0');
  });

  it('leaves, by a ramp that was over, from when that was noticed', () => {
    const { set, answer, takeOut, hosts } = rig(2, {
      recovery: ramp({ recoveryMs: 1_000 }),
    });
    takeOut(0);
    hosts[0]!.circuit!.isDrawn(OPEN_MS);
    answer(0, false, OPEN_MS + 900);
    for (let each = 0; each < 2; each++) answer(1, true, OPEN_MS + 950);

    set.notice(OPEN_MS + 5_000);

    expect(namesOf(set.serving)).toBe('h0');
    expect(hosts[1]!.circuit!.nextProbeMs).toBe(2 * OPEN_MS + 5_000);
  });

  it('needs no circuit above it', () => {
    const { hosts } = rig(2);
    const set = new HostSet(
      {
        random: () => 0,
        maxOutRatio: 0.5,
        circuit: undefined,
        hostChanged: () => {},
        hostMoved: () => {},
      },
      'round-robin',
    );
    set.setHosts(hosts);
    hosts[0]!.circuit!.control('forced-open', 0);

    set.changed(hosts[0]!, 'opened', 0);
    set.startAfresh();

    expect(set.serving).toEqual([hosts[1]]);
    expect(set.pick(0, undefined, true)).toBe(hosts[1]);
  });
});

describe('A host with its time up', () => {
  it('is the next pick, unless it was tried or it is the others’ turn', () => {
    const { set, hosts, takeOut } = rig(3);
    takeOut(1);

    expect(set.pick(OPEN_MS - 1, undefined, true)).not.toBe(hosts[1]);
    expect(set.pick(OPEN_MS, undefined, false)).toBe(hosts[1]);
    hosts[1]!.asked(OPEN_MS);
    expect(set.pick(OPEN_MS, undefined, false)).not.toBe(hosts[1]);
    expect(set.pick(OPEN_MS, [hosts[1]!], true)).not.toBe(hosts[1]);

    expect(set.pick(OPEN_MS, [hosts[0]!], true)).toBe(hosts[1]);
  });

  it('may be probed again once its probe came back without a verdict', () => {
    const { set, hosts, takeOut } = rig(3);
    takeOut(1);
    const probe = hosts[1]!.circuit!.admit(OPEN_MS, LEASE_MS);
    set.refresh();
    expect(set.pick(OPEN_MS, undefined, true)).not.toBe(hosts[1]);

    set.release(hosts[1]!, probe, OPEN_MS + 1);

    expect(set.pick(OPEN_MS + 1, undefined, true)).toBe(hosts[1]);
  });

  it('gives back a ticket of a host without a circuit for nothing', () => {
    const { set, hosts } = rig(1);
    hosts[0]!.circuit = undefined;

    expect(() => set.release(hosts[0]!, 1, 0)).not.toThrow();
  });

  it('in a ramp gets its part of its share', () => {
    const { set, hosts, takeOut } = rig(4, {
      recovery: ramp({ recoveryMs: 1_000 }),
    });
    takeOut(1);
    set.pick(OPEN_MS, undefined, true);

    const picks = [0.124, 0.126].map((drawn) => {
      chance = drawn;
      // 2^t - 1 is a half here, a quarter of which is its share.
      return set.pick(OPEN_MS + 1_000 * Math.log2(1.5), undefined, true);
    });

    expect(picks[0]).toBe(hosts[1]);
    expect(picks[1]).not.toBe(hosts[1]);
  });

  it('is out for as long again once its probe hangs', () => {
    const { set, hosts, takeOut } = rig(3);
    takeOut(1);
    hosts[1]!.circuit!.admit(OPEN_MS, 500);
    set.refresh();

    set.notice(OPEN_MS + 500);

    expect(hosts[1]!.circuit!.nextProbeMs).toBe(2 * OPEN_MS + 500);
  });

  it('is back when its ramp is over, whoever notices', () => {
    const { set, hosts, takeOut, answer } = rig(3, {
      recovery: ramp({ recoveryMs: 1_000 }),
    });
    takeOut(1);
    hosts[1]!.circuit!.isDrawn(OPEN_MS);
    answer(1, false, OPEN_MS + 900);
    set.notice(OPEN_MS + 999);
    expect(namesOf(set.serving)).toBe('h0 h2');

    answer(0, false, OPEN_MS + 1_000);

    expect(namesOf(set.serving)).toBe('h0 h1 h2');
    expect(moves.at(-1)).toBe(`h1:80 in at ${OPEN_MS + 1_000}`);
  });
});

describe('A ticket that comes back', () => {
  it.each([
    [OPEN_MS + 1_000, 'h0 h1 h2'],
    [undefined, 'h0 h2'],
  ])('at %s shows who is back by then: %s', (nowMs, serving) => {
    const { set, hosts, takeOut, answer } = rig(3, {
      recovery: ramp({ recoveryMs: 1_000 }),
    });
    takeOut(1);
    hosts[1]!.circuit!.isDrawn(OPEN_MS);
    answer(1, false, OPEN_MS + 900);

    set.release(hosts[0]!, hosts[0]!.circuit!.closedTicket, nowMs);

    expect(namesOf(set.serving)).toBe(serving);
  });
});

describe('A dependency that recovers by a ramp', () => {
  it('is closed when it is over, whoever notices', () => {
    const { set, circuit } = rig(2, { recovery: ramp({ recoveryMs: 1_000 }) });
    circuit.record(circuit.closedTicket, true, false, 0, 0, 100);
    circuit.isDrawn(100);
    circuit.record(circuit.admit(900, LEASE_MS), false, false, 900);
    expect(circuit.isClosed).toBe(false);

    set.notice(1_100);

    expect(circuit.isClosed).toBe(true);
  });

  it('starts its hosts afresh, those with a circuit', () => {
    const { set, hosts, answer } = rig(2);
    answer(0, true);
    hosts[1]!.circuit = undefined;

    set.startAfresh();

    expect(hosts[0]!.circuit!.tally.read(0).calls).toBe(0);
  });
});

describe('A rule above the hosts', () => {
  const twice = errorCount({ maxFail: 1, windowCalls: 3 });

  it('of failures in a row holds by the shortest row', () => {
    const { set, hosts, answer } = rig(3, { trip: [consecutiveFailures(9)] });
    expect(set.consecutiveFailures()).toBe(0);
    for (const at of [0, 0, 0, 1, 1, 2, 2, 2]) answer(at, true);
    expect(set.consecutiveFailures()).toBe(2);

    hosts[0]!.circuit = undefined;
    expect(set.consecutiveFailures()).toBe(0);
    expect(rig(0).set.consecutiveFailures()).toBe(0);
  });

  it('over the last calls holds where it does for each in service', () => {
    const { set, hosts, answer } = rig(3, {
      trip: [twice, consecutiveFailures(4)],
      maxOutRatio: 0.01,
    });
    hosts[2]!.circuit!.control('metrics-only', 0);
    for (const at of [0, 0]) answer(at, true);
    expect(set.holdsEverywhere(twice, 0)).toBe(false);
    for (const at of [1, 1]) answer(at, true);
    expect(set.holdsEverywhere(twice, 0)).toBe(false);

    for (const at of [2, 2]) answer(at, true);

    expect(set.holdsEverywhere(twice, 0)).toBe(true);
    hosts[1]!.circuit = undefined;
    expect(set.holdsEverywhere(twice, 0)).toBe(false);
  });

  it('over the last calls holds for nobody where nobody is in service', () => {
    const { set, hosts } = rig(1);
    hosts[0]!.circuit!.control('forced-open', 0);

    expect(set.holdsEverywhere(twice, 0)).toBe(false);
  });
});

describe('The peers of a host', () => {
  const rule = errorCount({ maxFail: 9 });
  const busy = () => {
    const made = rig(3, { trip: [rule], above: [rule] });
    made.answer(0, false);
    made.answer(1, true, 0, { isSlow: true });
    made.answer(1, false);
    made.answer(2, true);
    made.answer(2, false);
    made.answer(2, false);
    return made;
  };
  const others = { calls: 5, failures: 2, slow: 1, failureRatio: 0.4 };

  it('have counted what all have, less its own', () => {
    const { set, hosts } = busy();

    expect(set.peersOf(hosts[0]!, rule, 0)).toEqual(others);
    expect(set.peersOf(hosts[1]!, rule, 0)).toEqual({
      calls: 4,
      failures: 1,
      slow: 0,
      failureRatio: 0.25,
    });
  });

  it('have no ratio without calls', () => {
    const { set, hosts } = rig(2, { trip: [rule], above: [rule] });

    expect(set.peersOf(hosts[0]!, rule, 0)).toEqual({
      calls: 0,
      failures: 0,
      slow: 0,
      failureRatio: 0,
    });
  });

  it('are none where nobody else is in service', () => {
    const { set, hosts } = rig(2, { trip: [rule], above: [rule] });
    hosts[1]!.circuit!.control('forced-open', 0);

    expect(set.peersOf(hosts[0]!, rule, 0)).toBeUndefined();
  });

  it.each<[string, (made: ReturnType<typeof busy>) => void]>([
    [
      'the sum is not kept: the dependency is disabled',
      ({ circuit }) => circuit.control('disabled', 0),
    ],
    [
      'the sum stands still: the dependency is open',
      (made) => {
        made.circuit.record(made.circuit.closedTicket, false, false, 0, 0, 500);
        expect(made.circuit.isClosed).toBe(false);
      },
    ],
    [
      'the host itself is disabled',
      ({ hosts }) => hosts[0]!.circuit!.control('disabled', 0),
    ],
  ])('are added up one by one where %s', (_, happen) => {
    const made = busy();

    happen(made);

    expect(made.set.peersOf(made.hosts[0]!, rule, 0)).toEqual(others);
  });

  it('without a circuit have counted nothing', () => {
    const { set, hosts, circuit } = busy();
    circuit.control('disabled', 0);
    hosts[1]!.circuit = undefined;

    expect(set.peersOf(hosts[0]!, rule, 0)).toMatchObject({
      calls: 3,
      failures: 1,
    });
  });

  it('are added up one by one where there is no sum', () => {
    const { hosts } = busy();
    const set = new HostSet(
      {
        random: () => 0,
        maxOutRatio: 0.5,
        circuit: undefined,
        hostChanged: () => {},
        hostMoved: () => {},
      },
      'round-robin',
    );
    expect(set.all).toEqual([]);
    set.setHosts(hosts);

    expect(set.peersOf(hosts[0]!, rule, 0)).toEqual(others);
  });

  it('of a host without a circuit are all that is counted', () => {
    const { set, hosts } = busy();
    hosts[0]!.circuit = undefined;

    expect(set.peersOf(hosts[0]!, rule, 0)).toMatchObject({ calls: 6 });
  });
});

describe('Of a list that has become shorter', () => {
  /** h0 … h3 are out since 0, 1, 2, 3, h4 … h7 in service. */
  const short = () => {
    const made = rig(8);
    for (const at of [0, 1, 2, 3]) made.takeOut(at, at);
    moves = [];
    return made;
  };

  it('as many come back as may not be out, those due first', () => {
    const { set, hosts } = short();
    set.setHosts([hosts[3]!, hosts[1]!, hosts[2]!, hosts[7]!]);

    set.readmit(5);

    expect(moves).toEqual(['h1:80 in at 5']);
    expect(hosts[1]!.circuit!.mode).toBe('auto');
    expect(hosts[1]!.circuit!.isClosed).toBe(true);
  });

  it('nobody comes back where few enough are out', () => {
    const { set } = short();

    set.readmit(5);

    expect(moves).toEqual([]);
  });

  it('nobody comes back whom an operator holds', () => {
    const { set, hosts } = short();
    const held = hosts.slice(0, 3);
    for (const { circuit } of held) circuit!.control('forced-open', 4);
    set.setHosts([...held, hosts[7]!]);

    set.readmit(5);

    expect(set.areAllForcedOpen).toBe(false);
    expect(set.serving).toEqual([hosts[7]]);
  });
});

describe('Of hosts that are all full', () => {
  it('the first of equal queues is taken', () => {
    const { set, hosts } = rig(3);
    for (const host of hosts) while (host.permits.tryAcquire());

    expect(set.pick(0, undefined, true)).toBe(hosts[0]);
    expect(set.pick(0, undefined, true)).toBe(hosts[0]);
  });
});
