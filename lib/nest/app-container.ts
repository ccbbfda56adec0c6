/**
 * What the app's container holds, looked at from outside: decorated classes, instances, filters.
 */
import type {
  ArgumentsHost,
  ExceptionFilter,
  InjectionToken,
  Type,
} from '@nestjs/common';
import { APP_FILTER, ModulesContainer } from '@nestjs/core';
import { DACE_FEATURE_REGISTRATION } from './dace.constants.js';
import { DaceRegistry } from './dace-registry.js';
import { tokenOf } from './dace.tokens.js';

/** As Nest names the classes that a filter catches. */
const FILTER_CATCH_EXCEPTIONS = '__filterCatchExceptions__';

/** What this file reads of Nest's wrapper around a provider. */
interface Wrapper {
  readonly metatype: unknown;
  readonly instance: unknown;
  readonly isTransient: boolean;
  isDependencyTreeStatic(): boolean;
  getStaticTransientInstances(): ({ instance: unknown } | undefined)[];
}

function* wrappersOf(modules: ModulesContainer): Iterable<Wrapper> {
  for (const { providers, controllers, injectables } of modules.values()) {
    yield* providers.values();
    yield* controllers.values();
    yield* injectables.values();
  }
}

/** What the container keeps; nobody keeps the instances of a request. */
function* instancesOf(wrapper: Wrapper): Iterable<object> {
  const kept = wrapper.isTransient
    ? wrapper.getStaticTransientInstances().map((host) => host?.instance)
    : [wrapper.instance];
  for (const instance of kept)
    if (typeof instance === 'object' && instance !== null) yield instance;
}

/** Every class that the container constructs, and those of what it was handed, with an instance if it keeps one. */
export function classesOf(
  modules: ModulesContainer,
): Map<unknown, object | undefined> {
  const classes = new Map<unknown, object | undefined>();
  for (const wrapper of wrappersOf(modules)) {
    if (!classes.has(wrapper.metatype))
      classes.set(wrapper.metatype, undefined);
    // In the place of a request-scoped one stands a bare object of its prototype.
    if (!wrapper.isDependencyTreeStatic()) continue;
    for (const instance of instancesOf(wrapper))
      classes.set(classOf(instance), instance);
  }
  return classes;
}

/** A proxy may refuse to answer outside of its request. */
function classOf(instance: object): unknown {
  try {
    return instance.constructor;
  } catch {
    return undefined;
  }
}

/** Whether the container keeps, constructed or handed in, what `isIt` tells. */
export function holdsInstance(
  modules: ModulesContainer,
  isIt: (candidate: object) => boolean,
): boolean {
  for (const wrapper of wrappersOf(modules))
    for (const instance of instancesOf(wrapper))
      if (isIt(instance)) return true;
  return false;
}

/** In how many modules all `tokens` are provided. */
export function countProviders(
  modules: ModulesContainer,
  ...tokens: InjectionToken[]
): number {
  let count = 0;
  for (const { providers } of modules.values())
    if (tokens.every((token) => providers.has(token))) count += 1;
  return count;
}

/** Whether a module registers `id`, which may not be there yet: its options take their time. */
export function isToCome(modules: ModulesContainer, id: string): boolean {
  const registrations = [DaceRegistry, DACE_FEATURE_REGISTRATION];
  return registrations.some(
    (token) => countProviders(modules, tokenOf(id), token) > 0,
  );
}

/**
 * Has Nest call the hooks of the module that provides `token` first at start and last at shutdown. It
 * does so with the modules farthest from the root, and global ones are all equally far.
 */
export function moveFarthest(
  modules: ModulesContainer,
  token: InjectionToken,
): void {
  for (const module of modules.values())
    if (module.providers.has(token)) module.distance = Infinity;
}

/**
 * Whether the global module that provides `token` came too late to be global: Nest lets every other
 * module import it when the app starts, all but its own one.
 */
export function isLoadedLazily(
  modules: ModulesContainer,
  token: InjectionToken,
): boolean {
  const all = [...modules.values()];
  const owner = all.find(({ providers }) => providers.has(token));
  if (owner === undefined) return false;
  return all.some(
    (module) =>
      module !== owner &&
      !module.providers.has(ModulesContainer) &&
      !module.imports.has(owner),
  );
}

/** A filter of the app's own. */
export interface AppFilter {
  catches(error: unknown): boolean;
  answer(error: unknown, host: ArgumentsHost): unknown;
}

/** Filters that the app itself registered by APP_FILTER, in the order in which Nest asks them. */
export function appFilters(
  modules: ModulesContainer,
  own: ExceptionFilter,
): AppFilter[] {
  const filters: AppFilter[] = [];
  for (const { providers } of modules.values())
    for (const [token, wrapper] of providers) {
      if (typeof token !== 'string' || !token.startsWith(APP_FILTER)) continue;
      const filter = wrapper.instance as ExceptionFilter | undefined;
      // A request-scoped one is asked before all others anyway.
      if (!filter || filter === own || !wrapper.isDependencyTreeStatic())
        continue;
      const types = caughtBy(filter);
      filters.unshift({
        catches: (error) =>
          types.length === 0 || types.some((type) => error instanceof type),
        answer: filter.catch.bind(filter),
      });
    }
  return filters;
}

/** The classes that Nest would hand to `filter`; none means all. */
function caughtBy(filter: ExceptionFilter): Type[] {
  const types: unknown =
    Reflect.getMetadata(
      FILTER_CATCH_EXCEPTIONS,
      Object.getPrototypeOf(filter) as object,
    ) ?? Reflect.getMetadata(FILTER_CATCH_EXCEPTIONS, filter.constructor);
  return Array.isArray(types) ? (types as Type[]) : [];
}
