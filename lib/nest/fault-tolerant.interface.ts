/**
 * What `@FaultTolerant` takes a method for, and what may stand in for its answer, as far as the
 * compiler can tell.
 */
import type { Observable } from 'rxjs';
import type { IsAny } from '../core/is-any.js';
import type { Call } from '../dependency/call.js';

/**
 * Protects an instance method that returns a Promise or an Observable; `V` is what it answers
 * with where it would have failed.
 *
 * @publicApi
 */
export interface FaultTolerantDecorator<V = never> extends Composable {
  <M extends AsyncMethod>(
    target: Instance,
    name: string | symbol,
    descriptor: TypedPropertyDescriptor<M> & Answering<M, V>,
  ): void;
}

/**
 * As `FaultTolerantDecorator`, with a fallback method `N` of the same class, public or not, that
 * takes what the method takes, without the calls, and then the error. Where a parameter's type is
 * a type parameter of the class, that cannot be told: `FaultTolerant<string>(…)` asks for no check.
 *
 * @publicApi
 */
export interface FaultTolerantDecoratorWithFallback<
  N extends string,
> extends Composable {
  <M extends AsyncMethod, C extends Instance>(
    target: C & FallbackOwner<C, N, M>,
    name: string | symbol,
    descriptor: TypedPropertyDescriptor<M>,
  ): void;
}

type AsyncMethod = (...args: never[]) => Promise<unknown> | Observable<unknown>;

/** A class is none: what is static belongs to no app. */
type Instance = object & { readonly prototype?: never };

/**
 * Makes the decorator one of those that `applyDecorators` takes, which promise to fit whatever
 * method. Where a method is known, one argument too many is asked for, and nothing fits.
 */
interface Composable {
  <T>(
    target: object,
    name: string | symbol,
    descriptor?: TypedPropertyDescriptor<T>,
    ...never: T extends T ? [never] : []
  ): void;
}

/** What may stand in for an answer of type `R`. */
type Answer<R> =
  R extends Promise<infer T>
    ? T | PromiseLike<T>
    : R extends Observable<infer T>
      ? T | PromiseLike<T> | Observable<T>
      : never;

/** Asks for a method that `V` may answer for. */
type Answering<M extends AsyncMethod, V> = (() => V) extends () => Answer<
  ReturnType<M>
>
  ? unknown
  : { readonly value?: (...args: never[]) => Promise<V> };

/** Asks for a member `N` that may answer for `M`. A name known at run time only is checked there. */
type FallbackOwner<
  C,
  N extends string,
  M extends AsyncMethod,
> = string extends N
  ? unknown
  : Member<C, N> extends FallbackMethod<M>
    ? unknown
    : { [K in N]: FallbackMethod<M> };

/** Not `C[N]`, which sees public members only; unknown where there is none. */
type Member<C, N extends string> = (C & { readonly [K in N]: unknown })[N];

/**
 * `Error`, though anything can be thrown: as in a `catch` callback, whoever expects one may say so.
 * Of a method that cannot be protected anything will do: that error is told elsewhere.
 */
type FallbackMethod<M extends AsyncMethod> =
  IsUnfit<M> extends true
    ? unknown
    : (
        ...args: [...WithoutCalls<Parameters<M>>, error: Error]
      ) => Answer<ReturnType<M>>;

/** The arguments that a fallback method is given: each declared one, of a rest parameter the first. */
type WithoutCalls<P extends readonly unknown[]> =
  Required<P> extends readonly [unknown, ...unknown[]]
    ? P extends readonly [unknown?, ...infer Rest]
      ? IsCall<P[0]> extends true
        ? WithoutCalls<Rest>
        : [P[0], ...WithoutCalls<Rest>]
      : never
    : P extends readonly []
      ? []
      : [P[number] | undefined];

/** Undecided while `T` is a type parameter of the class, which might stand for a call. */
type IsCall<T> = [T] extends [Call | undefined]
  ? [Call] extends [T]
    ? IsAny<T> extends true
      ? false
      : true
    : false
  : false;

/** What stands for a method that does not fit `AsyncMethod` is that type itself. */
type IsUnfit<M extends AsyncMethod> = AsyncMethod extends M
  ? M extends (...args: never[]) => infer R
    ? IsAny<R> extends true
      ? false
      : true
    : false
  : false;
