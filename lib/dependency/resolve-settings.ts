/**
 * From what a user wrote to what the pipeline trusts: checked once, complete, with every default.
 * Parts that nobody wrote are shared and frozen, so that an idle dependency stays small.
 */
import { isHostSource } from '../balancing/host-source.js';
import type { ProbesRecovery } from '../circuit/recovery.js';
import type { TripInput, TripRule } from '../circuit/trip-rules.js';
import type { OptionProblem } from '../core/errors.js';
import { hostsOf } from './netloc.js';
import { OptionCheck, throwProblems } from './option-check.js';
import { DEPENDENCY } from './option-levels.js';
import { mergeOptions } from './option-merge.js';
import { tellPairs, tellWhole } from './option-pairs.js';
import { REFUSED_NAMES, show } from './option-text.js';
import type {
  CircuitOptions,
  DeadlineOptions,
  DependencyOptions,
  HttpOptions,
  RetryOptions,
} from './options.js';
import type {
  BackoffSettings,
  BudgetSettings,
  CircuitSettings,
  DeadlineSettings,
  HostSetting,
  HttpSettings,
  RetrySettings,
  Settings,
} from './settings.js';

export { mergeOptions } from './option-merge.js';

const DEFAULT_TIMEOUT_MS = 5_000;
/** A lease outlives the attempt by this, so that an attempt's own end is told first. */
const LEASE_MARGIN_MS = 1_000;
/** What bounds a lease or a wait where no timeout does. */
const UNBOUNDED_MS = 30_000;

const NO_HOSTS: readonly HostSetting[] = Object.freeze([]);

const DEFAULT_BACKOFF: BackoffSettings = Object.freeze({
  delayMs: 0,
  factor: 2,
  maxDelayMs: Infinity,
  jitter: 0,
});

const DEFAULT_BUDGET: BudgetSettings = Object.freeze({
  ratio: 0.2,
  windowMs: 10_000,
  minRetries: 3,
});

const DEFAULT_RETRY: RetrySettings = Object.freeze({
  attempts: 3,
  onTimeout: false,
  on: undefined,
  sameHost: 0,
  backoff: DEFAULT_BACKOFF,
  budget: DEFAULT_BUDGET,
});

const NO_RETRY: RetrySettings = Object.freeze({
  ...DEFAULT_RETRY,
  attempts: 1,
  budget: undefined,
});

const ONE_PROBE: ProbesRecovery = Object.freeze({
  kind: 'probes',
  calls: 1,
  successes: 1,
});

const DEFAULT_CIRCUIT: CircuitSettings = Object.freeze({
  trip: undefined,
  recovery: ONE_PROBE,
  resetTimeoutMs: 10_000,
  resetBackoff: Object.freeze({ factor: 1, maxMs: 60_000, jitter: 0 }),
  leaseMs: DEFAULT_TIMEOUT_MS + LEASE_MARGIN_MS,
  maxOutRatio: 0.5,
  openOnRetryAfter: undefined,
});

const DEFAULT_HTTP: HttpSettings = Object.freeze({
  poolSize: 10,
  connectTimeoutMs: 1_000,
  proxy: false,
  secretHeaders: Object.freeze([]),
  allowOtherHosts: false,
});

const DEFAULT_DEADLINE: DeadlineSettings = Object.freeze({
  header: 'x-request-timeout-ms',
  isIncomingTrusted: false,
});

const ID = /^[A-Za-z][\w.-]{0,63}$/;

/**
 * The settings of one dependency.
 *
 * Shape:  (id, options over module defaults, merged by key) → settings without gaps.
 * Errors: DaceConfigurationError that lists every problem of id, options, defaults and of what
 *         does not go together.
 */
export function resolveSettings(
  id: string,
  options: DependencyOptions = {},
  defaults: DependencyOptions = {},
): Settings {
  const own = new OptionCheck(DEPENDENCY);
  const inherited = new OptionCheck(DEPENDENCY, 'defaults.');
  const written = own.soundPart(options) as DependencyOptions;
  const below = inherited.soundPart(defaults) as DependencyOptions;
  const whole = mergeOptions(below, written);
  tellPairs(written, own);
  tellWhole(whole, own);
  throwProblems(id, `Dependency ${show(id)}`, [
    ...idProblems(id),
    ...own.problems,
    ...inherited.problems,
  ]);
  return settingsOf(whole);
}

function idProblems(id: unknown): OptionProblem[] {
  if (typeof id === 'string' && ID.test(id) && !REFUSED_NAMES.has(id))
    return [];
  const message = `id is ${show(id)}: expected a letter, then up to 63 letters, digits, ".", "_" or "-"`;
  return [{ option: 'id', message }];
}

