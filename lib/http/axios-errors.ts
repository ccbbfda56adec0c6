/**
 * The errors of axios' shape that leave this folder, and what they may show. Everything a log line
 * could print (own enumerable properties, `toJSON`, `util.inspect`) is free of headers and bodies;
 * `error.config`, `error.request` and `error.response` are still there for who asks by name.
 */
import { AxiosError, CanceledError } from 'axios';
import type { AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import { DaceTimeoutError } from '../core/errors.js';
import { isErrorOfAnyRealm } from '../core/is-error.js';
import { partOf } from '../core/part-of.js';
import type { AttemptScope } from './attempt-scope.js';
import { parserCode } from './parser-code.js';

type Config = InternalAxiosRequestConfig;

/** What the fields hold that a log must not show. */
const HIDDEN = ['config', 'request', 'response'] as const;

/** undici's names for what Node's own client calls otherwise. */
const NODE_CODES: Readonly<Record<string, string>> = {
  UND_ERR_SOCKET: 'ECONNRESET',
  UND_ERR_HEADERS_OVERFLOW: 'HPE_HEADER_OVERFLOW',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'HPE_UNEXPECTED_CONTENT_LENGTH',
  UND_ERR_INVALID_ARG: AxiosError.ERR_BAD_REQUEST,
  UND_ERR_NOT_SUPPORTED: AxiosError.ERR_NOT_SUPPORT,
  UND_ERR_REQ_CONTENT_LENGTH_MISMATCH: AxiosError.ERR_BAD_REQUEST,
};

/**
 * Takes what could hold a secret out of sight of logs: `config`, `request` and `response` of an
 * axios error become non-enumerable, and its `toJSON` names method and URL alone. Other errors
 * pass unchanged.
 */
export function concealSecrets<E>(error: E): E {
  if (isOfAxios(error)) guarded(() => conceal(error));
  return error;
}

/** `axios.isAxiosError` of whatever was thrown, be it something that nobody may look at. */
export const isOfAxios = (error: unknown): error is AxiosError =>
  partOf(error, 'isAxiosError') === true;

/** Who waits for an error gets it, whether it can be changed or not. */
function guarded(change: () => void): void {
  try {
    change();
  } catch {
    // A proxy, or a setter.
  }
}

/** As far as it can be changed: one that a user throws may be frozen. */
function conceal(error: AxiosError): void {
  for (const name of HIDDEN) {
    if (Object.hasOwn(error, name))
      Reflect.defineProperty(error, name, { enumerable: false });
  }
  Reflect.defineProperty(error, 'toJSON', {
    value: summary,
    configurable: true,
    writable: true,
  });
}

function summary(this: AxiosError): object {
  const { message, name, code, status, stack, config } = this;
  const { method, url, baseURL } = config ?? {};
  return {
    message,
    name,
    code,
    status,
    stack,
    config: { method, url, baseURL },
  };
}

/** An axios error that shows no secret. */
export function axiosError(
  message: string,
  code: string | undefined,
  config: Config,
  request?: unknown,
  response?: AxiosResponse,
): AxiosError {
  return concealSecrets(
    new AxiosError(message, code, config, request, response),
  );
}

/** What axios throws for an answer that `validateStatus` refuses. */
export function statusError(response: AxiosResponse): AxiosError {
  const { status, config, request } = response;
  const isRequests = status >= 400 && status < 500;
  return axiosError(
    `Request failed with status code ${status}`,
    isRequests ? AxiosError.ERR_BAD_REQUEST : AxiosError.ERR_BAD_RESPONSE,
    config,
    request,
    response,
  );
}

/** The per-request `timeout` of axios. */
export function timeoutError(config: Config, request: unknown): AxiosError {
  const { timeout, timeoutErrorMessage, transitional } = config;
  return axiosError(
    timeoutErrorMessage || `timeout of ${timeout}ms exceeded`,
    transitional?.clarifyTimeoutError
      ? AxiosError.ETIMEDOUT
      : AxiosError.ECONNABORTED,
    config,
    request,
  );
}

/** An answer longer than `maxContentLength`. */
export const tooLargeError = (config: Config, request: unknown): AxiosError =>
  axiosError(
    `maxContentLength size of ${config.maxContentLength} exceeded`,
    AxiosError.ERR_BAD_RESPONSE,
    config,
    request,
  );

export function canceledError(config: Config, request?: unknown): AxiosError {
  return concealSecrets(
    new (
      CanceledError as new (
        message: undefined,
        config: Config,
        request: unknown,
      ) => AxiosError
    )(undefined, config, request),
  );
}

/**
 * A transport's error in the form that the node adapter of axios gives it. One that it has of the
 * user's, whose stream broke, may be anything.
 */
export function transportError(
  cause: unknown,
  config: Config,
  request: unknown,
  response?: AxiosResponse,
): AxiosError {
  if (isOfAxios(cause)) return concealSecrets(cause);
  try {
    if (isErrorOfAnyRealm(cause))
      return knownError(cause, config, request, response);
  } catch {
    // A getter of its own.
  }
  const told = typeof cause === 'string' ? cause : 'broken off for no error';
  return withCause(
    axiosError(told, undefined, config, request, response),
    cause,
  );
}

function knownError(
  cause: Error,
  config: Config,
  request: unknown,
  response: AxiosResponse | undefined,
): AxiosError {
  // A parser's error quotes the answer, cookies and all.
  if ('data' in cause) delete cause.data;
  // Of what the system reports axios tells as such, even in the middle of an answer.
  if (response !== undefined && !('syscall' in cause))
    return withCause(
      axiosError(
        'stream has been aborted',
        AxiosError.ERR_BAD_RESPONSE,
        config,
        request,
        response,
      ),
      cause,
    );
  const { code } = cause as { code?: string };
  const known = code === undefined ? parserCode(cause) : NODE_CODES[code];
  const error = AxiosError.from(cause, known ?? code, config, request);
  if (cause.name !== 'AggregateError') error.name = 'Error';
  return concealSecrets(error);
}

/** A body that is not packed as its header says. */
export function unpackError(
  cause: Error,
  config: Config,
  request: unknown,
  response: AxiosResponse,
): AxiosError {
  return concealSecrets(
    AxiosError.from(cause, undefined, config, request, response),
  );
}

/** For an error of a request that was made where the request was not known. */
export function withRequest<E>(error: E, request: unknown): E {
  if (isOfAxios(error))
    guarded(() => {
      if (error.request || !error.config || error.response) return;
      Reflect.set(error, 'request', request);
    });
  return error;
}

function withCause(error: AxiosError, cause: unknown): AxiosError {
  Object.defineProperty(error, 'cause', {
    value: cause,
    configurable: true,
    writable: true,
  });
  return error;
}

/** undici's connect timeout as ours; undefined for any other error. */
export function connectError(
  error: Error,
  scope: AttemptScope,
  timeoutMs: number,
): DaceTimeoutError | undefined {
  if (partOf(error, 'code') !== 'UND_ERR_CONNECT_TIMEOUT') return undefined;
  return new DaceTimeoutError({
    dependencyId: scope.dependencyId,
    netloc: scope.netloc,
    timeoutMs,
    kind: 'connect',
    cause: error,
  });
}
