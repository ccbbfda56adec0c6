/**
 * The life of a call, top down: admission by a circuit, choice of a host, its permit, a token, the
 * work under its timeout, one verdict that everybody reads, and then the end or another attempt.
 *
 * An operation is in one phase at a time and waits for one moment at a time, so it is a single
 * entry in the deadline queue: for the attempt's end, or the end of a sleep or of a wait in line.
 */
import { AsyncResource } from 'node:async_hooks';
import type { Host } from '../balancing/host.js';
import { REFUSED } from '../circuit/circuit.js';
import type { Waiter } from '../core/deadline-queue.js';
import { DaceShutdownError, DaceTimeoutError } from '../core/errors.js';
import type { PermitWaiter } from '../limits/permits.js';
import { Attempt, NO_TICKET } from './attempt.js';
import type { Call } from './call.js';
import type { CallSettings, ExecuteHooks } from './call-settings.js';
import { askBalancer, chooseHost } from './choose-host.js';
import { unbegun } from './early.js';
import { runFallback } from './fallback.js';
import { circuitOpen, netlocFull, rateLimited } from './refusals.js';
import { lastWord, planRetry, type Ended } from './retry-plan.js';
import type { Stages } from './stages.js';
import {
  CUT_EARLY,
  NO_VERDICT,
  judgeError,
  judgeResult,
  release,
  report,
  TIMED_OUT,
  type Judgement,
} from './verdicts.js';

type Phase =
  | 'choosing'
  | 'queued'
  | 'granted'
  | 'running'
  | 'judging'
  | 'sleeping'
  | 'over';

export class Operation implements Waiter, PermitWaiter {
  dueMs = 0;
  heapIndex = -1;
  /** Neighbours in the list of live operations. */
  before: Operation | undefined = undefined;
  after: Operation | undefined = undefined;
  /** Hosts that have had their tries, and tries so far on the last one beyond its first. */
  tried: Host[] | undefined = undefined;
  sameHostTries = 0;
  /** The host of the next attempt, where `retry.sameHost` asks for it. */
  stayOn: Host | undefined = undefined;
  tries = 0;
  lastDelayMs = 0;
  readonly deadlineMs: number;

  private phase: Phase = 'choosing';
  private attempt: Attempt | undefined = undefined;
  private host: Host;
  private ticket = NO_TICKET;
  private hostTicket = NO_TICKET;
  private last: Ended | undefined = undefined;
  /** The caller's async context, kept where a timer or another call will wake this one. */
  private context: AsyncResource | undefined = undefined;

  constructor(
    readonly stages: Stages,
    private readonly work: (call: Call) => unknown,
    readonly call: CallSettings,
    private readonly startMs: number,
    private readonly resolve: (value: unknown) => void,
    private readonly reject: (error: unknown) => void,
    readonly hooks: ExecuteHooks | undefined,
  ) {
    this.host = stages.fleet.nameless;
    this.deadlineMs = startMs + call.timeoutMs;
    const { fallback, retry, signal } = call;
    if (
      retry.onTimeout ||
      retry.on !== undefined ||
      typeof fallback?.value === 'function'
    )
      this.keepContext();
    const next = stages.firstLive;
    this.after = next;
    if (next !== undefined) next.before = this;
    stages.firstLive = this;
    signal?.addEventListener('abort', this);
    hooks?.onStart?.((reason) => this.cancel(reason));
  }

  /** Asks for admission and goes to a host, or refuses. */
  begin(nowMs: number): void {
    const { stages } = this;
    const { pinned } = this.call;
    const circuit = pinned?.circuit ?? stages.circuit;
    const isBlocked =
      pinned !== undefined && stages.circuit?.mode === 'forced-open';
    const ticket = isBlocked
      ? REFUSED
      : (circuit?.admit(nowMs, this.leaseMs) ?? NO_TICKET);
    if (ticket === REFUSED)
      return this.refuse(circuitOpen(stages, pinned, nowMs), nowMs);
    this.hostTicket = NO_TICKET;
    if (pinned?.circuit === undefined) {
      this.ticket = ticket;
      if (pinned === undefined) this.choose(nowMs);
      else this.enter(pinned, nowMs);
      return;
    }
    this.hostTicket = ticket;
    this.ticket = pinned.isPinned
      ? NO_TICKET
      : (stages.circuit?.closedTicket ?? NO_TICKET);
    this.enter(pinned, nowMs);
  }

  onDue(nowMs: number): void {
    if (this.phase === 'running') return this.timeOut(nowMs);
    if (this.phase === 'sleeping') return this.inContext(() => this.resume());
    const kind =
      this.phase === 'queued' && this.dueMs < this.deadlineMs
        ? 'queue'
        : 'operation';
    this.interrupt(undefined, nowMs);
    this.refuse(this.timeoutError(kind), nowMs);
  }

