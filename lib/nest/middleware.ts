/**
 * A protected middleware: what its `next` starts is the rest of the request, not part of its call, and
 * from then on there is nothing to repeat or to replace.
 */
import type { ExecuteHooks } from '../dependency/call-settings.js';
import { asPartOfThis } from '../dependency/deadline.js';
import { outside } from './frames.js';
import type { ProtectedMethod } from './protected-method.js';
import { hasBegun, isRawAnswer } from './raw-answer.js';

interface Passing {
  readonly args: readonly unknown[];
  readonly hooks: ExecuteHooks | undefined;
}

/** What is different where `method` is called as a middleware is, if it is. */
export function passingOf(
  method: ProtectedMethod,
  args: readonly unknown[],
): Passing | undefined {
  if (method.name !== 'use') return undefined;
  const [request, response, next, ...others] = args;
  if (typeof next !== 'function') return undefined;
  let hasPassed = false;
  const pass = outside(
    asPartOfThis((...given: unknown[]): unknown => {
      hasPassed = true;
      return (next as (...a: unknown[]) => unknown)(...given);
    }),
  );
  return {
    args: [request, response, pass, ...others],
    hooks: isRawAnswer(response)
      ? { isAnswered: () => hasPassed || hasBegun(response) }
      : undefined,
  };
}
