/**
 * Guard use: passage without a function. It is taken at once or refused; nothing queues, is retried
 * or timed out, and whoever took it says what came of it.
 */
import type { Host } from '../balancing/host.js';
import { REFUSED } from '../circuit/circuit.js';
import { DaceShutdownError } from '../core/errors.js';
import { NO_TICKET } from './attempt.js';
import { chooseHost } from './choose-host.js';
import { circuitOpen, netlocFull, rateLimited } from './refusals.js';
import type { Stages } from './stages.js';
import { release, report, SUCCESS, judgeError } from './verdicts.js';

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
  const { totals } = stages;
  totals.started += 1;
  try {
    return new HeldPermit(stages, admit(stages, pinned));
  } catch (error) {
    totals.refused += 1;
    throw error;
  }
}

interface Admission {
  readonly host: Host;
  readonly ticket: number;
  readonly hostTicket: number;
  readonly startMs: number;
}

function admit(stages: Stages, pinned: Host | undefined): Admission {
  const startMs = stages.clock.nowMs();
  if (stages.isClosed) throw new DaceShutdownError({ dependencyId: stages.id });
  const leaseMs = stages.settings.circuit?.leaseMs ?? 0;
  const above = stages.circuit;
  const isOwnJudge = pinned?.circuit !== undefined;
  const ticket = isOwnJudge
    ? pinned.isPinned
      ? NO_TICKET
      : (above?.closedTicket ?? NO_TICKET)
    : (above?.admit(startMs, leaseMs) ?? NO_TICKET);
  const isBlocked = above?.mode === 'forced-open';
  if (isBlocked || (!isOwnJudge && ticket === REFUSED))
    throw circuitOpen(stages, pinned, startMs);
  const isProbe = above?.isLease(ticket) === true;
  const host = pinned ?? chooseHost(stages, startMs, undefined, !isProbe);
  if (host instanceof Error) {
    above?.release(ticket);
    throw host;
  }
  const hostTicket = host.circuit?.admit(startMs, leaseMs) ?? NO_TICKET;
  if (hostTicket === REFUSED) {
    above?.release(ticket);
    throw circuitOpen(stages, host, startMs);
  }
  const admission = { host, ticket, hostTicket, startMs };
  if (!host.permits.tryAcquire()) {
    release(stages, admission);
    throw netlocFull(stages, host);
  }
  const { rate } = stages;
  if (rate !== undefined && !rate.tryTake(startMs)) {
    release(stages, admission);
    host.permits.release();
    throw rateLimited(stages, rate, startMs);
  }
  return admission;
}

class HeldPermit implements Permit {
  readonly netloc?: string;
  private isHeld = true;

  constructor(
    private readonly stages: Stages,
    private readonly admission: Admission,
  ) {
    const { host, startMs } = admission;
    if (host.setting !== undefined) this.netloc = host.netloc;
    stages.budget?.deposit(startMs);
    stages.totals.attempts += 1;
    stages.inFlight += 1;
    host.inFlight += 1;
    host.asked(startMs);
  }

  success(): void {
    if (!this.giveBack()) return;
    const nowMs = this.stages.clock.nowMs();
    const { startMs } = this.admission;
    const isSlow = nowMs - startMs > this.stages.settings.expectedInMs;
    report(this.stages, this.admission, SUCCESS, isSlow, nowMs, undefined);
    this.stages.totals.succeeded += 1;
  }

  failure(error: unknown = new Error('failure')): void {
    if (!this.giveBack()) return;
    const { stages } = this;
    const judgement = judgeError(stages, stages.plain, error);
    report(
      stages,
      this.admission,
      judgement,
      false,
      stages.clock.nowMs(),
      error,
    );
    stages.totals.failed += 1;
  }

  ignore(): void {
    if (!this.giveBack()) return;
    release(this.stages, this.admission);
    this.stages.totals.cancelled += 1;
  }

  [Symbol.dispose](): void {
    this.ignore();
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
