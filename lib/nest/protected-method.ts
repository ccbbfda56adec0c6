/**
 * What is known of one decorated method, gathered once, and how its original is run.
 */
import type { Call } from '../dependency/call.js';
import type { CallOptions } from '../dependency/options.js';
import { callSlots } from './dace-call.decorator.js';

/** Any method. */
export type Method = (this: object, ...args: unknown[]) => unknown;

/** What `@FaultTolerant` takes besides the id. */
export interface FaultTolerantOptions extends Omit<
  CallOptions<unknown>,
  'signal' | 'fallback'
> {
  /** Name of a method of the same class, a function of (error, call), or a value. */
  readonly fallback?: unknown;
  /** Whether a client that goes away ends the call. @default true for GET, HEAD and OPTIONS */
  readonly cancelOnDisconnect?: boolean;
  /** The method returns an Observable though its declared type does not say so. */
  readonly observable?: boolean;
}

export interface ProtectedMethod {
  readonly id: string;
  readonly className: string;
  readonly name: string | symbol;
  readonly target: object;
  readonly original: Method;
  /** The function that took the original's place. */
  readonly dispatcher: Method;
  readonly options: FaultTolerantOptions;
  /** The part of the options that the executor knows, without a named fallback. */
  readonly callOptions: CallOptions<unknown>;
  readonly isObservable: boolean;
}

/** Runs the original on `self` with the attempt's call in the marked parameters. */
export function runOriginal(
  method: ProtectedMethod,
  self: object,
  args: readonly unknown[],
  call: Call,
): unknown {
  const slots = callSlots(method.target, method.name);
  if (slots.length === 0) return method.original.apply(self, [...args]);
  const filled = [...args];
  for (const slot of slots) {
    while (filled.length < slot) filled.push(undefined);
    filled[slot] = call;
  }
  return method.original.apply(self, filled);
}

/**
 * The call options of one use: a named fallback becomes a call of that method on the same `this`,
 * with the declared arguments, without the `@DaceCall()` ones, and then the error.
 */
export function optionsFor(
  method: ProtectedMethod,
  self: object,
  args: readonly unknown[],
): CallOptions<unknown> {
  const { fallback } = method.options;
  if (typeof fallback !== 'string') return method.callOptions;
  return {
    ...method.callOptions,
    fallback: (error: unknown) => {
      const named = (self as Record<string, Method>)[fallback]!;
      return named.apply(self, [...declared(method, args), error]);
    },
  };
}

/** The arguments a fallback method gets: as many as the original declares, the calls left out. */
function declared(
  method: ProtectedMethod,
  args: readonly unknown[],
): unknown[] {
  const slots = callSlots(method.target, method.name);
  const { length } = method.original;
  const count = Math.max(length, Math.min(args.length, declaredCount(method)));
  const all = Array.from({ length: count }, (_, index) => args[index]);
  return all.filter((_, index) => !slots.includes(index));
}

/** Parameters in the source; `length` stops at the first default value. */
function declaredCount(method: ProtectedMethod): number {
  const types: unknown = Reflect.getMetadata(
    'design:paramtypes',
    method.target,
    method.name,
  );
  return Array.isArray(types) ? types.length : method.original.length;
}
