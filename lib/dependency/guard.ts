/**
 * Guard use: passage without a function. It is taken at once or refused; nothing queues, is retried
 * or timed out, and whoever took it says what came of it.
 */
import type { Host } from '../balancing/host.js';
import { DaceShutdownError } from '../core/errors.js';
import { chooseHost } from './choose-host.js';
import { inheritedMs } from './deadline.js';
import { Passage } from './passage.js';
import { noTimeLeft } from './refusals.js';
import { report, type Reported } from './report.js';
import type { OperationEnd, Stages, StartedAttempt } from './stages.js';
import { judge, NO_VERDICT, type Judgement } from './verdicts.js';

type Admission = Reported & StartedAttempt;

/**
 * Passage to a dependency.
 *
 * State:  held until the first of `success`, `failure`, `ignore`, or disposal, which is `ignore`;
 *         everything after that does nothing.
 * @publicApi
 */
export interface Permit extends Disposable {
  readonly netloc?: string;
  success(): void;
  failure(error?: unknown): void;
  ignore(): void;
}

/** Takes a permit; throws what a call would be refused with. */
export function takePermit(stages: Stages, pinned: Host | undefined): Permit {
  if (!stages.isEnabled) return freePermit(stages, pinned);
  stages.totals.started += 1;
  if (stages.listeners.wantsAll)
    stages.emit({ type: 'operation.started', dependencyId: stages.id });
  try {
    return new HeldPermit(stages, admit(stages, pinned));
  } catch (error) {
    stages.operationEnded('refused', 0, 0, error);
    throw error;
  }
}

/** Of a dependency that is switched off: nothing is taken and nothing is counted. */
function freePermit(stages: Stages, pinned: Host | undefined): Permit {
  if (stages.isClosed) throw new DaceShutdownError({ dependencyId: stages.id });
  const nowMs = stages.clock.nowMs();
  const host = pinned ?? chooseHost(stages, nowMs, undefined, false);
  const netloc = host instanceof Error ? undefined : host.setting?.netloc;
  return {
    ...(netloc !== undefined && { netloc }),
    success: nothing,
    failure: nothing,
    ignore: nothing,
    [Symbol.dispose]: nothing,
  };
}

function nothing(): void {}

function admit(stages: Stages, pinned: Host | undefined): Admission {
  if (stages.isClosed) throw new DaceShutdownError({ dependencyId: stages.id });
  const nowMs = stages.clock.nowMs();
  if (inheritedMs(stages, nowMs) <= 0) throw noTimeLeft(stages);
  const passage = new Passage(stages, pinned, stages.settings.attemptTimeoutMs);
  pass(passage.admit(nowMs));
  if (pinned === undefined) {
    const mayProbe = !passage.isProbeOfDependency;
    const host = chooseHost(stages, nowMs, undefined, mayProbe);
    if (host instanceof Error) passage.release();
    pass(passage.admitTo(passed(host), nowMs));
  }
  passed(passage.takePermit(false));
  pass(passage.takeToken(nowMs));
  const { host, ticket, hostTicket } = passage;
  // By who heard of a circuit on the way.
  if (stages.isClosed) {
    passage.release();
    host.permits.release();
    throw new DaceShutdownError({ dependencyId: stages.id });
  }
  return { host, ticket, hostTicket, startMs: nowMs, attempt: 1 };
}

function passed<T>(step: T | Error): T {
  if (step instanceof Error) throw step;
  return step;
}

function pass(refusal: Error | undefined): void {
  if (refusal !== undefined) throw refusal;
}

class HeldPermit implements Permit {
  readonly netloc?: string;
  private isHeld = true;

  constructor(
    private readonly stages: Stages,
    private readonly admission: Admission,
  ) {
    const { host } = admission;
    if (host.setting !== undefined) this.netloc = host.netloc;
    stages.attemptStarted(admission);
  }

  success(): void {
    if (!this.giveBack()) return;
    const { stages, admission } = this;
    const nowMs = stages.clock.nowMs();
    const tookMs = nowMs - admission.startMs;
    const judgement = judge(stages, stages.plain, false, undefined, tookMs);
    this.end('succeeded', judgement, nowMs);
  }

  failure(error: unknown = new Error('failure')): void {
    if (!this.giveBack()) return;
    const { stages } = this;
    const judgement = judge(stages, stages.plain, true, error, 0);
    this.end('failed', judgement, stages.clock.nowMs(), error);
  }

  ignore(): void {
    if (!this.giveBack()) return;
    this.end('cancelled', NO_VERDICT, this.stages.clock.nowMs());
  }

  [Symbol.dispose](): void {
    this.ignore();
  }

  private end(
    end: OperationEnd,
    judgement: Judgement,
    nowMs: number,
    error?: unknown,
  ): void {
    const { stages, admission } = this;
    report(stages, stages.plain, admission, judgement, nowMs, error);
    stages.operationEnded(end, nowMs - admission.startMs, 1, error);
  }

  private giveBack(): boolean {
    if (!this.isHeld) return false;
    this.isHeld = false;
    const { host } = this.admission;
    host.inFlight -= 1;
    this.stages.inFlight -= 1;
    host.permits.release();
    return true;
  }
}
