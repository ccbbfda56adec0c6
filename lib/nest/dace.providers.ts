/**
 * How executors and the registry are made. The registry is built from the tokens of the executors,
 * so that an overridden one reaches decorated methods too.
 */
import type { FactoryProvider } from '@nestjs/common';
import { DaceConfigurationError } from '../core/errors.js';
import type { Dependency } from '../dependency/dependency.js';
import { missingRootMessage } from './dace.messages.js';
import type {
  DaceFeatureAsyncOptions,
  DependencyMap,
} from './dace-module.interface.js';
import { checkAgreement } from './dace.options.js';
import { DaceRegistry } from './dace-registry.js';
import { tokenOf } from './dace.tokens.js';
import { DaceLifecycle } from './dace.lifecycle.js';

/** What a factory of the user answers, under `provide`. */
export function asyncDependencies(
  provide: symbol,
  { dependencies, inject = [], useFactory }: DaceFeatureAsyncOptions,
): FactoryProvider {
  return {
    provide,
    inject,
    useFactory: async (...args: never[]) => {
      const made = await useFactory(...args);
      checkAgreement(dependencies, made);
      return made;
    },
  };
}

/** The executor of `id`; its options are found under the token `source`. */
export function dependencyProvider(
  id: string,
  source: symbol,
): FactoryProvider<Dependency> {
  return {
    provide: tokenOf(id),
    inject: [source, { token: DaceLifecycle, optional: true }],
    useFactory: (all: DependencyMap, lifecycle?: DaceLifecycle) =>
      present(lifecycle, [id]).make(id, all[id]),
  };
}

/** The registry of the app, holding what forRoot's tokens resolve to. */
export function registryProvider(
  ids: readonly string[],
): FactoryProvider<DaceRegistry> {
  return registering(DaceRegistry, ids);
}

/** Puts a feature's executors into the app's registry. */
export function registrationProvider(
  ids: readonly string[],
): FactoryProvider<DaceRegistry> {
  return registering(Symbol('DaceFeatureRegistration'), ids);
}

function registering(
  provide: symbol | typeof DaceRegistry,
  ids: readonly string[],
): FactoryProvider<DaceRegistry> {
  return {
    provide,
    inject: [{ token: DaceLifecycle, optional: true }, ...ids.map(tokenOf)],
    useFactory: (
      lifecycle: DaceLifecycle | undefined,
      ...made: Dependency[]
    ) => {
      const { registry } = present(lifecycle, ids);
      ids.forEach((id, index) => registry.add(id, made[index]!));
      return registry;
    },
  };
}

function present(
  lifecycle: DaceLifecycle | undefined,
  ids: readonly string[],
): DaceLifecycle {
  if (lifecycle !== undefined) return lifecycle;
  throw new DaceConfigurationError({
    dependencyId: 'DaceModule',
    message: missingRootMessage(ids),
  });
}
