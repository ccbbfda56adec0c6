/**
 * The life of the module in an app: makes executors, checks at start-up that every decorated method
 * names one, and closes at shutdown what it has made.
 */
import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { DaceConfigurationError } from '../core/errors.js';
import { createDependency, type Dependency } from '../dependency/dependency.js';
import type { DependencyOptions } from '../dependency/options.js';
import { classesOf, countProviders, holdsInstance } from './app-container.js';
import { appStarted, appStopped } from './binder.js';
import { DACE_MODULE_OPTIONS } from './dace.constants.js';
import type { DaceModuleOptions } from './dace-module.interface.js';
import { secondRootMessage } from './dace.messages.js';
import { DaceRegistry } from './dace-registry.js';
import {
  checkFallback,
  protectedMethodsOf,
} from './fault-tolerant.decorator.js';
import { enterAttempt } from './frames.js';

@Injectable()
export class DaceLifecycle implements OnModuleInit, OnApplicationShutdown {
  readonly registry = new DaceRegistry();
  /** What was made here; an overridden executor is closed by whoever made it. */
  private readonly made: Dependency[] = [];

  constructor(
    @Inject(DACE_MODULE_OPTIONS) private readonly options: DaceModuleOptions,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
  ) {
    this.registry.cancelOnDisconnect = options.cancelOnDisconnect;
    this.registry.holds = (instance) => holdsInstance(modules, instance);
  }

  make(id: string, options: DependencyOptions | undefined): Dependency {
    const { defaults, clock, random, logger } = this.options;
    const { registry } = this;
    const dependency = createDependency(id, options, {
      defaults,
      clock,
      random,
      logger:
        logger === false ? undefined : (logger ?? new Logger(`Dace:${id}`)),
      enterAttempt: (call, work) => enterAttempt(registry, call, work),
    });
    this.made.push(dependency);
    return dependency;
  }

  onModuleInit(): void {
    if (countProviders(this.modules, DaceLifecycle) > 1)
      throw new DaceConfigurationError({
        dependencyId: 'DaceModule',
        message: secondRootMessage(),
      });
    for (const type of classesOf(this.modules)) this.check(type);
    this.registry.onBound = (instance) => this.check(instance.constructor);
    appStarted(this.registry);
  }

  async onApplicationShutdown(): Promise<void> {
    appStopped(this.registry);
    await Promise.all(this.made.map((dependency) => dependency.close()));
  }

  /** Every decorated method of a class names a known id, and a fallback that exists. */
  private check(type: unknown): void {
    for (const method of protectedMethodsOf(type)) {
      const { id, className, name } = method;
      checkFallback(method);
      if (!this.registry.has(id))
        throw this.registry.unknown(id, [`${className}.${String(name)}`]);
    }
  }
}
