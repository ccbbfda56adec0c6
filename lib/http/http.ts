/** The `Http` face: axios' verbs, without axios' way of getting there. */
import type { AxiosRequestConfig, AxiosResponse } from 'axios';
import type { AttemptScope } from './attempt-scope.js';
import { Exchange } from './exchange.js';
import type { ExchangeContext } from './exchange-context.js';
import type { Address } from './gate.js';
import {
  requestConfig,
  transformRequest,
  transformResponse,
} from './request-config.js';

/**
 * Requests in axios' terms: relative URLs go to the dependency's host, answers are
 * `AxiosResponse`s, refused ones reject with an `AxiosError`.
 *
 * @publicApi
 */
export interface Http {
  get<T = unknown>(
    url: string,
    config?: AxiosRequestConfig,
  ): Promise<AxiosResponse<T>>;
  head<T = unknown>(
    url: string,
    config?: AxiosRequestConfig,
  ): Promise<AxiosResponse<T>>;
  options<T = unknown>(
    url: string,
    config?: AxiosRequestConfig,
  ): Promise<AxiosResponse<T>>;
  delete<T = unknown>(
    url: string,
    config?: AxiosRequestConfig,
  ): Promise<AxiosResponse<T>>;
  post<T = unknown>(
    url: string,
    data?: unknown,
    config?: AxiosRequestConfig,
  ): Promise<AxiosResponse<T>>;
  put<T = unknown>(
    url: string,
    data?: unknown,
    config?: AxiosRequestConfig,
  ): Promise<AxiosResponse<T>>;
  patch<T = unknown>(
    url: string,
    data?: unknown,
    config?: AxiosRequestConfig,
  ): Promise<AxiosResponse<T>>;
  request<T = unknown>(config: AxiosRequestConfig): Promise<AxiosResponse<T>>;
  request<T = unknown>(
    method: string,
    url: string,
    config?: AxiosRequestConfig,
  ): Promise<AxiosResponse<T>>;
}

/** What a request is, before anything is done about it. */
export interface RequestInfo {
  /** In lower case, as axios has it. */
  readonly method: string;
  readonly url: string;
  /** What says where to, for the gate. */
  readonly address: Address;
  /** The caller's own, which ends the whole operation. */
  readonly signal?: AbortSignal;
}

type Send = (
  method: string,
  url: string,
  data: unknown,
  config: AxiosRequestConfig | undefined,
) => Promise<AxiosResponse>;

/** The verbs over one way to send. */
class Verbs implements Http {
  constructor(private readonly send: Send) {}

  get<T>(url: string, config?: AxiosRequestConfig) {
    return this.bodiless<T>('get', url, config);
  }

  head<T>(url: string, config?: AxiosRequestConfig) {
    return this.bodiless<T>('head', url, config);
  }

  options<T>(url: string, config?: AxiosRequestConfig) {
    return this.bodiless<T>('options', url, config);
  }

  delete<T>(url: string, config?: AxiosRequestConfig) {
    return this.bodiless<T>('delete', url, config);
  }

  post<T>(url: string, data?: unknown, config?: AxiosRequestConfig) {
    return this.send('post', url, data, config) as Promise<AxiosResponse<T>>;
  }

  put<T>(url: string, data?: unknown, config?: AxiosRequestConfig) {
    return this.send('put', url, data, config) as Promise<AxiosResponse<T>>;
  }

  patch<T>(url: string, data?: unknown, config?: AxiosRequestConfig) {
    return this.send('patch', url, data, config) as Promise<AxiosResponse<T>>;
  }

  request<T>(
    first: AxiosRequestConfig | string,
    url?: string,
    config?: AxiosRequestConfig,
  ): Promise<AxiosResponse<T>> {
    const user = typeof first === 'string' ? config : first;
    const method = typeof first === 'string' ? first : first.method;
    return this.send(
      (method || 'get').toLowerCase(),
      url ?? user?.url ?? '',
      user?.data,
      user,
    ) as Promise<AxiosResponse<T>>;
  }

  private bodiless<T>(
    method: string,
    url: string,
    config?: AxiosRequestConfig,
  ) {
    return this.send(method, url, config?.data, config) as Promise<
      AxiosResponse<T>
    >;
  }
}

/** An exchange with what axios does around its adapter: transforms, and the dependency's hooks. */
class HttpExchange extends Exchange {
  protected override prepare(): void | Promise<void> {
    const waiting = super.prepare();
    const { onRequest } = this.context.http;
    if (onRequest === undefined) {
      if (waiting === undefined) return transformRequest(this.config);
      return waiting.then(() => transformRequest(this.config));
    }
    return Promise.resolve(waiting)
      .then(() => onRequest(this.config))
      .then((changed) => {
        if (changed) this.config = changed;
        this.dropDefaultsIfForeign();
        transformRequest(this.config);
      });
  }

  /** A hook that sends the request elsewhere does not send the dependency's headers with it. */
  private dropDefaultsIfForeign(): void {
    const { gate, defaults } = this.context;
    if (!gate.resolve(this.config, this.scope).isOwn)
      this.config.headers.delete([...defaults.names]);
  }

  protected override shape(response: AxiosResponse): void {
    transformResponse(this.config, response);
  }

  protected override accept(response: AxiosResponse): void {
    const { onResponse } = this.context.http;
    if (onResponse === undefined) return super.accept(response);
    const answer = onResponse(response);
    // Untyped code answers null as well.
    if (!answer || !('then' in answer)) return super.accept(answer ?? response);
    answer.then(
      (changed) => this.step(() => super.accept(changed ?? response)),
      (error: unknown) => this.fail(error),
    );
  }
}

/** `call.http`: every request belongs to the one attempt. */
export function attemptHttp(
  context: ExchangeContext,
  scope: AttemptScope,
): Http {
  return new Verbs((method, url, data, user) => {
    try {
      const config = requestConfig(method, url, data, user, scope.baseUrl);
      return new HttpExchange(context, scope, config).run();
    } catch (error) {
      return Promise.reject(error);
    }
  });
}

/**
 * `dependency.http`: every request is an operation of its own. `run` is given the work of one
 * attempt and what the request is; it runs it as often as it sees fit.
 */
export function operationHttp(
  run: (
    work: (http: Http) => Promise<AxiosResponse>,
    request: RequestInfo,
  ) => Promise<AxiosResponse>,
): Http {
  return new Verbs((method, url, data, user) =>
    run((http) => sendWith(http, method, url, data, user), {
      method,
      url,
      address: addressOf(url, user),
      ...(user?.signal instanceof AbortSignal && { signal: user.signal }),
    }),
  );
}

const addressOf = (
  url: string,
  user: AxiosRequestConfig | undefined,
): Address => (user === undefined ? { url } : { ...user, url });

function sendWith(
  http: Http,
  method: string,
  url: string,
  data: unknown,
  user: AxiosRequestConfig | undefined,
): Promise<AxiosResponse> {
  if (http instanceof Verbs)
    return (http as unknown as { send: Send }).send(method, url, data, user);
  return http.request({ ...user, method, url, data });
}
