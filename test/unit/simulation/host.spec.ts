import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AxiosError } from 'axios';
import { afterEach, describe, expect, it } from 'vitest';
import { createDependency } from '../../../lib/core.js';
import {
  simulate,
  type HostProfile,
  type Scenario,
} from '../../../lib/testing/index.js';

const closing: Server[] = [];

afterEach(async () => {
  for (const server of closing.splice(0))
    await new Promise((resolve) => server.close(resolve));
});

/** Unprotected, one operation every 100 ms: the host alone decides. */
const bare = async (profile: HostProfile, seconds = 2, perSecond = 10) =>
  simulate({
    options: { enabled: false },
    hosts: [profile],
    traffic: [{ fromS: 0, perSecond, arrivals: 'even' }],
    seconds,
  });

/** What each second's callers had waited at most. */
const longest = ({ seconds }: Awaited<ReturnType<typeof bare>>) =>
  seconds.map(({ latencyMs }) => latencyMs?.max);

describe('A simulated host', () => {
  it('answers after its latency', async () => {
    const simulation = await bare({ latencyMs: 12.5 });

    expect(simulation.latencyMs).toEqual({
      p50: 12.5,
      p90: 12.5,
      p99: 12.5,
      max: 12.5,
    });
  });

  it('spreads a latency between its median and its 99th percentile', async () => {
    const { latencyMs } = await bare(
      { latencyMs: { p50: 30, p99: 240 } },
      200,
      100,
    );

    expect(latencyMs!.p50 / 30).toBeCloseTo(1, 1);
    expect(latencyMs!.p99 / 240).toBeCloseTo(1, 0.9);
    expect(latencyMs!.max).toBeGreaterThan(300);
  });

  it('has requests wait beyond its capacity, first come, first served', async () => {
    const simulation = await bare({ latencyMs: 150, capacity: 1 }, 3);

    // One is served every 150 ms and one comes every 100 ms: number n waits 50 n ms more.
    expect(longest(simulation)).toEqual([400, 700, 1_050]);
    expect(simulation.seconds.map(({ hosts }) => hosts[0]!.waiting)).toEqual([
      3, 7, 10,
    ]);
  });

  it('serves what waits when its capacity grows', async () => {
    const { seconds } = await bare(
      {
        latencyMs: 500,
        capacity: 1,
        phases: [{ fromS: 2, capacity: 100 }],
      },
      4,
    );

    expect(seconds[1]!.hosts[0]!.waiting).toBeGreaterThan(10);
    expect(seconds.slice(2).map(({ hosts }) => hosts[0]!.waiting)).toEqual([
      0, 0,
    ]);
  });

  it('serves nobody whose caller has gone while it waited', async () => {
    const { seconds } = await simulate({
      options: { timeoutMs: 400, circuit: false },
      hosts: [
        {
          latencyMs: 1_000,
          capacity: 1,
          phases: [{ fromS: 1, latencyMs: 100 }],
        },
      ],
      traffic: [{ fromS: 0, perSecond: 2, arrivals: 'even' }],
      seconds: 2,
    });

    // It is busy until 1.25 s. The second caller comes at 0.75 s and goes at 1.15 s; the third
    // comes at 1.25 s and is served at once.
    expect(seconds[1]).toMatchObject({ succeeded: 2, failed: 1 });
    expect(seconds[1]!.latencyMs).toMatchObject({ p50: 100, max: 400 });
  });

  it('goes on serving what nobody waits for any more', async () => {
    const run = (timeoutMs: number) =>
      simulate({
        options: { timeoutMs, circuit: false, maxOpenPerNetloc: false },
        hosts: [{ latencyMs: 1_000, capacity: 1 }],
        traffic: [
          { fromS: 0, perSecond: 2, arrivals: 'even' },
          { fromS: 1, perSecond: 0 },
        ],
        seconds: 4,
      });

    const patient = await run(2_000);
    const hasty = await run(400);

    expect(patient.totals).toMatchObject({ succeeded: 2, failed: 0 });
    // The second comes while the host works for the first, who has gone.
    expect(hasty.totals).toMatchObject({ succeeded: 0, failed: 2 });
  });

  it('hangs until the attempt is cut, and is free again then', async () => {
    const { totals, seconds } = await simulate({
      options: { timeoutMs: 300, circuit: false },
      hosts: [
        {
          latencyMs: 10,
          capacity: 1,
          hangRatio: 1,
          phases: [{ fromS: 0.06, hangRatio: 0 }],
        },
      ],
      traffic: [{ fromS: 0, perSecond: 10, arrivals: 'even' }],
      seconds: 1,
    });

    // The one of 0.05 s hangs until 0.35 s; those of 0.15 s and 0.25 s wait for it and are served.
    expect(totals).toMatchObject({ timedOut: 1, failed: 1, succeeded: 9 });
    expect(seconds[0]!.latencyMs!.max).toBe(300);
  });

  it('does what its phases say from their moment on, and keeps what they leave out', async () => {
    const { seconds } = await bare(
      {
        latencyMs: 10,
        errorRatio: 1,
        errorLatencyMs: 5,
        phases: [
          { fromS: 1, latencyMs: 40 },
          { fromS: 2, errorRatio: 0 },
          { fromS: 3, errorRatio: 1, errorLatencyMs: 1 },
        ],
      },
      4,
    );

    expect(seconds.map(({ failed }) => failed)).toEqual([10, 10, 0, 10]);
    expect(seconds.map(({ latencyMs }) => latencyMs?.max)).toEqual([
      5, 5, 40, 1,
    ]);
  });

  it('moves evenly to a new value over a ramp, and on from where a new phase meets it', async () => {
    const simulation = await bare(
      {
        latencyMs: 0,
        phases: [
          { fromS: 1, rampS: 4, latencyMs: 400 },
          { fromS: 3, rampS: 1, latencyMs: 0 },
        ],
      },
      5,
    );

    // Up 0.1 ms a millisecond, down 0.2: who asks at 1.85 s waits 85 ms, at 2.75 s 175 ms, at 2.95 s,
    // and is answered after 3 s, 195 ms.
    expect(longest(simulation)).toEqual([0, 85, 175, 195, 0]);
  });

  it('leaves what is on its way alone where a phase does not name it', async () => {
    const phases = [{ fromS: 1, rampS: 4, latencyMs: 400 }];
    const alone = await bare({ latencyMs: 0, phases }, 5);

    const disturbed = await bare(
      { latencyMs: 0, phases: [...phases, { fromS: 3, status: 502 }] },
      5,
    );

    expect(disturbed.seconds).toEqual(alone.seconds);
  });

  it('grows more faults along a ramp', async () => {
    const { seconds } = await bare(
      { phases: [{ fromS: 0, rampS: 10, errorRatio: 1 }] },
      20,
      500,
    );

    const failed = seconds.map((second) => second.failed);
    expect(failed.slice(0, 10)).toEqual(
      failed.slice(0, 10).toSorted((a, b) => a - b),
    );
    expect(failed[5]).toBeGreaterThan(220);
    expect(failed[5]).toBeLessThan(330);
    expect(failed.slice(11)).toEqual(Array.from({ length: 9 }, () => 500));
  });

  it('has its own chance, and leaves that of the others alone', async () => {
    const run = (errorRatio: number) =>
      simulate({
        options: { circuit: false, retry: false, loadBalancer: 'round-robin' },
        hosts: [{ errorRatio: 0.5 }, { errorRatio }],
        traffic: [{ fromS: 0, perSecond: 100, arrivals: 'even' }],
        seconds: 10,
      });

    const [calm, wild] = await Promise.all([run(0.1), run(0.9)]);

    const failures = ({ seconds }: typeof calm, at: number): number[] =>
      seconds.map(({ hosts }) => hosts[at]!.failures);
    expect(failures(calm, 0)).toEqual(failures(wild, 0));
    expect(failures(calm, 1)).not.toEqual(failures(wild, 1));
    expect(failures(calm, 0)).not.toEqual(failures(calm, 1));
  });
});

