/**
 * The errors of the module: data with a sentence. Refusals and timeouts carry no stack: it is most
 * of their cost and names nothing but our own lines.
 */
import {
  DaceError,
  isDaceError,
  named,
  type DaceErrorDetails,
  type Kind,
} from './dace-error.js';
import { circuitText, ms, of } from './error-text.js';
import { partOf } from './part-of.js';

export {
  DaceError,
  isDaceError,
  setCause,
  type DaceErrorCode,
  type DaceErrorDetails,
} from './dace-error.js';

/** What went wrong last, without its data: safe to show. @publicApi */
export interface LastFailure {
  /** Name of the error's class, or `result` for a returned value judged a failure. */
  readonly name: string;
  /** Wall time, ISO 8601. */
  readonly at: string;
}

/** The circuit refused the call. @publicApi */
export class DaceCircuitOpenError extends DaceError {
  declare readonly code: 'DACE_CIRCUIT_OPEN';
  /** Milliseconds until the next probe; absent while half-open or forced open. */
  readonly retryAfterMs?: number;
  readonly lastFailure?: LastFailure;

  constructor(
    details: DaceErrorDetails & {
      readonly state?: string;
      readonly retryAfterMs?: number;
      readonly lastFailure?: LastFailure;
    },
  ) {
    const { retryAfterMs, state = 'open' } = details;
    super(
      CIRCUIT_OPEN,
      circuitText(details.dependencyId, details.netloc, state, retryAfterMs),
      details,
    );
    if (retryAfterMs !== undefined) this.retryAfterMs = retryAfterMs;
    if (details.lastFailure !== undefined)
      this.lastFailure = details.lastFailure;
  }
}
const CIRCUIT_OPEN: Kind = {
  code: 'DACE_CIRCUIT_OPEN',
  status: 503,
  isStackless: true,
};
named(DaceCircuitOpenError, 'DaceCircuitOpenError');

/** A netloc or a rate bucket had no room. @publicApi */
export class DaceRateLimitedError extends DaceError {
  declare readonly code: 'DACE_RATE_LIMITED';
  /** The value of the option that refused. */
  readonly limit: number;
  readonly retryAfterMs?: number;

  constructor(
    details: DaceErrorDetails & {
      readonly option: string;
      readonly limit: number;
      readonly retryAfterMs?: number;
    },
  ) {
    super(
      { code: 'DACE_RATE_LIMITED', status: 503, isStackless: true },
      `No room for another call to ${of(details.dependencyId, details.netloc)}: ${details.option} is ${details.limit}`,
      details,
    );
    this.limit = details.limit;
    if (details.retryAfterMs !== undefined)
      this.retryAfterMs = details.retryAfterMs;
  }
}
named(DaceRateLimitedError, 'DaceRateLimitedError');

/** @publicApi */
export type TimeoutKind = 'attempt' | 'operation' | 'connect' | 'queue';

const TIMEOUT_SUBJECT: Record<TimeoutKind, string> = {
  attempt: 'An attempt at',
  operation: 'The call to',
  connect: 'Connecting to',
  queue: 'Waiting for a permit of',
};

/** Something took longer than its option allows. @publicApi */
export class DaceTimeoutError extends DaceError {
  declare readonly code: 'DACE_TIMEOUT';
  /** 0 = the deadline of what the call is part of had passed, and no attempt began. */
  readonly timeoutMs: number;
  readonly kind: TimeoutKind;

  constructor(
    details: DaceErrorDetails & {
      readonly timeoutMs: number;
      readonly kind: TimeoutKind;
    },
  ) {
    super(
      { code: 'DACE_TIMEOUT', status: 504, isStackless: true },
      details.timeoutMs === 0
        ? `No time is left for a call to ${of(details.dependencyId, details.netloc)}: the deadline it inherits has passed`
        : `${TIMEOUT_SUBJECT[details.kind]} ${of(details.dependencyId, details.netloc)} took longer than ${ms(details.timeoutMs)}`,
      details,
    );
    this.timeoutMs = details.timeoutMs;
    this.kind = details.kind;
  }
}
named(DaceTimeoutError, 'DaceTimeoutError');

/** All tries are used up; `cause` is the last error. @publicApi */
export class DaceRetryExhaustedError extends DaceError {
  declare readonly code: 'DACE_RETRY_EXHAUSTED';
  readonly attempts: number;
  /** The cause's own `code`, where it has one. */
  readonly causeCode?: string;
  readonly retryAfterMs?: number;

