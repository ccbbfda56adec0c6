/**
 * Injection tokens. Strings that read well: Nest prints them when one cannot be resolved.
 */
import { Inject } from '@nestjs/common';
import type { DependencyId } from './dependency-ids.js';

/** The token of any id; ids that come from options are checked elsewhere. */
export function tokenOf(id: string): string {
  return `DaceDependency:${id}`;
}

/**
 * The token of one dependency's executor, for `overrideProvider` and factories.
 *
 * @publicApi
 */
export function getDependencyToken(id: DependencyId): string {
  return tokenOf(id);
}

/**
 * Injects the executor of one dependency.
 *
 * @example constructor(@InjectDependency('search') private readonly search: Dependency) {}
 * @publicApi
 */
export function InjectDependency(
  id: DependencyId,
): PropertyDecorator & ParameterDecorator {
  return Inject(tokenOf(id));
}
