/**
 * The life of a call, top down: admission by a circuit, choice of a host, its permit, a token, the
 * work under its timeout, one verdict that everybody reads, and then the end or another attempt. It
 * is in one phase and waits for one moment at a time: a single entry in the deadline queue.
 */
import type { Host } from '../balancing/host.js';
import type { Waiter } from '../core/deadline-queue.js';
import { DaceShutdownError } from '../core/errors.js';
import type { PermitWaiter } from '../limits/permits.js';
import { Attempt } from './attempt.js';
import type { Call } from './call.js';
import type { CallSettings } from './call-settings.js';
import type { Caller } from './caller.js';
import { askForHost, chooseHost } from './choose-host.js';
import { unbegun } from './early.js';
import type { Live, Phase } from './live-work.js';
import { Passage } from './passage.js';
import { timedOut } from './refusals.js';
import { report } from './report.js';
import { lastWord, planRetry, type Ended } from './retry-plan.js';
import type { OperationEnd, Stages } from './stages.js';
import { judge, judgeTimeout, noteSurfaced, NO_VERDICT } from './verdicts.js';

export class Operation extends Passage implements Waiter, PermitWaiter, Live {
  dueMs = 0;
  heapIndex = -1;
  before: Live | undefined = undefined;
  after: Live | undefined = undefined;
  tried: readonly Host[] | undefined = undefined;
  sameHostTries = 0;
  stayOn: Host | undefined = undefined;
  tries = 0;
  lastDelayMs = 0;
  readonly deadlineMs: number;

  private phase: Phase = 'choosing';
  private attempt: Attempt | undefined = undefined;
  private last: Ended | undefined = undefined;

  constructor(
    stages: Stages,
    private readonly work: (call: Call) => unknown,
    readonly call: CallSettings,
    private readonly startMs: number,
    readonly caller: Caller,
  ) {
    super(stages, call.pinned, call.attemptTimeoutMs);
    this.deadlineMs = startMs + call.timeoutMs;
    stages.live.enlist(this);
    if (caller.mayGiveUp) caller.listen((reason) => this.cancel(reason));
  }

  /** Asks for admission and goes to a host, or is refused. */
  begin(nowMs: number): void {
    if (this.phase === 'over') return;
    const refusal = this.admit(nowMs);
    if (refusal !== undefined) this.refuse(refusal, nowMs);
    else if (this.isOver) this.release();
    else if (this.call.pinned !== undefined) this.enter(nowMs);
    else this.choose(nowMs);
  }

  /** A listener, or a function of the user's, may end it in the middle of any step. */
  private get isOver(): boolean {
    return this.phase === 'over';
  }

  onDue(nowMs: number): void {
    if (this.phase === 'running') return this.timeOut(nowMs);
    if (this.phase === 'sleeping') return this.resume();
    const isQueueEnd = this.phase === 'queued' && this.dueMs < this.deadlineMs;
    this.interrupt(undefined, nowMs);
    this.refuse(timedOut(this, isQueueEnd ? 'queue' : 'operation'), nowMs);
  }

  /** A permit of the netloc it queued at is its own now. */
  granted(): void {
    this.phase = 'granted';
    this.stages.deadlines.remove(this);
    queueMicrotask(() => this.caller.inContext(() => this.takePlace()));
  }

  /** The caller is gone: it ends in this very tick, whatever is going on. */
  cancel(reason: unknown): void {
    if (this.phase === 'over') return;
    const nowMs = this.stages.clock.nowMs();
    this.interrupt(reason, nowMs);
    if (this.isOver) return;
    this.end('cancelled', reason, nowMs);
    this.caller.reject(reason);
  }

  /** The dependency closes: what waits ends now, work ends when the grace is over. */
  shutDown(isGraceOver: boolean): void {
    const { phase } = this;
    const isAtWork = phase === 'running' || phase === 'judging';
    if (phase === 'over' || (isAtWork && !isGraceOver)) return;
    const nowMs = this.stages.clock.nowMs();
    const error = new DaceShutdownError({ dependencyId: this.stages.id });
    this.interrupt(error, nowMs);
    if (phase === 'running') this.fail('failed', error, false, nowMs);
    else this.refuse(error, nowMs);
  }

