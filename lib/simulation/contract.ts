/**
 * What goes into a simulation and what comes out of it. Both are plain data, so that a scenario can
 * be written down, compared and drawn.
 */
import type { CallOptions, DependencyOptions } from '../dependency/options.js';

/**
 * How long a host takes: always the same, or log-normal with that median and 99th percentile.
 *
 * Units:  milliseconds.
 * @publicApi
 */
export type SimulatedLatency =
  number | { readonly p50: number; readonly p99: number };

/**
 * How a host behaves. What is absent is as it was before; at the start: 20 ms, no fault, no limit.
 *
 * @publicApi
 */
export interface HostBehaviour {
  /** Time to serve a request. @default 20 */
  readonly latencyMs?: SimulatedLatency | undefined;
  /** Time to answer with an error. @default latencyMs */
  readonly errorLatencyMs?: SimulatedLatency | undefined;
  /** Share of requests answered with `status`. @default 0 */
  readonly errorRatio?: number | undefined;
  /** Of the answers that are errors. @default 500 */
  readonly status?: number | undefined;
  /** `Retry-After` of the answers that are errors, in whole seconds. @default none */
  readonly retryAfterS?: number | undefined;
  /** Share of requests that are never answered. @default 0 */
  readonly hangRatio?: number | undefined;
  /** Nobody listens: ECONNREFUSED after 1 ms. @default false */
  readonly refusesConnections?: boolean | undefined;
  /**
   * Requests served at once; more wait there, first come, first served. One that is cut while it
   * waits is not served, one that is being served is finished for nobody. @default no limit
   */
  readonly capacity?: number | undefined;
}

/**
 * A change in a host's behaviour; it names only what changes.
 *
 * @publicApi
 */
export interface HostPhase extends HostBehaviour {
  /** Seconds since the start. */
  readonly fromS: number;
  /** Ratios and latencies move evenly to their new value over so many seconds. @default 0 */
  readonly rampS?: number | undefined;
}

/**
 * One host of the simulated dependency.
 *
 * @publicApi
 */
export interface HostProfile extends HostBehaviour {
  /** @default host-1:80, host-2:80, … */
  readonly netloc?: string | undefined;
  /** @default 1 */
  readonly weight?: number | undefined;
  /** In the order of `fromS`. */
  readonly phases?: readonly HostPhase[] | undefined;
}

/**
 * How many operations are asked for from some second on.
 *
 * @publicApi
 */
export interface TrafficPhase {
  /** Seconds since the start. */
  readonly fromS: number;
  readonly perSecond: number;
  /** As independent callers do, or one every 1 / perSecond. @default 'poisson' */
  readonly arrivals?: 'even' | 'poisson' | undefined;
}

/**
 * An outage on paper: options of a dependency, what its hosts do, who calls it, for how long.
 *
 * @publicApi
 */
export interface Scenario {
  readonly name?: string | undefined;
  /** What it shows. */
  readonly description?: string | undefined;
  /** The dependency under test. Its `hosts`, where given, are those below, one by one. */
  readonly options?: DependencyOptions | undefined;
  /** @default one healthy upstream without a name, or for each of `options.hosts` one of its name */
  readonly hosts?: readonly HostProfile[] | undefined;
  /** Operations a second. @default 100 */
  readonly traffic?: number | readonly TrafficPhase[] | undefined;
  /** How long it lasts. */
  readonly seconds: number;
  /** Other seeds are other days with the same weather report. @default 1 */
  readonly seed?: number | undefined;
  /** What each operation changes. The simulated work is a GET. */
  readonly call?: CallOptions<unknown> | undefined;
}

/** Units: milliseconds. @publicApi */
export interface Percentiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/** As `snapshot().state`. @publicApi */
export type SimulatedState =
  'closed' | 'open' | 'half-open' | 'forced-open' | 'metrics-only' | 'disabled';

/**
 * What callers were left with; each caller counts once.
 *
 * @publicApi
 */
