/**
 * What the app's container holds, looked at from outside: decorated classes, instances, filters.
 */
import type {
  ArgumentsHost,
  ExceptionFilter,
  InjectionToken,
  Type,
} from '@nestjs/common';
import { APP_FILTER, type ModulesContainer } from '@nestjs/core';

/** As Nest names the classes that a filter catches. */
const FILTER_CATCH_EXCEPTIONS = '__filterCatchExceptions__';

/** What this file reads of Nest's wrapper around a provider. */
interface Wrapper {
  readonly metatype: unknown;
  readonly instance: unknown;
  isDependencyTreeStatic(): boolean;
}

function* wrappersOf(modules: ModulesContainer): Iterable<Wrapper> {
  for (const { providers, controllers, injectables } of modules.values()) {
    yield* providers.values();
    yield* controllers.values();
    yield* injectables.values();
  }
}

/** Every class that the container constructs, and those of the instances it was handed. */
export function classesOf(modules: ModulesContainer): Set<unknown> {
  const classes = new Set<unknown>();
  for (const { metatype, instance } of wrappersOf(modules)) {
    classes.add(metatype);
    if (typeof instance === 'object' && instance !== null)
      classes.add(instance.constructor);
  }
  return classes;
}

/** Whether the container constructed `instance`, or was handed it by `useValue` or `useFactory`. */
export function holdsInstance(
  modules: ModulesContainer,
  instance: object,
): boolean {
  for (const wrapper of wrappersOf(modules))
    if (wrapper.instance === instance) return true;
  return false;
}

/** In how many modules `token` is provided. */
export function countProviders(
  modules: ModulesContainer,
  token: InjectionToken,
): number {
  let count = 0;
  for (const { providers } of modules.values())
    if (providers.has(token)) count += 1;
  return count;
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
