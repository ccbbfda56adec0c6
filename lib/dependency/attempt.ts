/**
 * One try of an operation: the `Call` its work sees, the scope its requests run in, and the holder
 * of its permit. The permit goes back when nothing holds it any more, work or body, exactly once.
 */
import type { Dispatcher } from 'undici';
import type { Host } from '../balancing/host.js';
import { DaceRetryRequestedError } from '../core/errors.js';
import type { AttemptScope } from '../http/attempt-scope.js';
import type { Http } from '../http/http.js';
import type { Sent } from '../retry/retryable.js';
import { underDeadlineOf } from './attempt-deadline.js';
import { Call } from './call.js';
import type { Passage } from './passage.js';
import type { Stages } from './stages.js';

/** Who hears what came of an attempt's work, in time or late. */
interface AttemptOwner {
  settled(attempt: Attempt, isError: boolean, value: unknown): void;
}

export class Attempt extends Call implements AttemptScope {
  /** Why it ended before its work did; undefined while it runs and after a normal end. */
  endedBy: unknown = undefined;
  sent: Sent = 'nothing';
  /** The caller still waits for this attempt's work. */
  isRunning: boolean;
  /** What still holds the permit: the work, and bodies being read. */
  private holders = 1;
  /** What ends the bodies that are being read. */
  private bodies: Set<() => void> | undefined = undefined;
  private hooks: Set<(reason: unknown) => void> | undefined = undefined;
  private controller: AbortController | undefined = undefined;
  private ownHttp: Http | undefined = undefined;
  private ownAgent: Dispatcher | undefined = undefined;
  /** Hears of the answer; set while one is waited for. */
  owner: AttemptOwner | undefined = undefined;
  /** Set while the work of a cut attempt is waited for. */
  private stopWaiting: (() => void) | undefined = undefined;

  readonly host: Host;
  /** Of the circuit that judges the dependency, and of the host's. */
  readonly ticket: number;
  readonly hostTicket: number;

  constructor(
    private readonly stages: Stages,
    passage: Pick<Passage, 'host' | 'ticket' | 'hostTicket'>,
    readonly attempt: number,
    readonly startMs: number,
    /** When it will be cut. */
    readonly endMs: number,
    /** False for work that no permit was taken for. */
    private readonly hasPermit = true,
  ) {
    super();
    this.isRunning = hasPermit;
    this.host = passage.host;
    this.ticket = passage.ticket;
    this.hostTicket = passage.hostTicket;
  }

  get dependencyId(): string {
    return this.stages.id;
  }

  get netloc(): string | undefined {
    return this.host.setting?.netloc;
  }

  get protocol(): 'http' | 'https' {
    return this.host.setting?.protocol ?? 'http';
  }

  get baseUrl(): string | undefined {
    return this.host.setting?.baseUrl || undefined;
  }

  get hostName(): string | undefined {
    return this.host.setting?.hostName;
  }

  get http(): Http {
    return (this.ownHttp ??= this.stages.transport.httpFor(this));
  }

