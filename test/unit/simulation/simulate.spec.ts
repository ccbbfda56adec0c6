import { describe, expect, it } from 'vitest';
import {
  createDependency,
  firstFailure,
  isDaceError,
} from '../../../lib/core.js';
import {
  ManualClock,
  simulate,
  type Scenario,
  type SimulatedSecond,
} from '../../../lib/testing/index.js';

/** Ten operations a second, at 0.05 s, 0.15 s and so on. */
const EVEN = [{ fromS: 0, perSecond: 10, arrivals: 'even' as const }];

const BUSY: Scenario = {
  options: { attemptTimeoutMs: 200, retry: { onTimeout: true } },
  hosts: [
    { latencyMs: { p50: 20, p99: 300 }, errorRatio: 0.2 },
    { hangRatio: 0.05, capacity: 5 },
  ],
  seconds: 20,
};

describe('A simulation', () => {
  it('of the same scenario and seed comes out the same, whatever ran before', async () => {
    const first = await simulate(BUSY);
    await simulate({ ...BUSY, seed: 2 });
    for (let n = 0; n < 100; n++) Math.random();

    expect(await simulate(BUSY)).toEqual(first);
  });

  it('comes out the same beside another one', async () => {
    const alone = await simulate(BUSY);

    const [one, , other] = await Promise.all([
      simulate(BUSY),
      simulate({ ...BUSY, seed: 7 }),
      simulate(BUSY),
    ]);

    expect(one).toEqual(alone);
    expect(other).toEqual(alone);
  });

  it('comes out differently by another seed, above 32 bits too', async () => {
    const results = await Promise.all(
      [1, 2, 2 ** 32 + 1].map((seed) => simulate({ ...BUSY, seed })),
    );

    const totals = results.map((result) => JSON.stringify(result.totals));
    expect(new Set(totals).size).toBe(3);
  });

  it('is what JSON makes of it', async () => {
    const simulation = await simulate({
      ...BUSY,
      options: {
        ...BUSY.options,
        classify: undefined,
        fallback: function someDefault() {},
        circuit: { trip: firstFailure() },
      },
      hosts: [{ netloc: 'a:80' }, { netloc: 'b:80' }],
    });

    expect(JSON.parse(JSON.stringify(simulation))).toEqual(simulation);
    expect(Object.keys(simulation.scenario.options ?? {})).not.toContain(
      'classify',
    );
    expect(simulation.scenario.options).toMatchObject({
      fallback: 'someDefault',
      circuit: { trip: { name: 'firstFailure' } },
    });
  });

  it('has every second add up to the totals, and to what the dependency counted', async () => {
    const { seconds, totals } = await simulate({
      ...BUSY,
      options: { ...BUSY.options, fallback: 'a value' },
    });

    const sum = (of: (second: SimulatedSecond) => number): number =>
      seconds.reduce((all, second) => all + of(second), 0);
    const { callers, unfinished, ...counts } = totals;
    for (const [name, count] of Object.entries(counts))
      expect([name, sum((s) => s[name as keyof typeof counts])]).toEqual([
        name,
        count,
      ]);
    for (const [name, count] of Object.entries(callers))
      expect([
        name,
        sum((s) => s.callers[name as keyof typeof callers]),
      ]).toEqual([name, count]);
    expect(sum(({ hosts }) => hosts[0]!.attempts + hosts[1]!.attempts)).toBe(
      totals.attempts,
    );
    expect(totals.attempts - totals.retries).toBeLessThanOrEqual(
      totals.started,
    );
    expect(totals.started).toBe(
      totals.succeeded + totals.failed + totals.refused + unfinished,
    );
    expect(callers.fallback).toBe(totals.fallbacks);
    expect(callers.succeeded).toBe(totals.succeeded);
    expect(totals.retries).toBeGreaterThan(10);
  });

  it('counts what begins and ends in the second in which it does', async () => {
    const { seconds } = await simulate({
      hosts: [{ latencyMs: 300 }],
      traffic: EVEN,
      seconds: 2,
    });

    const told = seconds.map(({ started, attempts, succeeded, hosts }) => ({
      started,
      attempts,
      succeeded,
      inFlight: hosts[0]!.inFlight,
    }));
    expect(told).toEqual([
      { started: 10, attempts: 10, succeeded: 7, inFlight: 3 },
      { started: 10, attempts: 10, succeeded: 10, inFlight: 3 },
    ]);
  });

  it('holds a moment on the border for the second that begins', async () => {
    const { seconds } = await simulate({
      hosts: [{ latencyMs: 950, phases: [{ fromS: 1, errorRatio: 1 }] }],
      options: { circuit: false, retry: false },
      traffic: [
        { fromS: 0, perSecond: 10, arrivals: 'even' },
        { fromS: 0.1, perSecond: 0 },
        { fromS: 0.95, perSecond: 10, arrivals: 'even' },
      ],
      seconds: 3,
    });

    // Asked at 0.05 s and answered at 1 s; asked at 1 s, where the fault begins.
    expect(seconds.map(({ succeeded }) => succeeded)[1]).toBe(1);
    expect(seconds[0]!.succeeded).toBe(0);
    expect(seconds[1]!.started).toBe(10);
    expect(seconds[2]!.failed).toBe(10);
  });

  it('without hosts has one upstream, whose state is the dependency’s', async () => {
    const { hosts, seconds, transitions } = await simulate({
      options: { circuit: { trip: firstFailure() }, retry: false },
      hosts: undefined,
      call: { timeoutMs: 5 },
      traffic: EVEN,
      seconds: 1,
    });

    expect(hosts).toEqual(['upstream']);
    expect(seconds[0]).toMatchObject({ state: 'open', started: 10 });
    expect(seconds[0]!.hosts).toHaveLength(1);
    expect(seconds[0]!.hosts[0]).toMatchObject({
      state: 'open',
      isInService: true,
    });
    expect(transitions[0]).toMatchObject({
      atMs: 55,
      type: 'circuit.opened',
      tripped: 'firstFailure',
    });
  });

  it('takes names, schemes and weights from the hosts of the options', async () => {
    const scenario: Scenario = {
      options: {
        hosts: ['https://a.test', { url: 'http://b.test:81', weight: 3 }],
        loadBalancer: 'round-robin',
      },
      traffic: EVEN,
      seconds: 4,
    };

    const plain = await simulate(scenario);
    const profiled = await simulate({
      ...scenario,
      hosts: [{ weight: 3, netloc: 'a.test:443' }, { latencyMs: 1 }],
    });

    const shares = ({ seconds }: typeof plain): number[] =>
      [0, 1].map((at) =>
        seconds.reduce((sum, { hosts }) => sum + hosts[at]!.attempts, 0),
      );
    expect(plain.hosts).toEqual(['a.test:443', 'b.test:81']);
    expect(profiled.hosts).toEqual(plain.hosts);
    expect(shares(plain)).toEqual([10, 30]);
    expect(shares(profiled)).toEqual([20, 20]);
  });

  it('tells who was left with what', async () => {
    const fallback = (error: unknown): string => {
      if (isDaceError(error, 'DACE_CIRCUIT_OPEN')) return 'a default';
      throw error;
    };
    const { totals } = await simulate({
      hosts: [{ hangRatio: 1 }],
      options: {
        fallback,
        timeoutMs: 100,
        circuit: { trip: ({ failures }) => failures >= 3 },
      },
      traffic: EVEN,
      seconds: 2,
    });

    expect(totals).toMatchObject({ failed: 3, timedOut: 3, refused: 17 });
    expect(totals.callers).toEqual({
      succeeded: 0,
      fallback: 17,
      refused: 0,
      timedOut: 3,
      failed: 0,
      cancelled: 0,
    });
  });

  it('counts an error of the fallback itself as failed', async () => {
    const { totals } = await simulate({
      hosts: [{ hangRatio: 1 }],
      options: {
        timeoutMs: 90,
        fallback: async () => {
          await Promise.resolve();
          throw new Error('no default');
        },
      },
      traffic: EVEN,
      seconds: 1,
    });

    expect(totals.callers).toMatchObject({ failed: 10, timedOut: 0 });
    expect(totals).toMatchObject({ timedOut: 5, refused: 5, fallbacks: 10 });
  });

  it('shows an unprotected dependency as it is', async () => {
    const { totals, seconds, latencyMs } = await simulate({
      hosts: [{ hangRatio: 0.3, errorRatio: 0.5 }],
      options: { enabled: false },
      traffic: 50,
      seconds: 10,
    });

    expect(totals.attempts).toBe(totals.started);
    expect(totals.failed).toBe(
      seconds.reduce((sum, { hosts }) => sum + hosts[0]!.failures, 0),
    );
    expect(totals.failed).toBeGreaterThan(100);
    expect(totals.unfinished).toBe(seconds.at(-1)!.hosts[0]!.inFlight);
    expect(totals.unfinished).toBeGreaterThan(100);
    expect(latencyMs).toEqual({ p50: 20, p90: 20, p99: 20, max: 20 });
  });

  it('asks classify of answers and of errors', async () => {
    const seen = new Set<unknown>();
    const { totals, transitions } = await simulate({
      hosts: [{ errorRatio: 0.5, status: 404 }],
      options: {
        circuit: { trip: firstFailure() },
        classify: (outcome) => {
          const { status } = outcome as { status?: number };
          seen.add(status);
          return status === 404 ? 'failure' : undefined;
        },
        retry: false,
      },
      traffic: EVEN,
      seconds: 3,
    });

    expect(seen).toEqual(new Set([200, 404]));
    expect(totals.failed).toBeGreaterThan(0);
    expect(transitions[0]).toMatchObject({ tripped: 'firstFailure' });
  });

  it('takes the options of each call', async () => {
    const { totals } = await simulate({
      hosts: [{ hangRatio: 1 }, {}],
      call: { netloc: 'host-1', timeoutMs: 40, fallback: 'a value' },
      options: { circuit: false },
      traffic: EVEN,
      seconds: 1,
    });

    expect(totals.callers.fallback).toBe(10);
    expect(totals.timedOut).toBe(10);
  });

  it('keeps its accounts where protection goes on and off', async () => {
    let asked = 0;
    const { totals, seconds } = await simulate({
      hosts: [{ errorRatio: 1 }, { errorRatio: 1 }],
      options: {
        enabled: () => asked++ % 2 === 0,
        circuit: false,
        retry: { attempts: 2, budget: false },
      },
      traffic: EVEN,
      seconds: 2,
    });

    // Ten are tried twice, ten as they are.
    expect(totals).toMatchObject({ started: 20, failed: 20, attempts: 30 });
    expect(totals.callers.failed).toBe(20);
    expect(
      seconds.reduce(
        (sum, { hosts }) => sum + hosts[0]!.failures + hosts[1]!.failures,
        0,
      ),
    ).toBe(30);
  });

  it('asks a balancer function, and finds nobody where no host of the scenario is', async () => {
    let asked = 0;
    const { totals, seconds } = await simulate({
      hosts: [{}],
      options: {
        retry: false,
        circuit: false,
        loadBalancer: async () => {
          await Promise.resolve();
          return ['http', asked++ % 2 === 0 ? 'host-1:80' : 'elsewhere:80'];
        },
      },
      traffic: EVEN,
      seconds: 2,
    });

    expect(totals).toMatchObject({ succeeded: 10, failed: 10, attempts: 20 });
    expect(seconds.map(({ hosts }) => hosts[0]!.attempts)).toEqual([5, 5]);
  });

  it('sees cancelled callers', async () => {
    const controller = new AbortController();
    const { totals } = await simulate(
      {
        hosts: [{ hangRatio: 1 }],
        call: { signal: controller.signal },
        traffic: EVEN,
        seconds: 2,
      },
      { onSecond: ({ second }) => second === 0 && controller.abort() },
    );

    // Ten wait, and ten come when it is too late.
    expect(totals).toMatchObject({ started: 20, cancelled: 20, unfinished: 0 });
    expect(totals.callers.cancelled).toBe(20);
  });
});

