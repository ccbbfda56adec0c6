/**
 * `@InjectHttpService`: an `HttpService` of `@nestjs/axios` whose every request is protected.
 */
import type { HttpService } from '@nestjs/axios';
import { Inject, type FactoryProvider } from '@nestjs/common';
import type { AxiosInstance, AxiosStatic } from 'axios';
import { DaceConfigurationError } from '../core/errors.js';
import type { Dependency } from '../dependency/dependency.js';
import type { App } from './app.js';
import { DACE_APP } from './dace.constants.js';
import { noHttpServiceMessage } from './dace.messages.js';
import { tokenOf } from './dace.tokens.js';
import { DropInHttpService } from './drop-in-http-service.js';
import type { DependencyId } from './dependency-ids.js';
import { enclosingAttempt } from './frames.js';

/** The token of any id; ids that come from options are checked elsewhere. */
export function httpServiceTokenOf(id: string): string {
  return `DaceHttpService:${id}`;
}

/**
 * The token of one dependency's `HttpService`, for `overrideProvider` and factories.
 *
 * @publicApi
 */
export function getHttpServiceToken(id: DependencyId): string {
  return httpServiceTokenOf(id);
}

/**
 * Injects an `HttpService` whose every request is one protected operation: relative URLs go to the
 * dependency's hosts, tries happen below the interceptors of `axiosRef`, and what fails in the end
 * fails with the `AxiosError` of its last try.
 *
 * Errors: our refusals and timeouts stay ours (DaceCircuitOpenError, DaceTimeoutError, …).
 * @example constructor(@InjectHttpService('payments') private readonly http: HttpService) {}
 * @publicApi
 */
export function InjectHttpService(
  id: DependencyId,
): PropertyDecorator & ParameterDecorator {
  return Inject(httpServiceTokenOf(id));
}

/** Costs next to nothing until somebody sends a request: Nest makes one for every id. */
export function httpServiceProvider(id: string): FactoryProvider<HttpService> {
  return {
    provide: httpServiceTokenOf(id),
    inject: [tokenOf(id), { token: DACE_APP, optional: true }],
    useFactory: (dependency: Partial<Dependency>, app?: App) =>
      new DropInHttpService((library) =>
        dependency.dropIn === undefined || app === undefined
          ? overridden(id, library)
          : dependency.dropIn({
              library,
              enclosing: () => enclosingAttempt(app, id),
            }),
      ),
  };
}

/** A test's stand-in for the dependency has no connections to lend. */
function overridden(id: string, library: AxiosStatic): AxiosInstance {
  return library.create({
    adapter: () =>
      Promise.reject(
        new DaceConfigurationError({
          dependencyId: id,
          message: noHttpServiceMessage(id),
        }),
      ),
  });
}
