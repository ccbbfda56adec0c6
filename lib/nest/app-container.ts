/**
 * What the app's container holds, looked at from outside: decorated classes, instances, filters.
 */
import type { ExceptionFilter, Type } from '@nestjs/common';
import { APP_FILTER, type ModulesContainer } from '@nestjs/core';
import { DaceError } from '../core/errors.js';

/** As Nest names the classes that a filter catches. */
const FILTER_CATCH_EXCEPTIONS = '__filterCatchExceptions__';

/** Every class that the app's container constructs. */
export function classesOf(modules: ModulesContainer): Set<unknown> {
  const classes = new Set<unknown>();
  for (const { providers, controllers, injectables } of modules.values())
    for (const collection of [providers, controllers, injectables])
      for (const wrapper of collection.values())
        classes.add(wrapper.metatype ?? wrapper.instance?.constructor);
  return classes;
}

/** Whether the container constructed `instance`, or was handed it by `useValue` or `useFactory`. */
export function holdsInstance(
  modules: ModulesContainer,
  instance: object,
): boolean {
  for (const { providers, controllers, injectables } of modules.values())
    for (const collection of [providers, controllers, injectables])
      for (const wrapper of collection.values())
        if (wrapper.instance === instance) return true;
  return false;
}

/** In how many modules `token` is provided. */
export function countProviders(
  modules: ModulesContainer,
  token: abstract new (...args: never[]) => unknown,
): number {
  let count = 0;
  for (const { providers } of modules.values())
    if (providers.has(token as Type)) count += 1;
  return count;
}

/** A filter that the app registered for everything, if it did by APP_FILTER. */
export function userCatchAll(
  modules: ModulesContainer,
): ExceptionFilter | undefined {
  for (const { providers } of modules.values())
    for (const [token, wrapper] of providers) {
      if (!String(token).startsWith(APP_FILTER)) continue;
      const filter = wrapper.instance as ExceptionFilter | undefined;
      if (filter && catchesAll(filter)) return filter;
    }
  return undefined;
}

function catchesAll(filter: ExceptionFilter): boolean {
  const caught: unknown = Reflect.getMetadata(
    FILTER_CATCH_EXCEPTIONS,
    filter.constructor,
  );
  return (
    Array.isArray(caught) &&
    (caught.length === 0 ||
      caught.some((type) => type === Error || type === DaceError)) &&
    filter.constructor.name !== 'DaceExceptionFilter'
  );
}