export interface SimulatedCallers {
  readonly succeeded: number;
  /** A fallback's answer in place of an error. */
  readonly fallback: number;
  readonly refused: number;
  readonly timedOut: number;
  /** Any other error, a fallback's own included. */
  readonly failed: number;
  readonly cancelled: number;
}

/**
 * One host within one second.
 *
 * @publicApi
 */
export interface SimulatedHostSecond {
  /** Begun in this second. */
  readonly attempts: number;
  /** Ended in this second and judged failures; unprotected, those that threw. */
  readonly failures: number;
  /** Ended in this second and judged throttled. */
  readonly throttled: number;
  /** At the end of the second: whose caller still waits. */
  readonly inFlight: number;
  /** At the end of the second: at the host, beyond its `capacity`. */
  readonly waiting: number;
  /** At the end of the second; the upstream without a name has that of the dependency. */
  readonly state: SimulatedState;
  readonly isInService: boolean;
}

/**
 * One virtual second, [second, second + 1).
 *
 * @publicApi
 */
export interface SimulatedSecond {
  /** From 0. */
  readonly second: number;
  /** Asked for in this second; the counts below are of what ended in it. */
  readonly started: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly refused: number;
  readonly cancelled: number;
  /** How many of `failed` ran out of time. */
  readonly timedOut: number;
  /** How many of `failed` and `refused` were given to a fallback. */
  readonly fallbacks: number;
  /** Begun in this second, retries among them. */
  readonly attempts: number;
  readonly retries: number;
  /** Those who went on in this second. */
  readonly callers: SimulatedCallers;
  /** What they had waited, refused ones too; null if there were none. */
  readonly latencyMs: Percentiles | null;
  /** At the end of the second. */
  readonly state: SimulatedState;
  /** In the order of `Simulation.hosts`. */
  readonly hosts: readonly SimulatedHostSecond[];
}

/** A circuit or a host that changed its state. @publicApi */
export interface SimulatedTransition {
  readonly atMs: number;
  readonly type:
    | 'circuit.opened'
    | 'circuit.half-opened'
    | 'circuit.closed'
    | 'circuit.would-open'
    | 'host.out'
    | 'host.back';
  readonly netloc?: string;
  readonly tripped?: string;
  readonly retryAfterMs?: number;
}

/**
 * Sums over the whole simulation: started = succeeded + failed + refused + cancelled + unfinished.
 *
 * @publicApi
 */
export interface SimulatedTotals {
  readonly started: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly refused: number;
  readonly cancelled: number;
  /** Still under way at the end. */
  readonly unfinished: number;
  readonly timedOut: number;
  readonly fallbacks: number;
  readonly attempts: number;
  readonly retries: number;
  readonly callers: SimulatedCallers;
}

/**
 * What happened. Plain data: `JSON.parse(JSON.stringify(simulation))` is equal to it.
 *
 * @publicApi
 */
export interface Simulation {
  /** As given; functions and instances by their name. */
  readonly scenario: ScenarioRecord;
  readonly seed: number;
  /** Netlocs, in the order of each second's `hosts`; `upstream` for the one without a name. */
  readonly hosts: readonly string[];
  readonly seconds: readonly SimulatedSecond[];
  readonly totals: SimulatedTotals;
  /** What all callers waited who went on, to three significant digits. */
  readonly latencyMs: Percentiles | null;
  readonly transitions: readonly SimulatedTransition[];
}

/** A scenario as JSON holds it. @publicApi */
export type ScenarioRecord = Omit<Scenario, 'options' | 'call'> & {
  readonly options?: Readonly<Record<string, unknown>>;
  readonly call?: Readonly<Record<string, unknown>>;
};

/**
 * How a simulation is run.
 *
 * @publicApi
 */
export interface SimulateOptions {
  /** Ends it early, between two seconds: `simulate` rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Called with each second when it is over. */
  readonly onSecond?: ((second: SimulatedSecond) => void) | undefined;
}
