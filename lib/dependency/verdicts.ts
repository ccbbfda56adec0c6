/**
 * One verdict per attempt: passed here, once; `report.ts` takes it to everybody who learns from it.
 */
import { atOnce } from '../core/at-once.js';
import {
  isDaceError,
  isTimeout,
  type DaceTimeoutError,
} from '../core/errors.js';
import { partOf } from '../core/part-of.js';
import type { JudgedVerdict, Verdict } from '../core/verdict.js';
import { judgeDefault } from '../http/response-verdict.js';
import type { Attempt } from './attempt.js';
import type { CallSettings } from './call-settings.js';
import type { Stages } from './stages.js';

export interface Judgement {
  readonly verdict: Verdict;
  /** What circuits make of it; a 429 is no failure to them, a 503 is. */
  readonly isCircuitFailure: boolean;
  /** An answer or `classify` made it ignored, or the fault is the app's own: no fallback. */
  readonly isBarred: boolean;
  /** Never repeated, whoever asks. */
  readonly isRefusal: boolean;
  readonly isConnect: boolean;
  /** A request ran out of its own time, which is for `retry.onTimeout` to judge. */
  readonly isTimeout: boolean;
  /** Network, 408, 425, 429, 5xx: repeatable where the request was. */
  readonly isTransport: boolean;
  /** Text of a `Retry-After` header. */
  readonly retryAfter?: string;
}

const PLAIN = {
  isCircuitFailure: false,
  isBarred: false,
  isRefusal: false,
  isConnect: false,
  isTimeout: false,
  isTransport: false,
} as const;

export const SUCCESS: Judgement = { ...PLAIN, verdict: 'success' };
/** A success that took longer than `expectedInMs`. */
const SLOW: Judgement = { ...SUCCESS, isCircuitFailure: true };
const REFUSAL: Judgement = { ...PLAIN, verdict: 'ignored', isRefusal: true };
const OWN_FAULT: Judgement = { ...PLAIN, verdict: 'ignored', isBarred: true };
const BARE_FAILURE: Judgement = {
  ...PLAIN,
  verdict: 'failure',
  isCircuitFailure: true,
};
/** The attempt ran out of time. */
export const TIMED_OUT = BARE_FAILURE;
/** A caller in a hurry cut the attempt before a usual answer could come. */
export const CUT_EARLY: Judgement = { ...PLAIN, verdict: 'ignored' };

/** The attempt was ended by its caller or by us. */
export const NO_VERDICT = CUT_EARLY;

/**
 * Judges what an attempt returned, or threw, after `tookMs`. What cannot be judged, since looking at it
 * throws, is judged by whether it was thrown: a call that is not judged would never end.
 */
export function judge(
  stages: Stages,
  call: CallSettings,
  isError: boolean,
  value: unknown,
  tookMs: number,
): Judgement {
  try {
    return isError
      ? judgeError(stages, call, value)
      : judgeResult(stages, call, value, tookMs);
  } catch {
    return isError ? BARE_FAILURE : SUCCESS;
  }
}

/** Judges what an attempt returned after `tookMs`. Most results are judged by their type alone. */
function judgeResult(
  stages: Stages,
  call: CallSettings,
  value: unknown,
  tookMs: number,
): Judgement {
  const judgement =
    call.classify !== undefined
      ? judgeBy(stages, call.classify, value, byDefault(value, false))
      : typeof value !== 'object' || value === null
        ? SUCCESS
        : byDefault(value, false);
  return judgement === SUCCESS && tookMs > call.expectedInMs ? SLOW : judgement;
}

/** Errors that a protected call has ended with. What it had sent, nobody around it knows. */
const surfaced = new WeakSet<object>();
/** Those of them that ended a call before any attempt of it. */
const refusals = new WeakSet<object>();

export function noteSurfaced(error: unknown, isRefusal: boolean): void {
  if (typeof error !== 'object' || error === null) return;
  surfaced.add(error);
  if (isRefusal) refusals.add(error);
}

/** It waited in vain, or had no time left to begin with. */
function isBeforeAttempts(error: object): boolean {
  const { kind, timeoutMs } = error as Partial<DaceTimeoutError>;
  return kind === 'queue' || timeoutMs === 0 || refusals.has(error);
}

/** How far a chain of causes is followed: one may lead back to itself. */
const MAX_DEPTH = 5;

/** `fetch`, and clients above it, tell what the gate has refused as the cause of their own error. */
function isOfTheGate(error: unknown, depth = 0): boolean {
  if (isDaceError(error)) return error.code === 'DACE_FOREIGN_HOST';
  const cause = depth < MAX_DEPTH ? partOf(error, 'cause') : undefined;
  return cause !== undefined && isOfTheGate(cause, depth + 1);
}