/** `options` are sound. */
function settingsOf(options: DependencyOptions): Settings {
  const timeoutMs = orInfinity(options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  const { attemptTimeoutMs: written = false, fallback } = options;
  const attemptTimeoutMs = Math.min(orInfinity(written), timeoutMs);
  const isUnbounded = timeoutMs === Infinity;
  return {
    enabled: options.enabled ?? true,
    critical: options.critical ?? false,
    ...hostsFrom(options.hosts),
    loadBalancer: options.loadBalancer ?? 'peak-ewma',
    classify: options.classify,
    fallback: fallback === undefined ? undefined : { value: fallback },
    timeoutMs,
    attemptTimeoutMs,
    isAttemptTimeoutDerived: written === false,
    abandonAfterMs: options.abandonAfterMs ?? 30_000,
    expectedInMs: options.expectedInMs ?? Infinity,
    retry: resolveRetry(options.retry, DEFAULT_RETRY),
    circuit: circuitOf(options.circuit, attemptTimeoutMs),
    maxOpenPerNetloc: orInfinity(options.maxOpenPerNetloc ?? 10),
    maxQueuedPerNetloc: options.maxQueuedPerNetloc ?? 100,
    queueTimeoutMs:
      options.queueTimeoutMs ?? (isUnbounded ? UNBOUNDED_MS : Infinity),
    rateLimit: options.rateLimit || undefined,
    shutdownGraceMs: options.shutdownGraceMs ?? 5_000,
    propagateDeadline: deadlineOf(options.propagateDeadline),
    http: httpOf(options.http),
  };
}

function hostsFrom(
  hosts: DependencyOptions['hosts'],
): Pick<Settings, 'hosts' | 'source'> {
  if (hosts === undefined) return { hosts: NO_HOSTS, source: undefined };
  return isHostSource(hosts)
    ? { hosts: NO_HOSTS, source: hosts }
    : { hosts: hostsOf(hosts), source: undefined };
}

/**
 * Retry options over retry settings, key by key.
 *
 * Shape:  (options, base) → `false` is one try without a budget, absent is `base`, and an object
 *         over a base that is switched off starts from the defaults.
 * Errors: none; `options` are sound.
 */
export function resolveRetry(
  options: false | RetryOptions | undefined,
  base: RetrySettings,
): RetrySettings {
  if (options === undefined) return base;
  if (options === false) return NO_RETRY;
  const from = base === NO_RETRY ? DEFAULT_RETRY : base;
  const { backoff, budget } = options;
  return {
    attempts: options.attempts ?? from.attempts,
    onTimeout: options.onTimeout ?? from.onTimeout,
    on: options.on ?? from.on,
    sameHost: options.sameHost ?? from.sameHost,
    backoff: backoff === undefined ? from.backoff : over(from.backoff, backoff),
    budget:
      budget === undefined
        ? from.budget
        : budget === false
          ? undefined
          : over(from.budget ?? DEFAULT_BUDGET, budget),
  };
}

function circuitOf(
  options: false | CircuitOptions | undefined,
  attemptTimeoutMs: number,
): CircuitSettings | undefined {
  if (options === false || options?.resetTimeoutMs === 0) return undefined;
  const isBounded = attemptTimeoutMs !== Infinity;
  const usualMs = isBounded ? attemptTimeoutMs + LEASE_MARGIN_MS : UNBOUNDED_MS;
  // A lease that ends before its attempt would fail probes that are still good.
  const least = isBounded ? attemptTimeoutMs : 0;
  const leaseMs = Math.max(options?.leaseMs ?? usualMs, least);
  if (options === undefined && leaseMs === DEFAULT_CIRCUIT.leaseMs)
    return DEFAULT_CIRCUIT;
  const { trip, resetBackoff, openOnRetryAfter, ...rest } = options ?? {};
  return {
    ...over(DEFAULT_CIRCUIT, rest),
    trip: trip === undefined ? undefined : rulesOf(trip),
    openOnRetryAfter: openOnRetryAfter || undefined,
    resetBackoff:
      resetBackoff === undefined
        ? DEFAULT_CIRCUIT.resetBackoff
        : over(DEFAULT_CIRCUIT.resetBackoff, resetBackoff),
    leaseMs,
  };
}

/** Rules by what was written, so that the same options keep the same windows. */
const RULES = new WeakMap<object, Rules>();

interface Rules {
  readonly written: readonly TripInput[];
  readonly rules: readonly TripRule[];
}

function rulesOf(trip: TripInput | readonly TripInput[]): readonly TripRule[] {
  const written = Array.isArray(trip) ? [...trip] : [trip as TripInput];
  const known = RULES.get(trip);
  const isSame =
    known?.written.length === written.length &&
    known.written.every((rule, index) => rule === written[index]);
  if (isSame) return known.rules;
  const rules = written.map(ruleOf);
  RULES.set(trip, { written, rules });
  return rules;
}

function ruleOf(input: TripInput): TripRule {
  if (typeof input !== 'function') return input;
  // A function written in place is called `trip` by the language.
  const isNamed = input.name !== '' && input.name !== 'trip';
  return { name: isNamed ? input.name : 'custom', trips: input };
}

function deadlineOf(
  options: boolean | DeadlineOptions = false,
): DeadlineSettings | undefined {
  if (options === false) return undefined;
  if (options === true) return DEFAULT_DEADLINE;
  const { header, trustIncoming } = options;
  return {
    header: header?.toLowerCase() ?? DEFAULT_DEADLINE.header,
    isIncomingTrusted: trustIncoming ?? DEFAULT_DEADLINE.isIncomingTrusted,
  };
}

function httpOf(options: HttpOptions | undefined): HttpSettings {
  if (options === undefined) return DEFAULT_HTTP;
  const { secretHeaders } = options;
  return {
    ...over(DEFAULT_HTTP, options),
    ...(secretHeaders !== undefined && {
      secretHeaders: secretHeaders.map((name) => name.toLowerCase()),
    }),
  };
}

function orInfinity(value: number | false): number {
  return value === false ? Infinity : value;
}

/** `changes` over `base`, but for what is undefined. */
function over<T extends object>(base: T, changes: Partial<T>): T {
  const given = Object.entries(changes).filter(
    ([, value]) => value !== undefined,
  );
  return { ...base, ...(Object.fromEntries(given) as Partial<T>) };
}
