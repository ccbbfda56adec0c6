/**
 * The dependencies of one app. Decorated methods find theirs here, through the instance they are
 * called on.
 */
import { Observable } from 'rxjs';
import { DaceConfigurationError } from '../core/errors.js';
import type { DaceEvent } from '../core/events.js';
import type { Dependency } from '../dependency/dependency.js';
import type { DependencySnapshot } from '../dependency/snapshot.js';
import type { App } from './app.js';
import { bindInstance } from './binder.js';
import type { DependencyId } from './dependency-ids.js';
import {
  duplicateDependencyMessage,
  unknownDependencyMessage,
} from './dace.messages.js';

const BRAND = Symbol.for('nestjs-dace.registry');

/**
 * All dependencies of an app, by id.
 *
 * Errors: `get` throws DaceConfigurationError for an id nobody registered.
 * @publicApi
 */
export class DaceRegistry implements App {
  private readonly dependencies = new Map<string, Dependency>();
  /** @internal */
  readonly [BRAND] = true;
  /** @internal After start-up: checks the class of each newly bound instance. */
  onBound: ((instance: object) => void) | undefined;
  /** @internal What `cancelOnDisconnect` of the module says. */
  cancelOnDisconnect: boolean | undefined;
  /** @internal While the app is put together: waits for `id`, if it is on its way. */
  whenAdded: (id: string) => Promise<void> | undefined = () => undefined;
  /** @internal Whether the app's container constructed, or was given, what `isIt` tells. */
  holds: (isIt: (candidate: object) => boolean) => boolean = () => false;

  private readonly watchers = new Set<(dependency: Dependency) => void>();

  /** Every event of every dependency, of those registered later too, from the moment of subscription. */
  readonly events$: Observable<DaceEvent> = new Observable((subscriber) => {
    const watch = (dependency: Partial<Dependency>): void =>
      subscriber.add(dependency.on?.((event) => subscriber.next(event)));
    for (const dependency of this.dependencies.values()) watch(dependency);
    return this.onAdded(watch);
  });

  /** @internal Whether a request that comes in may shorten calls of any of them. */
  get isIncomingTrusted(): boolean {
    const all: Iterable<Partial<Dependency>> = this.dependencies.values();
    return [...all].some(({ isIncomingTrusted }) => isIncomingTrusted === true);
  }

  /** The executor of one dependency. */
  get(id: DependencyId): Dependency {
    const dependency = this.dependencies.get(id);
    if (dependency !== undefined) return dependency;
    throw this.unknown(id, []);
  }

  has(id: string): boolean {
    return this.dependencies.has(id);
  }

  ids(): DependencyId[] {
    return [...this.dependencies.keys()] as DependencyId[];
  }

  /** An overridden dependency that cannot show itself is left out. */
  snapshot(): DependencySnapshot[] {
    return [...this.dependencies.values()]
      .filter((dependency) => typeof dependency.snapshot === 'function')
      .map((dependency) => dependency.snapshot());
  }

  /** For an instance that Nest did not construct: its decorated methods use this app's dependencies. */
  bind(instance: object): void {
    bindInstance(instance, this);
    this.onBound?.(instance);
  }

  /** @internal */
  add(id: string, dependency: Dependency): void {
    const before = this.dependencies.get(id);
    if (before === dependency) return;
    if (before !== undefined)
      throw new DaceConfigurationError({
        dependencyId: id,
        message: duplicateDependencyMessage(id),
      });
    this.dependencies.set(id, dependency);
    for (const watch of this.watchers) watch(dependency);
  }

  /** @internal Calls `watch` with each that is added from now on, until the answer is called. */
  onAdded(watch: (dependency: Dependency) => void): () => void {
    this.watchers.add(watch);
    return () => this.watchers.delete(watch);
  }

  /** @internal */
  unknown(id: string, users: readonly string[]): DaceConfigurationError {
    return new DaceConfigurationError({
      dependencyId: id,
      message: unknownDependencyMessage(id, this.ids(), users),
    });
  }
}

/** A registry of this or another copy of the package; a mock is none. */
export function isRegistry(value: unknown): value is DaceRegistry {
  return (
    typeof value === 'object' &&
    value !== null &&
    (value as Record<symbol, unknown>)[BRAND] === true
  );
}
