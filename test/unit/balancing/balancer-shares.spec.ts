import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  balancerOf,
  type HostView,
  type LoadBalancer,
} from '../../../lib/balancing/balancers.js';
import { seededRandom } from '../../support/chance.js';

type Name = 'round-robin' | 'random' | 'least-pending' | 'peak-ewma';

const NAMES: readonly Name[] = [
  'round-robin',
  'random',
  'least-pending',
  'peak-ewma',
];

interface Toy extends HostView {
  weight: number;
  inFlight: number;
  askedMs: number;
  picked: number;
}

const toysOf = (weights: readonly number[]): readonly Toy[] =>
  Object.freeze(
    weights.map((weight, index) => ({
      netloc: `h${index}:80`,
      weight,
      inFlight: 0,
      latencyMs: 10,
      askedMs: 0,
      picked: 0,
      pendingAt() {
        return this.inFlight;
      },
    })),
  );

/** Round robin leaves nothing to it. */
const noChance = (): never => expect.fail('drawn');

const total = (weights: readonly number[]): number =>
  weights.reduce((sum, weight) => sum + weight, 0);

/** Calls that are over before the next one, so close together that nobody is forgotten. */
function ask(
  balancer: LoadBalancer,
  hosts: readonly Toy[],
  times: number,
  random: () => number,
): void {
  for (let each = 0; each < times; each++)
    balancer.pick(hosts, { nowMs: 0, random }).picked += 1;
}

const aWeight = fc.oneof(
  fc.double({ min: 0.1, max: 1_000, noNaN: true }),
  fc.constantFrom(0.1, 1, 2, 3, 1_000),
);
const someWeights = fc.array(aWeight, { minLength: 2, maxLength: 200 });
const wholeWeights = fc.array(fc.integer({ min: 1, max: 20 }), {
  minLength: 2,
  maxLength: 200,
});
const aSeed = fc.integer();

/** So many deviations are passed by one count in 10^7: with 200 hosts and 100 runs, hardly ever. */
const DEVIATIONS = 5.5;

/** Each count is that of coins thrown `times` times, whose chance is its part of the weights. */
function expectBinomial(hosts: readonly Toy[], times: number): void {
  const all = total(hosts.map(({ weight }) => weight));
  for (const { picked, weight } of hosts) {
    const chance = weight / all;
    const deviation = Math.sqrt(times * chance * (1 - chance));
    expect(Math.abs(picked - times * chance)).toBeLessThan(
      // A chance so small that it comes up once has no bell around it.
      DEVIATIONS * deviation + DEVIATIONS,
    );
  }
}

