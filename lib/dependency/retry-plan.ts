/**
 * What follows an attempt: another one after a delay, or the end with a result or an error.
 */
import { DaceRetryExhaustedError, isDaceError } from '../core/errors.js';
import { isErrorOfAnyRealm } from '../core/is-error.js';
import { parseRetryAfterMs } from '../http/retry-after.js';
import { backoffMs } from '../retry/backoff.js';
import { isAskedFor, isSafeToRepeat } from '../retry/retryable.js';
import type { Attempt } from './attempt.js';
import type { Caller } from './caller.js';
import type { CallSettings } from './call-settings.js';
import type { Circuit } from '../circuit/circuit.js';
import type { Host } from '../balancing/host.js';
import type { Stages } from './stages.js';
import type { Judgement } from './verdicts.js';

/** After so many tries the process has other things to do for a moment, whatever the delay. */
const BREATHER = 100;

/** What the plan knows, and notes, of its operation. */
export interface Retrying {
  readonly stages: Stages;
  readonly call: CallSettings;
  readonly caller: Caller;
  readonly judge: Circuit | undefined;
  readonly tries: number;
  readonly deadlineMs: number;
  readonly lastDelayMs: number;
  /** Hosts that have had their tries, and tries so far on the last one beyond its first. */
  tried: readonly Host[] | undefined;
  sameHostTries: number;
  /** The host of the next attempt, where `retry.sameHost` asks for it. */
  stayOn: Host | undefined;
}

/** An attempt that is over, and what came of it. */
export interface Ended {
  readonly isError: boolean;
  /** What it returned or threw. */
  readonly value: unknown;
  readonly judgement: Judgement;
  readonly attempt: Attempt;
}

/** Another attempt after `delayMs`, or the end: `value` is what the caller gets. */
export type Plan =
  | { readonly delayMs: number; readonly value?: undefined }
  | { readonly delayMs: undefined; readonly value: unknown };

/** Decides, and draws on the budget if it is another attempt. */
export function planRetry(
  operation: Retrying,
  ended: Ended,
  nowMs: number,
): Plan {
  const { stages, call, tries } = operation;
  const { retry } = call;
  if (!isRepeatable(operation, ended)) return lastWord(operation, ended);
  if (tries >= retry.attempts)
    return retry.attempts > 1 || isRequest(operation, ended)
      ? exhausted(operation, ended)
      : lastWord(operation, ended);
  const willStay = chooseStay(operation, ended.attempt);
  const delayMs = backoffMs(
    retry.backoff,
    tries,
    operation.lastDelayMs,
    stages.random,
  );
  const askedMs = willStay ? askedDelayMs(operation, ended) : undefined;
  const pauseMs = tries % BREATHER === 0 ? 1 : 0;
  const wakeMs = nowMs + Math.max(askedMs ?? delayMs, pauseMs);
  const circuit = operation.judge;
  if (wakeMs >= operation.deadlineMs) {
    if (askedMs !== undefined) noteRetryAfter(ended.value, askedMs);
    return lastWord(operation, ended, askedMs);
  }
  // `retry.on` may have closed it.
  const mayGoOn =
    !stages.isClosed &&
    circuit?.willRefuseAt(wakeMs) !== true &&
    (stages.budget === undefined || stages.budget.tryWithdraw(nowMs));
  return mayGoOn
    ? { delayMs: wakeMs - nowMs }
    : lastWord(operation, ended, askedMs);
}

/** What the caller gets when there is no further attempt though one was possible. */
export function lastWord(
  operation: Retrying,
  ended: Ended,
  askedMs?: number,
): { readonly delayMs: undefined; readonly value: unknown } {
  return isRequest(operation, ended)
    ? exhausted(operation, ended, askedMs)
    : { delayMs: undefined, value: ended.value };
}

function exhausted(
  operation: Retrying,
  ended: Ended,
  askedMs = askedDelayMs(operation, ended),
): { readonly delayMs: undefined; readonly value: unknown } {
  if (!ended.isError) return { delayMs: undefined, value: ended.value };
  const error = ended.value;
  const value = new DaceRetryExhaustedError({
    dependencyId: operation.stages.id,
    netloc: ended.attempt.netloc,
    attempts: operation.tries,
    cause: isRequest(operation, ended) ? (error as Error).cause : error,
    ...(askedMs !== undefined && { retryAfterMs: askedMs }),
  });
  return { delayMs: undefined, value };
}

/** The work asked for another attempt itself. */
function isRequest(operation: Retrying, ended: Ended): boolean {
  return (
    ended.isError &&
    isDaceError(ended.value, 'DACE_RETRY_REQUESTED') &&
    ended.value.dependencyId === operation.stages.id
  );
}

function isRepeatable(operation: Retrying, ended: Ended): boolean {
  const { call, caller, stages } = operation;
  const { value, judgement, attempt } = ended;
  if (judgement.isRefusal || caller.isAnswered || stages.isClosed) return false;
  if (isRequest(operation, ended)) return true;
  const isCounted =
    judgement.verdict === 'failure' || judgement.verdict === 'throttled';
  try {
    if (isAskedFor(call.retry.on, value, isCounted)) return true;
  } catch (error) {
    stages.warnOnce('retry.on', 'retry.on threw; it is taken as no.', error);
  }
  if (!ended.isError) return false;
  return isSafeToRepeat(
    {
      verdict: judgement.verdict,
      sent: attempt.sent,
      isAttemptTimeout: attempt.endedBy !== undefined || judgement.isTimeout,
      isConnect: judgement.isConnect,
      isTransport: judgement.isTransport,
    },
    { onTimeout: call.retry.onTimeout, idempotent: call.idempotent },
  );
}

/** Whether the next attempt goes to the same host; notes it, or that this one has been tried. */
function chooseStay(operation: Retrying, { host }: Attempt): boolean {
  const { stages, call } = operation;
  if (call.pinned !== undefined) return true;
  if (stages.hosts.all.length < 2 && !stages.isAnsweredByFunction) return true;
  if (operation.sameHostTries < call.retry.sameHost && host.isInService) {
    operation.sameHostTries += 1;
    operation.stayOn = host;
    return true;
  }
  operation.sameHostTries = 0;
  operation.stayOn = undefined;
  operation.tried = [...(operation.tried ?? []), host];
  return !stages.hosts.hasUntried(operation.tried);
}

function askedDelayMs(operation: Retrying, ended: Ended): number | undefined {
  const { retryAfter } = ended.judgement;
  if (retryAfter === undefined) return undefined;
  return parseRetryAfterMs(retryAfter, operation.stages.clock.dateMs());
}

/** Tells whoever reads the error when another try may work. */
function noteRetryAfter(error: unknown, retryAfterMs: number): void {
  if (!isErrorOfAnyRealm(error)) return;
  // False where it may not be changed, which keeps nobody from his error.
  Reflect.defineProperty(error, 'retryAfterMs', {
    value: retryAfterMs,
    configurable: true,
    enumerable: true,
  });
}
