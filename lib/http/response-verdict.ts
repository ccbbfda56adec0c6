/** The verdict nobody was asked for: what an outcome says about a dependency by its shape alone. */
import { isDaceError, isTimeout } from '../core/errors.js';
import type { JudgedVerdict } from '../core/verdict.js';
import { isCallersFault } from './callers-fault.js';
import {
  isConnectError,
  isNetworkError,
  retryAfterOf,
  statusOf,
} from './error-shape.js';
import { parseRetryAfterMs } from './retry-after.js';

/** A verdict and what it was read from. */
export interface DefaultVerdict {
  readonly verdict: JudgedVerdict;
  /** A throttled 503 is a failure for circuits, a 429 is none. */
  readonly isCircuitFailure: boolean;
  readonly status?: number;
  /** The header as it came, readable or not; only of 429 and 503. */
  readonly retryAfter?: string;
  /** The connection failed. */
  readonly isNetwork?: boolean;
  /** The connection was never made. */
  readonly isConnect?: boolean;
  /** A plain error that says nothing about the wire. */
  readonly isOpaque?: boolean;
}

const SUCCESS: DefaultVerdict = { verdict: 'success', isCircuitFailure: false };
const IGNORED: DefaultVerdict = { verdict: 'ignored', isCircuitFailure: false };
const FAILURE: DefaultVerdict = { verdict: 'failure', isCircuitFailure: true };
const OPAQUE: DefaultVerdict = { ...FAILURE, isOpaque: true };
const NETWORK: DefaultVerdict = { ...FAILURE, isNetwork: true };
const CONNECT: DefaultVerdict = { ...NETWORK, isConnect: true };

/** axios' words for a request that was wrong before it left, and for one that was taken back. */
const OWN_FAULT = new Set([
  'ERR_BAD_REQUEST',
  'ERR_BAD_OPTION',
  'ERR_BAD_OPTION_VALUE',
  'ERR_INVALID_URL',
  'ERR_NOT_SUPPORT',
  'ERR_FORM_DATA_DEPTH_EXCEEDED',
  'ERR_CANCELED',
]);

/** undici's words for a request that it will not send. */
const WRONG_FORM = new Set([
  'UND_ERR_INVALID_ARG',
  'UND_ERR_NOT_SUPPORTED',
  'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH',
]);

/**
 * Judges what an attempt threw (`isError`) or returned. Runs on every call, so a value that is no
 * answer costs one or two property reads.
 *
 * Shape: (outcome, isError) → DefaultVerdict; never throws.
 */
export function judgeDefault(
  outcome: unknown,
  isError: boolean,
): DefaultVerdict {
  if (typeof outcome !== 'object' || outcome === null)
    return isError ? OPAQUE : SUCCESS;
  try {
    return isError ? judgeError(outcome) : judgeResult(outcome);
  } catch {
    // A getter or a proxy that throws is no answer.
    return isError ? OPAQUE : SUCCESS;
  }
}

interface Answer {
  readonly status?: unknown;
  readonly statusCode?: unknown;
  readonly headers?: unknown;
  readonly config?: unknown;
  readonly arrayBuffer?: unknown;
  readonly body?: unknown;
}

/** fetch and axios say `status`, undici says `statusCode`; any other value is a success. */
function judgeResult(result: object): DefaultVerdict {
  const answer = result as Answer;
  const { status, statusCode } = answer;
  if (typeof status === 'number') {
    const isAnswer =
      typeof answer.headers === 'object' &&
      answer.headers !== null &&
      (typeof answer.arrayBuffer === 'function' ||
        typeof answer.config === 'object');
    return isAnswer ? judgeStatus(status, result, SUCCESS) : SUCCESS;
  }
  if (typeof statusCode !== 'number') return SUCCESS;
  const isAnswer =
    typeof answer.headers === 'object' &&
    answer.headers !== null &&
    answer.body !== undefined;
  return isAnswer ? judgeStatus(statusCode, result, SUCCESS) : SUCCESS;
}

function judgeError(error: object): DefaultVerdict {
  if (isCallersFault(error)) return IGNORED;
  if (isDaceError(error)) return judgeOurs(error);
  const { code, name } = error as { code?: unknown; name?: unknown };
  const isCancelled = name === 'AbortError' || name === 'CanceledError';
  if (isCancelled || code === 'ERR_CANCELED') return IGNORED;
  const status = statusOf(error);
  // An error for a 2xx is one of the body: cut off, too large, not JSON.
  if (status !== undefined && status >= 300)
    return judgeStatus(status, error, IGNORED);
  const isAxios = (error as { isAxiosError?: unknown }).isAxiosError === true;
  // Before its cause is looked at, which may be of the transport's kind.
  if (isOwnFault(error, isAxios ? OWN_FAULT : WRONG_FORM)) return IGNORED;
  if (isConnectError(error)) return CONNECT;
  if (isNetworkError(error) || isTimeout(error)) return NETWORK;
  if (isAxios) return name === 'AxiosError' ? NETWORK : FAILURE;
  return OPAQUE;
}

function isOwnFault(error: object, codes: ReadonlySet<string>): boolean {
  const { code, name, cause } = error as Record<string, unknown>;
  if (typeof code === 'string') return codes.has(code);
  // What fetch throws says why in its cause.
  return (
    name === 'TypeError' &&
    typeof cause === 'object' &&
    cause !== null &&
    isOwnFault(cause, codes)
  );
}

/** Of our own errors only a timeout is the dependency's; the pipeline knows the rest better. */
function judgeOurs(error: object): DefaultVerdict {
  if (isConnectError(error)) return CONNECT;
  if (isDaceError(error, 'DACE_TIMEOUT')) return FAILURE;
  return IGNORED;
}

function judgeStatus(
  status: number,
  subject: object,
  otherwise: DefaultVerdict,
): DefaultVerdict {
  if (status === 429) return throttled(status, retryAfterOf(subject), false);
  if (status === 503) {
    const retryAfter = retryAfterOf(subject);
    const isReadable = parseRetryAfterMs(retryAfter, 0) !== undefined;
    if (isReadable) return throttled(status, retryAfter, true);
    return { ...FAILURE, status };
  }
  if (status >= 500 || status === 408 || status === 425)
    return { ...FAILURE, status };
  if (status >= 400) return { ...IGNORED, status };
  return otherwise;
}

function throttled(
  status: number,
  retryAfter: string | undefined,
  isCircuitFailure: boolean,
): DefaultVerdict {
  const base = { verdict: 'throttled', isCircuitFailure, status } as const;
  return retryAfter === undefined ? base : { ...base, retryAfter };
}