describe('The share of each host under round robin', () => {
  it('is its weight, exactly, in every round of whole weights', () => {
    fc.assert(
      fc.property(wholeWeights, (weights) => {
        const balancer = balancerOf('round-robin');
        const hosts = toysOf(weights);
        for (let round = 1; round <= 3; round++) {
          ask(balancer, hosts, total(weights), noChance);
          expect(hosts.map(({ picked }) => picked)).toEqual(
            weights.map((weight) => round * weight),
          );
        }
      }),
      { numRuns: 50 },
    );
  });

  it('is never more than one turn from its weight, at any time, whatever the weights', () => {
    fc.assert(
      fc.property(someWeights, (weights) => {
        const balancer = balancerOf('round-robin');
        const hosts = toysOf(weights);
        for (let each = 0; each < 1_000; each++) {
          ask(balancer, hosts, 1, noChance);
          // So many rounds are over for each of them, to within a turn of its own.
          const atLeast = hosts.map((host) => (host.picked - 1) / host.weight);
          const atMost = hosts.map((host) => (host.picked + 1) / host.weight);
          expect(Math.max(...atLeast)).toBeLessThanOrEqual(
            Math.min(...atMost) + 1e-9,
          );
        }
      }),
      { numRuns: 10 },
    );
  });

  it('comes without bursts: nobody but the heaviest is picked twice running, and not more often than it outweighs the next', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 30 }), {
          minLength: 2,
          maxLength: 12,
        }),
        (weights) => {
          const balancer = balancerOf('round-robin');
          const hosts = toysOf(weights);
          let before: Toy | undefined;
          let running = 0;
          for (let each = 0; each < 3 * total(weights); each++) {
            const host = balancer.pick(hosts, { nowMs: 0, random: noChance });
            running = host === before ? running + 1 : 1;
            before = host;
            const others = hosts.filter((other) => other !== host);
            const next = Math.max(...others.map(({ weight }) => weight));
            expect(running).toBeLessThanOrEqual(
              host.weight > next ? 1 + Math.floor(host.weight / next) : 1,
            );
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  it('is not upset by hosts that come, go and change their weight in the middle of a round', () => {
    fc.assert(
      fc.property(
        wholeWeights.filter(({ length }) => length <= 40),
        fc.array(
          fc.record({
            without: fc.nat(39),
            times: fc.integer({ min: 1, max: 50 }),
          }),
          { minLength: 1, maxLength: 8 },
        ),
        (weights, changes) => {
          const balancer = balancerOf('round-robin');
          const all = toysOf(weights);
          for (const { without, times } of changes) {
            const some = all.filter((_, at) => at !== without % all.length);
            ask(balancer, Object.freeze(some), times, noChance);
          }
          for (const host of all) host.picked = 0;
          const hosts = Object.freeze([...all]);
          ask(balancer, hosts, 4 * total(weights), noChance);
          for (const { picked, weight } of hosts)
            expect(Math.abs(picked - 4 * weight)).toBeLessThanOrEqual(3);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('is what it would have been though others were asked for now and then', () => {
    fc.assert(
      fc.property(
        wholeWeights.filter(({ length }) => length > 2),
        fc.nat(),
        (weights, at) => {
          const balancer = balancerOf('round-robin');
          const hosts = toysOf(weights);
          const tried = hosts[at % hosts.length]!;
          ask(balancer, hosts, 5, noChance);
          for (let each = 0; each < 20; each++) {
            const others = Object.freeze(
              hosts.filter((host) => host !== tried),
            );
            ask(balancer, others, 1, noChance);
            ask(balancer, hosts, total(weights), noChance);
          }
          const times = 5 + 20 + 20 * total(weights);
          for (const { picked, weight } of hosts)
            expect(
              Math.abs(picked - (times * weight) / total(weights)),
            ).toBeLessThanOrEqual(2);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('goes over with a weight that changes: who has waited half its turn has half of the new one left', () => {
    const balancer = balancerOf('round-robin');
    const [a, b] = toysOf([1, 1]) as [Toy, Toy];
    const alike = Object.freeze([a, b]);
    ask(balancer, alike, 2, noChance);
    b.weight = 10;
    const changed = Object.freeze([a, b]);
    for (const host of [a, b]) host.picked = 0;
    ask(balancer, changed, 110, noChance);

    expect(Math.abs(a.picked - 10)).toBeLessThanOrEqual(1);
    expect(Math.abs(b.picked - 100)).toBeLessThanOrEqual(1);
  });
});

describe.each(['random', 'least-pending', 'peak-ewma'] as const)(
  'The share of each host under %s',
  (name) => {
    const TIMES = 20_000;

    it('follows the weights while all are idle and alike, by the law of coins', () => {
      fc.assert(
        fc.property(someWeights, aSeed, (weights, seed) => {
          const hosts = toysOf(weights);
          ask(balancerOf(name), hosts, TIMES, seededRandom(seed));
          expectBinomial(hosts, TIMES);
        }),
        { numRuns: 30 },
      );
    });

    it('is the same for all of equal weight', () => {
      fc.assert(
        fc.property(
          fc.integer({ min: 2, max: 200 }),
          aWeight,
          aSeed,
          (count, weight, seed) => {
            const hosts = toysOf(Array.from({ length: count }, () => weight));
            ask(balancerOf(name), hosts, TIMES, seededRandom(seed));
            expectBinomial(hosts, TIMES);
          },
        ),
        { numRuns: 20 },
      );
    });
  },
);

/** So many under way at once, of which the oldest ends when the next begins. */
function keepBusy(
  name: Name,
  hosts: readonly Toy[],
  running: number,
  times: number,
  random: () => number,
): void {
  const balancer = balancerOf(name);
  const underWay: Toy[] = [];
  for (let each = 0; each < times; each++) {
    if (underWay.length === running) underWay.shift()!.inFlight -= 1;
    const host = balancer.pick(hosts, { nowMs: 0, random });
    host.inFlight += 1;
    host.picked += 1;
    underWay.push(host);
  }
}

describe.each(['least-pending', 'peak-ewma'] as const)(
  'Under load %s',
  (name) => {
    it('gives hosts that are equally fast what they weigh, to a fifth', () => {
      fc.assert(
        fc.property(
          fc.array(fc.integer({ min: 1, max: 8 }), {
            minLength: 2,
            maxLength: 30,
          }),
          aSeed,
          (weights, seed) => {
            const hosts = toysOf(weights);
            const times = 1_000 * weights.length;
            // So many that one more or less on the lightest host matters little.
            const running = 50 * weights.length;
            keepBusy(name, hosts, running, times, seededRandom(seed));
            for (const { picked, weight } of hosts) {
              const due = (times * weight) / total(weights);
              expect(Math.abs(picked / due - 1)).toBeLessThan(0.2);
            }
          },
        ),
        { numRuns: 20 },
      );
    });

    it('has nobody carry much more than the mean, of 200 hosts either', () => {
      fc.assert(
        fc.property(aSeed, (seed) => {
          const hosts = toysOf(Array.from({ length: 200 }, () => 1));
          keepBusy(name, hosts, 1_000, 20_000, seededRandom(seed));
          const most = Math.max(...hosts.map(({ inFlight }) => inFlight));
          // Picked at random it would be 13 or so.
          expect(most).toBeLessThanOrEqual(5 + 4);
        }),
        { numRuns: 10 },
      );
    });
  },
);

describe('Least pending', () => {
  it('finds the fewest for the weight of up to 32 hosts, always', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            weight: fc.integer({ min: 1, max: 9 }),
            inFlight: fc.nat(20),
          }),
          { minLength: 2, maxLength: 32 },
        ),
        aSeed,
        (all, seed) => {
          const hosts = toysOf(all.map(({ weight }) => weight));
          hosts.forEach((host, at) => (host.inFlight = all[at]!.inFlight));
          const random = seededRandom(seed);
          const host = balancerOf('least-pending').pick(hosts, {
            nowMs: 0,
            random,
          });
          const fewest = Math.min(
            ...hosts.map(({ inFlight, weight }) => inFlight / weight),
          );
          expect(host.inFlight / host.weight).toBeCloseTo(fewest, 9);
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe.each(NAMES)('With %s nobody starves', (name) => {
  it('whatever the weights, the answer times and what is running', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            weight: fc.double({ min: 0.1, max: 10, noNaN: true }),
            latencyMs: fc.double({ min: 0.1, max: 10_000, noNaN: true }),
          }),
          { minLength: 2, maxLength: 20 },
        ),
        aSeed,
        (all, seed) => {
          const hosts = toysOf(all.map(({ weight }) => weight));
          hosts.forEach((host, at) =>
            Object.assign(host, { latencyMs: all[at]!.latencyMs }),
          );
          const balancer = balancerOf(name);
          const random = seededRandom(seed);
          // A minute at a hundred a second.
          for (let nowMs = 0; nowMs < 60_000; nowMs += 10) {
            const host = balancer.pick(hosts, { nowMs, random });
            host.askedMs = nowMs;
            host.picked += 1;
          }
          for (const host of hosts) expect(host.picked).toBeGreaterThan(0);
        },
      ),
      { numRuns: 30 },
    );
  });
});
