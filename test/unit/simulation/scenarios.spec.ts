import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  scenarios,
  simulate,
  type Scenario,
  type SimulatedSecond,
  type Simulation,
} from '../../../lib/testing/index.js';
import { simulationText } from '../../support/simulation-text.js';

const UPDATE =
  'UPDATE_SIMULATIONS=1 npx vitest run --project nest-12 test/unit/simulation/scenarios.spec.ts';

const pageOf = (name: string): string =>
  join(__dirname, 'simulations', `${name}.txt`);

/** One simulation serves every test of its group. */
function simulated(scenario: Scenario): () => Simulation {
  let simulation: Simulation | undefined;
  beforeAll(async () => {
    simulation = await simulate(scenario);
  });
  return () => simulation!;
}

/** The sum of a count over the seconds [from, until). */
function sum(
  { seconds }: Simulation,
  from: number,
  until: number,
  of: (second: SimulatedSecond) => number,
): number {
  return seconds
    .slice(from, until)
    .reduce((all, second) => all + of(second), 0);
}

/** The share of callers with an answer of their own, over the seconds [from, until). */
function served(simulation: Simulation, from: number, until: number): number {
  const all = sum(simulation, from, until, ({ callers }) =>
    Object.values(callers).reduce(
      (one: number, other: number) => one + other,
      0,
    ),
  );
  return sum(simulation, from, until, (s) => s.callers.succeeded) / all;
}

/** The share of attempts that go to one host, over the seconds [from, until). */
function shareOf(
  simulation: Simulation,
  host: number,
  from: number,
  until: number,
): number {
  return (
    sum(simulation, from, until, ({ hosts }) => hosts[host]!.attempts) /
    sum(simulation, from, until, ({ attempts }) => attempts)
  );
}

const times = (
  { transitions }: Simulation,
  type: Simulation['transitions'][number]['type'],
  netloc?: string,
): number[] =>
  transitions
    .filter((change) => change.type === type && change.netloc === netloc)
    .map(({ atMs }) => atMs);

describe.each(Object.entries(scenarios))(
  'The scenario %s',
  (name, scenario) => {
    const simulation = simulated(scenario);

    it('comes out as it did when it was last looked at', () => {
      const text = simulationText(simulation());
      const page = pageOf(name);
      if (process.env.UPDATE_SIMULATIONS) writeFileSync(page, text);

      const last = existsSync(page) ? readFileSync(page, 'utf8') : '';
      expect(text, `If the change is meant: ${UPDATE}`).toBe(last);
    });

    it('says what it shows', () => {
      expect(simulation().scenario).toMatchObject({ name });
      expect(scenario.description).toMatch(/^[A-Z].{60,}\.$/);
    });

    it('begins and ends well', () => {
      const { seconds, totals } = simulation();

      for (const { state, callers } of [
        ...seconds.slice(0, 5),
        ...seconds.slice(-3),
      ]) {
        expect(state).toBe('closed');
        expect(callers).toMatchObject({ refused: 0, failed: 0, timedOut: 0 });
      }
      expect(totals.unfinished).toBeLessThan(20);
    });
  },
);

describe('A blip of two seconds', () => {
  const short = simulated(scenarios.blip);
  const usual = simulated({ ...scenarios.blip, options: {} });

  it('is over for callers a second after it is over', () => {
    expect(served(short(), 24, 60)).toBe(1);
    expect(times(short(), 'circuit.closed').at(-1)).toBeLessThan(23_200);
  });

  it('sends the failing service next to nothing', () => {
    const while503 = sum(short(), 21, 22, ({ attempts }) => attempts);

    expect(while503).toBeLessThanOrEqual(4);
  });

  it('would be an outage of ten seconds with the usual opening', () => {
    expect(usual().totals.refused).toBeGreaterThan(900);
    expect(short().totals.refused).toBeLessThan(usual().totals.refused / 4);
  });
});

describe('A brown-out', () => {
  const limited = simulated(scenarios.brownOut);
  const unlimited = simulated({
    ...scenarios.brownOut,
    options: {
      timeoutMs: 2_000,
      attemptTimeoutMs: 600,
      maxOpenPerNetloc: false,
      circuit: false,
      retry: { onTimeout: true, budget: false },
    },
  });

  it('leaves the service busy with what it can do', () => {
    // Twenty at once; the mean of the latency is its median times e^(deviation² / 2).
    const deviation = Math.log(200 / 80) / 2.326_347_874;
    const meanMs = 80 * Math.exp(deviation ** 2 / 2);
    const capacity = (20 / meanMs) * 1_000;

    const perSecond = sum(limited(), 21, 80, (s) => s.succeeded) / 59;

    expect(perSecond).toBeGreaterThan(0.97 * capacity);
  });

  it('answers in time whom it answers', () => {
    for (const { latencyMs } of limited().seconds)
      expect(latencyMs!.p99).toBeLessThan(400);
    expect(limited().totals).toMatchObject({ timedOut: 0, failed: 0 });
  });

  it('leaves nothing behind when the rush is over', () => {
    expect(served(limited(), 81, 120)).toBe(1);
  });

  it('never ends without limits and a budget: retries keep it up', () => {
    expect(served(unlimited(), 90, 120)).toBeLessThan(0.1);
    expect(unlimited().totals.retries).toBeGreaterThan(
      unlimited().totals.started,
    );
  });
});