  /** A permit of the netloc it queued at is its own now. */
  granted(): void {
    this.phase = 'granted';
    this.stages.deadlines.remove(this);
    queueMicrotask(() => {
      if (this.phase === 'granted') this.inContext(() => this.takePlace());
    });
  }

  /** The caller's signal. */
  handleEvent(): void {
    this.cancel(this.call.signal!.reason);
  }

  /** The caller is gone: it ends in this very tick, whatever is going on. */
  cancel(reason: unknown): void {
    if (this.phase === 'over') return;
    const nowMs = this.stages.clock.nowMs();
    this.interrupt(reason, nowMs);
    this.end('cancelled', reason, nowMs);
    this.reject(reason);
  }

  /** The dependency closes: what waits ends now, work ends when the grace is over. */
  shutDown(isGraceOver: boolean): void {
    const { phase } = this;
    if (phase === 'over' || (phase === 'running' && !isGraceOver)) return;
    const nowMs = this.stages.clock.nowMs();
    const error = new DaceShutdownError({ dependencyId: this.stages.id });
    this.interrupt(error, nowMs);
    if (phase === 'running') this.fail('failed', error, false, nowMs);
    else this.refuse(error, nowMs);
  }

  private get leaseMs(): number {
    const { attemptTimeoutMs } = this.call;
    return Math.max(
      this.stages.settings.circuit?.leaseMs ?? 0,
      attemptTimeoutMs === Infinity ? 0 : attemptTimeoutMs + 1_000,
    );
  }

  /** Its admission is a probe's. */
  private get isProbe(): boolean {
    return (
      this.stages.circuit?.isLease(this.ticket) === true ||
      this.host.circuit?.isLease(this.hostTicket) === true
    );
  }

  private choose(nowMs: number): void {
    const { stages } = this;
    this.host = stages.fleet.nameless;
    if (this.stayOn?.isInService) return this.admitTo(this.stayOn, nowMs);
    if (!stages.isAnsweredByFunction) {
      const host = chooseHost(stages, nowMs, this.tried, !this.isProbe);
      if (host instanceof Error) this.refuseWithTickets(host, nowMs);
      else this.admitTo(host, nowMs);
      return;
    }
    this.phase = 'choosing';
    stages.deadlines.add(this, this.deadlineMs);
    this.keepContext();
    askBalancer(stages, this.tried, (answer) => {
      if (this.phase !== 'choosing') return;
      const laterMs = stages.clock.nowMs();
      if (answer.host === undefined) {
        this.interrupt(undefined, laterMs);
        if (answer.isRefusal) this.refuse(answer.error, laterMs);
        else this.fail('failed', answer.error, false, laterMs);
      } else this.admitTo(answer.host, laterMs);
    });
  }

  private admitTo(host: Host, nowMs: number): void {
    const ticket = host.circuit?.admit(nowMs, this.leaseMs) ?? NO_TICKET;
    this.hostTicket = ticket;
    if (ticket !== REFUSED) return this.enter(host, nowMs);
    this.host = host;
    this.refuseWithTickets(circuitOpen(this.stages, host, nowMs), nowMs);
  }

  /** Takes the permit, or a place in its queue. */
  private enter(host: Host, nowMs: number): void {
    this.host = host;
    const { permits } = host;
    if (permits.tryAcquire()) return this.launch(nowMs);
    const { settings, deadlines } = this.stages;
    if (this.isProbe || !permits.hasQueueRoom)
      return this.refuseWithTickets(netlocFull(this.stages, host), nowMs);
    this.phase = 'queued';
    this.keepContext();
    permits.enqueue(this);
    deadlines.add(
      this,
      Math.min(this.deadlineMs, nowMs + settings.queueTimeoutMs),
    );
  }

  /** After a wait in the queue: what admitted it may have changed. */
  private takePlace(): void {
    const { stages, host } = this;
    const nowMs = stages.clock.nowMs();
    const { pinned } = this.call;
    const circuit = pinned?.circuit ?? stages.circuit;
    const isStillAdmitted =
      circuit === undefined ||
      (circuit.closedTicket !== REFUSED && circuit.mode !== 'forced-open');
    if (isStillAdmitted && (host.isInService || pinned !== undefined)) {
      if (pinned?.circuit === undefined)
        this.ticket = circuit?.closedTicket ?? NO_TICKET;
      this.hostTicket = host.circuit?.closedTicket ?? NO_TICKET;
      return this.launch(nowMs);
    }
    host.permits.release();
    this.begin(nowMs);
  }

