/**
 * The errors a call is refused with.
 */
import type { Host } from '../balancing/host.js';
import { inMicroseconds } from '../core/clock.js';
import {
  DaceCircuitOpenError,
  DaceConfigurationError,
  DaceRateLimitedError,
  DaceTimeoutError,
} from '../core/errors.js';
import type { RateLimit } from '../limits/rate-limit.js';
import type { Stages } from './stages.js';

/** The circuit of `host`, or without one the dependency's, lets nobody pass. */
export function circuitOpen(
  stages: Stages,
  host: Host | undefined,
  nowMs: number,
): DaceCircuitOpenError {
  const ofHost = host?.circuit;
  const circuit =
    ofHost === undefined || stages.circuit?.mode === 'forced-open'
      ? stages.circuit
      : ofHost;
  const look = circuit?.look(nowMs);
  return new DaceCircuitOpenError({
    dependencyId: stages.id,
    netloc:
      circuit !== stages.circuit && host?.setting ? host.netloc : undefined,
    state: look?.state ?? 'open',
    retryAfterMs: inMicroseconds(look?.retryAfterMs),
    lastFailure: stages.lastFailure,
  });
}

export function netlocFull(stages: Stages, host: Host): DaceRateLimitedError {
  const { maxOpenPerNetloc, maxQueuedPerNetloc } = stages.settings;
  const where = host.netloc === '' ? 'a dependency without hosts' : host.netloc;
  stages.warnOnce(
    'full',
    `A call was refused: maxOpenPerNetloc is ${maxOpenPerNetloc} and maxQueuedPerNetloc ${maxQueuedPerNetloc} for ${where}. Further refusals are not told.`,
  );
  return new DaceRateLimitedError({
    dependencyId: stages.id,
    netloc: host.setting?.netloc,
    option: 'maxOpenPerNetloc',
    limit: maxOpenPerNetloc,
  });
}

export function rateLimited(
  stages: Stages,
  rate: RateLimit,
  nowMs: number,
): DaceRateLimitedError {
  return new DaceRateLimitedError({
    dependencyId: stages.id,
    option: 'rateLimit.limit',
    limit: rate.limit,
    retryAfterMs: rate.retryAfterMs(nowMs),
  });
}

/** What a call is part of has no time left, so no attempt of it begins. */
export function noTimeLeft({ id: dependencyId }: Stages): DaceTimeoutError {
  return new DaceTimeoutError({
    dependencyId,
    kind: 'operation',
    timeoutMs: 0,
  });
}

/** Something of a call took longer than its option allows. */
export function timedOut(
  {
    stages,
    host,
    call,
  }: {
    readonly stages: Stages;
    readonly host: Host;
    readonly call: {
      readonly timeoutMs: number;
      readonly attemptTimeoutMs: number;
    };
  },
  kind: 'attempt' | 'operation' | 'queue',
): DaceTimeoutError {
  const timeoutMs = {
    attempt: call.attemptTimeoutMs,
    operation: call.timeoutMs,
    queue: stages.settings.queueTimeoutMs,
  }[kind];
  const netloc = host.setting?.netloc;
  return new DaceTimeoutError({
    dependencyId: stages.id,
    netloc,
    kind,
    timeoutMs,
  });
}

/** There is nothing to run. */
export function notWork(dependencyId: string, work: unknown): Error {
  return new DaceConfigurationError({
    dependencyId,
    message: `execute of "${dependencyId}" was given ${typeof work} for its work: expected a function`,
  });
}
