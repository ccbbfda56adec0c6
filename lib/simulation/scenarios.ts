/**
 * Six days that every service has sooner or later, with options that get through them. Each may be
 * taken as it is, or spread and changed: `simulate({ ...scenarios.blip, options: mine })`.
 */
import { consecutiveFailures, slowRatio } from '../circuit/trip-rules.js';
import type { HostPhase, Scenario } from './contract.js';

/** The usual answer of a service that is well. */
const WELL = { latencyMs: { p50: 25, p99: 120 } } as const;

/**
 * What goes wrong, told by the name of the outage.
 *
 * @publicApi
 */
export const scenarios = {
  blip: {
    name: 'blip',
    description:
      'A service of one address fails over and answers 503 for two seconds: a short opening keeps a blip from becoming an outage.',
    options: {
      timeoutMs: 2_000,
      retry: { attempts: 4, backoff: { delayMs: 100, jitter: 'full' } },
      circuit: { resetTimeoutMs: 1_000 },
    },
    hosts: [
      {
        ...WELL,
        status: 503,
        phases: [
          { fromS: 20, errorRatio: 1, errorLatencyMs: 5 },
          { fromS: 22, errorRatio: 0 },
        ],
      },
    ],
    seconds: 60,
  },
  brownOut: {
    name: 'brownOut',
    description:
      'For a minute more is asked for than two hosts can serve: short queues turn the surplus away, the rest is answered in time, and when the rush is over nothing is left of it.',
    options: {
      timeoutMs: 1_000,
      attemptTimeoutMs: 600,
      maxOpenPerNetloc: 12,
      maxQueuedPerNetloc: 10,
      retry: { onTimeout: true },
    },
    hosts: [
      { latencyMs: { p50: 80, p99: 200 }, capacity: 10 },
      { latencyMs: { p50: 80, p99: 200 }, capacity: 10 },
    ],
    traffic: [
      { fromS: 0, perSecond: 140 },
      { fromS: 20, perSecond: 300 },
      { fromS: 80, perSecond: 140 },
    ],
    seconds: 120,
  },
  oneDeadHost: {
    name: 'oneDeadHost',
    description:
      'One of four hosts stops answering for forty seconds, connections and all: it is passed by, and callers notice a moment of it.',
    options: {
      timeoutMs: 2_000,
      attemptTimeoutMs: 400,
      retry: { onTimeout: true },
    },
    hosts: [
      {
        ...WELL,
        phases: [
          { fromS: 20, hangRatio: 1 },
          { fromS: 60, hangRatio: 0 },
        ],
      },
      WELL,
      WELL,
      WELL,
    ],
    traffic: 200,
    seconds: 120,
  },
  totalOutage: {
    name: 'totalOutage',
    description:
      'Nobody listens at either host for half a minute: after a moment nothing but probes is sent, a fallback answers, and the first probe that succeeds ends it.',
    options: {
      timeoutMs: 1_000,
      fallback: 'a default',
      circuit: { resetTimeoutMs: 5_000 },
    },
    hosts: [down(20, 50), down(20, 50)],
    seconds: 90,
  },
  slowCreep: {
    name: 'slowCreep',
    description:
      'A service grows slower and slower without ever failing: a rule on slow answers opens before callers pile up.',
    options: {
      timeoutMs: 5_000,
      fallback: 'a default',
      circuit: {
        trip: slowRatio({ slowMs: 500, minimumCalls: 20 }),
        resetTimeoutMs: 5_000,
      },
      maxOpenPerNetloc: 60,
    },
    hosts: [
      {
        ...WELL,
        phases: [
          { fromS: 10, latencyMs: { p50: 2_000, p99: 4_000 }, rampS: 60 },
          { fromS: 90, ...WELL },
        ],
      },
    ],
    seconds: 120,
  },
  flapping: {
    name: 'flapping',
    description:
      'One of three hosts comes and goes every few seconds: callers see nothing of it, and openings that double ask it ever more rarely.',
    options: {
      timeoutMs: 2_000,
      circuit: {
        trip: consecutiveFailures(5),
        resetTimeoutMs: 1_000,
        resetBackoff: { factor: 2, maxMs: 15_000 },
      },
    },
    hosts: [{ ...WELL, phases: flaps(10, 100, 5) }, WELL, WELL],
    seconds: 120,
  },
} as const satisfies Record<string, Scenario>;

/** Nobody listens for a while. */
function down(fromS: number, untilS: number) {
  return {
    ...WELL,
    phases: [
      { fromS, refusesConnections: true },
      { fromS: untilS, refusesConnections: false },
    ],
  };
}

/** Three parts of each span answered with errors, one part well. */
function flaps(fromS: number, untilS: number, spanS: number): HostPhase[] {
  const phases: HostPhase[] = [];
  for (let atS = fromS; atS < untilS; atS += spanS)
    phases.push(
      { fromS: atS, errorRatio: 1, errorLatencyMs: 5 },
      { fromS: atS + (3 * spanS) / 4, errorRatio: 0 },
    );
  return phases;
}