/** Judges what an attempt threw. */
function judgeError(
  stages: Stages,
  call: CallSettings,
  error: unknown,
): Judgement {
  if (isOfTheGate(error)) return OWN_FAULT;
  if (isDaceError(error)) {
    switch (error.code) {
      case 'DACE_CONFIGURATION':
        return OWN_FAULT;
      case 'DACE_CIRCUIT_OPEN':
      case 'DACE_RATE_LIMITED':
      case 'DACE_NO_HOSTS':
      case 'DACE_SHUTDOWN':
        return REFUSAL;
      case 'DACE_TIMEOUT':
        if (isBeforeAttempts(error)) return REFUSAL;
        break;
      case 'DACE_RETRY_REQUESTED':
        if (error.dependencyId === stages.id)
          return error.cause === undefined || error.cause === error
            ? BARE_FAILURE
            : judgeError(stages, call, error.cause);
        break;
      default:
    }
  }
  // Another dependency's tries are used up: a failure like any, and not ours to repeat.
  const judged = isDaceError(error, 'DACE_RETRY_EXHAUSTED')
    ? BARE_FAILURE
    : byDefault(error, true);
  const plain =
    typeof error === 'object' && error !== null && surfaced.has(error)
      ? { ...judged, isConnect: false, isTimeout: false, isTransport: false }
      : judged;
  return call.classify === undefined
    ? plain
    : judgeBy(stages, call.classify, error, plain);
}

/**
 * Judges an attempt that was cut at `endMs`. A deadline that cuts it sooner than the dependency's own
 * attempt timeout would, and sooner than a usual answer takes, proves nothing: a hasty caller is no
 * fault of the dependency. A hanging dependency is one.
 */
export function judgeTimeout(
  stages: Stages,
  call: CallSettings,
  { host, startMs }: Attempt,
  endMs: number,
  error: DaceTimeoutError,
): Judgement {
  const tookMs = endMs - startMs;
  const { usualMs } = host.latency;
  const isCutShort = tookMs < stages.settings.attemptTimeoutMs;
  if (isCutShort && usualMs !== undefined && tookMs < usualMs)
    return NO_VERDICT;
  return call.classify === undefined
    ? BARE_FAILURE
    : judgeError(stages, call, error);
}

function judgeBy(
  stages: Stages,
  classify: NonNullable<CallSettings['classify']>,
  outcome: unknown,
  plain: Judgement,
): Judgement {
  let verdict: JudgedVerdict | undefined;
  try {
    verdict = atOnce(classify(outcome));
  } catch (error) {
    stages.warnOnce(
      'classify',
      'classify threw; the default verdict holds.',
      error,
    );
  }
  switch (verdict) {
    case 'success':
      return SUCCESS;
    case 'failure':
      return { ...plain, verdict, isCircuitFailure: true, isBarred: false };
    case 'throttled':
      return {
        ...plain,
        verdict,
        isBarred: false,
        isCircuitFailure: plain.isCircuitFailure && isUnavailable(outcome),
      };
    case 'ignored':
      return {
        ...plain,
        verdict,
        isCircuitFailure: false,
        // A fallback looks at a timeout whatever classify makes of it.
        isBarred: !isDaceError(outcome, 'DACE_TIMEOUT'),
      };
    default:
      return plain;
  }
}

/** The default, with what the pipeline asks of it. */
function byDefault(outcome: unknown, isError: boolean): Judgement {
  const plain = judgeDefault(outcome, isError);
  if (plain.verdict === 'success') return SUCCESS;
  const hasStatus = plain.status !== undefined;
  const isIgnored = plain.verdict === 'ignored';
  const isOutOfTime =
    isError && !hasStatus && plain.isConnect !== true && isTimeout(outcome);
  return {
    verdict: plain.verdict,
    isCircuitFailure: plain.isCircuitFailure,
    isBarred: isIgnored && hasStatus,
    isRefusal: false,
    isConnect: plain.isConnect === true,
    isTimeout: isOutOfTime,
    isTransport:
      (plain.isNetwork === true && !isOutOfTime) || (hasStatus && !isIgnored),
    ...(plain.retryAfter !== undefined && { retryAfter: plain.retryAfter }),
  };
}

function isUnavailable(outcome: unknown): boolean {
  return (
    partOf(partOf(outcome, 'response'), 'status') === 503 ||
    partOf(outcome, 'status') === 503
  );
}
