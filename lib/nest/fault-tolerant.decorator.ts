/**
 * `@FaultTolerant`: puts a dispatcher in the method's place and the interceptor on it.
 */
import { Inject, Optional, UseInterceptors } from '@nestjs/common';
import { isObservable, Observable } from 'rxjs';
import { DaceConfigurationError } from '../core/errors.js';
import { checkCallOptions } from '../dependency/option-schema.js';
import type { CallOptions } from '../dependency/options.js';
import {
  DACE_APP,
  DACE_BINDING,
  FAULT_TOLERANT_METADATA,
} from './dace.constants.js';
import {
  notAMethodMessage,
  unknownOptionMessage,
  wrongOptionMessage,
} from './dace.messages.js';
import { isRegistry } from './dace-registry.js';
import type { DependencyId } from './dependency-ids.js';
import { dispatch } from './dispatcher.js';
import type {
  FaultTolerantDecorator,
  FaultTolerantDecoratorWithFallback,
} from './fault-tolerant.interface.js';
import { FaultTolerantInterceptor } from './fault-tolerant.interceptor.js';
import { answerOfHook, isHookName } from './gateway-hooks.js';
import {
  fallbackMethod,
  type FaultTolerantOptions,
  type Method,
  type ProtectedMethod,
} from './protected-method.js';

type Options = Omit<FaultTolerantOptions, 'fallback'>;

/**
 * Every call of the method, whoever makes it, is a protected call of dependency `id`.
 *
 * Errors: at decoration for static members, accessors and wrong options; at start-up for an unknown
 *         id; when called, what `Dependency.execute` rejects with.
 * @example
 * @FaultTolerant('payments', { fallback: 'unknownBalance' })
 * async balance(account: string, @DaceCall() call: Call = Call.injected) { … }
 * @publicApi
 */
export function FaultTolerant<N extends string>(
  id: DependencyId,
  options: Options & { readonly fallback: N },
): FaultTolerantDecoratorWithFallback<N>;
export function FaultTolerant<V extends number | bigint | boolean | null>(
  id: DependencyId,
  options: Options & { readonly fallback: V },
): FaultTolerantDecorator<V>;
export function FaultTolerant(
  id: DependencyId,
  options?: FaultTolerantOptions,
): FaultTolerantDecorator;
export function FaultTolerant(
  id: string,
  options: FaultTolerantOptions = {},
): (target: object, name: string | symbol, d: PropertyDescriptor) => void {
  const callOptions = checkedOptions(id, options);
  return (target, name, descriptor) => {
    if (typeof target === 'function' || typeof descriptor?.value !== 'function')
      throw misuse(id, notAMethodMessage(String(name)));
    const original = descriptor.value as Method;
    const method: ProtectedMethod = {
      id,
      className: target.constructor.name,
      name,
      target,
      original,
      options,
      callOptions,
      isObservable: options.observable ?? isDeclaredObservable(target, name),
      isProven: false,
      slots: undefined,
    };
    const dispatcher: Method = isHookName(name)
      ? function (this: object, ...args) {
          return answerOfHook(this, dispatch(method, this, args));
        }
      : function (this: object, ...args) {
          return dispatch(method, this, args);
        };
    takeAppearance(dispatcher, original);
    Reflect.defineMetadata(FAULT_TOLERANT_METADATA, method, dispatcher);
    descriptor.value = dispatcher;
    if (!isDecorated(original))
      UseInterceptors(FaultTolerantInterceptor)(target, name, descriptor);
    addBinding(target);
    protectedMethods(target).push(method);
  };
}

const METHODS = Symbol('DaceProtectedMethods');

/** The decorated methods that a class itself declares. */
function protectedMethods(target: object): ProtectedMethod[] {
  if (!Object.hasOwn(target, METHODS))
    Object.defineProperty(target, METHODS, { value: [] });
  return (target as Record<symbol, ProtectedMethod[]>)[METHODS]!;
}

/** The decorated methods of a class and of those it extends. */
export function protectedMethodsOf(type: unknown): ProtectedMethod[] {
  const found: ProtectedMethod[] = [];
  let target: unknown = typeof type === 'function' ? type.prototype : undefined;
  while (typeof target === 'object' && target !== null) {
    if (Object.hasOwn(target, METHODS)) found.push(...protectedMethods(target));
    target = Object.getPrototypeOf(target) as unknown;
  }
  return found;
}

/** The named fallback must exist, on the class, one that extends it, or as a property. */
export function checkFallback(method: ProtectedMethod, owner: object): void {
  const { fallback } = method.options;
  if (typeof fallback === 'string') fallbackMethod(method, owner, fallback);
}

/** Metadata, name and length: routes, cron jobs and documents are found by them. */
function takeAppearance(dispatcher: Method, original: Method): void {
  for (const key of Reflect.getOwnMetadataKeys(original) as unknown[])
    Reflect.defineMetadata(
      key,
      Reflect.getOwnMetadata(key, original),
      dispatcher,
    );
  for (const name of ['name', 'length'] as const)
    Object.defineProperty(dispatcher, name, {
      value: original[name],
      configurable: true,
    });
}

function isDecorated(original: Method): boolean {
  return Reflect.hasOwnMetadata(FAULT_TOLERANT_METADATA, original);
}

/** Has Nest hand each instance its app's registry, through a property that nobody sees. */
function addBinding(target: object): void {
  if (DACE_BINDING in target) return;
  Object.defineProperty(target, DACE_BINDING, {
    configurable: true,
    enumerable: false,
    get: () => undefined,
    set(this: object, value: unknown) {
      // A mocked registry must not answer in the method's place.
      if (isRegistry(value)) value.bind(this);
    },
  });
  Optional()(target, DACE_BINDING);
  Inject(DACE_APP)(target, DACE_BINDING);
}

/** By the return type in the source, of this or another copy of rxjs. */
function isDeclaredObservable(target: object, name: string | symbol): boolean {
  const type: unknown = Reflect.getMetadata('design:returntype', target, name);
  if (type === Observable) return true;
  if (typeof type !== 'function' || typeof type.prototype !== 'object')
    return false;
  return isObservable(Object.create(type.prototype as object));
}

/**
 * The part of the options that the executor knows, without a named fallback; nothing at all where
 * nothing is changed, as a plain call is the cheapest.
 */
function checkedOptions(
  id: string,
  options: FaultTolerantOptions,
): CallOptions<unknown> | undefined {
  const subject = `@FaultTolerant('${id}')`;
  if ('signal' in options)
    throw misuse(id, unknownOptionMessage(subject, 'signal', OWN_FLAGS));
  const call: Record<string, unknown> = { ...options };
  for (const name of OWN_FLAGS) {
    const value = call[name];
    delete call[name];
    if (value !== undefined && typeof value !== 'boolean')
      throw misuse(
        id,
        wrongOptionMessage(subject, name, value, 'true or false'),
      );
  }
  checkCallOptions(id, call);
  if (typeof call.fallback === 'string') delete call.fallback;
  return Object.keys(call).length === 0 ? undefined : call;
}

const OWN_FLAGS = ['cancelOnDisconnect', 'observable'] as const;

function misuse(dependencyId: string, message: string): DaceConfigurationError {
  return new DaceConfigurationError({ dependencyId, message });
}