describe('Two simulations of one seed, with other options', () => {
  const faults = { errorRatio: 0.3, latencyMs: { p50: 20, p99: 200 } };
  const run = (options: Scenario['options']) =>
    simulate({ hosts: [faults], options, seconds: 30 });

  it('meet the same traffic', async () => {
    const one = await run({ retry: false, circuit: false });
    const other = await run({ circuit: { trip: firstFailure() } });

    expect(other.seconds.map(({ started }) => started)).toEqual(
      one.seconds.map(({ started }) => started),
    );
  });

  it('meet the same fate at the same attempt, whatever happened around it', async () => {
    const fates = async (options: Scenario['options']) => {
      const outcomes: string[] = [];
      await run({
        ...options,
        circuit: false,
        maxOpenPerNetloc: false,
        retry: { ...options?.retry, attempts: options?.retry ? 3 : 1 },
        classify: (outcome) => {
          const { status } = outcome as { status?: number };
          outcomes.push(String(status));
          return undefined;
        },
      });
      return outcomes.filter((status) => status !== '200').length;
    };

    const plain = await fates({});
    const slowed = await fates({ expectedInMs: 1 });

    expect(slowed).toBe(plain);
  });

  it('differ by what retries win, and by nothing else', async () => {
    const plain = await run({ retry: false, circuit: false });
    const twice = await run({
      circuit: false,
      retry: { attempts: 2, budget: false },
    });

    // The first attempts are the same; of those that failed three in ten fail again.
    const { failed } = plain.totals;
    expect(twice.totals.retries).toBe(failed);
    expect(twice.totals.failed / failed).toBeGreaterThan(0.25);
    expect(twice.totals.failed / failed).toBeLessThan(0.35);
  });
});

