/**
 * `@FaultTolerant`: puts a dispatcher in the method's place and the interceptor on it.
 */
import { Inject, Optional, UseInterceptors } from '@nestjs/common';
import { isObservable, Observable } from 'rxjs';
import { DaceConfigurationError } from '../core/errors.js';
import type { Call } from '../dependency/call.js';
import { checkCallOptions } from '../dependency/option-schema.js';
import { DACE_BINDING, FAULT_TOLERANT_METADATA } from './dace.constants.js';
import { noFallbackMethodMessage, notAMethodMessage } from './dace.messages.js';
import { DaceRegistry, isRegistry } from './dace-registry.js';
import type { DependencyId } from './dependency-ids.js';
import { dispatch } from './dispatcher.js';
import { FaultTolerantInterceptor } from './fault-tolerant.interceptor.js';
import type {
  FaultTolerantOptions,
  Method,
  ProtectedMethod,
} from './protected-method.js';
import { noteDispatcher } from './unprotected.js';

type AsyncMethod = (...args: never[]) => Promise<unknown> | Observable<unknown>;

/** What a method answers, its Promise or Observable taken off. */
type Answer<M> = M extends (...args: never[]) => Promise<infer T>
  ? T
  : M extends (...args: never[]) => Observable<infer T>
    ? T
    : never;

/** Protects a method that returns a Promise or an Observable. @publicApi */
export type FaultTolerantDecorator = <M extends AsyncMethod>(
  target: object,
  name: string | symbol,
  descriptor: TypedPropertyDescriptor<M>,
) => void;

/** As `FaultTolerantDecorator`, with a fallback method whose return type must fit. @publicApi */
export type FaultTolerantDecoratorWithFallback<N extends string> = <
  M extends AsyncMethod,
  C extends {
    [K in N]: (
      ...args: never[]
    ) => Answer<M> | PromiseLike<Answer<M>> | Observable<Answer<M>>;
  },
>(
  target: C,
  name: string | symbol,
  descriptor: TypedPropertyDescriptor<M>,
) => void;

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
export function FaultTolerant(
  id: DependencyId,
  options?: Options & {
    readonly fallback?:
      | ((error: unknown, call: Call) => unknown)
      | object
      | number
      | boolean
      | bigint
      | null;
  },
): FaultTolerantDecorator;
export function FaultTolerant(
  id: string,
  options: FaultTolerantOptions = {},
): (target: object, name: string | symbol, d: PropertyDescriptor) => void {
  const { cancelOnDisconnect, observable, ...callOptions } = options;
  checkCallOptions(id, callOptions);
  checkFlags(id, { cancelOnDisconnect, observable });
  return (target, name, descriptor) => {
    if (typeof target === 'function' || typeof descriptor?.value !== 'function')
      throw wrongUse(id, notAMethodMessage(String(name)));
    const original = descriptor.value as Method;
    const dispatcher: Method = function (this: object, ...args) {
      return dispatch(method, this, args);
    };
    const returned: unknown = Reflect.getMetadata(
      'design:returntype',
      target,
      name,
    );
    const method: ProtectedMethod = {
      id,
      className: target.constructor.name,
      name,
      target,
      original,
      dispatcher,
      options,
      callOptions:
        typeof options.fallback === 'string'
          ? { ...callOptions, fallback: undefined }
          : callOptions,
      isObservable:
        options.observable === true ||
        returned === Observable ||
        isObservablePrototype(returned),
    };
    takeAppearance(dispatcher, original);
    Reflect.defineMetadata(FAULT_TOLERANT_METADATA, method, dispatcher);
    noteDispatcher(dispatcher);
    descriptor.value = dispatcher;
    if (!hasInterceptor(original))
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

/** The named fallback must exist by the time the class is complete. */
export function checkFallback({ target, options, ...method }: ProtectedMethod) {
  const { fallback } = options;
  if (typeof fallback !== 'string') return;
  if (typeof (target as Record<string, unknown>)[fallback] === 'function')
    return;
  const { id, className, name } = method;
  throw wrongUse(
    id,
    noFallbackMethodMessage(className, String(name), fallback),
  );
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

function hasInterceptor(original: Method): boolean {
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
  Inject(DaceRegistry)(target, DACE_BINDING);
}

function isObservablePrototype(returned: unknown): boolean {
  return (
    typeof returned === 'function' &&
    typeof returned.prototype === 'object' &&
    returned.name === 'Observable' &&
    isObservable(Object.create(returned.prototype as object))
  );
}

function checkFlags(id: string, flags: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(flags))
    if (value !== undefined && typeof value !== 'boolean')
      throw wrongUse(
        id,
        `@FaultTolerant('${id}'): ${name} is ${String(value)}: expected true or false`,
      );
}

function wrongUse(
  dependencyId: string,
  message: string,
): DaceConfigurationError {
  return new DaceConfigurationError({ dependencyId, message });
}
