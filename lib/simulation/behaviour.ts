/**
 * What a host does at a moment: each value has a track of its own, so that a phase that names one
 * leaves the others alone, also where they are on their way.
 */
import { logNormalMs, type Chance } from './chance.js';
import { Track, type Change } from './track.js';
import type {
  HostBehaviour,
  HostProfile,
  SimulatedLatency,
} from './contract.js';

const USUAL_LATENCY_MS = 20;

/** What comes of one request, as far as its host decides. */
export interface Fate {
  readonly isHanging: boolean;
  /** Status of the answer, where it is an error. */
  readonly status: number | undefined;
  readonly latencyMs: number;
}

interface Spread {
  readonly p50: number;
  readonly p99: number;
}

/** One draw for each, so that a change of one changes nothing of the others. */
const HANGS = 1;
const FAILS = 2;
const TAKES = 3;

export class Behaviour {
  private readonly latency: Track<Spread>;
  private readonly errorLatency: Track<Spread | undefined>;
  private readonly errorRatio: Track<number>;
  private readonly hangRatio: Track<number>;
  private readonly statuses: Track<number>;
  private readonly retryAfters: Track<number | undefined>;
  private readonly refusals: Track<boolean>;
  private readonly capacities: Track<number>;

  constructor(
    profile: HostProfile,
    private readonly chance: Chance,
  ) {
    const { latencyMs = USUAL_LATENCY_MS, errorLatencyMs } = profile;
    const changes = <T, V = T>(
      pick: (behaviour: HostBehaviour) => T | undefined,
      form: (value: T) => V,
    ): Change<V>[] =>
      (profile.phases ?? []).flatMap((phase) => {
        const value = pick(phase);
        if (value === undefined) return [];
        const rampMs = (phase.rampS ?? 0) * 1_000;
        return { fromMs: phase.fromS * 1_000, rampMs, value: form(value) };
      });
    this.latency = new Track(
      spreadOf(latencyMs),
      changes(({ latencyMs: value }) => value, spreadOf),
      betweenSpreads,
    );
    this.errorLatency = new Track(
      errorLatencyMs === undefined ? undefined : spreadOf(errorLatencyMs),
      changes(({ errorLatencyMs: value }) => value, spreadOf),
      (from, to, part) => (from && to ? betweenSpreads(from, to, part) : to),
    );
    const number = (name: 'errorRatio' | 'hangRatio'): Track<number> =>
      new Track(
        profile[name] ?? 0,
        changes(({ [name]: value }) => value, same<number>),
        between,
      );
    this.errorRatio = number('errorRatio');
    this.hangRatio = number('hangRatio');
    this.statuses = new Track(
      profile.status ?? 500,
      changes(({ status }) => status, same<number>),
    );
    this.retryAfters = new Track(
      profile.retryAfterS,
      changes(({ retryAfterS }) => retryAfterS, same<number>),
    );
    this.refusals = new Track(
      profile.refusesConnections ?? false,
      changes(({ refusesConnections }) => refusesConnections, same<boolean>),
    );
    this.capacities = new Track(
      profile.capacity ?? Infinity,
      changes(({ capacity }) => capacity, same<number>),
    );
  }

  isRefusing(nowMs: number): boolean {
    return this.refusals.at(nowMs);
  }

  capacity(nowMs: number): number {
    return this.capacities.at(nowMs);
  }

  retryAfterS(nowMs: number): number | undefined {
    return this.retryAfters.at(nowMs);
  }

  /** What comes of a request that is served from now on. */
  fate(nowMs: number, operation: number, attempt: number): Fate {
    const { chance } = this;
    const draw = (what: number): number => chance.at(operation, attempt, what);
    const hangRatio = this.hangRatio.at(nowMs);
    const errorRatio = this.errorRatio.at(nowMs);
    const isFailing = errorRatio > 0 && draw(FAILS) < errorRatio;
    const { p50, p99 } =
      (isFailing ? this.errorLatency.at(nowMs) : undefined) ??
      this.latency.at(nowMs);
    return {
      isHanging: hangRatio > 0 && draw(HANGS) < hangRatio,
      status: isFailing ? this.statuses.at(nowMs) : undefined,
      latencyMs: logNormalMs(p50, p99, draw(TAKES)),
    };
  }
}

function spreadOf(latency: SimulatedLatency): Spread {
  return typeof latency === 'number' ? { p50: latency, p99: latency } : latency;
}

function between(from: number, to: number, part: number): number {
  return from + (to - from) * part;
}

function betweenSpreads(from: Spread, to: Spread, part: number): Spread {
  return {
    p50: between(from.p50, to.p50, part),
    p99: between(from.p99, to.p99, part),
  };
}

function same<T>(value: T): T {
  return value;
}
