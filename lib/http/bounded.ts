import { DaceTimeoutError } from '../core/errors.js';
import type { TransportEnvironment } from './http-options.js';

export interface Bound {
  readonly dependencyId: string;
  /** Infinity = none. */
  readonly timeoutMs: number;
  readonly environment: TransportEnvironment;
}

/**
 * What `answer` becomes, or a timeout of kind `attempt` when it takes too long: for a hook that runs
 * where no attempt bounds it.
 */
export function bounded<T>(
  answer: T | PromiseLike<T>,
  { dependencyId, timeoutMs, environment }: Bound,
): T | Promise<T> {
  if (!isThenable(answer) || timeoutMs === Infinity) return answer as T;
  return new Promise((resolve, reject) => {
    const stop = environment.startTimer(timeoutMs, () =>
      reject(
        new DaceTimeoutError({ dependencyId, timeoutMs, kind: 'attempt' }),
      ),
    );
    // A thenable of the user's may promise less than a promise does.
    Promise.resolve(answer).then(resolve, reject).then(stop, stop);
  });
}

const isThenable = <T>(answer: T | PromiseLike<T>): answer is PromiseLike<T> =>
  typeof (answer as { then?: unknown } | null | undefined)?.then === 'function';
