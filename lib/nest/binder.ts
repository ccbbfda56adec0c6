/**
 * Which app an instance belongs to. Nest hands every instance it constructs the registry through a
 * hidden property; all others are looked up when a decorated method is called.
 */
import { DaceConfigurationError } from '../core/errors.js';
import { unboundMessage } from './dace.messages.js';
import type { App } from './app.js';
import { enclosingApp } from './frames.js';

const BOUND = Symbol('DaceRegistry');
const frozen = new WeakMap<object, App>();

/** An app that was made and has not shut down; held weakly, as tests never close theirs. */
interface Known {
  readonly ref: WeakRef<App>;
  /** Its start-up check has passed. */
  isLive: boolean;
}
const known = new Set<Known>();

/** By an own symbol: seen through proxies and from the raw object, absent from keys and JSON. */
export function bindInstance(instance: object, app: App): void {
  const isBound = Reflect.defineProperty(instance, BOUND, {
    value: app,
    configurable: true,
    writable: true,
    enumerable: false,
  });
  if (!isBound) frozen.set(instance, app);
}

export function appMade(app: App): void {
  known.add({ ref: new WeakRef(app), isLive: false });
}

export function appStarted(app: App): void {
  for (const entry of known) if (entry.ref.deref() === app) entry.isLive = true;
}

export function appStopped(app: App): void {
  for (const entry of known) if (entry.ref.deref() === app) known.delete(entry);
}

/** The app whose dependencies `instance`'s decorated methods use. */
export function appOf(
  instance: object,
  user: { className: string; method: string; id: string },
): App {
  const bound =
    (instance as Record<symbol, App | undefined>)[BOUND] ??
    frozen.get(instance);
  if (bound !== undefined) return bound;
  const apps = knownApps();
  const live = apps.filter(({ isLive }) => isLive).map(({ app }) => app);
  const only = live.length === 1 ? live[0] : undefined;
  // With one app in the process there is nothing to search: this is on the way of every such call.
  if (only !== undefined && apps.length === 1) return only;
  const holder = apps.find(({ app }) => app.holds(instance))?.app;
  if (holder !== undefined) {
    bindInstance(instance, holder);
    return holder;
  }
  const found = enclosingApp() ?? only;
  if (found !== undefined) return found;
  const { className, method, id } = user;
  throw new DaceConfigurationError({
    dependencyId: id,
    message: unboundMessage(className, method, id),
  });
}

function knownApps(): { app: App; isLive: boolean }[] {
  const apps: { app: App; isLive: boolean }[] = [];
  for (const entry of known) {
    const app = entry.ref.deref();
    if (app === undefined) known.delete(entry);
    else apps.push({ app, isLive: entry.isLive });
  }
  return apps;
}
