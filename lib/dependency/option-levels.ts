/**
 * Every option with its check, in one place. Defaults stand in `resolve-settings.ts`; names and
 * levels come from the types, so that an option without a check does not compile.
 */
import type { z } from 'zod';
import {
  count,
  countOrOff,
  factor,
  flag,
  fn,
  ratio,
  share,
  time,
  timeOrOff,
} from './option-ranges.js';
import * as rules from './option-rules.js';
import * as shapes from './option-shapes.js';
import type { DependencyEnvironment } from './environment.js';
import type {
  BackoffOptions,
  BudgetOptions,
  CallOptions,
  CircuitOptions,
  DeadlineOptions,
  DependencyOptions,
  HttpOptions,
  OpenOnRetryAfterOptions,
  RateLimitOptions,
  ResetBackoffOptions,
  RetryOptions,
} from './options.js';

/** Options that hold options. */
export interface Level {
  readonly entries: Readonly<Record<string, Entry>>;
  /** `false` switches all of it off. */
  readonly canBeOff: boolean;
  /** `true` switches it on as it is. */
  readonly canBeOn?: boolean;
}

export type Entry = z.ZodType | Level;

type EntriesOf<T> = { readonly [K in keyof T]-?: Entry };

const group = <T>(entries: EntriesOf<T>): Level => ({
  entries,
  canBeOff: false,
});

const stage = <T>(entries: EntriesOf<T>): Level => ({
  ...group(entries),
  canBeOff: true,
});

const addition = <T>(entries: EntriesOf<T>): Level => ({
  ...stage(entries),
  canBeOn: true,
});

const retry = stage<RetryOptions>({
  attempts: count(1),
  onTimeout: flag(),
  on: shapes.retryOn(),
  sameHost: count(0),
  backoff: group<BackoffOptions>({
    delayMs: time(0),
    factor: factor(),
    maxDelayMs: time(0),
    jitter: shapes.jitter(),
  }),
  budget: stage<BudgetOptions>({
    ratio: ratio(),
    windowMs: time(1),
    minRetries: count(0),
  }),
});

const circuit = stage<CircuitOptions>({
  trip: rules.trip(),
  recovery: rules.recovery(),
  resetTimeoutMs: time(0),
  resetBackoff: group<ResetBackoffOptions>({
    factor: factor(),
    maxMs: time(1),
    jitter: share(),
  }),
  leaseMs: time(1),
  maxOutRatio: ratio(),
  openOnRetryAfter: stage<OpenOnRetryAfterOptions>({ maxMs: time(1) }),
});

const http = group<HttpOptions>({
  poolSize: count(1),
  connectTimeoutMs: time(1),
  tls: shapes.tls(),
  socketPath: shapes.socketPath(),
  proxy: shapes.proxy(),
  headers: shapes.headers(),
  secretHeaders: shapes.secretHeaders(),
  onRequest: fn(),
  onResponse: fn(),
  allowOtherHosts: flag(),
});

/** What may be written about a dependency. */
export const DEPENDENCY = group<DependencyOptions>({
  enabled: shapes.enabled(),
  critical: flag(),
  hosts: shapes.hosts(),
  loadBalancer: shapes.loadBalancer(),
  classify: fn(),
  fallback: shapes.anything(),
  timeoutMs: timeOrOff(),
  attemptTimeoutMs: timeOrOff(),
  abandonAfterMs: time(0),
  expectedInMs: time(1),
  retry,
  circuit,
  maxOpenPerNetloc: countOrOff(),
  maxQueuedPerNetloc: count(0),
  queueTimeoutMs: time(1),
  rateLimit: stage<RateLimitOptions>({ limit: count(1), intervalMs: time(1) }),
  shutdownGraceMs: time(0),
  propagateDeadline: addition<DeadlineOptions>({
    header: shapes.deadlineHeader(),
    trustIncoming: flag(),
  }),
  http,
});

/** What one call may change. */
export const CALL = group<CallOptions>({
  signal: shapes.signal(),
  fallback: shapes.anything(),
  timeoutMs: timeOrOff(),
  attemptTimeoutMs: timeOrOff(),
  retry,
  idempotent: flag(),
  netloc: shapes.netloc(),
  expectedInMs: time(1),
  classify: fn(),
});

/** What a dependency takes from around it. */
export const SURROUNDINGS = group<DependencyEnvironment>({
  clock: shapes.withMethods('a clock', 'nowMs', 'dateMs', 'alarm'),
  random: fn(),
  logger: shapes.withMethods('a logger', 'log', 'warn', 'error'),
  onEvent: fn(),
  defaults: shapes.plain(),
  enterAttempt: fn(),
});

/** What a guard may change: nothing else of a call holds for it. */
export const GUARD = group<Pick<CallOptions, 'netloc'>>({
  netloc: shapes.netloc(),
});

export function isLevel(entry: Entry): entry is Level {
  return !('safeParse' in entry);
}
