/**
 * The drop-in: an axios instance whose every request is one operation of a dependency. What users
 * put on the instance, interceptors and defaults, is around the operation and runs once; the tries
 * are below it, in the adapter.
 */
import axios, {
  type AxiosInstance,
  type AxiosResponse,
  type InternalAxiosRequestConfig,
} from 'axios';
import { isDaceError } from '../core/errors.js';
import { addHooks } from '../http/adapter.js';
import { onCallerEnd } from '../http/caller.js';
import type { HttpTransport } from '../http/transport.js';
import type { Attempt } from './attempt.js';
import type { Call } from './call.js';
import type { ExecuteHooks } from './call-settings.js';

/** Runs work as one operation, without a fallback. */
type Run = (
  work: (call: Call) => Promise<AxiosResponse>,
  hooks: ExecuteHooks,
) => Promise<AxiosResponse>;

/**
 * `enclosing` answers the running attempt of the same dependency that a request is part of, if there
 * is one: it is then a request of that attempt, with no second permit, deadline, retry or count.
 */
export function dropInAxios(
  transport: HttpTransport,
  run: Run,
  enclosing: () => Call | undefined,
): AxiosInstance {
  const send = (
    call: Call,
    config: InternalAxiosRequestConfig,
  ): Promise<AxiosResponse> =>
    // Whatever is called an attempt here was made by the operation.
    transport.adapterFor(call as Attempt)(config) as Promise<AxiosResponse>;

  const instance = axios.create({
    adapter: async (config) => {
      const around = enclosing();
      if (around !== undefined) return send(around, config);
      let cancel: ((reason: unknown) => void) | undefined;
      const stopListening = onCallerEnd(config, (reason) => cancel?.(reason));
      try {
        return await run((call) => send(call, config), {
          onStart: (own) => {
            cancel = own;
          },
        });
      } catch (error) {
        throw lastOf(error);
      } finally {
        stopListening?.();
      }
    },
  });
  addHooks(instance, transport);
  return instance;
}

/** Code that was written for axios asks for its error, not for how often it was tried. */
function lastOf(error: unknown): unknown {
  return isDaceError(error, 'DACE_RETRY_EXHAUSTED') && error.cause !== undefined
    ? error.cause
    : error;
}
