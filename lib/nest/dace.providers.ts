/**
 * How executors and the registry are made. The registry is built from the tokens of the executors,
 * so that an overridden one reaches decorated methods too.
 */
import type { FactoryProvider } from '@nestjs/common';
import { DaceConfigurationError } from '../core/errors.js';
import type { Dependency } from '../dependency/dependency.js';
import {
  asyncMismatchMessage,
  missingRootMessage,
  unknownModuleOptionMessage,
} from './dace.messages.js';
import type {
  DaceModuleOptions,
  DependencyMap,
} from './dace-module.interface.js';
import { DaceRegistry } from './dace-registry.js';
import { getDependencyToken } from './dace.tokens.js';
import { DaceLifecycle } from './dace.lifecycle.js';

const OPTION_NAMES: Record<keyof DaceModuleOptions, true> = {
  isGlobal: true,
  defaults: true,
  logger: true,
  clock: true,
  random: true,
  filter: true,
  cancelOnDisconnect: true,
};

export function checkModuleOptions(options: DaceModuleOptions): void {
  const known = Object.keys(OPTION_NAMES);
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw wrong('DaceModule', unknownModuleOptionMessage(unknown, known));
}

/** Own keys only; each is checked with its options when the executor is made. */
export function checkIds(dependencies: DependencyMap): readonly string[] {
  if (typeof dependencies !== 'object' || dependencies === null)
    throw wrong(
      'DaceModule',
      `DaceModule was given ${String(dependencies)} for its dependencies: expected { payments: { … }, … }.`,
    );
  return Object.keys(dependencies);
}

/** The ids that were declared and those the factory answered must be the same. */
export function checkAgreement(
  declared: readonly string[],
  made: DependencyMap,
): void {
  const given = checkIds(made);
  const isSame =
    given.length === declared.length &&
    given.every((id) => declared.includes(id));
  if (!isSame) throw wrong('DaceModule', asyncMismatchMessage(declared, given));
}

/** The executor of `id`; its options are found under the token `source`. */
export function dependencyProvider(
  id: string,
  source: symbol,
): FactoryProvider<Dependency> {
  return {
    provide: getDependencyToken(id),
    inject: [source, { token: DaceLifecycle, optional: true }],
    useFactory: (all: DependencyMap, lifecycle?: DaceLifecycle) => {
      if (lifecycle === undefined) throw wrong(id, missingRootMessage([id]));
      return lifecycle.make(id, all[id]);
    },
  };
}

/** The registry of the app, holding what forRoot's tokens resolve to. */
export function registryProvider(
  ids: readonly string[],
): FactoryProvider<DaceRegistry> {
  return {
    provide: DaceRegistry,
    inject: [DaceLifecycle, ...ids.map((id) => getDependencyToken(id))],
    useFactory: (lifecycle: DaceLifecycle, ...made: Dependency[]) => {
      const { registry } = lifecycle;
      ids.forEach((id, index) => registry.add(id, made[index]!));
      return registry;
    },
  };
}

/** Puts a feature's executors into the app's registry. */
export function registrationProvider(
  ids: readonly string[],
): FactoryProvider<true> {
  return {
    provide: Symbol('DaceFeatureRegistration'),
    inject: [
      { token: DaceRegistry, optional: true },
      ...ids.map((id) => getDependencyToken(id)),
    ],
    useFactory: (registry: DaceRegistry | undefined, ...made: Dependency[]) => {
      if (registry === undefined)
        throw wrong('DaceModule', missingRootMessage(ids));
      ids.forEach((id, index) => registry.add(id, made[index]!));
      return true;
    },
  };
}

function wrong(dependencyId: string, message: string): DaceConfigurationError {
  return new DaceConfigurationError({ dependencyId, message });
}
