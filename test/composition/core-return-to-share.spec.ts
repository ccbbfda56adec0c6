import { describe, expect, it } from 'vitest';
import { slowRatio, type DependencyOptions } from '../../lib/core.js';
import {
  simulate,
  type HostPhase,
  type Simulation,
} from '../../lib/testing/index.js';
import { after, subject } from '../support/core-toolkit.js';

const BALANCERS = [
  'peak-ewma',
  'least-pending',
  'round-robin',
  'random',
] as const;
type Balancer = (typeof BALANCERS)[number];

const WELL = { latencyMs: { p50: 6, p99: 15 } } as const;
const HOSTS = 5;

/** What becomes of a host that is well, and what makes it well again. */
const FAULTS: Readonly<
  Record<string, readonly [Omit<HostPhase, 'fromS'>, Omit<HostPhase, 'fromS'>]>
> = {
  failing: [{ errorRatio: 1, errorLatencyMs: 1 }, { errorRatio: 0 }],
  'refusing connections': [
    { refusesConnections: true },
    { refusesConnections: false },
  ],
  hanging: [{ hangRatio: 1 }, { hangRatio: 0 }],
  slow: [{ latencyMs: 300 }, WELL],
};

/** The longest that a test looks at a host that has healed. */
const WATCHED_S = 23;
const WITHIN_S = 20;
/** Chance alone moves the share of three seconds by a tenth and more. */
const BACK = 0.85;
const OVER_S = 3;

interface Outage {
  readonly loadBalancer: Balancer;
  readonly fault: string;
  readonly healthyS: number;
  readonly faultS: number;
  readonly seed: number;
}

/** One of five hosts falls ill and heals: the figures of `npm run bench:balance`. */
async function play({ loadBalancer, fault, healthyS, faultS, seed }: Outage) {
  const [ill, well] = FAULTS[fault]!;
  const healedS = healthyS + faultS;
  const simulation = await simulate({
    options: {
      loadBalancer,
      timeoutMs: 1_000,
      attemptTimeoutMs: 100,
      retry: { onTimeout: true, budget: { minRetries: 20 } },
      maxOpenPerNetloc: 100,
    },
    hosts: [
      {
        ...WELL,
        phases: [
          { fromS: healthyS, ...ill },
          { fromS: healedS, ...well },
        ],
      },
      ...Array.from({ length: HOSTS - 1 }, () => WELL),
    ],
    traffic: [{ fromS: 0, perSecond: 100, arrivals: 'even' }],
    seconds: healedS + WATCHED_S,
    seed,
  });
  return {
    served: servedIn(simulation, healthyS, healedS),
    share: shareIn(simulation, healthyS + 1, healedS),
    backS: backAfterS(simulation, healedS),
  };
}

/** The share of callers with an answer, over the seconds [from, until). */
function servedIn({ seconds }: Simulation, from: number, until: number) {
  let served = 0;
  let all = 0;
  for (const { callers } of seconds.slice(from, until)) {
    served += callers.succeeded;
    const counts: readonly number[] = Object.values(callers);
    for (const count of counts) all += count;
  }
  return served / all;
}

/** The share of attempts that go to the first host, over the seconds [from, until). */
function shareIn({ seconds }: Simulation, from: number, until: number) {
  let first = 0;
  let all = 0;
  for (const { attempts, hosts } of seconds.slice(from, until)) {
    first += hosts[0]!.attempts;
    all += attempts;
  }
  return first / all;
}

function backAfterS(simulation: Simulation, healedS: number): number {
  for (let second = OVER_S; second <= WATCHED_S; second++) {
    const until = healedS + second;
    const share = shareIn(simulation, until - OVER_S, until);
    if (share >= BACK / HOSTS) return second;
  }
  return Infinity;
}

const SEEDS = [1, 2, 3];

describe.each(BALANCERS)('One bad host of five, by %s', (loadBalancer) => {
  it.each(Object.keys(FAULTS))(
    'is hardly asked while it is %s, and back at its share soon after',
    async (fault) => {
      for (const seed of SEEDS) {
        const { served, share, backS } = await play({
          loadBalancer,
          fault,
          healthyS: 3,
          faultS: 8,
          seed,
        });

        expect(served, `served, seed ${seed}`).toBeGreaterThan(0.99);
        expect(share, `its share, seed ${seed}`).toBeLessThan(0.01);
        expect(backS, `back, seed ${seed}`).toBeLessThanOrEqual(WITHIN_S - 2);
      }
    },
    60_000,
  );

  it.each([5, 7, 9, 10, 11, 20])(
    'is back within 20 s when it heals %i s after it fell ill, wherever in an opening that is',
    async (faultS) => {
      for (const seed of SEEDS) {
        const { backS } = await play({
          loadBalancer,
          fault: 'failing',
          healthyS: 12,
          faultS,
          seed,
        });

        expect(backS, `seed ${seed}`).toBeLessThanOrEqual(WITHIN_S);
      }
    },
    60_000,
  );
});

/** Three hosts by turns; `ask` asks each of them once, and says what comes of the first. */
function byTurns(circuit: DependencyOptions['circuit']) {
  const rig = subject({
    hosts: ['http://a', 'http://b', 'http://c'],
    loadBalancer: 'round-robin',
    retry: false,
    circuit,
  });
  const { dependency, clock } = rig;
  const ask = async (fails: boolean, tookMs = 0): Promise<void> => {
    for (let each = 0; each < 3; each++) {
      const answer = dependency.execute(({ netloc }) => {
        const isFirst = netloc === 'a:80';
        return after(clock, isFirst ? tookMs : 0, () => {
          if (isFirst && fails) throw new Error('boom');
        });
      });
      const over = answer.catch(() => undefined);
      await clock.advance(tookMs);
      await over;
    }
  };
  const first = () => dependency.snapshot().hosts[0]!;
  return { ...rig, ask, first };
}

describe('A host that is well again', () => {
  /** Many good answers, then eight failures; now it answers, and the good ones of before are forgotten. */
  async function healed() {
    const rig = byTurns({});
    for (let each = 0; each < 10; each++) await rig.ask(false);
    await rig.clock.advance(5_000);
    for (let each = 0; each < 8; each++) await rig.ask(true);
    await rig.clock.advance(5_000);
    for (let each = 0; each < 3; each++) await rig.ask(false);
    await rig.clock.advance(1_500);
    return rig;
  }

  it('does not go out on a good answer because the good ones of before are forgotten', async () => {
    const { ask, first } = await healed();

    await ask(false);

    expect(first()).toMatchObject({
      inService: true,
      tripped: 'failureRatio',
    });
  });

  it('goes out when it fails once more', async () => {
    const { ask, first } = await healed();

    await ask(true);

    expect(first().inService).toBe(false);
  });

  it('is no longer shown as tripped once it has answered often enough', async () => {
    const { ask, first } = await healed();

    for (let each = 0; each < 6; each++) await ask(false);

    expect(first().inService).toBe(true);
    expect(first().tripped).toBeUndefined();
  });

  it('goes out on a good answer that is slow, where a rule asks for that', async () => {
    const { ask, first } = byTurns({
      trip: slowRatio({ ratio: 0.6, slowMs: 100, minimumCalls: 4 }),
    });

    for (let each = 0; each < 4; each++) await ask(false, 200);

    expect(first().inService).toBe(false);
  });
});
