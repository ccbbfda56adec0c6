/**
 * Host sources and balancers that are providers of the app: `hosts` and `loadBalancer` name them by
 * class or token, and they are asked once the app has made them.
 */
import type { InjectionToken } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { STATIC_CONTEXT } from '@nestjs/core/injector/constants';
import { isHostSource, type HostSource } from '../balancing/host-source.js';
import { LateBalancer } from '../balancing/late-balancer.js';
import {
  BALANCER_NAMES,
  isClass,
  type LoadBalancer,
} from '../balancing/load-balancer.js';
import type { HostInput } from '../core/host-setting.js';
import { DaceConfigurationError } from '../core/errors.js';
import type { DependencyOptions } from '../dependency/options.js';
import {
  missingPartMessage,
  notThatPartMessage,
  partNotMadeMessage,
  scopedPartMessage,
} from './dace.messages.js';
import type { InjectedDependencyOptions } from './dace-module.interface.js';
import { tokenOf } from './dace.tokens.js';

type Module = ModulesContainer extends Map<string, infer M> ? M : never;
type Wrapper = Module['providers'] extends Map<unknown, infer W> ? W : never;
type PartName = 'hosts' | 'loadBalancer';

/**
 * The options of `id` as its executor takes them: a class or token in place of its hosts becomes a
 * source, one in place of its balancer a balancer.
 *
 * Errors: DaceConfigurationError that names `id` where no module provides it, or not as a singleton.
 */
export function withInjectedParts(
  id: string,
  options: InjectedDependencyOptions | undefined,
  modules: ModulesContainer,
  whenMade: Promise<void>,
): DependencyOptions | undefined {
  const find = <T>(
    name: PartName,
    isIt: (value: unknown) => value is T,
  ): Part<T> | undefined => {
    const providedBy = (token: InjectionToken): Wrapper | undefined =>
      providerOf(modules, id, token);
    const token = tokenIn(options, name, providedBy);
    if (token === undefined) return undefined;
    const told = typeof token === 'function' ? token.name : String(token);
    const wrapper = providedBy(token);
    if (wrapper === undefined) {
      const isText = typeof token === 'string';
      // A text is more likely a URL, which is told of where options are checked.
      if (name === 'hosts' && isText && /[:/.]/.test(token)) return undefined;
      const others = name === 'loadBalancer' && isText ? BALANCER_NAMES : [];
      throw misuse(id, missingPartMessage(id, name, told, others));
    }
    if (!wrapper.isDependencyTreeStatic() || wrapper.isTransient)
      throw misuse(id, scopedPartMessage(id, name, told));
    return new Part(name, id, told, wrapper, whenMade, isIt);
  };
  const source = find('hosts', isHostSource);
  const balancer = find('loadBalancer', isBalancer);
  if (source === undefined && balancer === undefined)
    return options as DependencyOptions | undefined;
  return {
    ...(options as DependencyOptions),
    ...(source !== undefined && { hosts: new InjectedSource(source) }),
    ...(balancer !== undefined && {
      loadBalancer: new InjectedBalancer(balancer),
    }),
  };
}

/** Undefined for what is meant as it stands, and for what cannot be read: that is told elsewhere. */
function tokenIn(
  options: InjectedDependencyOptions | undefined,
  name: PartName,
  providedBy: (token: InjectionToken) => Wrapper | undefined,
): InjectionToken | undefined {
  try {
    const value = options?.[name];
    if (typeof value === 'symbol') return value;
    if (typeof value === 'string')
      return name === 'loadBalancer' && BALANCER_NAMES.includes(value)
        ? undefined
        : value;
    if (typeof value !== 'function') return undefined;
    // A function that is no class is dace's, unless the app provides something by it.
    const token = value as InjectionToken;
    const isToken = name === 'hosts' || isClass(value) || providedBy(token);
    return isToken ? token : undefined;
  } catch {
    return undefined;
  }
}

const isBalancer = (value: unknown): value is LoadBalancer =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as { pick?: unknown }).pick === 'function';

/** Of several, that of a module which the dependency's own imports, or is imported by. */
function providerOf(
  modules: ModulesContainer,
  id: string,
  token: InjectionToken,
): Wrapper | undefined {
  const all = [...modules.values()];
  const owner = all.find(({ providers }) => providers.has(tokenOf(id)));
  const users = all.filter(({ imports }) => owner && imports.has(owner));
  for (const { providers } of [...(owner?.imports ?? []), ...users, ...all]) {
    const wrapper = providers.get(token);
    if (wrapper !== undefined) return wrapper;
  }
  return undefined;
}

/** A provider that is to serve as `name` of the dependency `id`. */
class Part<T> {
  constructor(
    private readonly name: PartName,
    private readonly id: string,
    private readonly told: string,
    private readonly wrapper: Wrapper,
    readonly whenMade: Promise<void>,
    private readonly isIt: (value: unknown) => value is T,
  ) {}

  get isMade(): boolean {
    return (
      this.wrapper.getInstanceByContextId(STATIC_CONTEXT).isResolved === true
    );
  }

  /** Errors: DaceConfigurationError where it is not made, or is something else. */
  get instance(): T {
    const { name, id, told } = this;
    if (!this.isMade) throw misuse(id, partNotMadeMessage(id, name, told));
    const instance: unknown = this.wrapper.instance;
    if (this.isIt(instance)) return instance;
    throw misuse(id, notThatPartMessage(id, name, told));
  }

  /** Errors: DaceConfigurationError for a provider that is something else. */
  check(): void {
    if (this.isMade) void this.instance;
  }
}

class InjectedSource implements HostSource {
  constructor(readonly part: Part<HostSource>) {}

  async hosts(): Promise<readonly HostInput[]> {
    if (!this.part.isMade) await this.part.whenMade;
    return this.part.instance.hosts();
  }

  get refreshMs(): number | false | undefined {
    return this.part.instance.refreshMs;
  }

  get watch(): HostSource['watch'] {
    const { part } = this;
    if (part.isMade && part.instance.watch === undefined) return undefined;
    return (onChange) =>
      part.isMade
        ? part.instance.watch!(onChange)
        : (this.watchLater(onChange) as unknown as () => void);
  }

  private async watchLater(
    onChange: Parameters<NonNullable<HostSource['watch']>>[0],
  ): Promise<unknown> {
    await this.part.whenMade;
    return this.part.instance.watch?.(onChange);
  }
}

class InjectedBalancer extends LateBalancer {
  constructor(readonly part: Part<LoadBalancer>) {
    super(
      () => part.isMade,
      part.whenMade,
      () => part.instance,
    );
  }
}

/** At start-up rather than at the first call. */
export function checkInjectedParts(options: DependencyOptions | undefined) {
  const parts: unknown[] = [options?.hosts, options?.loadBalancer];
  for (const each of parts)
    if (each instanceof InjectedSource || each instanceof InjectedBalancer)
      each.part.check();
}

function misuse(dependencyId: string, message: string): DaceConfigurationError {
  return new DaceConfigurationError({ dependencyId, message });
}