  /** Runs the work; the permit is taken. */
  private launch(nowMs: number): void {
    const { stages, host, call } = this;
    const { rate, totals } = stages;
    if (rate !== undefined && !rate.tryTake(nowMs)) {
      host.permits.release();
      return this.refuseWithTickets(rateLimited(stages, rate, nowMs), nowMs);
    }
    if (this.tries === 0) stages.budget?.deposit(nowMs);
    else totals.retries += 1;
    this.tries += 1;
    totals.attempts += 1;
    host.inFlight += 1;
    stages.inFlight += 1;
    host.asked(nowMs);
    const endMs = Math.min(nowMs + call.attemptTimeoutMs, this.deadlineMs);
    const attempt = new Attempt(
      stages,
      host,
      this.tries,
      this.ticket,
      this.hostTicket,
      nowMs,
      endMs,
      true,
    );
    this.attempt = attempt;
    this.renewLeases(nowMs);
    this.phase = 'running';
    stages.deadlines.add(this, endMs);
    if (stages.listeners.wantsAll)
      stages.emit({
        type: 'attempt.started',
        dependencyId: stages.id,
        netloc: attempt.netloc,
        attempt: attempt.attempt,
      });
    const { enterAttempt } = stages;
    try {
      const result =
        enterAttempt === undefined
          ? this.work(attempt)
          : enterAttempt(attempt, this.work);
      if (result instanceof Promise) this.watch(attempt, result);
      else if (isThenable(result)) this.watch(attempt, Promise.resolve(result));
      else this.answered(attempt, result);
    } catch (error) {
      this.threw(attempt, error);
    }
  }

  private watch(attempt: Attempt, promise: Promise<unknown>): void {
    promise.then(
      (value) => this.answered(attempt, value),
      (error: unknown) => this.threw(attempt, error),
    );
  }

  private answered(attempt: Attempt, value: unknown): void {
    if (!attempt.isRunning) return attempt.workSettled();
    const { stages, call } = this;
    const nowMs = stages.clock.nowMs();
    this.phase = 'judging';
    stages.deadlines.remove(this);
    attempt.finish();
    const judgement = judgeResult(stages, call, value);
    const isSlow =
      judgement.verdict === 'success' &&
      nowMs - attempt.startMs > call.expectedInMs;
    report(stages, attempt, judgement, isSlow, nowMs, undefined);
    if (call.retry.on !== undefined)
      this.conclude({ isError: false, value, judgement, attempt }, nowMs);
    else this.succeed(value, nowMs);
  }

  private threw(attempt: Attempt, error: unknown): void {
    if (!attempt.isRunning) return attempt.workSettled();
    const { stages, call } = this;
    const nowMs = stages.clock.nowMs();
    this.phase = 'judging';
    stages.deadlines.remove(this);
    attempt.finish();
    const judgement = judgeError(stages, call, error);
    report(stages, attempt, judgement, false, nowMs, error);
    this.conclude({ isError: true, value: error, judgement, attempt }, nowMs);
  }

  /** The attempt's time is up. */
  private timeOut(nowMs: number): void {
    const { stages, attempt, dueMs } = this;
    const isDeadline = dueMs >= this.deadlineMs;
    const error = this.timeoutError(isDeadline ? 'operation' : 'attempt');
    const judgement = this.judgeTimeout(attempt!, dueMs, error);
    this.phase = 'judging';
    attempt!.cut(error);
    report(stages, attempt!, judgement, false, dueMs, error);
    this.inContext(() =>
      this.conclude(
        { isError: true, value: error, judgement, attempt: attempt! },
        nowMs,
      ),
    );
  }

  private judgeTimeout(
    attempt: Attempt,
    endMs: number,
    error: DaceTimeoutError,
  ): Judgement {
    const tookMs = endMs - attempt.startMs;
    const { usualMs } = attempt.host.latency;
    const wasCutShort = tookMs < this.stages.settings.attemptTimeoutMs;
    if (wasCutShort && usualMs !== undefined && tookMs < usualMs)
      return CUT_EARLY;
    if (this.call.classify === undefined) return TIMED_OUT;
    return judgeError(this.stages, this.call, error);
  }

  /** An attempt is judged: done, or another one. */
  private conclude(ended: Ended, nowMs: number): void {
    if (this.phase === 'over') return;
    this.last = ended;
    const plan = planRetry(this, ended, nowMs);
    if (plan.delayMs === undefined)
      return this.surface(ended, plan.value, nowMs);
    const { stages } = this;
    if (stages.listeners.wantsRare)
      stages.emit({
        type: 'retry.scheduled',
        dependencyId: stages.id,
        netloc: ended.attempt.netloc,
        attempt: this.tries + 1,
        delayMs: plan.delayMs,
        error: ended.value,
      });
    this.lastDelayMs = plan.delayMs;
    this.phase = 'sleeping';
    this.keepContext();
    if (plan.delayMs > 0) stages.deadlines.add(this, nowMs + plan.delayMs);
    else queueMicrotask(() => this.inContext(() => this.resume()));
  }

