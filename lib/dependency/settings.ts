/**
 * The checked, complete form of `DependencyOptions`: what the pipeline reads and trusts. Times that
 * are switched off are `Infinity`, stages that are switched off are undefined.
 */
import type { HostSource } from '../balancing/host-source.js';
import type { CircuitSettings } from '../circuit/circuit.js';
import type { HostSetting } from '../core/host-setting.js';
import type { Classify } from '../core/verdict.js';
import type { BudgetSettings } from '../limits/retry-budget.js';
import type { RateLimitSettings } from '../limits/rate-limit.js';
import type { BackoffSettings } from '../retry/backoff.js';
import type { HttpSettings } from '../http/http-options.js';
import type { LoadBalancerInput, RetryOn } from './options.js';

export type { HttpSettings } from '../http/http-options.js';

export type { BackoffSettings, BudgetSettings, CircuitSettings, HostSetting };

export interface RetrySettings {
  readonly attempts: number;
  readonly onTimeout: boolean;
  readonly on: RetryOn | undefined;
  readonly sameHost: number;
  readonly backoff: BackoffSettings;
  readonly budget: BudgetSettings | undefined;
}

export interface DeadlineSettings {
  /** In lower case. */
  readonly header: string;
  readonly isIncomingTrusted: boolean;
}

export interface Settings {
  readonly enabled: boolean | (() => boolean);
  readonly critical: boolean;
  /** Empty where a source lists them. */
  readonly hosts: readonly HostSetting[];
  readonly source: HostSource | undefined;
  readonly loadBalancer: LoadBalancerInput;
  readonly classify: Classify | undefined;
  /** A box, so that a fallback of null is one. */
  readonly fallback: { readonly value: unknown } | undefined;
  readonly timeoutMs: number;
  readonly attemptTimeoutMs: number;
  /** Nobody wrote an attempt timeout: it follows the operation's, a call's own included. */
  readonly isAttemptTimeoutDerived: boolean;
  readonly abandonAfterMs: number;
  readonly expectedInMs: number;
  readonly retry: RetrySettings;
  readonly circuit: CircuitSettings | undefined;
  readonly maxOpenPerNetloc: number;
  readonly maxQueuedPerNetloc: number;
  /** Infinity = the deadline alone bounds the wait. */
  readonly queueTimeoutMs: number;
  readonly rateLimit: RateLimitSettings | undefined;
  readonly shutdownGraceMs: number;
  /** Undefined = deadlines are neither inherited nor handed on. */
  readonly propagateDeadline: DeadlineSettings | undefined;
  readonly http: HttpSettings;
}
