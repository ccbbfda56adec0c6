/** What a user may say about HTTP, and its checked form. */
import type { ConnectionOptions } from 'node:tls';
import type { AxiosResponse, InternalAxiosRequestConfig } from 'axios';

/**
 * Headers by name: a value, or a function that is asked anew for each request.
 *
 * @publicApi
 */
export type HeaderValues = Readonly<
  Record<
    string,
    string | (() => string | undefined | PromiseLike<string | undefined>)
  >
>;

/** @publicApi */
export interface HttpOptions {
  /** Connections per netloc. @default 10 */
  readonly poolSize?: number | undefined;
  /** Name lookup, TCP and TLS handshake. @default 1000 */
  readonly connectTimeoutMs?: number | undefined;
  readonly tls?: ConnectionOptions | undefined;
  /**
   * Path of a Unix domain socket, or of a named pipe, that leads to the dependency's own hosts; their
   * URLs say what stands in `Host` and in TLS. Not beside `proxy`.
   */
  readonly socketPath?: string | undefined;
  /** `true` = the environment with NO_PROXY, or a URL. @default false */
  readonly proxy?: boolean | string | undefined;
  /** Sent with every request to the dependency's own hosts. */
  readonly headers?: HeaderValues | undefined;
  /** Header names that are never shown and never leave the origin. */
  readonly secretHeaders?: readonly string[] | undefined;
  /** Sees each request before its body is serialised; may change it or answer another. */
  readonly onRequest?:
    | ((
        config: InternalAxiosRequestConfig,
      ) =>
        | InternalAxiosRequestConfig
        | void
        | PromiseLike<InternalAxiosRequestConfig | void>)
    | undefined;
  /** Sees each answer that `validateStatus` accepts; may change it or answer another. */
  readonly onResponse?:
    | ((
        response: AxiosResponse,
      ) => AxiosResponse | void | PromiseLike<AxiosResponse | void>)
    | undefined;
  /** @default false */
  readonly allowOtherHosts?: boolean | undefined;
}

/** `HttpOptions`, checked and complete. */
export interface HttpSettings extends HttpOptions {
  readonly poolSize: number;
  readonly connectTimeoutMs: number;
  readonly proxy: boolean | string;
  readonly secretHeaders: readonly string[];
  readonly allowOtherHosts: boolean;
}

/** What the transport needs to know of a host. */
export interface HttpHost {
  /** Origin and path, no trailing slash. */
  readonly baseUrl: string;
  /** What it is called in `Host` and in TLS, if not by its address. */
  readonly hostName?: string | undefined;
}

/** The part of a dependency's settings that HTTP reads. */
export interface TransportSettings {
  readonly http: HttpSettings;
  readonly hosts: readonly HttpHost[];
  /** There is a list, empty as it may be: no URL is welcome that is not on it. */
  readonly isListed?: boolean | undefined;
  readonly propagateDeadline?: { readonly header: string } | undefined;
  /** Bounds the hooks that run beside the attempts; none if absent. */
  readonly attemptTimeoutMs?: number | undefined;
}

/** What the transport needs of the world: time comes in from outside. */
export interface TransportEnvironment {
  /** Calls `fn` after `ms`; the returned function takes it back. */
  readonly startTimer: (ms: number, fn: () => void) => () => void;
  /** Monotonic milliseconds, for `response.duration`. */
  readonly nowMs: () => number;
}
