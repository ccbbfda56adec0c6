/**
 * Which functions keep their very type when they are wrapped.
 */
import type { IsAny } from '../core/is-any.js';

export type AsyncFunction = (...args: never[]) => Promise<unknown>;

/**
 * `Fn` where it answers with a plain promise and carries no properties: generic and overloaded
 * signatures stay. Never where it does not.
 */
export type Unchanged<Fn extends AsyncFunction> = [keyof Fn] extends [never]
  ? IsPlain<ReturnType<Fn>> extends true
    ? Fn
    : never
  : never;

/** A promise without methods of its own. */
type IsPlain<R> =
  Promise<Awaited<R>> extends R
    ? IsAny<R> extends true
      ? false
      : true
    : false;
