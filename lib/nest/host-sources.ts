/**
 * Host sources that are providers of the app: `hosts` names them by class or token, and they are asked
 * once the app has made them.
 */
import type { InjectionToken } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { STATIC_CONTEXT } from '@nestjs/core/injector/constants';
import { isHostSource, type HostSource } from '../balancing/host-source.js';
import type { HostInput } from '../core/host-setting.js';
import { DaceConfigurationError } from '../core/errors.js';
import type { DependencyOptions } from '../dependency/options.js';
import {
  missingSourceMessage,
  noSourceMessage,
  scopedSourceMessage,
  sourceNotMadeMessage,
} from './dace.messages.js';
import type { InjectedDependencyOptions } from './dace-module.interface.js';
import { tokenOf } from './dace.tokens.js';

type Module = ModulesContainer extends Map<string, infer M> ? M : never;
type Wrapper = Module['providers'] extends Map<unknown, infer W> ? W : never;

/**
 * The options of `id` as its executor takes them: a class or token in place of its hosts becomes a
 * source.
 *
 * Errors: DaceConfigurationError that names `id` where no module provides it, or not as a singleton.
 */
export function withInjectedHosts(
  id: string,
  options: InjectedDependencyOptions | undefined,
  modules: ModulesContainer,
  whenMade: Promise<void>,
): DependencyOptions | undefined {
  const token = tokenIn(options);
  if (token === undefined) return options as DependencyOptions | undefined;
  const wrapper = providerOf(modules, id, token);
  if (wrapper === undefined) {
    // A text is more likely a URL, which is told of where options are checked.
    if (typeof token === 'string' && /[:/.]/.test(token))
      return options as DependencyOptions;
    throw misuse(id, missingSourceMessage(id, nameOf(token)));
  }
  if (!wrapper.isDependencyTreeStatic() || wrapper.isTransient)
    throw misuse(id, scopedSourceMessage(id, nameOf(token)));
  const hosts = new InjectedSource(id, nameOf(token), wrapper, whenMade);
  return { ...options, hosts };
}

/** Undefined for lists and instances, and for what cannot be read: that is told elsewhere. */
function tokenIn(
  options: InjectedDependencyOptions | undefined,
): InjectionToken | undefined {
  try {
    const hosts = options?.hosts;
    return typeof hosts === 'function' ||
      typeof hosts === 'symbol' ||
      typeof hosts === 'string'
      ? hosts
      : undefined;
  } catch {
    return undefined;
  }
}

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

class InjectedSource implements HostSource {
  constructor(
    private readonly id: string,
    private readonly name: string,
    private readonly wrapper: Wrapper,
    private readonly whenMade: Promise<void>,
  ) {}

  async hosts(): Promise<readonly HostInput[]> {
    if (!this.isMade) await this.whenMade;
    return this.source.hosts();
  }

  get refreshMs(): number | false | undefined {
    return this.source.refreshMs;
  }

  get watch(): HostSource['watch'] {
    if (this.isMade && this.source.watch === undefined) return undefined;
    return (onChange) =>
      this.isMade
        ? this.source.watch!(onChange)
        : (this.watchLater(onChange) as unknown as () => void);
  }

  private async watchLater(
    onChange: Parameters<NonNullable<HostSource['watch']>>[0],
  ): Promise<unknown> {
    await this.whenMade;
    return this.source.watch?.(onChange);
  }

  private get isMade(): boolean {
    return (
      this.wrapper.getInstanceByContextId(STATIC_CONTEXT).isResolved === true
    );
  }

  private get source(): HostSource {
    const { id, name } = this;
    if (!this.isMade) throw misuse(id, sourceNotMadeMessage(id, name));
    const instance: unknown = this.wrapper.instance;
    if (isHostSource(instance)) return instance;
    throw misuse(id, noSourceMessage(id, name));
  }

  /** Errors: DaceConfigurationError for a provider that is no source. */
  check(): void {
    if (this.isMade) void this.source;
  }
}

/** At start-up rather than at the first call. */
export function checkInjectedHosts(options: DependencyOptions | undefined) {
  const hosts: unknown = options?.hosts;
  if (hosts instanceof InjectedSource) hosts.check();
}

function nameOf(token: InjectionToken): string {
  return typeof token === 'function' ? token.name : String(token);
}

function misuse(dependencyId: string, message: string): DaceConfigurationError {
  return new DaceConfigurationError({ dependencyId, message });
}
