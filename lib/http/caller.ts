/** The means axios gives a caller to end a request: a signal, a cancel token, a timeout. */
import { AxiosError } from 'axios';
import type { GenericAbortSignal, InternalAxiosRequestConfig } from 'axios';
import { axiosError, canceledError } from './axios-errors.js';

type Config = InternalAxiosRequestConfig;

/** The part of axios' old cancel token that its types leave out. */
interface CancelSource {
  readonly reason?: unknown;
  subscribe(listener: (reason: unknown) => void): void;
  unsubscribe(listener: (reason: unknown) => void): void;
}

/**
 * Calls `end` when the caller gives up, from now on. Throws when that has happened already.
 * The returned function leaves no listener behind; undefined when there is nothing to listen to.
 */
export function onCallerEnd(
  config: Config,
  end: (reason: unknown) => void,
): (() => void) | undefined {
  const signal = config.signal as GenericAbortSignal | null | undefined;
  const token = config.cancelToken as unknown as CancelSource | undefined;
  if (!signal && !token) return undefined;
  if (signal?.aborted) throw canceledError(config);
  if (token?.reason !== undefined) throw token.reason;
  const onAbort = () => end(canceledError(config));
  signal?.addEventListener?.('abort', onAbort);
  token?.subscribe(end);
  return () => {
    signal?.removeEventListener?.('abort', onAbort);
    token?.unsubscribe(end);
  };
}

/** `config.timeout` in milliseconds; 0 = none. */
export function timeoutOf(config: Config): number {
  if (!config.timeout) return 0;
  const ms = Number.parseInt(String(config.timeout), 10);
  if (Number.isNaN(ms))
    throw axiosError(
      'error trying to parse `config.timeout` to int',
      AxiosError.ERR_BAD_OPTION_VALUE,
      config,
    );
  return ms;
}
