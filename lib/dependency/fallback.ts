/**
 * What the caller gets in place of an error.
 */
import { setCause } from '../core/errors.js';
import { isErrorOfAnyRealm } from '../core/is-error.js';
import { isThenable } from './attempt.js';
import type { Call } from './call.js';
import type { CallSettings } from './call-settings.js';
import type { Stages } from './stages.js';

/**
 * The fallback's answer, which may be a promise; throws, or rejects with, the fallback's own error,
 * the original one as its cause.
 */
export function runFallback(
  stages: Stages,
  fallback: NonNullable<CallSettings['fallback']>,
  error: unknown,
  call: () => Call,
): unknown {
  stages.totals.fallbacks += 1;
  if (stages.listeners.wantsRare)
    stages.emit({ type: 'fallback.used', dependencyId: stages.id, error });
  const { value } = fallback;
  if (typeof value !== 'function') return value;
  try {
    const answer: unknown = (value as (...args: unknown[]) => unknown)(
      error,
      call(),
    );
    return isThenable(answer)
      ? Promise.resolve(answer).catch((own: unknown) => {
          throw causedBy(own, error);
        })
      : answer;
  } catch (own) {
    throw causedBy(own, error);
  }
}

function causedBy(own: unknown, original: unknown): unknown {
  try {
    if (
      isErrorOfAnyRealm(own) &&
      own !== original &&
      own.cause === undefined &&
      Object.isExtensible(own)
    )
      setCause(own, original);
  } catch {
    // Its own error surfaces, whatever keeps it from having a cause.
  }
  return own;
}