describe('One dead host of four', () => {
  const simulation = simulated(scenarios.oneDeadHost);
  const DEAD = 'host-1:80';

  it('costs callers next to nothing', () => {
    expect(served(simulation(), 20, 21)).toBeGreaterThanOrEqual(0.97);
    expect(served(simulation(), 21, 120)).toBeGreaterThanOrEqual(0.999);
    expect(times(simulation(), 'circuit.opened')).toEqual([]);
  });

  it('is sent less than one attempt in a hundred', () => {
    const [outMs] = times(simulation(), 'host.out', DEAD);

    const since = Math.ceil(outMs! / 1_000);
    expect(since).toBeLessThan(35);
    expect(shareOf(simulation(), 0, 20, 60)).toBeLessThan(0.01);
    expect(shareOf(simulation(), 0, since, 60)).toBeLessThan(0.001);
  });

  it('is back within an opening of its recovery, and at its share in 20 s', () => {
    const [backMs] = times(simulation(), 'host.back', DEAD);

    expect(backMs).toBeGreaterThan(60_000);
    expect(backMs).toBeLessThan(60_000 + 10_000 + 500);
    expect(shareOf(simulation(), 0, 80, 120)).toBeGreaterThan(0.8 * 0.25);
    expect(shareOf(simulation(), 0, 80, 120)).toBeLessThan(1.25 * 0.25);
  });
});

describe('A total outage', () => {
  const simulation = simulated(scenarios.totalOutage);

  it('is seen at once', () => {
    const [openedMs] = times(simulation(), 'circuit.opened');

    expect(openedMs).toBeLessThan(20_500);
  });

  it('sends at most 1.2 times the operations of a window, and three, until it is seen', () => {
    const operations = sum(simulation(), 11, 21, (s) => s.started - s.refused);
    const attempts = sum(simulation(), 11, 21, (s) => s.attempts);

    expect(attempts).toBeLessThanOrEqual(1.2 * operations + 3);
    expect(simulation().seconds[20]!.retries).toBeGreaterThan(10);
  });

  it('sends nothing but probes then, one an opening', () => {
    const probes = times(simulation(), 'circuit.half-opened').filter(
      (atMs) => atMs < 50_000,
    );

    expect(probes).toHaveLength(5);
    expect(sum(simulation(), 21, 50, ({ attempts }) => attempts)).toBe(5);
  });

  it('leaves no caller with an error once it is seen', () => {
    for (const { callers } of simulation().seconds)
      expect(callers).toMatchObject({ refused: 0, failed: 0, timedOut: 0 });
    expect(sum(simulation(), 21, 50, (s) => s.callers.succeeded)).toBe(0);
  });

  it('is over within an opening of its end', () => {
    const closedMs = times(simulation(), 'circuit.closed').at(-1)!;

    expect(closedMs).toBeGreaterThan(50_000);
    expect(closedMs).toBeLessThan(55_500);
    expect(served(simulation(), 56, 90)).toBe(1);
  });
});

describe('A slow creep', () => {
  const watched = simulated(scenarios.slowCreep);
  const usual = simulated({ ...scenarios.slowCreep, options: {} });

  it('is seen by its slow answers, before any call runs out of time', () => {
    const [first] = watched().transitions;

    expect(first).toMatchObject({
      type: 'circuit.opened',
      tripped: 'slowRatio',
    });
    expect(watched().totals.timedOut).toBe(0);
  });

  it('is not waited for', () => {
    const [opened] = times(watched(), 'circuit.opened');
    const from = Math.ceil(opened! / 1_000);

    const slow = sum(watched(), from, 90, (s) => s.callers.succeeded);
    expect(slow).toBeLessThanOrEqual(
      times(watched(), 'circuit.half-opened').length + 60,
    );
    expect(watched().latencyMs!.p99).toBeLessThan(1_000);
    expect(usual().latencyMs!.p99).toBeGreaterThan(4_000);
    expect(usual().totals.timedOut).toBeGreaterThan(100);
  });

  it('does not end by a probe that was slow', () => {
    const closed = times(watched(), 'circuit.closed');

    expect(closed).toHaveLength(1);
    expect(closed[0]).toBeGreaterThan(90_000);
    // The last probe may have waited a slow answer out before the next opening.
    expect(closed[0]).toBeLessThan(90_000 + 5_000 + 4_000);
  });
});

describe('A flapping host', () => {
  const simulation = simulated(scenarios.flapping);
  const FLAPPING = 'host-1:80';

  it('is not noticed by callers', () => {
    expect(served(simulation(), 0, 120)).toBeGreaterThan(0.999);
    expect(times(simulation(), 'circuit.opened')).toEqual([]);
  });

  it('is asked little while it flaps', () => {
    expect(shareOf(simulation(), 0, 0, 10)).toBeGreaterThan(0.25);
    expect(shareOf(simulation(), 0, 12, 100)).toBeLessThan(0.02);
  });

  it('stays out twice as long after each probe that fails', () => {
    const opened: (number | undefined)[][] = [[]];
    for (const { type, netloc, retryAfterMs } of simulation().transitions)
      if (type === 'circuit.opened') opened.at(-1)!.push(retryAfterMs);
      else if (type === 'circuit.closed' && netloc === FLAPPING)
        opened.push([]);

    const longest = opened.toSorted((a, b) => b.length - a.length)[0];
    const [first, ...others] = longest as number[];
    expect(others).toEqual(
      others.map((_, each) => Math.min(first! * 2 ** (each + 1), 15_000)),
    );
    expect(longest!.length).toBeGreaterThanOrEqual(3);
  });

  it('is used again when it is well', () => {
    expect(simulation().seconds.at(-1)!.hosts[0]!.isInService).toBe(true);
    expect(shareOf(simulation(), 0, 110, 120)).toBeGreaterThan(0.1);
  });
});
