/**
 * The drop-in: an axios instance whose every request is one operation of a dependency. What users
 * put on the instance, interceptors and defaults, is around the operation and runs once; the tries
 * are below it, in the adapter.
 */
import axios, {
  type AxiosAdapter,
  type AxiosInstance,
  type AxiosResponse,
  type AxiosStatic,
  type InternalAxiosRequestConfig,
} from 'axios';
import { isDaceError } from '../core/errors.js';
import { addHooks, alwaysThere } from '../http/adapter.js';
import { onCallerEnd } from '../http/caller.js';
import type { Address } from '../http/gate.js';
import type { HttpTransport } from '../http/transport.js';
import type { Attempt } from './attempt.js';
import type { Call } from './call.js';
import type { ExecuteHooks } from './call-settings.js';

/** Runs a request as one operation, without a fallback. */
export type RunRequest = (
  work: (call: Call) => Promise<AxiosResponse>,
  hooks: ExecuteHooks | undefined,
  to: Address,
  signal?: AbortSignal,
) => Promise<AxiosResponse>;

export interface DropInSurroundings {
  /**
   * The running attempt of the same dependency that a request is part of, if there is one: it is then
   * a request of that attempt, with no second permit, deadline, retry or count.
   */
  readonly enclosing: () => Call | undefined;
  /** The copy of axios that the users of the instance compare errors with. */
  readonly library: AxiosStatic;
}

export function dropInAxios(
  transport: HttpTransport,
  run: RunRequest,
  { enclosing, library }: DropInSurroundings,
): AxiosInstance {
  const send = (
    call: Call,
    config: InternalAxiosRequestConfig,
  ): Promise<AxiosResponse> =>
    // Whatever is called an attempt here was made by the operation.
    transport
      .adapterFor(
        call as Attempt,
        library,
      )(config)
      .catch((error: unknown) => {
        throw ofLibrary(library, error);
      });

  const adapter: AxiosAdapter = async (config) => {
    const around = enclosing();
    if (around !== undefined) return send(around, config);
    let cancel: ((reason: unknown) => void) | undefined;
    const stopListening = onCallerEnd(config, (reason) =>
      cancel?.(ofLibrary(library, reason)),
    );
    try {
      const onStart = (own: (reason: unknown) => void): void => {
        cancel = own;
      };
      return await run((call) => send(call, config), { onStart }, config);
    } catch (error) {
      throw lastOf(error);
    } finally {
      stopListening?.();
    }
  };
  return furnished(library.create({ adapter }), transport, adapter);
}

/** The instance, and what is made of it by `create`, with what every request of ours goes through. */
function furnished(
  instance: AxiosInstance,
  transport: HttpTransport,
  adapter: AxiosAdapter,
): AxiosInstance {
  alwaysThere(instance.interceptors.request, (list) =>
    list.use(
      (config) => {
        // A name stands for another transport, past the dependency; a function for whatever its
        // author wants: an answer out of a cache, or out of a test.
        if (typeof config.adapter !== 'function') config.adapter = adapter;
        return config;
      },
      undefined,
      { synchronous: true },
    ),
  );
  addHooks(instance, transport);
  mergeOnce(instance);
  const create = instance.create.bind(instance);
  instance.create = (config) => furnished(create(config), transport, adapter);
  return instance;
}

/**
 * The methods of axios without a body merge a config of their own before `request` merges it with the
 * defaults. The outcome is the same without, and a fifth of the price of a request is saved.
 */
function mergeOnce(instance: AxiosInstance): void {
  const request = instance.request.bind(instance);
  for (const method of ['get', 'delete', 'head', 'options'] as const)
    instance[method] = async (url, config) =>
      request({ ...config, method, url });
  for (const method of ['post', 'put', 'patch'] as const)
    instance[method] = async (url, data, config) =>
      request({ ...config, method, url, data });
}

/** Code that was written for axios asks for its error, not for how often it was tried. */
function lastOf(error: unknown): unknown {
  return isDaceError(error, 'DACE_RETRY_EXHAUSTED') && error.cause !== undefined
    ? error.cause
    : error;
}

/**
 * An error of axios with the classes of `library`. An app holds two copies of axios as soon as one
 * part of it imports it and another one requires it, and they do not know each other's classes.
 */
function ofLibrary(
  { AxiosError, CanceledError }: AxiosStatic,
  error: unknown,
): unknown {
  if (!axios.isAxiosError(error) || error instanceof AxiosError) return error;
  const { prototype } = axios.isCancel(error) ? CanceledError : AxiosError;
  if (Object.isExtensible(error)) Object.setPrototypeOf(error, prototype);
  return error;
}
