/**
 * The class above the errors of the module. Each carries a `code`, an HTTP status under both names
 * that Nest reads (`status` in 12, `statusCode` in 11) and `expose = false`, so that no message
 * reaches a client by accident.
 */

/** @publicApi */
export type DaceErrorCode =
  | 'DACE_CIRCUIT_OPEN'
  | 'DACE_RATE_LIMITED'
  | 'DACE_TIMEOUT'
  | 'DACE_RETRY_EXHAUSTED'
  | 'DACE_RETRY_REQUESTED'
  | 'DACE_NO_HOSTS'
  | 'DACE_FOREIGN_HOST'
  | 'DACE_SHUTDOWN'
  | 'DACE_CONFIGURATION';

/** What every error of the module knows. @publicApi */
export interface DaceErrorDetails {
  readonly dependencyId: string;
  readonly netloc?: string;
  readonly cause?: unknown;
}

const BRAND = Symbol.for('nestjs-dace.error');

/** What the errors of one class have in common. */
export interface Kind {
  readonly code: DaceErrorCode;
  readonly status: number;
  /** Timeouts and refusals have no stack. */
  readonly isStackless?: boolean;
}

/**
 * The class above all errors of the module.
 *
 * @publicApi
 */
export abstract class DaceError extends Error {
  readonly code: DaceErrorCode;
  readonly dependencyId: string;
  readonly netloc?: string;
  readonly status: number;
  readonly statusCode: number;
  readonly expose: boolean;

  protected constructor(
    kind: Kind,
    message: string,
    details: DaceErrorDetails,
  ) {
    const limit = Error.stackTraceLimit;
    if (kind.isStackless) Error.stackTraceLimit = 0;
    super(message);
    Error.stackTraceLimit = limit;
    this.code = kind.code;
    this.dependencyId = details.dependencyId;
    if (details.netloc !== undefined) this.netloc = details.netloc;
    this.status = kind.status;
    this.statusCode = kind.status;
    this.expose = false;
    if (details.cause !== undefined) setCause(this, details.cause);
  }
}
Object.defineProperty(DaceError.prototype, BRAND, { value: true });

/** Gives a class its name where no instance pays for it. */
export function named(type: { prototype: Error }, name: string): void {
  Object.defineProperty(type.prototype, 'name', {
    value: name,
    configurable: true,
    writable: true,
  });
}

/** Gives `error` a cause the way the language does: own, not enumerable. */
export function setCause(error: Error, cause: unknown): void {
  Object.defineProperty(error, 'cause', {
    value: cause,
    configurable: true,
    writable: true,
  });
}

/**
 * Whether `error` comes from this module, of this or of another copy of the package.
 *
 * @publicApi
 */
export function isDaceError(
  error: unknown,
  code?: DaceErrorCode,
): error is DaceError {
  if (typeof error !== 'object' || error === null) return false;
  try {
    return (
      (error as Record<symbol, unknown>)[BRAND] === true &&
      (code === undefined || (error as DaceError).code === code)
    );
  } catch {
    // A proxy that lets nobody look at it is none of ours.
    return false;
  }
}
