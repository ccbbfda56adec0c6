import { AxiosHeaders } from 'axios';
import type { AxiosInstance } from 'axios';
import { concealSecrets } from './axios-errors.js';
import type { ExchangeContext } from './exchange-context.js';
import { Exchange } from './exchange.js';

/**
 * An exchange for an axios instance, which does the transforms itself. The instance hands the same
 * config to every attempt, so the dependency's headers go into a copy: a token that a function
 * gives is asked for anew.
 */
export class AdapterExchange extends Exchange {
  protected override prepare(): void | Promise<void> {
    const headers = new AxiosHeaders(this.config.headers);
    this.config = { ...this.config, headers };
    return super.prepare();
  }
}

/**
 * Gives an axios instance over our adapter what the `Http` face has of its own: the dependency's
 * hooks, once per request of the instance, and errors that show no secret.
 */
export function addHooks(
  instance: AxiosInstance,
  context: ExchangeContext,
): void {
  instance.interceptors.request.use(
    async (config) => (await context.http.onRequest?.(config)) || config,
    undefined,
    { runWhen: () => context.http.onRequest !== undefined },
  );
  instance.interceptors.response.use(
    (response) => {
      const { onResponse } = context.http;
      if (onResponse === undefined) return response;
      return Promise.resolve(onResponse(response)).then((r) => r || response);
    },
    (error: unknown) => {
      throw concealSecrets(error);
    },
  );
}
