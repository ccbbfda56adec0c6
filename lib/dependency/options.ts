/**
 * What a user may write about a dependency. Checks and defaults stand in `option-schema.ts`; the
 * checked form that the pipeline trusts is `Settings`.
 */
import type { TripInput } from '../circuit/trip-rules.js';
import type { LoadBalancerInput } from '../balancing/balancers.js';
import type { Recovery } from '../circuit/recovery.js';
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
export type { BackoffOptions, Jitter } from '../retry/backoff.js';
export type { ErrorClass, RetryOn } from '../retry/retryable.js';

/**
 * Where a dependency is: `http://10.0.0.1:8080/base`, `10.0.0.1:8080`, or a URL with a weight.
 *
 * Without a scheme port 443 means https, every other http.
 * @publicApi
 */
export type HostInput =
  string | URL | { readonly url: string | URL; readonly weight?: number };

/** @publicApi */
export interface BudgetOptions {
  /** Retries per operation that started an attempt. @default 0.2 */
  readonly ratio?: number;
  /** @default 10000 */
  readonly windowMs?: number;
  /** Retries a window always allows. @default 3 */
  readonly minRetries?: number;
}

/** @publicApi */
export interface RetryOptions {
  /** Total tries, the first included. @default 3 */
  readonly attempts?: number;
  /** Whether an attempt timeout is repeated. @default false */
  readonly onTimeout?: boolean;
  readonly on?: RetryOn;
  /** Further tries on the same host before the next one. @default 0 */
  readonly sameHost?: number;
  readonly backoff?: BackoffOptions;
  readonly budget?: false | BudgetOptions;
}

/** @publicApi */
export interface ResetBackoffOptions {
  /** Each failed recovery makes the next opening this times longer. @default 1 */
  readonly factor?: number;
  /** @default 60000 */
  readonly maxMs?: number;
  /** Adds up to this share of the opening, drawn once per opening. @default 0 */
  readonly jitter?: number;
}

/** @publicApi */
export interface CircuitOptions {
  /** Replaces the default rules; any that trips opens. */
  readonly trip?: TripInput | readonly TripInput[];
  /** @default probes() */
  readonly recovery?: Recovery;
  /** How long it stays open; 0 = no circuit. @default 10000 */
  readonly resetTimeoutMs?: number;
  readonly resetBackoff?: ResetBackoffOptions;
  /** How long a probe may hang before it counts as failed. @default attempt timeout + 1000 */
  readonly leaseMs?: number;
  /** Largest share of the hosts that may be out at once. @default 0.5 */
  readonly maxOutRatio?: number;
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
  /** Whether calls are protected at all. @default true */
  readonly enabled?: boolean | (() => boolean);
  /** Whether an open circuit takes the app's readiness down. @default false */
  readonly critical?: boolean;
  readonly hosts?: readonly HostInput[];
  /** @default 'peak-ewma' */
  readonly loadBalancer?: LoadBalancerInput;
  readonly classify?: Classify;
  /** A value, or a function of the error. */
  readonly fallback?: unknown;
  /** Bounds the whole operation. @default 5000 */
  readonly timeoutMs?: number | false;
  /** Bounds one try. @default timeoutMs */
  readonly attemptTimeoutMs?: number | false;
  /** How long timed-out work keeps its permit. @default 30000 */
  readonly abandonAfterMs?: number;
  /** A success slower than this counts as a failure. */
  readonly expectedInMs?: number;
  readonly retry?: false | RetryOptions;
  readonly circuit?: false | CircuitOptions;
  /** @default 10 */
  readonly maxOpenPerNetloc?: number | false;
  /** @default 100 */
  readonly maxQueuedPerNetloc?: number;
  /** @default the deadline, or 30000 */
  readonly queueTimeoutMs?: number;
  readonly rateLimit?: false | RateLimitOptions;
  /** @default 5000 */
  readonly shutdownGraceMs?: number;
  readonly http?: HttpOptions;
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
  readonly signal?: AbortSignal;
  readonly fallback?: Fallback<F>;
  readonly timeoutMs?: number | false;
  readonly attemptTimeoutMs?: number | false;
  readonly retry?: false | RetryOptions;
  /** The work may be repeated whatever it sent. */
  readonly idempotent?: boolean;
  /** Pins the call to one peer. */
  readonly netloc?: string;
  readonly expectedInMs?: number;
  readonly classify?: Classify;
}
