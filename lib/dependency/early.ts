/**
 * Calls that end before there is an operation: refused at the door, cancelled before they began, or
 * let through a dependency that is switched off. Most of an outage ends here, so it must be cheap.
 */
import { DaceShutdownError } from '../core/errors.js';
import type { Host } from '../balancing/host.js';
import { Attempt } from './attempt.js';
import type { Call } from './call.js';
import type { CallSettings, ExecuteHooks } from './call-settings.js';
import { admitMany, Caller } from './caller.js';
import { chooseHost, whenHostsKnown } from './choose-host.js';
import { runFallback } from './fallback.js';
import { normalizeNetloc } from './netloc.js';
import type { CallOptions } from './options.js';
import { NO_TICKET } from './passage.js';
import { areCallOptionsSound, checkCallOptions } from './option-schema.js';
import { circuitOpen, noTimeLeft, notWork } from './refusals.js';
import type { Stages } from './stages.js';

/** The error of a call that says it wrong, or undefined. */
export function misuseOf(
  id: string,
  work: unknown,
  options: CallOptions<unknown> | undefined,
): unknown {
  if (typeof work !== 'function') return notWork(id, work);
  try {
    if (options !== undefined && !areCallOptionsSound(options))
      checkCallOptions(id, options);
    return undefined;
  } catch (error) {
    return error;
  }
}

/** What a fallback is handed when no attempt began. */
export function unbegun(stages: Stages): Call {
  return bareAttempt(stages, stages.fleet.nameless, 0);
}

/** The dependency is open or closed down. Without listeners a value fallback needs no error. */
export function refuseEarly(
  stages: Stages,
  call: CallSettings,
  nowMs: number,
  hooks: ExecuteHooks | undefined,
): Promise<unknown> {
  const { fallback } = call;
  stages.totals.refused += 1;
  const isHeard = stages.listeners.wantsRare;
  const isValue =
    fallback !== undefined && typeof fallback.value !== 'function';
  if (isValue && !isHeard && hooks === undefined) {
    stages.totals.fallbacks += 1;
    return Promise.resolve(fallback.value);
  }
  const error = stages.isClosed
    ? new DaceShutdownError({ dependencyId: stages.id })
    : circuitOpen(stages, undefined, nowMs);
  return refused(stages, call, error, hooks);
}

/** The deadline that a call is part of has passed. */
export function refuseLate(
  stages: Stages,
  call: CallSettings,
  hooks: ExecuteHooks | undefined,
): Promise<unknown> {
  stages.totals.refused += 1;
  return refused(stages, call, noTimeLeft(stages), hooks);
}

function refused(
  stages: Stages,
  call: CallSettings,
  error: Error,
  hooks: ExecuteHooks | undefined,
): Promise<unknown> {
  const { fallback, signal } = call;
  if (stages.listeners.wantsRare)
    stages.emit({
      type: 'operation.refused',
      dependencyId: stages.id,
      durationMs: 0,
      attempts: 0,
      error,
    });
  if (fallback === undefined || hooks?.isAnswered?.() === true)
    return Promise.reject(error);
  const last = (): Call => unbegun(stages);
  if (signal !== undefined)
    // Who may give up the call may give up its fallback.
    return new Promise((resolve, reject) => {
      const caller = new Caller(stages, call, hooks, resolve, reject);
      caller.fail(error, false, last);
    });
  try {
    return Promise.resolve(runFallback(stages, fallback, error, last));
  } catch (own) {
    return Promise.reject(own);
  }
}

/** The caller's signal had aborted before the call. */
export function cancelEarly(
  stages: Stages,
  signal: AbortSignal,
): Promise<never> {
  stages.totals.cancelled += 1;
  if (stages.listeners.wantsRare)
    stages.emit({
      type: 'operation.cancelled',
      dependencyId: stages.id,
      durationMs: 0,
      attempts: 0,
      error: signal.reason,
    });
  return Promise.reject(signal.reason as Error);
}

/** Work of a switched-off dependency: once, on a picked host, uncounted and unbounded. */
export function runBare<T>(
  stages: Stages,
  work: (call: Call) => T | PromiseLike<T>,
  options: CallOptions<unknown> = {},
  hooks: ExecuteHooks | undefined,
): Promise<T> {
  const { signal } = options;
  if (stages.isClosed)
    return Promise.reject(new DaceShutdownError({ dependencyId: stages.id }));
  if (signal?.aborted) return Promise.reject(signal.reason as Error);
  return new Promise((resolve, reject) => {
    let call: Attempt | undefined;
    let isOver = false;
    const cancel = (reason: unknown): void => {
      if (isOver) return;
      isOver = true;
      unlisten();
      reject(reason);
      call?.abort(reason);
    };
    const onAbort = (): void => cancel(signal?.reason);
    const unlisten = (): void => signal?.removeEventListener('abort', onAbort);
    if (signal !== undefined) admitMany(signal);
    signal?.addEventListener('abort', onAbort);
    hooks?.onStart?.(cancel);
    const run = async (): Promise<T | undefined> => {
      if (options.netloc === undefined && stages.fleet.isAwaitingHosts)
        await new Promise<void>((go) => whenHostsKnown(stages, go));
      if (isOver) return undefined;
      if (stages.isClosed)
        throw new DaceShutdownError({ dependencyId: stages.id });
      call = bareAttempt(stages, bareHost(stages, options), 1);
      return runAs(call, stages, work, hooks);
    };
    run()
      .then((value) => resolve(value as T), reject)
      .finally(() => {
        isOver = true;
        unlisten();
      });
  });
}

function bareHost(stages: Stages, { netloc }: CallOptions<unknown>): Host {
  if (netloc !== undefined) return stages.fleet.pinned(normalizeNetloc(netloc));
  const nowMs = stages.clock.nowMs();
  const picked = chooseHost(stages, nowMs, undefined, false);
  return picked instanceof Error ? stages.fleet.nameless : picked;
}

async function runAs<T>(
  call: Attempt,
  { enterAttempt }: Stages,
  work: (call: Call) => T | PromiseLike<T>,
  hooks: ExecuteHooks | undefined,
): Promise<T> {
  if (hooks?.onAnswer !== undefined)
    call.owner = { settled: (_, __, value) => hooks.onAnswer?.(value) };
  const value = await (enterAttempt === undefined
    ? work(call)
    : enterAttempt(call, work as (call: Call) => PromiseLike<T>));
  return hooks?.onAnswer === undefined ? value : (hooks.onAnswer(value) as T);
}

/** An attempt that nothing judges, bounds or counts, and that no call can be part of. */
function bareAttempt(stages: Stages, host: Host, attempt: number): Attempt {
  const passage = { host, ticket: NO_TICKET, hostTicket: NO_TICKET };
  const nowMs = stages.clock.nowMs();
  return new Attempt(stages, passage, attempt, nowMs, Infinity, false);
}