  get agent(): Dispatcher {
    return (this.ownAgent ??= this.stages.transport.agentFor(this));
  }

  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.endedBy !== undefined) this.controller.abort(this.endedBy);
    }
    return this.controller.signal;
  }

  remainingMs(): number {
    return Math.max(0, this.endMs - this.stages.clock.nowMs());
  }

  get leftMs(): number {
    return this.isRunning ? this.remainingMs() : Infinity;
  }

  retry(reason?: unknown): never {
    throw new DaceRetryRequestedError({
      dependencyId: this.dependencyId,
      netloc: this.netloc,
      cause: reason,
    });
  }

  onEnd(hook: (reason: unknown) => void): () => void {
    const entry = (reason: unknown): void => hook(reason);
    const hooks = (this.hooks ??= new Set());
    hooks.add(entry);
    return () => hooks.delete(entry);
  }

  noteSent(isSafe: boolean): void {
    if (!isSafe) this.sent = 'unsafe';
    else if (this.sent === 'nothing') this.sent = 'safe';
  }

  holdPermit(abort: () => void, progress: () => number): () => void {
    this.holders += 1;
    const { live, settings } = this.stages;
    let isHeld = true;
    let seen = progress();
    (this.bodies ??= new Set()).add(abort);
    const release = (): void => {
      if (!isHeld) return;
      isHeld = false;
      this.bodies?.delete(abort);
      stop();
      this.letGo();
    };
    const look = (): void => {
      const read = progress();
      if (read === seen) {
        guarded(abort, undefined);
        release();
        return;
      }
      seen = read;
      stop = live.startLeftover(settings.abandonAfterMs, look);
    };
    let stop = live.startLeftover(settings.abandonAfterMs, look);
    return release;
  }

  /** It is going to be repeated: what is left of its answers would keep the next try from its permit. */
  dropBodies(): void {
    const { bodies } = this;
    if (bodies === undefined) return;
    for (const abort of bodies) guarded(abort, undefined);
  }

  /** Runs the work and tells `operation`, once, what came of it. */
  run(work: (call: Call) => unknown, operation: AttemptOwner): void {
    const { settings, clock } = this.stages;
    this.owner = operation;
    try {
      const result =
        settings.propagateDeadline === undefined
          ? this.enter(work)
          : underDeadlineOf(this, clock, () => this.enter(work));
      if (result instanceof Promise) this.watch(result, operation);
      else if (isThenable(result))
        this.watch(Promise.resolve(result), operation);
      else operation.settled(this, false, result);
    } catch (error) {
      operation.settled(this, true, error);
    }
  }

  /** The answer is there though the work goes on, as a stream does; false where nobody waits. */
  answer(value: unknown): boolean {
    if (this.owner === undefined) return false;
    this.owner.settled(this, false, value);
    return true;
  }

  /** The work has settled in time. */
  finish(): void {
    this.isRunning = false;
    this.leave();
    this.letGo();
  }

  /** The attempt is over for its caller; the work may not know yet and keeps the permit. */
  cut(reason: unknown): void {
    this.isRunning = false;
    this.leave();
    this.host.abandoned += 1;
    this.stages.abandoned += 1;
    this.stopWaiting = this.stages.live.startLeftover(
      this.stages.settings.abandonAfterMs,
      () => this.workSettled(),
    );
    this.abort(reason);
  }

  /** Tells its work, and what that has begun, that nobody waits any more. */
  abort(reason: unknown): void {
    const { hooks, controller } = this;
    this.endedBy = reason;
    this.hooks = undefined;
    if (hooks !== undefined) for (const hook of hooks) guarded(hook, reason);
    controller?.abort(reason);
  }

  /** The work of a cut attempt has settled, or has been waited for long enough. */
  workSettled(): void {
    if (this.stopWaiting === undefined) return;
    this.stopWaiting();
    this.stopWaiting = undefined;
    this.host.abandoned -= 1;
    this.stages.abandoned -= 1;
    this.letGo();
  }

  private enter(work: (call: Call) => unknown): unknown {
    const { enterAttempt } = this.stages;
    return enterAttempt === undefined ? work(this) : enterAttempt(this, work);
  }

  private watch(promise: Promise<unknown>, operation: AttemptOwner): void {
    promise.then(
      (value) => operation.settled(this, false, value),
      (error: unknown) => operation.settled(this, true, error),
    );
  }

  private leave(): void {
    this.owner = undefined;
    if (!this.hasPermit) return;
    this.host.inFlight -= 1;
    this.stages.inFlight -= 1;
  }

  private letGo(): void {
    this.holders -= 1;
    if (this.holders === 0 && this.hasPermit) this.host.permits.release();
  }
}

function guarded(hook: (reason: unknown) => void, reason: unknown): void {
  try {
    hook(reason);
  } catch {
    // One hook's fault must not keep the others from hearing.
  }
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}

/** Ends `call`, an attempt, with `value` in this very tick; false where nobody waits for that. */
export function answer(call: Call, value: unknown): boolean {
  return call instanceof Attempt && call.answer(value);
}

/** Whether `call` is an attempt whose caller still waits for it. */
export function isRunning(call: Call): boolean {
  return call instanceof Attempt && call.isRunning;
}

/** Whether `call` is an attempt that was given up before its work had settled. */
export function isCut(call: Call): boolean {
  return call instanceof Attempt && call.endedBy !== undefined;
}