  private choose(nowMs: number): void {
    const { stages, stayOn } = this;
    const { sole } = stages.fleet;
    if (sole !== undefined) return this.goTo(sole, nowMs);
    if (stayOn?.isInService) return this.goTo(stayOn, nowMs);
    const mayProbe = !this.isProbeOfDependency;
    if (stages.isAnsweredByFunction || stages.fleet.isAwaitingHosts)
      return this.ask(mayProbe);
    const host = chooseHost(stages, nowMs, this.tried, mayProbe);
    if (!(host instanceof Error)) return this.goTo(host, nowMs);
    this.release();
    this.refuse(host, nowMs);
  }

  /** Has the user's balancer function, or the first list, answer, which may take its time. */
  private ask(mayProbe: boolean): void {
    const { stages } = this;
    stages.deadlines.add(this, this.deadlineMs);
    this.caller.keepContext();
    askForHost(stages, this.tried, mayProbe, (answer) => {
      if (this.phase !== 'choosing') return;
      const nowMs = stages.clock.nowMs();
      if (answer.host !== undefined) return this.goTo(answer.host, nowMs);
      this.interrupt(undefined, nowMs);
      if (answer.isRefusal) this.refuse(answer.error, nowMs);
      else this.fail('failed', answer.error, false, nowMs);
    });
  }

  private goTo(host: Host, nowMs: number): void {
    const refusal = this.admitTo(host, nowMs);
    if (refusal !== undefined) return this.refuse(refusal, nowMs);
    if (this.isOver) return this.release();
    this.enter(nowMs);
  }

  /** Takes the permit, or a place in its queue. */
  private enter(nowMs: number): void {
    const permit = this.takePermit(true);
    if (permit === true) return this.launch(nowMs);
    if (permit !== false) return this.refuse(permit, nowMs);
    this.phase = 'queued';
    this.caller.keepContext();
    this.host.permits.enqueue(this);
    const { queueTimeoutMs } = this.stages.settings;
    const endMs = Math.min(this.deadlineMs, nowMs + queueTimeoutMs);
    this.stages.deadlines.add(this, endMs);
  }

  /** After a wait in the queue: what admitted it may have changed. */
  private takePlace(): void {
    if (this.phase !== 'granted') return;
    this.phase = 'choosing';
    const nowMs = this.stages.clock.nowMs();
    if (this.refresh()) return this.launch(nowMs);
    this.host.permits.release();
    this.begin(nowMs);
  }

  /** Runs the work; the permit is taken. */
  private launch(nowMs: number): void {
    const refusal = this.takeToken(nowMs);
    if (refusal !== undefined) return this.refuse(refusal, nowMs);
    const { stages } = this;
    this.tries += 1;
    this.renewLeases(nowMs);
    const endMs = Math.min(nowMs + this.call.attemptTimeoutMs, this.deadlineMs);
    const attempt = new Attempt(stages, this, this.tries, nowMs, endMs);
    this.attempt = attempt;
    this.phase = 'running';
    stages.deadlines.add(this, endMs);
    stages.attemptStarted(attempt);
    if (attempt.isRunning) attempt.run(this.work, this);
    else attempt.workSettled();
  }

  /** The work has returned or thrown, in time or late. */
  settled(attempt: Attempt, isError: boolean, value: unknown): void {
    if (!attempt.isRunning) return attempt.workSettled();
    const { stages, call } = this;
    if (!this.isOver) this.phase = 'judging';
    stages.deadlines.remove(this);
    attempt.finish();
    const nowMs = stages.clock.nowMs();
    const tookMs = nowMs - attempt.startMs;
    const judgement = judge(stages, call, isError, value, tookMs);
    const error = isError ? value : undefined;
    report(stages, call, attempt, judgement, nowMs, error);
    if (isError || call.retry.on !== undefined)
      this.conclude({ isError, value, judgement, attempt }, nowMs);
    else this.succeed(value, nowMs);
  }