describe('A simulation that takes long', () => {
  it('tells each second when it is over', async () => {
    const heard: SimulatedSecond[] = [];

    const { seconds } = await simulate(BUSY, {
      onSecond: (second) => heard.push(second),
    });

    expect(heard).toEqual(seconds);
  });

  it('ends with the reason of a signal', async () => {
    const controller = new AbortController();
    let heard = 0;

    const long = simulate(
      { seconds: 1_000_000 },
      { signal: controller.signal, onSecond: () => (heard += 1) },
    );
    setImmediate(() => controller.abort(new Error('enough')));

    await expect(long).rejects.toThrow('enough');
    expect(heard).toBeLessThan(100);
  });

  it('does not begin where the signal has spoken', async () => {
    let heard = 0;
    const signal = AbortSignal.abort(new Error('never'));

    const early = simulate(BUSY, { signal, onSecond: () => (heard += 1) });

    await expect(early).rejects.toThrow('never');
    expect(heard).toBe(0);
  });

  it('ends with the error of the one who listens', async () => {
    const onSecond = (): void => {
      throw new Error('disk full');
    };

    await expect(simulate(BUSY, { onSecond })).rejects.toThrow('disk full');
  });
});

describe('What a simulated dependency is', () => {
  it('is what the same calls come to by hand', async () => {
    const { seconds, transitions } = await simulate({
      hosts: [{ refusesConnections: true }],
      options: { retry: false },
      traffic: EVEN,
      seconds: 1,
    });

    const clock = new ManualClock();
    const dependency = createDependency('by-hand', { retry: false }, { clock });
    const opened: number[] = [];
    dependency.on(({ type }) => {
      if (type === 'circuit.opened') opened.push(clock.nowMs());
    });
    for (let asked = 0; asked < 10; asked++) {
      await clock.advance(asked === 0 ? 50 : 99);
      const call = dependency.execute(async () => {
        await new Promise<void>((resolve) =>
          clock.alarm(resolve).set(clock.nowMs() + 1),
        );
        throw new Error('refused');
      });
      const ended = call.catch(() => undefined);
      await clock.advance(1);
      await ended;
    }

    expect(transitions.map(({ atMs }) => atMs)).toEqual(opened);
    const { failed, refused } = seconds[0]!;
    expect(dependency.snapshot().totals).toMatchObject({ failed, refused });
  });
});
