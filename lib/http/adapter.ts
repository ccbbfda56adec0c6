import { Readable } from 'node:stream';
import type {
  AxiosHeaders,
  AxiosInstance,
  AxiosResponse,
  InternalAxiosRequestConfig,
} from 'axios';
import { partOf } from '../core/part-of.js';
import type { AttemptScope } from './attempt-scope.js';
import { concealSecrets, isOfAxios } from './axios-errors.js';
import { bounded, type Bound } from './bounded.js';
import type { ExchangeContext } from './exchange-context.js';
import { Exchange } from './exchange.js';
import type { HttpSettings } from './http-options.js';
import type { HeaderFields } from './response-head.js';

/**
 * An exchange for an axios instance, which does the transforms itself. The instance hands the same
 * config to every attempt, so what the dependency and the body add to the headers goes into a copy: a
 * token that a function gives is asked for anew, at each attempt and where an interceptor sends the
 * config of an answer or of an error again.
 */
export class AdapterExchange extends Exchange {
  private readonly given = this.config;

  constructor(
    context: ExchangeContext,
    scope: AttemptScope,
    config: InternalAxiosRequestConfig,
    /** That of the copy of axios which asks: it takes long over those of another one. */
    private readonly Headers: typeof AxiosHeaders,
  ) {
    super(context, scope, config);
  }

  protected override emptyHeaders(): HeaderFields {
    return new this.Headers();
  }

  protected override prepare(): void | Promise<void> {
    // What axios makes a config of takes long to copy.
    if (this.context.defaults.isEmpty && !this.config.data)
      return super.prepare();
    // Field by field: what is switched off by `false` would be lost.
    const headers = Object.assign(this.emptyHeaders(), this.given.headers);
    this.config = { ...this.given, headers };
    return super.prepare();
  }

  protected override succeed(response: AxiosResponse): void {
    response.config = this.given;
    super.succeed(response);
  }

  protected override refuse(error: unknown): void {
    super.refuse(this.asGiven(error));
  }

  protected override fail(error: unknown): void {
    super.fail(this.asGiven(error));
  }

  /** Leaves alone what is not of this request. */
  private asGiven(error: unknown): unknown {
    if (!isOfAxios(error) || partOf(error, 'config') !== this.config)
      return error;
    // Of a frozen one nothing can be changed.
    Reflect.set(error, 'config', this.given);
    if (error.response !== undefined) error.response.config = this.given;
    return error;
  }
}

/**
 * Gives an axios instance over our adapter what the `Http` face has of its own: the dependency's
 * hooks, once per request of the instance, and errors that show no secret.
 */
export function addHooks(
  { interceptors }: AxiosInstance,
  context: ExchangeContext & { readonly hookBound: Bound },
): void {
  alwaysThere(interceptors.request, (list) =>
    list.use(
      async (config) =>
        (await bounded(context.http.onRequest?.(config), context.hookBound)) ||
        config,
      undefined,
      { runWhen: () => context.http.onRequest !== undefined },
    ),
  );
  alwaysThere(interceptors.response, (list) =>
    list.use(
      (response) => {
        const { onResponse } = context.http;
        if (onResponse === undefined) return response;
        return hooked(response, onResponse, context.hookBound);
      },
      (error: unknown) => {
        throw concealSecrets(error);
      },
    ),
  );
}

/** A body that is still to come goes with its answer, where the hook refuses that. */
async function hooked(
  response: AxiosResponse,
  onResponse: NonNullable<HttpSettings['onResponse']>,
  bound: Bound,
): Promise<AxiosResponse> {
  const { data } = response as { data: unknown };
  try {
    return (await bounded(onResponse(response), bound)) || response;
  } catch (error) {
    if (data instanceof Readable) data.destroy();
    throw error;
  }
}

/** Adds an interceptor that is not the user's: a user who clears the list does not mean it. */
export function alwaysThere<List extends { clear(): void }>(
  list: List,
  add: (list: List) => void,
): void {
  const clear = list.clear.bind(list);
  list.clear = () => {
    clear();
    add(list);
  };
  add(list);
}
