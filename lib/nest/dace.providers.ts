/**
 * How executors and the registry are made. The registry is built from the tokens of the executors,
 * so that an overridden one reaches decorated methods too.
 */
import type { FactoryProvider } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { DaceConfigurationError } from '../core/errors.js';
import type { Dependency } from '../dependency/dependency.js';
import { isToCome } from './app-container.js';
import {
  DACE_APP,
  DACE_DEPENDENCIES,
  DACE_FEATURE_REGISTRATION,
} from './dace.constants.js';
import { missingRootMessage } from './dace.messages.js';
import type {
  DaceFeatureAsyncOptions,
  DependencyMap,
} from './dace-module.interface.js';
import { checkAgreement } from './dace.options.js';
import { DaceRegistry } from './dace-registry.js';
import { tokenOf } from './dace.tokens.js';
import { DaceLifecycle } from './dace.lifecycle.js';
import { making, untilAdded } from './until-added.js';

/** What a factory of the user answers. */
export function asyncDependencies({
  dependencies,
  inject = [],
  useFactory,
}: DaceFeatureAsyncOptions): FactoryProvider {
  return {
    provide: DACE_DEPENDENCIES,
    inject,
    useFactory: async (...args: never[]) => {
      const made = await making(dependencies, () => useFactory(...args));
      checkAgreement(dependencies, made);
      return made;
    },
  };
}

/** The executor of `id`, of a module that owns `ids`. */
export function dependencyProvider(
  id: string,
  ids: readonly string[],
): FactoryProvider<Dependency> {
  return {
    provide: tokenOf(id),
    inject: [DACE_DEPENDENCIES, { token: DaceLifecycle, optional: true }],
    useFactory: (all: DependencyMap, lifecycle?: DaceLifecycle) =>
      present(lifecycle, [id]).make(ids, id, all[id]),
  };
}

/**
 * The registry before it holds anything. Instances are bound to it that the app's options are made
 * of; it waits for nothing, for Nest 11 would wait for ever.
 */
export const appProvider: FactoryProvider<DaceRegistry> = {
  provide: DACE_APP,
  inject: [ModulesContainer],
  useFactory: (modules: ModulesContainer) => {
    const registry = new DaceRegistry();
    registry.whenAdded = (id) =>
      isToCome(modules, id) ? untilAdded(registry, id) : undefined;
    return registry;
  },
};

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
  return registering(DACE_FEATURE_REGISTRATION, ids);
}

function registering(
  provide: string | typeof DaceRegistry,
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
