/**
 * The outlier rule, measured: how often it takes out a host that is no worse than the others, and
 * whether it finds one that is.
 */
import { describe, expect, it } from 'vitest';
import { createDependency, outlier, type TripRule } from '../../lib/core.js';
import { seededRandom } from '../support/chance.js';
import { HandClock } from '../support/hand-clock.js';

const FAILURE = new Error('down');
const BAD_HOST = '10.0.0.1:80';
/** One judgement of everybody, as the other outlier detectors have it. */
const TICK_MS = 1_000;

interface Weather {
  readonly hosts: number;
  readonly callsPerSecond: number;
  readonly errorRatio: number;
  /** Of the first host; absent = as everybody's. */
  readonly badRatio?: number;
  readonly seed: number;
  readonly rule?: TripRule;
}

/** Runs for so many ticks: when which host went out. */
function observe(weather: Weather, ticks: number) {
  const { hosts, callsPerSecond, errorRatio, badRatio = errorRatio } = weather;
  const clock = new HandClock();
  const random = seededRandom(weather.seed);
  const out: { netloc: string | undefined; atMs: number }[] = [];
  const dependency = createDependency(
    'fleet',
    {
      hosts: Array.from({ length: hosts }, (_, at) => `10.0.0.${at + 1}:80`),
      loadBalancer: 'random',
      maxOpenPerNetloc: false,
      circuit: { trip: weather.rule ?? outlier(), resetTimeoutMs: TICK_MS },
    },
    {
      clock,
      random,
      onEvent: ({ type, netloc }) => {
        if (type === 'host.out') out.push({ netloc, atMs: clock.nowMs() });
      },
    },
  );
  const calls = hosts * callsPerSecond;
  for (let call = 0; call < calls * ticks; call++) {
    clock.timeMs += TICK_MS / calls;
    const permit = dependency.acquire();
    const ratio = permit.netloc === BAD_HOST ? badRatio : errorRatio;
    if (random() < ratio) permit.failure(FAILURE);
    else permit.success();
  }
  const { started, succeeded, failed } = dependency.snapshot().totals;
  expect(started).toBe(calls * ticks);
  expect(succeeded + failed).toBe(started);
  return out;
}

describe('The outlier rule, among equal hosts', () => {
  const weathers = [5, 10, 20].flatMap((hosts) =>
    [0.005, 0.01, 0.02, 0.05].map((errorRatio) => ({ hosts, errorRatio })),
  );

  it.each(weathers)(
    'takes one of $hosts out in fewer than 0.5 % of the ticks at $errorRatio errors',
    ({ hosts, errorRatio }) => {
      let ticks = 0;
      let falseTicks = 0;
      for (const callsPerSecond of [2, 5, 20]) {
        const span = 12_000 / callsPerSecond;
        const seed = hosts * 1_000 + errorRatio * 10_000 + callsPerSecond;
        const weather = { hosts, errorRatio, callsPerSecond, seed };
        const out = observe(weather, span);
        ticks += span;
        falseTicks += new Set(out.map(({ atMs }) => Math.floor(atMs / TICK_MS)))
          .size;
      }
      const share = falseTicks / ticks;
      console.log(
        `outlier(): ${hosts} hosts, ${errorRatio * 100} % errors: ${(share * 100).toFixed(3)} % of ${ticks} ticks took a host out`,
      );
      expect(share).toBeLessThan(0.005);
    },
  );
});

describe('The measurement itself', () => {
  it('shows a rule that asks for too little', () => {
    const weather = { hosts: 20, callsPerSecond: 5, errorRatio: 0.05, seed: 1 };
    const rule = outlier({ deviations: 2 });
    expect(observe({ ...weather, rule }, 1_000).length).toBeGreaterThan(5);
  });
});

describe('The outlier rule, with one bad host', () => {
  const weathers = [2, 3, 4].flatMap((hosts) =>
    [0.3, 0.5, 1].map((badRatio) => ({ hosts, badRatio })),
  );

  it.each(weathers)(
    'finds it among $hosts when it fails $badRatio of its calls, and no other',
    ({ hosts, badRatio }) => {
      const foundMs = [1, 2, 3, 4, 5].map((seed) => {
        const weather = {
          hosts,
          callsPerSecond: 20,
          errorRatio: 0.01,
          badRatio,
          seed,
        };
        const [first] = observe(weather, 20);
        expect(first?.netloc).toBe(BAD_HOST);
        return first!.atMs;
      });
      console.log(
        `outlier(): one of ${hosts} failing ${badRatio * 100} %, 20 calls a second each: found after ${foundMs.map((ms) => Math.round(ms)).join(', ')} ms`,
      );
    },
  );

  it('finds it while it is hardly asked', () => {
    const weather = {
      hosts: 4,
      callsPerSecond: 2,
      errorRatio: 0.01,
      badRatio: 1,
      seed: 7,
    };
    expect(observe(weather, 20)[0]?.netloc).toBe(BAD_HOST);
  });
});
