/**
 * The module: `forRoot` once per app, `forFeature` where a module owns dependencies of its own.
 */
import {
  Inject,
  Module,
  type DynamicModule,
  type NestModule,
  type Provider,
} from '@nestjs/common';
import { APP_FILTER, HttpAdapterHost } from '@nestjs/core';
import { realClock } from '../core/clock.js';
import {
  DACE_APP,
  DACE_MODULE_OPTIONS,
  DACE_DEPENDENCIES,
} from './dace.constants.js';
import type {
  DaceFeatureAsyncOptions,
  DaceModuleAsyncOptions,
  DaceModuleOptions,
  DependencyMap,
} from './dace-module.interface.js';
import {
  checkFeatureAsync,
  checkLateOptions,
  checkModuleOptions,
  checkRootAsync,
  idsOf,
} from './dace.options.js';
import { DaceRegistry } from './dace-registry.js';
import { DaceLifecycle } from './dace.lifecycle.js';
import {
  appProvider,
  asyncDependencies,
  dependencyProvider,
  registrationProvider,
  registryProvider,
} from './dace.providers.js';
import { readIncomingDeadlines } from './incoming-deadline.js';
import { YieldingExceptionFilter } from './yielding-exception.filter.js';
import { tokenOf } from './dace.tokens.js';
import { httpServiceProvider, httpServiceTokenOf } from './http-service.js';

/**
 * Makes the executors of an app's dependencies injectable and its `@FaultTolerant` methods work.
 *
 * Errors: DaceConfigurationError at start-up for wrong options, a second `forRoot`, a duplicate id,
 *         or a decorated method that names an id nobody registered.
 * @publicApi
 */
@Module({})
export class DaceModule {
  /** Once per app. */
  static forRoot(
    dependencies: DependencyMap,
    options: DaceModuleOptions = {},
  ): DynamicModule {
    checkModuleOptions(options);
    return root(
      idsOf('DaceModule.forRoot', dependencies),
      options,
      { provide: DACE_MODULE_OPTIONS, useValue: options },
      { provide: DACE_DEPENDENCIES, useValue: dependencies },
      [],
    );
  }

  /** `forRoot` with options that come from other providers; the ids are known before. */
  static forRootAsync(options: DaceModuleAsyncOptions): DynamicModule {
    checkRootAsync(options);
    const { dependencies, inject = [], useOptions, imports = [] } = options;
    const late = async (...args: never[]): Promise<DaceModuleOptions> => {
      const made = (await useOptions?.(...args)) ?? {};
      checkLateOptions(made);
      return made;
    };
    return root(
      dependencies,
      options,
      {
        provide: DACE_MODULE_OPTIONS,
        inject: useOptions === undefined ? [] : inject,
        useFactory: late,
      },
      asyncDependencies(options),
      imports,
    );
  }

  /** Dependencies of one module, in the app's one registry. */
  static forFeature(dependencies: DependencyMap): DynamicModule {
    return feature(idsOf('DaceModule.forFeature', dependencies), {
      provide: DACE_DEPENDENCIES,
      useValue: dependencies,
    });
  }

  /** `forFeature` with options that come from other providers. */
  static forFeatureAsync(options: DaceFeatureAsyncOptions): DynamicModule {
    checkFeatureAsync(options);
    const { dependencies, imports = [] } = options;
    const provider = asyncDependencies(options);
    return { ...feature([...dependencies], provider), imports };
  }
}

/** Seen by every module, whatever `isGlobal` says: features and decorated methods hang on it. */
@Module({})
export class DaceCoreModule implements NestModule {
  constructor(
    @Inject(DACE_APP) private readonly registry: DaceRegistry,
    @Inject(DACE_MODULE_OPTIONS) private readonly options: DaceModuleOptions,
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost,
  ) {}

  /** Nest asks before it adds middleware and routes; where nobody trusts a header, nothing is added. */
  configure(): void {
    if (this.registry.isIncomingTrusted)
      readIncomingDeadlines(this.host, this.options.clock ?? realClock);
  }
}

/** A module that owns dependencies; several may stand in one app. */
@Module({})
export class DaceFeatureModule {}

function root(
  ids: readonly string[],
  { isGlobal = true, filter = false }: DaceModuleOptions,
  options: Provider,
  dependencies: Provider,
  imports: NonNullable<DynamicModule['imports']>,
): DynamicModule {
  const core: DynamicModule = {
    module: DaceCoreModule,
    global: true,
    imports,
    providers: [options, DaceLifecycle, appProvider],
    exports: [DaceLifecycle, DACE_APP],
  };
  return {
    module: DaceModule,
    global: isGlobal,
    imports: [...imports, core],
    providers: [
      dependencies,
      registryProvider(ids),
      ...ids.map((id) => dependencyProvider(id, ids)),
      ...ids.map(httpServiceProvider),
      ...(filter
        ? [{ provide: APP_FILTER, useClass: YieldingExceptionFilter }]
        : []),
    ],
    exports: [
      DaceRegistry,
      ...ids.map(tokenOf),
      ...ids.map(httpServiceTokenOf),
    ],
  };
}

function feature(
  ids: readonly string[],
  dependencies: Provider,
): DynamicModule {
  return {
    module: DaceFeatureModule,
    providers: [
      dependencies,
      ...ids.map((id) => dependencyProvider(id, ids)),
      ...ids.map(httpServiceProvider),
      registrationProvider(ids),
    ],
    exports: [...ids.map(tokenOf), ...ids.map(httpServiceTokenOf)],
  };
}