  /** The attempt's time is up. */
  private timeOut(nowMs: number): void {
    const { stages, dueMs } = this;
    const attempt = this.attempt!;
    const kind = dueMs >= this.deadlineMs ? 'operation' : 'attempt';
    const error = timedOut(this, kind);
    this.phase = 'judging';
    const judgement = judgeTimeout(stages, this.call, attempt, dueMs, error);
    // `classify` may have had the work answer, and that is what counts.
    if (!attempt.isRunning) return;
    attempt.cut(error);
    report(stages, this.call, attempt, judgement, dueMs, error);
    this.caller.inContext(() =>
      this.conclude({ isError: true, value: error, judgement, attempt }, nowMs),
    );
  }

  /** An attempt is judged: done, or another one. */
  private conclude(ended: Ended, nowMs: number): void {
    if (this.phase === 'over') return;
    this.last = ended;
    const { delayMs, value } = planRetry(this, ended, nowMs);
    if (this.isOver) return;
    if (delayMs === undefined) return this.surface(ended, value, nowMs);
    this.lastDelayMs = delayMs;
    this.phase = 'sleeping';
    // Those who read them hear of it, and those who listen of the retry: either may end the call.
    ended.attempt.dropBodies();
    if (this.isOver) return;
    this.stages.retryScheduled(ended.attempt, delayMs, ended.value);
    if (this.isOver) return;
    this.caller.keepContext();
    if (delayMs > 0) this.stages.deadlines.add(this, nowMs + delayMs);
    else queueMicrotask(() => this.resume());
  }

  private resume(): void {
    if (this.phase !== 'sleeping') return;
    this.phase = 'choosing';
    const nowMs = this.stages.clock.nowMs();
    this.caller.inContext(() => this.begin(nowMs));
  }

  /** Gives the caller what the last attempt left. */
  private surface(ended: Ended, value: unknown, nowMs: number): void {
    if (ended.isError)
      this.fail('failed', value, ended.judgement.isBarred, nowMs);
    else this.succeed(value, nowMs);
  }

  /** Refused; at a later attempt the caller hears of the one before. */
  private refuse(error: Error, nowMs: number): void {
    if (this.last === undefined) this.fail('refused', error, false, nowMs);
    else this.surface(this.last, lastWord(this, this.last).value, nowMs);
  }

  private succeed(value: unknown, nowMs: number): void {
    if (this.phase === 'over') return;
    this.end('succeeded', undefined, nowMs);
    this.caller.succeed(value);
  }

  private fail(
    end: OperationEnd,
    error: unknown,
    isBarred: boolean,
    nowMs: number,
  ) {
    if (this.phase === 'over') return;
    this.end(end, error, nowMs);
    noteSurfaced(error, end === 'refused');
    const last = (): Call => this.attempt ?? unbegun(this.stages);
    this.caller.fail(error, isBarred, last);
  }

  /** Takes the operation out of whatever it is in the middle of. */
  private interrupt(reason: unknown, nowMs: number): void {
    const { stages, host, phase } = this;
    // Whoever hears of it may end it as well: what it holds is given back once.
    this.phase = 'judging';
    stages.deadlines.remove(this);
    if (phase === 'running') {
      const attempt = this.attempt!;
      attempt.cut(reason);
      report(stages, this.call, attempt, NO_VERDICT, nowMs, reason);
    } else if (phase !== 'sleeping' && phase !== 'judging') {
      if (phase === 'queued') host.permits.leave(this);
      else if (phase === 'granted') host.permits.release();
      this.release();
    }
  }

  private end(end: OperationEnd, error: unknown, nowMs: number): void {
    this.phase = 'over';
    if (this.heapIndex >= 0) this.stages.deadlines.remove(this);
    if (this.call.signal !== undefined) this.caller.unlisten();
    this.stages.live.delist(this);
    this.stages.operationEnded(end, nowMs - this.startMs, this.tries, error);
  }
}
