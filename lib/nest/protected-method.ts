/**
 * What is known of one decorated method, gathered once, and how its original is run.
 */
import { DaceConfigurationError } from '../core/errors.js';
import type { Call } from '../dependency/call.js';
import type { CallOptions } from '../dependency/options.js';
import { callSlots } from './dace-call.decorator.js';
import { FAULT_TOLERANT_METADATA } from './dace.constants.js';
import { noFallbackMethodMessage } from './dace.messages.js';

/** Any method. */
export type Method = (this: object, ...args: unknown[]) => unknown;

type Primitive = string | number | bigint | boolean | symbol | null | undefined;

/** What `@FaultTolerant` takes besides the id. @publicApi */
export interface FaultTolerantOptions extends Omit<
  CallOptions<unknown>,
  'signal' | 'fallback'
> {
  /** Name of a method of the same class, a function of (error, call), or a value. */
  readonly fallback?:
    ((error: unknown, call: Call) => unknown) | Primitive | object;
  /** Whether a client that goes away ends the call. @default true for GET, HEAD and OPTIONS */
  readonly cancelOnDisconnect?: boolean | undefined;
  /** The method returns an Observable though its declared type does not say so. */
  readonly observable?: boolean | undefined;
}

export interface ProtectedMethod {
  readonly id: string;
  readonly className: string;
  readonly name: string | symbol;
  readonly target: object;
  readonly original: Method;
  readonly options: FaultTolerantOptions;
  /** The part of the options that the executor knows, without a named fallback. */
  readonly callOptions: CallOptions<unknown> | undefined;
  readonly isObservable: boolean;
  /** It has answered once, and not with a promise of an Observable. */
  isProven: boolean;
  /** Positions of the `@DaceCall()` parameters, known once the class is complete. */
  slots: readonly number[] | undefined;
}

const methods = new WeakMap<object, ProtectedMethod>();

/** What is known of a decorated method, also where a decorator above it has copied its metadata. */
export function protectedMethodOf(
  handler: object,
): ProtectedMethod | undefined {
  const known = methods.get(handler);
  if (known !== undefined) return known;
  const found = Reflect.getMetadata(FAULT_TOLERANT_METADATA, handler) as
    ProtectedMethod | undefined;
  if (found !== undefined) methods.set(handler, found);
  return found;
}

/** As Nest marks the handlers that answer with server-sent events. */
const SSE_METADATA = '__sse__';

/** Whether Nest sends the head of its answer at once, whatever the handler does. */
export function isEventStream({ target, name }: ProtectedMethod): boolean {
  const handler = (target as Record<string | symbol, unknown>)[name];
  return (
    typeof handler === 'function' && Reflect.hasMetadata(SSE_METADATA, handler)
  );
}

/** Whether calling `outer` leads to `inner`: two decorators of one method, or one that overrides. */
export function isPartOf(
  inner: ProtectedMethod,
  outer: ProtectedMethod,
): boolean {
  if (inner.name !== outer.name) return false;
  const { target } = inner;
  return (
    target === outer.target ||
    Object.prototype.isPrototypeOf.call(target, outer.target)
  );
}

/** Runs the original on `self` with the attempt's call in the marked parameters. */
export function runOriginal(
  method: ProtectedMethod,
  self: object,
  args: readonly unknown[],
  call: Call,
): unknown {
  const slots = slotsOf(method);
  if (slots.length === 0) return method.original.apply(self, args as unknown[]);
  const filled = [...args];
  for (const slot of slots) {
    while (filled.length < slot) filled.push(undefined);
    filled[slot] = call;
  }
  return method.original.apply(self, filled);
}

function slotsOf(method: ProtectedMethod): readonly number[] {
  return (method.slots ??= callSlots(method.target, method.name));
}

/**
 * The call options of one use: a named fallback becomes a call of that method on the same `this`,
 * with the declared arguments, without the `@DaceCall()` ones, and then the error.
 */
export function optionsFor(
  method: ProtectedMethod,
  self: object,
  args: readonly unknown[],
): CallOptions<unknown> | undefined {
  const { fallback } = method.options;
  if (typeof fallback !== 'string') return method.callOptions;
  return {
    ...method.callOptions,
    fallback: (error: unknown) =>
      fallbackMethod(method, self, fallback).apply(self, [
        ...declaredArguments(method, args),
        error,
      ]),
  };
}

/** The named fallback of `owner`, an instance or a prototype. */
export function fallbackMethod(
  { id, className, name }: ProtectedMethod,
  owner: object,
  fallback: string,
): Method {
  const found = (owner as Record<string, unknown>)[fallback];
  if (typeof found === 'function') return found as Method;
  throw new DaceConfigurationError({
    dependencyId: id,
    message: noFallbackMethodMessage(className, String(name), fallback),
  });
}

/** The arguments a fallback method gets: as many as the original declares, the calls left out. */
function declaredArguments(
  method: ProtectedMethod,
  args: readonly unknown[],
): unknown[] {
  const slots = slotsOf(method);
  const length = declaredCount(method, slots);
  return Array.from({ length }, (_, index) => args[index]).filter(
    (_, index) => !slots.includes(index),
  );
}

/** Parameters in the source. A function's `length` stops at the first default value. */
function declaredCount(
  { target, name, original }: ProtectedMethod,
  slots: readonly number[],
): number {
  const types: unknown = Reflect.getMetadata('design:paramtypes', target, name);
  if (Array.isArray(types)) return types.length;
  // Compiled without `emitDecoratorMetadata`.
  return Math.max(original.length, (slots.at(-1) ?? -1) + 1);
}
