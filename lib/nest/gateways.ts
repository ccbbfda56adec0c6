/**
 * Gateways that `filter: true` does not reach: for them Nest asks no filter of the app, only those
 * on the gateway and its methods.
 */
import type { ModulesContainer } from '@nestjs/core';
import { classesOf } from './app-container.js';
import { GATEWAY_METADATA } from './dace.constants.js';
import { protectedMethodsOf } from './fault-tolerant.decorator.js';

/** As Nest names what its decorators leave. */
const MESSAGE = 'websockets:message_mapping';
const FILTERS = '__exceptionFilters__';

/** Names of gateways that have protected handlers without any filter. */
export function unfilteredGateways(modules: ModulesContainer): string[] {
  const names: string[] = [];
  for (const type of classesOf(modules).keys())
    if (typeof type === 'function' && isUnfiltered(type)) names.push(type.name);
  return names;
}

function isUnfiltered(type: object & { prototype?: unknown }): boolean {
  if (!Reflect.hasMetadata(GATEWAY_METADATA, type)) return false;
  if (Reflect.hasMetadata(FILTERS, type)) return false;
  const methods = type.prototype as Record<string | symbol, object>;
  return protectedMethodsOf(type).some(({ name }) => {
    const handler = methods[name]!;
    return (
      Reflect.hasMetadata(MESSAGE, handler) &&
      !Reflect.hasMetadata(FILTERS, handler)
    );
  });
}