  constructor(
    details: DaceErrorDetails & {
      readonly attempts: number;
      readonly retryAfterMs?: number;
    },
  ) {
    const { attempts, cause } = details;
    // An RPC answer tells of an error by a plain object.
    const text = partOf(cause, 'message');
    super(
      {
        code: 'DACE_RETRY_EXHAUSTED',
        status: isTimeout(cause) ? 504 : 503,
        isStackless: true,
      },
      `${attempts === 1 ? '1 attempt' : `${attempts} attempts`} at ${of(details.dependencyId, details.netloc)} failed${
        typeof text === 'string' && text !== '' ? `: ${text}` : ''
      }`,
      details,
    );
    this.attempts = attempts;
    const causeCode = partOf(cause, 'code');
    if (typeof causeCode === 'string') this.causeCode = causeCode;
    if (details.retryAfterMs !== undefined)
      this.retryAfterMs = details.retryAfterMs;
  }
}
named(DaceRetryExhaustedError, 'DaceRetryExhaustedError');

const TIMEOUT_CODES = new Set([
  'DACE_TIMEOUT',
  'ETIMEDOUT',
  'ECONNABORTED',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
]);

/** How far a chain of reasons is followed: one may lead back to itself. */
const MOST_REASONS = 10;

/** Whether `error`, or what it was thrown for, says that time ran out. */
export function isTimeout(error: unknown): boolean {
  let reason = error;
  for (let depth = 0; depth < MOST_REASONS; depth++) {
    if (typeof reason !== 'object' || reason === null) return false;
    const code = partOf(reason, 'code');
    if (typeof code === 'string' && TIMEOUT_CODES.has(code)) return true;
    if (partOf(reason, 'name') === 'TimeoutError') return true;
    if (!isDaceError(reason, 'DACE_RETRY_REQUESTED')) return false;
    reason = partOf(reason, 'cause');
  }
  return false;
}

/** What `call.retry(reason)` throws; the pipeline reads it. @publicApi */
export class DaceRetryRequestedError extends DaceError {
  declare readonly code: 'DACE_RETRY_REQUESTED';

  constructor(details: DaceErrorDetails) {
    super(
      { code: 'DACE_RETRY_REQUESTED', status: 503, isStackless: true },
      `The work asked for another attempt at ${of(details.dependencyId, details.netloc)}`,
      details,
    );
  }
}
named(DaceRetryRequestedError, 'DaceRetryRequestedError');

/** There is no host to ask: the list is empty, or all are forced open. @publicApi */
export class DaceNoHostsError extends DaceError {
  declare readonly code: 'DACE_NO_HOSTS';

  constructor(details: DaceErrorDetails & { readonly reason: string }) {
    super(
      { code: 'DACE_NO_HOSTS', status: 503, isStackless: true },
      `No host of ${of(details.dependencyId)} can be asked: ${details.reason}`,
      details,
    );
  }
}
named(DaceNoHostsError, 'DaceNoHostsError');

/** A request would have left the dependency's own hosts. @publicApi */
export class DaceForeignHostError extends DaceError {
  declare readonly code: 'DACE_FOREIGN_HOST';

  constructor(details: DaceErrorDetails & { readonly reason: string }) {
    super(
      { code: 'DACE_FOREIGN_HOST', status: 500 },
      `A request of ${of(details.dependencyId, details.netloc)} was stopped: ${details.reason}`,
      details,
    );
  }
}
named(DaceForeignHostError, 'DaceForeignHostError');

/** The dependency is closed, or closing. @publicApi */
export class DaceShutdownError extends DaceError {
  declare readonly code: 'DACE_SHUTDOWN';

  constructor(details: DaceErrorDetails) {
    super(
      { code: 'DACE_SHUTDOWN', status: 503, isStackless: true },
      `${of(details.dependencyId)} is shut down and takes no more calls`,
      details,
    );
  }
}
named(DaceShutdownError, 'DaceShutdownError');

/** One wrong option. @publicApi */
export interface OptionProblem {
  /** Path of the option, `circuit.resetTimeoutMs`. */
  readonly option: string;
  /** What is wrong, with the value and the range: a sentence's end. */
  readonly message: string;
}

/** Options, ids or wiring are wrong; lists every problem of a dependency at once. @publicApi */
export class DaceConfigurationError extends DaceError {
  declare readonly code: 'DACE_CONFIGURATION';
  readonly problems: readonly OptionProblem[];

  constructor(
    details: DaceErrorDetails & {
      readonly message: string;
      readonly problems?: readonly OptionProblem[];
    },
  ) {
    super(
      { code: 'DACE_CONFIGURATION', status: 500 },
      details.message,
      details,
    );
    this.problems = details.problems ?? [];
  }
}
named(DaceConfigurationError, 'DaceConfigurationError');
