/**
 * Takes the one verdict of an attempt to everybody who learns from it: circuits, balancer, listeners.
 */
import { catchUp, steps } from '../core/in-turn.js';
import { isErrorOfAnyRealm } from '../core/is-error.js';
import { partOf } from '../core/part-of.js';
import type { Verdict } from '../core/verdict.js';
import { parseRetryAfterMs } from '../http/retry-after.js';
import type { Attempt } from './attempt.js';
import type { CallSettings } from './call-settings.js';
import { release } from './passage.js';
import type { Stages } from './stages.js';
import type { Judgement } from './verdicts.js';

/** What is known of an attempt, or of a guard, when it is over. */
export type Reported = Pick<
  Attempt,
  'host' | 'ticket' | 'hostTicket' | 'startMs'
> &
  Partial<Pick<Attempt, 'attempt'>>;

/** Takes the verdict of an ended attempt to circuits, balancer and counts. */
export function report(
  stages: Stages,
  call: CallSettings,
  attempt: Reported,
  judgement: Judgement,
  nowMs: number,
  error: unknown,
): void {
  steps.underWay += 1;
  try {
    take(stages, call, attempt, judgement, nowMs, error);
  } catch (fault) {
    // The call ends as it would.
    const message = 'What has come of an attempt could not be counted.';
    stages.warnOnce('report', message, fault);
  } finally {
    steps.underWay -= 1;
    catchUp();
  }
  if (stages.listeners.wantsAll)
    tellEnded(stages, attempt, judgement.verdict, nowMs, error);
}

function take(
  stages: Stages,
  call: CallSettings,
  attempt: Reported,
  judgement: Judgement,
  nowMs: number,
  error: unknown,
): void {
  const { host, ticket, hostTicket } = attempt;
  const { verdict, isCircuitFailure: isFailure } = judgement;
  const durationMs = nowMs - attempt.startMs;
  const isSlow = durationMs > call.expectedInMs;
  // Of a host that has left only the success of a probe tells something: else nobody might ever be asked.
  const isOfThePast =
    host.hasLeft && (isFailure || stages.circuit?.isLease(ticket) !== true);
  if (verdict === 'ignored' || verdict === 'local' || isOfThePast) {
    release(stages, attempt);
  } else {
    // Where nobody balances there is nothing to estimate, only a usual answer to know.
    const isBalanced =
      host.circuit !== undefined || stages.fleet.sole === undefined;
    if (verdict !== 'success') {
      if (isBalanced) host.latency.failed(durationMs, nowMs);
      stages.noteFailure(nameOf(error));
    } else if (isBalanced) host.latency.succeeded(durationMs, nowMs);
    else host.latency.answered(durationMs);
    const askedMs = verdict === 'throttled' ? peaceMs(stages, judgement) : 0;
    if (host.circuit === undefined || host.isPinned)
      (host.circuit ?? stages.circuit)?.record(
        host.circuit === undefined ? ticket : hostTicket,
        isFailure,
        isSlow,
        nowMs,
        durationMs,
        askedMs,
      );
    else
      stages.hosts.record(
        host,
        hostTicket,
        ticket,
        isFailure,
        isSlow,
        nowMs,
        durationMs,
        askedMs,
      );
  }
}

/** For how long a throttled answer keeps the circuit open, 0 where it does not. */
function peaceMs(stages: Stages, { retryAfter }: Judgement): number {
  const asked = stages.settings.circuit?.openOnRetryAfter;
  if (asked === undefined || retryAfter === undefined) return 0;
  const askedMs = parseRetryAfterMs(retryAfter, stages.clock.dateMs());
  return Math.min(askedMs ?? 0, asked.maxMs);
}

function tellEnded(
  stages: Stages,
  { host, attempt = 1, startMs }: Reported,
  verdict: Verdict,
  nowMs: number,
  error: unknown,
): void {
  stages.emit({
    type: 'attempt.ended',
    dependencyId: stages.id,
    netloc: host.setting?.netloc,
    attempt,
    durationMs: nowMs - startMs,
    verdict,
    ...(error !== undefined && { error }),
  });
}

export function nameOf(error: unknown): string {
  if (isErrorOfAnyRealm(error)) {
    // Node and axios name a broken connection `Error`; its code says what broke.
    const name = partOf(error, 'name');
    const code = partOf(error, 'code');
    if (name === 'Error' && typeof code === 'string') return code;
    return typeof name === 'string' ? name : 'Error';
  }
  return error === undefined ? 'result' : typeof error;
}
