/**
 * A decorated call that is part of a running attempt of the same dependency: no second permit,
 * deadline, retry or count; only its own fallback still runs.
 */
import {
  catchError,
  defer,
  from,
  mergeMap,
  tap,
  throwError,
  type Observable,
} from 'rxjs';
import { isDaceError, setCause } from '../core/errors.js';
import { isErrorOfAnyRealm } from '../core/is-error.js';
import { isRunning } from '../dependency/attempt.js';
import type { Call } from '../dependency/call.js';
import type { CallOptions } from '../dependency/options.js';
import { judgeDefault } from '../http/response-verdict.js';
import { toObservable } from './streams.js';

type Options = CallOptions<unknown> | undefined;

export async function join(
  work: (call: Call) => unknown,
  call: Call,
  options: Options,
): Promise<unknown> {
  try {
    return await work(call);
  } catch (error) {
    return fallBack(error, call, options);
  }
}

/** As `join`; a fallback takes over only where nothing was emitted yet. */
export function joinStream(
  work: (call: Call) => unknown,
  call: Call,
  options: Options,
): Observable<unknown> {
  let hasBegun = false;
  return defer(() => toObservable(work(call))).pipe(
    tap(() => {
      hasBegun = true;
    }),
    catchError((error: unknown) =>
      hasBegun
        ? throwError(() => error)
        : from(fallBack(error, call, options)).pipe(mergeMap(toObservable)),
    ),
  );
}

/** The fallback's answer; rejects with the error where there is none. */
async function fallBack(
  error: unknown,
  call: Call,
  options: Options,
): Promise<unknown> {
  const fallback = options?.fallback;
  if (fallback === undefined || !mayFallBack(error, call, options)) throw error;
  if (typeof fallback !== 'function') return fallback;
  try {
    return (await fallback(error, call)) as unknown;
  } catch (own) {
    throw causedBy(own, error);
  }
}

/** Nobody judges a joined call, so the error itself says whether a fallback looks at it. */
function mayFallBack(error: unknown, call: Call, options: Options): boolean {
  // Ended from outside, by the caller or by time: nobody waits for this answer.
  if (!isRunning(call)) return false;
  if (isDaceError(error)) {
    if (error.code === 'DACE_FOREIGN_HOST') return false;
    if (error.code === 'DACE_CONFIGURATION') return false;
    // Asks for another attempt of the operation it is part of.
    if (error.code === 'DACE_RETRY_REQUESTED')
      return error.dependencyId !== call.dependencyId;
    return true;
  }
  const classified = classify(error, options);
  if (classified !== undefined) return classified !== 'ignored';
  const { verdict, status } = judgeDefault(error, true);
  return verdict !== 'ignored' || status === undefined;
}

function classify(error: unknown, options: Options): string | undefined {
  try {
    return options?.classify?.(error);
  } catch {
    return undefined;
  }
}

function causedBy(own: unknown, original: unknown): unknown {
  const canHold = isErrorOfAnyRealm(own) && Object.isExtensible(own);
  if (canHold && own !== original && own.cause === undefined)
    setCause(own, original);
  return own;
}
