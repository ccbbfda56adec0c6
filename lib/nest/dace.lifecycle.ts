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
import { appMade, appStarted, appStopped } from './binder.js';
import { DACE_MODULE_OPTIONS } from './dace.constants.js';
import type { DaceModuleOptions } from './dace-module.interface.js';
import { secondRootMessage } from './dace.messages.js';
import { DaceRegistry } from './dace-registry.js';
import { tokenOf } from './dace.tokens.js';
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
  private readonly checked = new WeakSet<object>();

  constructor(
    @Inject(DACE_MODULE_OPTIONS) private readonly options: DaceModuleOptions,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
  ) {
    if (countProviders(modules, DaceLifecycle) > 1)
      throw new DaceConfigurationError({
        dependencyId: 'DaceModule',
        message: secondRootMessage(),
      });
    this.registry.cancelOnDisconnect = options.cancelOnDisconnect;
    this.registry.holds = (instance) => holdsInstance(modules, instance);
    appMade(this.registry);
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
    this.check(classesOf(this.modules));
    // From now on classes come one by one: lazy modules, ModuleRef.create, bind.
    this.registry.onBound = (instance) => this.check([instance.constructor]);
    appStarted(this.registry);
  }

  async onApplicationShutdown(): Promise<void> {
    appStopped(this.registry);
    await Promise.all(this.made.map((dependency) => dependency.close()));
  }

  /** Every decorated method of the classes names a known id, and a fallback that exists. */
  private check(types: Iterable<unknown>): void {
    const users = new Map<string, Set<string>>();
    for (const type of types) {
      if (typeof type !== 'function' || this.checked.has(type)) continue;
      for (const method of protectedMethodsOf(type)) {
        const { id, className, name } = method;
        checkFallback(method, type);
        if (this.isKnown(id)) continue;
        const known = users.get(id) ?? new Set();
        users.set(id, known.add(`${className}.${String(name)}`));
      }
      if (users.size === 0) this.checked.add(type);
    }
    for (const [id, names] of users)
      throw this.registry.unknown(id, [...names]);
  }

  /** A lazy module's own dependencies may be made after the classes that use them. */
  private isKnown(id: string): boolean {
    return (
      this.registry.has(id) || countProviders(this.modules, tokenOf(id)) > 0
    );
  }
}
