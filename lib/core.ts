/**
 * Entry `nestjs-dace/core`: the executor and everything it is made with, for plain Node.
 */
export { createDependency, Dependency } from './dependency/dependency.js';
export type { DependencyEnvironment } from './dependency/dependency.js';
export { Call } from './dependency/call.js';
export { withDeadline } from './dependency/with-deadline.js';
export type { Permit } from './dependency/guard.js';
export type {
  DependencySnapshot,
  HostSnapshot,
  SourceSnapshot,
  Totals,
} from './dependency/snapshot.js';
export type {
  BudgetOptions,
  CallOptions,
  CircuitOptions,
  DeadlineOptions,
  DependencyOptions,
  Fallback,
  HostInput,
  OpenOnRetryAfterOptions,
  RateLimitOptions,
  ResetBackoffOptions,
  RetryOptions,
} from './dependency/options.js';
export {
  consecutiveFailures,
  errorCount,
  failureRatio,
  firstFailure,
  slowRatio,
} from './circuit/trip-rules.js';
export type {
  Counts,
  RuleWindow,
  TripInput,
  TripRule,
} from './circuit/trip-rules.js';
export { outlier } from './circuit/outlier.js';
export { probes, ramp } from './circuit/recovery.js';
export type {
  ProbesRecovery,
  RampRecovery,
  Recovery,
} from './circuit/recovery.js';
export type { CircuitMode, CircuitState } from './circuit/circuit.js';
export { dnsHosts } from './balancing/dns-hosts.js';
export type { DnsHostsOptions, DnsResolver } from './balancing/dns-hosts.js';
export type { HostSource } from './balancing/host-source.js';
export { failuresOnly } from './dependency/failures-only.js';
export type {
  BalancerContext,
  BalancerFunction,
  HostView,
  LoadBalancer,
  LoadBalancerInput,
} from './balancing/balancers.js';
export type { BackoffOptions, Jitter } from './retry/backoff.js';
export type { ErrorClass, RetryOn } from './retry/retryable.js';
export type { Http, RequestInfo } from './http/http.js';
export type { HeaderValues, HttpOptions } from './http/http-options.js';
export { realClock } from './core/clock.js';
export type { Alarm, Clock } from './core/clock.js';
export type { Random } from './core/random.js';
export type { DaceLogger } from './core/logger.js';
export type { Classify, JudgedVerdict, Verdict } from './core/verdict.js';
export type { WindowCounts } from './core/rolling-window.js';
export type {
  AttemptEvent,
  CircuitEvent,
  DaceEvent,
  DaceEventBase,
  DaceEventType,
  DaceListener,
  FallbackEvent,
  HostsEvent,
  OperationEvent,
  RetryEvent,
  WarningEvent,
} from './core/events.js';
export {
  DaceCircuitOpenError,
  DaceConfigurationError,
  DaceError,
  DaceForeignHostError,
  DaceNoHostsError,
  DaceRateLimitedError,
  DaceRetryExhaustedError,
  DaceRetryRequestedError,
  DaceShutdownError,
  DaceTimeoutError,
  isDaceError,
} from './core/errors.js';
export type {
  DaceErrorCode,
  DaceErrorDetails,
  LastFailure,
  OptionProblem,
  TimeoutKind,
} from './core/errors.js';
