import { HttpService } from '@nestjs/axios';
import axios, { type AxiosRequestConfig } from 'axios';
import type { Dependency } from 'nestjs-dace/core';
import { lastValueFrom } from 'rxjs';
import { request } from 'undici';

export type Way = (config: AxiosRequestConfig) => Promise<unknown>;

/** Every way for a request to a dependency; `base` is what a relative URL of an agent is read by. */
export function waysTo(
  dependency: Dependency,
  base: string,
): Record<'call.http' | 'dependency.http' | 'HttpService' | 'call.agent', Way> {
  const instance = dependency.dropIn({
    enclosing: () => undefined,
    library: axios,
  });
  // axios declares its types once for `import` and once for `require`.
  const service = new HttpService(instance as never);
  return {
    'call.http': (config) =>
      dependency.execute((call) => call.http.request(config)),
    'dependency.http': (config) => dependency.http.request(config),
    HttpService: (config) => lastValueFrom(service.request(config as never)),
    'call.agent': ({ url = '', method = 'GET', headers }) =>
      dependency.execute(async (call) => {
        const { body, statusCode } = await request(new URL(url, base), {
          dispatcher: call.agent,
          method: method as 'GET',
          headers: headers as Record<string, string>,
        });
        await body.dump();
        return statusCode;
      }),
  };
}

export const AXIOS_WAYS = [
  'call.http',
  'dependency.http',
  'HttpService',
] as const;
export const WAYS = [...AXIOS_WAYS, 'call.agent'] as const;