/** All that a pipeline, a `classify` or a log could look at. */
function looksOf(error: unknown, netloc: string): unknown {
  const { name, message, code, status, response, config, cause, isAxiosError } =
    error as AxiosError & { cause?: NodeJS.ErrnoException };
  const { code: causeCode, syscall, errno } = cause ?? {};
  return {
    isError: error instanceof Error,
    name,
    message: message.replaceAll(netloc, 'NETLOC'),
    code,
    status,
    isAxiosError,
    method: config?.method,
    baseURL: config?.baseURL?.replaceAll(netloc, 'NETLOC'),
    retryAfter: response?.headers['retry-after'] as unknown,
    statusText: response?.statusText,
    shown: Object.keys(error as object).toSorted(),
    cause: cause && { causeCode, syscall, errno },
  };
}

/** The error that a simulated attempt ends with. */
async function simulatedError(profile: HostProfile): Promise<unknown> {
  let seen: unknown;
  const scenario: Scenario = {
    options: {
      retry: false,
      classify: (outcome) => {
        seen ??= outcome;
        return undefined;
      },
    },
    hosts: [{ netloc: '127.0.0.1:8080', ...profile }],
    seconds: 1,
  };
  await simulate(scenario);
  return looksOf(seen, '127.0.0.1:8080');
}

