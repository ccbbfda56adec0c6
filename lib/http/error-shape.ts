/** Reads errors of axios, undici, fetch, Node and Nest without knowing their classes. */
import { isNativeError } from 'node:util/types';

/** A connection was never made: nothing can have been done at the other side. */
const CONNECT_CODES = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'UND_ERR_CONNECT_TIMEOUT',
]);
/** `syscall` of the errors that come before a connection stands. */
const CONNECT_CALLS = new Set(['connect', 'getaddrinfo']);

const NETWORK_CODES = new Set([
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ENETDOWN',
  'ENETRESET',
  'ERR_NETWORK',
  'ERR_FR_TOO_MANY_REDIRECTS',
  'ERR_STREAM_PREMATURE_CLOSE',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
]);
const NETWORK_PREFIX = /^(?:UND_ERR_|HPE_|CERT_|ERR_TLS_|ERR_SSL_)/;

/** How far a chain of causes is followed: one may lead back to itself. */
const MAX_DEPTH = 5;

interface Shape {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly syscall?: unknown;
  readonly message?: unknown;
  readonly cause?: unknown;
  readonly errors?: unknown;
  readonly kind?: unknown;
}

/** Whether `error`, or what it was thrown for, is "no connection". */
export function isConnectError(error: unknown, depth = 0): boolean {
  if (!isFromHere(error) || depth > MAX_DEPTH) return false;
  const { code, syscall, cause, errors, kind } = error as Shape;
  if (typeof code === 'string' && CONNECT_CODES.has(code)) return true;
  if (code === 'DACE_TIMEOUT') return kind === 'connect';
  if (typeof syscall === 'string' && CONNECT_CALLS.has(syscall)) return true;
  // Happy eyeballs: every address has to have failed that way.
  if (Array.isArray(errors) && errors.length > 0)
    return errors.every((one) => isConnectError(one, depth + 1));
  return isConnectError(cause, depth + 1);
}

/**
 * A plain object is what a service tells of an error of its own, as in an RPC answer: its words for
 * "no connection" are of one that it wanted to make, and the request has reached it.
 */
function isFromHere(error: unknown): error is object {
  return error instanceof Error || isNativeError(error);
}

/** Whether the connection failed, before, during or after the request. */
export function isNetworkError(error: unknown, depth = 0): boolean {
  if (typeof error !== 'object' || error === null || depth > MAX_DEPTH)
    return false;
  const { name, code, message, cause } = error as Shape;
  if (typeof code === 'string') {
    if (NETWORK_CODES.has(code) || NETWORK_PREFIX.test(code)) return true;
  }
  if (name === 'TypeError' && message === 'fetch failed') return true;
  // undici's, which has no code.
  if (name === 'HTTPParserError') return true;
  return isNetworkError(cause, depth + 1) || isConnectError(error, depth);
}

interface Answered {
  readonly status?: unknown;
  readonly statusCode?: unknown;
  readonly headers?: unknown;
  readonly response?: unknown;
  readonly getStatus?: unknown;
}

/** The HTTP status an error was thrown for. */
export function statusOf(error: object): number | undefined {
  const { response, getStatus, status, statusCode } = error as Answered;
  if (typeof getStatus === 'function')
    return asStatus((getStatus as () => unknown).call(error));
  if (typeof response === 'object' && response !== null) {
    const answer = response as Answered;
    const known = asStatus(answer.status) ?? asStatus(answer.statusCode);
    if (known !== undefined) return known;
  }
  return asStatus(status) ?? asStatus(statusCode);
}

function asStatus(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 100 && value < 600
    ? value
    : undefined;
}

/** The `Retry-After` of an answer, or of the answer an error was thrown for. */
export function retryAfterOf(subject: object): string | undefined {
  const { headers, response } = subject as Answered;
  const found = headerOf(headers);
  if (found !== undefined) return found;
  return typeof response === 'object' && response !== null
    ? headerOf((response as Answered).headers)
    : undefined;
}

function headerOf(headers: unknown): string | undefined {
  if (typeof headers !== 'object' || headers === null) return undefined;
  const { get } = headers as { get?: unknown };
  const value: unknown =
    typeof get === 'function'
      ? (get as (name: string) => unknown).call(headers, 'retry-after')
      : ((headers as Record<string, unknown>)['retry-after'] ??
        (headers as Record<string, unknown>)['Retry-After']);
  const first: unknown = Array.isArray(value) ? value[0] : value;
  return typeof first === 'string' || typeof first === 'number'
    ? String(first)
    : undefined;
}
