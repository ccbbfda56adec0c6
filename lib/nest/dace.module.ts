/**
 * The module: `forRoot` once per app, `forFeature` where a module owns dependencies of its own.
 */
import {
  Module,
  type DynamicModule,
  type FactoryProvider,
  type Provider,
} from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import {
  DACE_MODULE_OPTIONS,
  DACE_ROOT_DEPENDENCIES,
} from './dace.constants.js';
import { DaceExceptionFilter } from './dace-exception.filter.js';
import type {
  DaceFeatureAsyncOptions,
  DaceModuleAsyncOptions,
  DaceModuleOptions,
  DependencyMap,
} from './dace-module.interface.js';
import { DaceRegistry } from './dace-registry.js';
import { getDependencyToken } from './dace.tokens.js';
import { DaceLifecycle } from './dace.lifecycle.js';
import {
  checkAgreement,
  checkIds,
  checkModuleOptions,
  dependencyProvider,
  registrationProvider,
  registryProvider,
} from './dace.providers.js';

/**
 * Makes the executors of an app's dependencies injectable and its `@FaultTolerant` methods work.
 *
 * Errors: DaceConfigurationError at start-up for wrong options, a second `forRoot`, a duplicate id,
 *         or a decorated method that names an id nobody registered.
 * @publicApi
 */
@Module({})
export class DaceModule {
  static forRoot(
    dependencies: DependencyMap,
    options: DaceModuleOptions = {},
  ): DynamicModule {
    checkModuleOptions(options);
    const ids = checkIds(dependencies);
    return root(ids, options, [
      { provide: DACE_MODULE_OPTIONS, useValue: options },
      { provide: DACE_ROOT_DEPENDENCIES, useValue: dependencies },
    ]);
  }

  static forRootAsync(options: DaceModuleAsyncOptions): DynamicModule {
    const { dependencies: ids, inject = [], useOptions } = options;
    const module = root(ids, options, [
      {
        provide: DACE_MODULE_OPTIONS,
        inject: useOptions === undefined ? [] : inject,
        useFactory: async (...args: never[]) => {
          const { isGlobal, filter } = options;
          const made = (await useOptions?.(...args)) ?? {};
          checkModuleOptions(made);
          return { ...made, isGlobal, filter };
        },
      },
      asyncDependencies(DACE_ROOT_DEPENDENCIES, options),
    ]);
    return { ...module, imports: options.imports };
  }

  /** Dependencies of one module, in the app's one registry. */
  static forFeature(dependencies: DependencyMap): DynamicModule {
    const source = Symbol('DaceFeatureDependencies');
    return feature(checkIds(dependencies), source, {
      provide: source,
      useValue: dependencies,
    });
  }

  static forFeatureAsync(options: DaceFeatureAsyncOptions): DynamicModule {
    const source = Symbol('DaceFeatureDependencies');
    const module = feature(
      options.dependencies,
      source,
      asyncDependencies(source, options),
    );
    return { ...module, imports: options.imports };
  }
}

/** A module that owns dependencies; several may stand in one app. */
@Module({})
export class DaceFeatureModule {}

function root(
  ids: readonly string[],
  { isGlobal = true, filter = false }: DaceModuleOptions,
  sources: readonly Provider[],
): DynamicModule {
  const tokens = ids.map((id) => getDependencyToken(id));
  return {
    module: DaceModule,
    global: isGlobal,
    providers: [
      ...sources,
      registryProvider(ids),
      ...ids.map((id) => dependencyProvider(id, DACE_ROOT_DEPENDENCIES)),
      DaceLifecycle,
      ...(filter
        ? [{ provide: APP_FILTER, useClass: DaceExceptionFilter }]
        : []),
    ],
    exports: [DaceRegistry, DaceLifecycle, ...tokens],
  };
}

function feature(
  ids: readonly string[],
  source: symbol,
  dependencies: Provider,
): DynamicModule {
  return {
    module: DaceFeatureModule,
    providers: [
      dependencies,
      ...ids.map((id) => dependencyProvider(id, source)),
      registrationProvider(ids),
    ],
    exports: ids.map((id) => getDependencyToken(id)),
  };
}

function asyncDependencies(
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