  private resume(): void {
    if (this.phase !== 'sleeping') return;
    this.phase = 'choosing';
    this.begin(this.stages.clock.nowMs());
  }

  /** Gives the caller what the last attempt left. */
  private surface(ended: Ended, value: unknown, nowMs: number): void {
    if (ended.isError)
      this.fail('failed', value, ended.judgement.isBarred, nowMs);
    else this.succeed(value, nowMs);
  }

  private succeed(value: unknown, nowMs: number): void {
    if (this.phase === 'over') return;
    this.end('succeeded', undefined, nowMs);
    this.resolve(value);
  }

  private refuseWithTickets(error: Error, nowMs: number): void {
    release(this.stages, this.tickets);
    this.refuse(error, nowMs);
  }

  /** Refused; at a later attempt the caller hears of the one before. */
  private refuse(error: Error, nowMs: number): void {
    const { last } = this;
    if (last === undefined) this.fail('refused', error, false, nowMs);
    else this.surface(last, lastWord(this, last).value, nowMs);
  }

  private fail(
    end: 'failed' | 'refused',
    error: unknown,
    isBarred: boolean,
    nowMs: number,
  ): void {
    if (this.phase === 'over') return;
    const { stages, attempt } = this;
    this.end(end, error, nowMs);
    const { fallback } = this.call;
    if (fallback === undefined || isBarred || this.hooks?.isAnswered?.())
      return this.reject(error);
    this.inContext(() => {
      try {
        this.resolve(
          runFallback(
            stages,
            fallback,
            error,
            () => attempt ?? unbegun(stages),
          ),
        );
      } catch (own) {
        this.reject(own);
      }
    });
  }

  /** Takes the operation out of whatever it is in the middle of. */
  private interrupt(reason: unknown, nowMs: number): void {
    const { stages, host, attempt, phase } = this;
    stages.deadlines.remove(this);
    if (phase === 'running') {
      attempt!.cut(reason);
      report(stages, attempt!, NO_VERDICT, false, nowMs, reason);
      return;
    }
    if (phase === 'queued') host.permits.leave(this);
    else if (phase === 'granted') host.permits.release();
    if (phase !== 'sleeping' && phase !== 'judging')
      release(stages, this.tickets);
  }

  private end(
    end: keyof typeof END_EVENTS,
    error: unknown,
    nowMs: number,
  ): void {
    const { stages, call, before, after } = this;
    this.phase = 'over';
    stages.deadlines.remove(this);
    if (before === undefined) stages.firstLive = after;
    else before.after = after;
    if (after !== undefined) after.before = before;
    call.signal?.removeEventListener('abort', this);
    stages.totals[end] += 1;
    if (
      stages.listeners.wantsAll ||
      (end !== 'succeeded' && stages.listeners.wantsRare)
    )
      stages.emit({
        type: END_EVENTS[end],
        dependencyId: stages.id,
        durationMs: nowMs - this.startMs,
        attempts: this.tries,
        ...(error !== undefined && { error }),
      });
    if (stages.firstLive === undefined) stages.becameIdle();
  }

  private get tickets(): Pick<Attempt, 'host' | 'ticket' | 'hostTicket'> {
    const { host, ticket, hostTicket } = this;
    return { host, ticket, hostTicket };
  }

  private renewLeases(nowMs: number): void {
    const endMs = nowMs + this.leaseMs;
    this.stages.circuit?.renewLease(this.ticket, endMs);
    this.host.circuit?.renewLease(this.hostTicket, endMs);
  }

  private timeoutError(
    kind: 'attempt' | 'operation' | 'queue',
  ): DaceTimeoutError {
    const { stages, call, host } = this;
    const timeoutMs = {
      attempt: call.attemptTimeoutMs,
      operation: call.timeoutMs,
      queue: stages.settings.queueTimeoutMs,
    }[kind];
    const netloc = host.setting?.netloc;
    return new DaceTimeoutError({
      dependencyId: stages.id,
      netloc,
      kind,
      timeoutMs,
    });
  }

  /** From here on a timer or another call may wake it. */
  private keepContext(): void {
    this.context ??= new AsyncResource('DaceOperation', {
      requireManualDestroy: true,
    });
  }

  private inContext(fn: () => void): void {
    if (this.context === undefined) fn();
    else this.context.runInAsyncScope(fn);
  }
}

const END_EVENTS = {
  succeeded: 'operation.succeeded',
  failed: 'operation.failed',
  refused: 'operation.refused',
  cancelled: 'operation.cancelled',
} as const;

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}
