/**
 * Which app an instance belongs to. Nest hands every instance it constructs the registry through a
 * hidden property; all others are looked up when a decorated method is called.
 */
import { DaceConfigurationError } from '../core/errors.js';
import type { App } from './app.js';
import { sharedMessage, unboundMessage } from './dace.messages.js';
import { enclosingApp } from './frames.js';
import { InstanceMark } from './instance-mark.js';

const bound = new InstanceMark<App>('DaceRegistry');

/** The containers in which an unbound instance was found, and when. */
interface Place {
  holders: readonly WeakRef<App>[];
  asOf: number;
}
const places = new InstanceMark<Place>('DacePlace');

/** An app that was made and has not shut down; held weakly, as tests never close theirs. */
interface Known {
  readonly ref: WeakRef<App>;
  /** Its start-up check has passed. */
  isLive: boolean;
}
const known = new Set<Known>();

/** Counts how often an app came, started or went: what was found before may not hold any more. */
let changes = 0;

export function bindInstance(instance: object, app: App): void {
  bound.put(instance, app);
}

export function appMade(app: App): void {
  known.add({ ref: new WeakRef(app), isLive: false });
  changes += 1;
}

export function appStarted(app: App): void {
  for (const entry of known) if (entry.ref.deref() === app) entry.isLive = true;
  changes += 1;
}

export function appStopped(app: App): void {
  for (const entry of known) if (entry.ref.deref() === app) known.delete(entry);
  changes += 1;
}

/** Instances whose constructor has had its time. */
const complete = new WeakSet<object>();

/**
 * The app whose dependencies `instance`'s decorated methods use; a promise where that may show in a
 * moment, and the question is to be asked again.
 */
export function appOf(
  instance: object,
  user: { className: string; name: string | symbol; id: string },
): App | Promise<void> {
  const own = bound.of(instance);
  if (own !== undefined) return own;
  const apps = knownApps();
  // With one app in the process there is nothing to search: this is on the way of every such call.
  if (apps.length === 1 && apps[0]!.isLive) return apps[0]!.app;
  const holders = holdersOf(instance, apps);
  if (holders.length === 1) return holders[0]!.app;
  const enclosing = enclosingApp();
  if (enclosing !== undefined) return enclosing;
  // What is called in a constructor comes before Nest binds the instance.
  const isFound = holders.length > 0 || complete.has(instance);
  if (!isFound && apps.length > 0) {
    complete.add(instance);
    return construction();
  }
  const live = (holders.length === 0 ? apps : holders).filter(
    ({ isLive }) => isLive,
  );
  if (live.length === 1) return live[0]!.app;
  const message = holders.length === 0 ? unboundMessage : sharedMessage;
  const { className, name, id } = user;
  throw new DaceConfigurationError({
    dependencyId: id,
    message: message(className, String(name), id),
  });
}

/** Nest sets the properties of an instance two turns after its constructor has returned. */
async function construction(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
}

interface LiveApp {
  readonly app: App;
  readonly isLive: boolean;
}

function knownApps(): LiveApp[] {
  const apps: LiveApp[] = [];
  for (const entry of known) {
    const app = entry.ref.deref();
    if (app === undefined) known.delete(entry);
    else apps.push({ app, isLive: entry.isLive });
  }
  return apps;
}

/** The apps whose containers hold `instance`: several, where a value is shared. */
function holdersOf(instance: object, apps: readonly LiveApp[]): LiveApp[] {
  const last = places.of(instance);
  if (last?.asOf === changes)
    return apps.filter(({ app }) =>
      last.holders.some((holder) => holder.deref() === app),
    );
  const place: Place = { holders: [], asOf: -1 };
  places.put(instance, place);
  const holders = apps.filter(({ app }) =>
    app.holds(
      // A container may hold a proxy of it, through which the place shows.
      (candidate) =>
        candidate === instance || places.ownOf(candidate) === place,
    ),
  );
  // One that is not found may yet be on its way, out of a factory.
  if (holders.length > 0) place.asOf = changes;
  place.holders = holders.map(({ app }) => new WeakRef(app));
  return holders;
}
