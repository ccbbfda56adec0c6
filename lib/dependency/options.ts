/**
 * What a user may write about a dependency. Checks and defaults stand in `option-schema.ts`; the
 * checked form that the pipeline trusts is `Settings`. `undefined` is spelt out, as it is as if
 * absent also where the compiler tells the two apart (`exactOptionalPropertyTypes`).
 */
import type { TripInput } from '../circuit/trip-rules.js';
import type { LoadBalancerInput } from '../balancing/balancers.js';
import type { HostSource } from '../balancing/host-source.js';
import type { Recovery } from '../circuit/recovery.js';
import type { HostInput } from '../core/host-setting.js';
import type { Classify } from '../core/verdict.js';
import type { HttpOptions } from '../http/http-options.js';
import type { BackoffOptions } from '../retry/backoff.js';
import type { RetryOn } from '../retry/retryable.js';
import type { Call } from './call.js';

export type { HeaderValues, HttpOptions } from '../http/http-options.js';

export type {
  BalancerFunction,
  HostView,
  LoadBalancer,
  LoadBalancerInput,
} from '../balancing/balancers.js';
export type { HostInput } from '../core/host-setting.js';
export type { BackoffOptions, Jitter } from '../retry/backoff.js';
export type { ErrorClass, RetryOn } from '../retry/retryable.js';

/** @publicApi */
export interface BudgetOptions {
  /** Retries per operation that started an attempt. @default 0.2 */
  readonly ratio?: number | undefined;
  /** @default 10000 */
  readonly windowMs?: number | undefined;
  /** Retries a window always allows. @default 3 */
  readonly minRetries?: number | undefined;
}

/** @publicApi */
export interface RetryOptions {
  /** Total tries, the first included. @default 3 */
  readonly attempts?: number | undefined;
  /** Whether an attempt timeout is repeated. @default false */
  readonly onTimeout?: boolean | undefined;
  readonly on?: RetryOn | undefined;
  /** Further tries on the same host before the next one. @default 0 */
  readonly sameHost?: number | undefined;
  readonly backoff?: BackoffOptions | undefined;
  readonly budget?: false | BudgetOptions | undefined;
}

/** @publicApi */
export interface ResetBackoffOptions {
  /** Each failed recovery makes the next opening this times longer. @default 1 */
  readonly factor?: number | undefined;
  /** @default 60000 */
  readonly maxMs?: number | undefined;
  /** Adds up to this share of the opening, drawn once per opening. @default 0 */
  readonly jitter?: number | undefined;
}

/** @publicApi */
export interface CircuitOptions {
  /** Replaces the default rules; any that trips opens. */
  readonly trip?: TripInput | readonly TripInput[] | undefined;
  /** @default probes() */
  readonly recovery?: Recovery | undefined;
  /** How long it stays open; 0 = no circuit. @default 10000 */
  readonly resetTimeoutMs?: number | undefined;
  readonly resetBackoff?: ResetBackoffOptions | undefined;
  /** How long a probe may hang before it counts as failed. @default attempt timeout + 1000 */
  readonly leaseMs?: number | undefined;
  /** Largest share of the hosts that may be out at once. @default 0.5 */
  readonly maxOutRatio?: number | undefined;
  /** A throttled answer with a `Retry-After` opens the circuit for that time, at most `maxMs`. */
  readonly openOnRetryAfter?: false | OpenOnRetryAfterOptions | undefined;
}

/** @publicApi */
export interface OpenOnRetryAfterOptions {
  /** Longest time a `Retry-After` is taken at its word. */
  readonly maxMs: number;
}

/** @publicApi */
export interface DeadlineOptions {
  /** Carries the remaining milliseconds to the dependency's own hosts. @default 'x-request-timeout-ms' */
  readonly header?: string | undefined;
  /** Whether a request that comes in may shorten calls by the same header. @default false */
  readonly trustIncoming?: boolean | undefined;
}

/** @publicApi */
export interface RateLimitOptions {
  /** Attempts per interval, and the burst. */
  readonly limit: number;
  readonly intervalMs: number;
}

/**
 * Everything about one dependency. `false` switches a stage off; `undefined` is as if absent.
 *
 * @publicApi
 */
export interface DependencyOptions {
  /**
   * Whether calls are protected at all: the work of one that is not runs once, on a host, until the
   * caller's signal ends it. @default true
   */
  readonly enabled?: boolean | (() => boolean) | undefined;
  /** Whether an open circuit takes the app's readiness down. @default false */
  readonly critical?: boolean | undefined;
  /** A list, or something that is asked for one now and then. */
  readonly hosts?: readonly HostInput[] | HostSource | undefined;
  /** @default 'peak-ewma' */
  readonly loadBalancer?: LoadBalancerInput | undefined;
  readonly classify?: Classify | undefined;
  /** A value, or a function of the error. */
  readonly fallback?: unknown;
  /** Bounds the whole operation. @default 5000 */
  readonly timeoutMs?: number | false | undefined;
  /** Bounds one try. @default timeoutMs */
  readonly attemptTimeoutMs?: number | false | undefined;
  /** How long timed-out work keeps its permit. @default 30000 */
  readonly abandonAfterMs?: number | undefined;
  /** A success slower than this counts as a failure. */
  readonly expectedInMs?: number | undefined;
  readonly retry?: false | RetryOptions | undefined;
  readonly circuit?: false | CircuitOptions | undefined;
  /** @default 10 */
  readonly maxOpenPerNetloc?: number | false | undefined;
  /** @default 100 */
  readonly maxQueuedPerNetloc?: number | undefined;
  /** @default the deadline, or 30000 */
  readonly queueTimeoutMs?: number | undefined;
  readonly rateLimit?: false | RateLimitOptions | undefined;
  /** @default 5000 */
  readonly shutdownGraceMs?: number | undefined;
  /** Calls inside a call have no longer than it has, and requests say how long that is. @default false */
  readonly propagateDeadline?: boolean | DeadlineOptions | undefined;
  readonly http?: HttpOptions | undefined;
}

/** @publicApi */
export type Fallback<F> =
  F | ((error: unknown, call: Call) => F | PromiseLike<F>);

/**
 * What one call changes.
 *
 * @publicApi
 */
export interface CallOptions<F = never> {
  /** Ends the operation in the same tick. */
  readonly signal?: AbortSignal | undefined;
  readonly fallback?: Fallback<F> | undefined;
  readonly timeoutMs?: number | false | undefined;
  readonly attemptTimeoutMs?: number | false | undefined;
  readonly retry?: false | RetryOptions | undefined;
  /** The work may be repeated whatever it sent. */
  readonly idempotent?: boolean | undefined;
  /** Pins the call to one peer. */
  readonly netloc?: string | undefined;
  readonly expectedInMs?: number | undefined;
  readonly classify?: Classify | undefined;
}