/** The error that a real one ends with. */
async function realError(netloc: string): Promise<unknown> {
  const dependency = createDependency('real', {
    hosts: [`http://${netloc}`],
    retry: false,
  });
  const error: unknown = await dependency
    .execute((call) => call.http.get('/'))
    .catch((reason: unknown) => reason);
  await dependency.close();
  return looksOf(error, netloc);
}

async function listen(
  status: number,
  headers: Record<string, string>,
): Promise<string> {
  const server = createServer((_, response) =>
    response.writeHead(status, headers).end(),
  );
  closing.push(server);
  await new Promise<void>((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve()),
  );
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('A simulated fault looks like a real one', () => {
  it.each([
    [500, undefined],
    [503, 7],
    [429, 2],
    [404, undefined],
  ] as const)(
    'with status %s and Retry-After %s',
    async (status, retryAfterS) => {
      const netloc = await listen(
        status,
        retryAfterS === undefined ? {} : { 'retry-after': `${retryAfterS}` },
      );

      const simulated = await simulatedError({
        errorRatio: 1,
        status,
        retryAfterS,
      });

      expect(simulated).toEqual(await realError(netloc));
    },
  );

  it('where nobody listens', async () => {
    const netloc = await listen(200, {});
    await new Promise((resolve) => closing.pop()!.close(resolve));

    const simulated = await simulatedError({ refusesConnections: true });

    expect(simulated).toEqual(await realError(netloc));
  });

  it('also in what may be repeated: a status and a refused connection are, a timeout is not', async () => {
    const retries = async (profile: HostProfile): Promise<boolean> => {
      const { totals } = await simulate({
        options: { circuit: false, timeoutMs: 500, attemptTimeoutMs: 100 },
        hosts: [profile],
        seconds: 2,
      });
      return totals.retries > 0;
    };

    expect(await retries({ errorRatio: 1 })).toBe(true);
    expect(await retries({ refusesConnections: true })).toBe(true);
    expect(await retries({ hangRatio: 1 })).toBe(false);
    expect(await retries({ errorRatio: 1, status: 404 })).toBe(false);
  });

  it('also in Retry-After, which a circuit may open for', async () => {
    const { transitions } = await simulate({
      options: { circuit: { openOnRetryAfter: { maxMs: 60_000 } } },
      hosts: [{ errorRatio: 1, status: 429, retryAfterS: 3 }],
      seconds: 2,
    });

    expect(transitions[0]).toMatchObject({
      type: 'circuit.opened',
      tripped: 'retryAfter',
      retryAfterMs: 3_000,
    });
  });
});
