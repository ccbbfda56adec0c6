/**
 * One operation of a dependency, or of what stands in for it.
 */
import type { Call } from '../dependency/call.js';
import type { ExecuteHooks } from '../dependency/call-settings.js';
import type { Dependency } from '../dependency/dependency.js';
import type { CallOptions } from '../dependency/options.js';

/** A test's stand-in may know `execute` only. */
export function execute(
  dependency: Dependency,
  work: (call: Call) => unknown,
  options: CallOptions<unknown> | undefined,
  hooks: ExecuteHooks | undefined,
): Promise<unknown> {
  const { executeWith } = dependency as Partial<Dependency>;
  if (executeWith !== undefined)
    return dependency.executeWith(work, options, hooks);
  const answer = dependency.execute(work, options);
  return hooks?.onAnswer === undefined
    ? answer
    : answer.then((value) => hooks.onAnswer?.(value));
}
