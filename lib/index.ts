/**
 * Entry `nestjs-dace`: the Nest module, and all of `nestjs-dace/core`.
 */
export { DaceModule } from './nest/dace.module.js';
export type {
  DaceFeatureAsyncOptions,
  DaceModuleAsyncOptions,
  DaceModuleOptions,
  DependencyMap,
} from './nest/dace-module.interface.js';
export { DaceRegistry } from './nest/dace-registry.js';
export { getDependencyToken, InjectDependency } from './nest/dace.tokens.js';
export type { DaceDependencies, DependencyId } from './nest/dependency-ids.js';
export { FaultTolerant } from './nest/fault-tolerant.decorator.js';
export type {
  FaultTolerantDecorator,
  FaultTolerantDecoratorWithFallback,
} from './nest/fault-tolerant.interface.js';
export type { FaultTolerantOptions } from './nest/protected-method.js';
export { faultTolerant } from './nest/fault-tolerant.operator.js';
export type {
  StreamAnswer,
  StreamOptions,
} from './nest/fault-tolerant.operator.js';
export { getHttpServiceToken, InjectHttpService } from './nest/http-service.js';
export { FaultTolerantInterceptor } from './nest/fault-tolerant.interceptor.js';
export { DaceCall } from './nest/dace-call.decorator.js';
export { DaceExceptionFilter } from './nest/dace-exception.filter.js';
export {
  Call,
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
  Dependency,
  consecutiveFailures,
  createDependency,
  errorCount,
  failureRatio,
  failuresOnly,
  firstFailure,
  isDaceError,
  outlier,
  probes,
  ramp,
  realClock,
  slowRatio,
} from './core.js';
export type {
  Alarm,
  AttemptEvent,
  BackoffOptions,
  BalancerContext,
  BalancerFunction,
  BudgetOptions,
  CallOptions,
  CircuitEvent,
  CircuitMode,
  CircuitOptions,
  CircuitState,
  Classify,
  Clock,
  Counts,
  DaceErrorCode,
  DaceErrorDetails,
  DaceEvent,
  DaceEventBase,
  DaceEventType,
  DaceListener,
  DaceLogger,
  DependencyEnvironment,
  DependencyOptions,
  DependencySnapshot,
  ErrorClass,
  Fallback,
  FallbackEvent,
  HeaderValues,
  HostInput,
  HostSnapshot,
  HostView,
  Http,
  HttpOptions,
  Jitter,
  JudgedVerdict,
  LastFailure,
  LoadBalancer,
  LoadBalancerInput,
  OpenOnRetryAfterOptions,
  OperationEvent,
  OptionProblem,
  Permit,
  ProbesRecovery,
  RampRecovery,
  Random,
  RateLimitOptions,
  Recovery,
  RequestInfo,
  ResetBackoffOptions,
  RetryEvent,
  RetryOn,
  RetryOptions,
  RuleWindow,
  TimeoutKind,
  Totals,
  TripInput,
  TripRule,
  Verdict,
  WarningEvent,
  WindowCounts,
} from './core.js';
