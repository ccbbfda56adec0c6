/**
 * The life of the module in an app: makes executors, checks at start-up that every decorated method
 * names one, and closes at shutdown what it has made.
 */
import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { settled } from '../core/clock.js';
import { DaceConfigurationError } from '../core/errors.js';
import { Dependency } from '../dependency/dependency.js';
import type { DependencyOptions } from '../dependency/options.js';
import {
  classesOf,
  countProviders,
  holdsInstance,
  isLoadedLazily,
  isToCome,
  moveFarthest,
} from './app-container.js';
import type { AttemptScript } from './attempt-script.js';
import { appMade, appStarted, appStopped } from './binder.js';
import { DACE_APP, DACE_MODULE_OPTIONS } from './dace.constants.js';
import type {
  DaceModuleOptions,
  InjectedDependencyOptions,
} from './dace-module.interface.js';
import { lazyRootMessage, secondRootMessage } from './dace.messages.js';
import { DaceRegistry } from './dace-registry.js';
import {
  checkFallback,
  protectedMethodsOf,
} from './fault-tolerant.decorator.js';
import { enterAttempt } from './frames.js';
import { checkInjectedParts, withInjectedParts } from './injected-parts.js';
import { untilAdded } from './until-added.js';

@Injectable()
export class DaceLifecycle
  implements OnModuleInit, OnApplicationBootstrap, OnApplicationShutdown
{
  /** What was made here, by the list of ids that its module owns; an overridden executor is closed by whoever made it. */
  private readonly made = new Map<object, Map<string, Dependency>>();
  private readonly checked = new WeakSet<object>();
  /** Bound before start-up: middleware is in no list of providers. */
  private readonly early = new Map<unknown, object>();
  /** Options whose hosts and balancers may be providers. */
  private readonly given: (DependencyOptions | undefined)[] = [];
  private allMade: () => void = () => undefined;
  /** The container has made all that is not made lazily. */
  private readonly whenMade = new Promise<void>((resolve) => {
    this.allMade = resolve;
  });
  private isStarted = false;
  /** Of a test. */
  script: AttemptScript | undefined;

  constructor(
    @Inject(DACE_APP) readonly registry: DaceRegistry,
    @Inject(DACE_MODULE_OPTIONS) private readonly options: DaceModuleOptions,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
  ) {
    if (countProviders(modules, DaceLifecycle) > 1)
      throw misuse(secondRootMessage());
    if (isLoadedLazily(modules, DaceLifecycle)) throw misuse(lazyRootMessage());
    moveFarthest(modules, DaceLifecycle);
    registry.cancelOnDisconnect = options.cancelOnDisconnect;
    registry.holds = (isIt) => holdsInstance(modules, isIt);
    registry.onBound = (instance) =>
      this.early.set(instance.constructor, instance);
    registry.whenAdded = (id) =>
      isToCome(modules, id)
        ? untilAdded(registry, id, options.clock)
        : undefined;
    appMade(registry);
  }

  /**
   * Once for each module: Nest may construct a lazy one twice, for two that load it at once, or again
   * when it could not be loaded.
   */
  make(
    ids: readonly string[],
    id: string,
    options: InjectedDependencyOptions | undefined,
  ): Dependency {
    const siblings = this.made.get(ids) ?? new Map<string, Dependency>();
    this.made.set(ids, siblings);
    const dependency = siblings.get(id) ?? this.makeOne(id, options);
    siblings.set(id, dependency);
    return dependency;
  }

  private makeOne(
    id: string,
    given: InjectedDependencyOptions | undefined,
  ): Dependency {
    const { modules, whenMade } = this;
    const options = withInjectedParts(id, given, modules, whenMade);
    const { clock, random, logger } = this.options;
    const defaults = withInjectedParts(
      id,
      this.options.defaults,
      modules,
      whenMade,
    );
    this.given.push(options, defaults);
    const { registry } = this;
    const dependency = new Dependency(id, options, {
      defaults,
      clock,
      random,
      logger:
        logger === false ? undefined : (logger ?? new Logger(`Dace:${id}`)),
      enterAttempt: (call, work) =>
        enterAttempt(registry, call, this.script?.workOf(call, work) ?? work),
    });
    // Of a lazy module: when all of it is made.
    if (this.isStarted) void settled().then(() => dependency.start());
    return dependency;
  }

  onModuleInit(): void {
    this.allMade();
    for (const options of this.given.splice(0)) checkInjectedParts(options);
    const { registry, early } = this;
    this.check([...early, ...classesOf(this.modules)]);
    early.clear();
    // From now on classes come one by one: lazy modules, ModuleRef.create, bind.
    registry.onBound = (instance) =>
      this.check([[instance.constructor, instance]]);
    registry.whenAdded = () => undefined;
    appStarted(registry);
  }

  /** Sources that are providers may only now be ready for questions. */
  onApplicationBootstrap(): void {
    this.isStarted = true;
    for (const made of this.made.values())
      for (const dependency of made.values()) dependency.start();
  }

  async onApplicationShutdown(): Promise<void> {
    appStopped(this.registry);
    const all = [...this.made.values()].flatMap((made) => [...made.values()]);
    await Promise.all(all.map((dependency) => dependency.close()));
  }

  /**
   * Every decorated method of the classes names a known id, and a fallback that exists: an instance
   * shows that, whose constructor may have made it; without one the class is looked at again.
   */
  private check(types: Iterable<readonly [unknown, object | undefined]>): void {
    const users = new Map<string, Set<string>>();
    for (const [type, instance] of types) {
      if (typeof type !== 'function' || this.checked.has(type)) continue;
      for (const method of protectedMethodsOf(type)) {
        const { id, className, name } = method;
        if (instance !== undefined) checkFallback(method, instance);
        if (this.registry.has(id) || isToCome(this.modules, id)) continue;
        const known = users.get(id) ?? new Set();
        users.set(id, known.add(`${className}.${String(name)}`));
      }
      if (users.size === 0 && instance !== undefined) this.checked.add(type);
    }
    for (const [id, names] of users)
      throw this.registry.unknown(id, [...names]);
  }
}

function misuse(message: string): DaceConfigurationError {
  return new DaceConfigurationError({ dependencyId: 'DaceModule', message });
}
