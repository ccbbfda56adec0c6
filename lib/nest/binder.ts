/**
 * Which app an instance belongs to. Nest hands every instance it constructs the registry through a
 * hidden property; all others are looked up when a decorated method is first called.
 */
import { DaceConfigurationError } from '../core/errors.js';
import { unboundMessage } from './dace.messages.js';
import type { App } from './app.js';
import { enclosingApp } from './frames.js';

const BOUND = Symbol('DaceRegistry');
const frozen = new WeakMap<object, App>();
/** Registries of started apps that have not shut down. */
const live = new Set<WeakRef<App>>();

/** By an own symbol: seen through proxies and from the raw object, absent from keys and JSON. */
export function bindInstance(instance: object, registry: App): void {
  if (Object.isExtensible(instance) || Object.hasOwn(instance, BOUND))
    Object.defineProperty(instance, BOUND, {
      value: registry,
      configurable: true,
      writable: true,
      enumerable: false,
    });
  else frozen.set(instance, registry);
}

export function appStarted(registry: App): void {
  live.add(new WeakRef(registry));
}

export function appStopped(registry: App): void {
  for (const ref of live) if (ref.deref() === registry) live.delete(ref);
}

/** The registry that `instance`'s decorated methods use. */
export function registryOf(
  instance: object,
  user: { className: string; method: string; id: string },
): App {
  const bound =
    (instance as Record<symbol, App | undefined>)[BOUND] ??
    frozen.get(instance);
  if (bound !== undefined) return bound;
  const apps = runningApps();
  const holder = apps.find((registry) => registry.holds(instance));
  if (holder !== undefined) {
    bindInstance(instance, holder);
    return holder;
  }
  const found = enclosingApp() ?? (apps.length === 1 ? apps[0] : undefined);
  if (found !== undefined) return found;
  const { className, method, id } = user;
  throw new DaceConfigurationError({
    dependencyId: id,
    message: unboundMessage(className, method, id),
  });
}

function runningApps(): App[] {
  const apps: App[] = [];
  for (const ref of live) {
    const registry = ref.deref();
    if (registry === undefined) live.delete(ref);
    else apps.push(registry);
  }
  return apps;
}
