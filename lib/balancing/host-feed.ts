/**
 * Keeps the list of one dependency's hosts fresh: asks their source, listens to it, and never lets
 * what goes wrong there reach a call. One wait at a time: for an answer, or for the next question.
 */
import { AsyncResource } from 'node:async_hooks';
import type { Clock } from '../core/clock.js';
import {
  leftoversOf,
  type DeadlineQueue,
  type Waiter,
} from '../core/deadline-queue.js';
import type { HostSetting } from '../core/host-setting.js';
import type { Random } from '../core/random.js';
import type { HostSource } from './host-source.js';

/** Who is told of lists, and of what went wrong. */
export interface HostFeedOwner {
  readonly clock: Clock;
  readonly random: Random;
  /** The hosts of an answer, or what is wrong with it. */
  readHosts(answer: unknown): readonly HostSetting[] | string;
  hostsAnswered(hosts: readonly HostSetting[], nowMs: number): void;
  /** `isWorthTelling`: at most once a minute. */
  hostsFailed(error: unknown, isWorthTelling: boolean): void;
}

const USUAL_REFRESH_MS = 30_000;
const LONGEST_REFRESH_MS = 2_147_483_647;
const LONGEST_ANSWER_MS = 10_000;
/** Between two questions that were not due. */
const LEAST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
const QUIET_MS = 60_000;

/** What went wrong when the source was last asked. */
export interface FeedFailure {
  readonly error: unknown;
  readonly dateMs: number;
}

export class HostFeed implements Waiter {
  dueMs = 0;
  heapIndex = -1;
  /** It has answered a list. */
  hasList = false;
  /** Why the list is not what it should be now. */
  failure: FeedFailure | undefined = undefined;
  private isAsking = false;
  private isWatching = false;
  /** Nothing but time tells that the list is old. */
  private isDeaf = false;
  /** The answer under way may be older than what it has told of since. */
  private isOvertaken = false;
  private isStopped = false;
  /** Of the question whose answer counts. */
  private round = 0;
  private failures = 0;
  private notBeforeMs = -Infinity;
  private quietUntilMs = -Infinity;
  private unwatch: (() => unknown) | undefined = undefined;
  private waiting: (() => void)[] = [];
  private readonly queue: DeadlineQueue;
  /** A question that a call gave rise to is not part of that call. */
  private readonly context = new AsyncResource('DaceHostSource', {
    requireManualDestroy: true,
  });

  constructor(
    private readonly source: HostSource,
    private readonly owner: HostFeedOwner,
  ) {
    this.queue = leftoversOf(owner.clock);
  }

  /** There is no list yet, and an answer is on its way. */
  get isAwaited(): boolean {
    return !this.hasList && this.isAsking;
  }

  /** Begins to watch and to ask. */
  start(): void {
    if (this.isStopped || this.isWatching) return;
    this.isWatching = true;
    this.context.runInAsyncScope(() => this.watch());
    this.refreshEarly();
  }

  /** Asks before it is due: at once, or as soon as the pause since the last question is over. */
  refreshEarly(): void {
    if (this.isStopped || this.isAsking) return;
    if (!this.isWatching) return this.start();
    const { notBeforeMs, owner, queue } = this;
    if (owner.clock.nowMs() >= notBeforeMs) this.ask();
    else if (this.dueMs > notBeforeMs) queue.add(this, notBeforeMs);
  }

  /** Calls `fn` once the question under way is answered, or has failed. */
  whenAnswered(fn: () => void): void {
    if (this.isAsking) this.waiting.push(AsyncResource.bind(fn));
    else fn();
  }

  /** Nothing is asked, heard or changed from now on. */
  stop(): void {
    this.isStopped = true;
    this.isAsking = false;
    this.queue.remove(this);
    const { unwatch } = this;
    this.unwatch = undefined;
    attempt(() => unwatch?.());
    this.wake();
  }

  onDue(): void {
    if (!this.isAsking) this.ask();
    else
      this.failed(
        this.round,
        new Error(`it has not answered within ${LONGEST_ANSWER_MS} ms`),
      );
  }

  private ask(): void {
    const nowMs = this.owner.clock.nowMs();
    const round = ++this.round;
    this.isAsking = true;
    this.isOvertaken = false;
    this.notBeforeMs = nowMs + LEAST_PAUSE_MS;
    this.queue.add(this, nowMs + LONGEST_ANSWER_MS);
    this.context.runInAsyncScope(() => {
      // Whoever asked is in the middle of something, which the source may act on.
      Promise.resolve()
        .then(() => (this.isStopped ? [] : this.source.hosts()))
        .then(
          (answer) => this.answered(round, answer),
          (error: unknown) => this.failed(round, error),
        );
    });
  }

  private answered(round: number, answer: unknown): void {
    if (round !== this.round || this.isStopped) return;
    const hosts = this.read(answer);
    if (hosts instanceof Error) return this.failed(round, hosts);
    this.accept(hosts);
    if (this.isOvertaken) this.refreshEarly();
  }

  /** The source has said something of its own accord; an event's argument is no list. */
  private heard(hosts: unknown): void {
    if (this.isStopped) return;
    const read = Array.isArray(hosts) ? this.read(hosts) : undefined;
    if (read !== undefined && !(read instanceof Error))
      return this.accept(read);
    if (read !== undefined) this.note(read);
    this.isOvertaken = true;
    this.refreshEarly();
  }

  private read(answer: unknown): readonly HostSetting[] | Error {
    try {
      const hosts = this.owner.readHosts(answer);
      return typeof hosts === 'string'
        ? new Error(`its answer is no list of hosts: ${hosts}`)
        : hosts;
    } catch {
      return new Error('its answer is no list of hosts: it cannot be read');
    }
  }

  private accept(hosts: readonly HostSetting[]): void {
    const { owner, source, queue } = this;
    const nowMs = owner.clock.nowMs();
    // An answer still under way is older than this one.
    this.round += 1;
    this.isAsking = false;
    this.failures = 0;
    this.failure = undefined;
    this.hasList = true;
    const restMs = refreshMsOf(source, this.isDeaf);
    queue.add(this, nowMs + restMs * spread(owner.random));
    owner.hostsAnswered(hosts, nowMs);
    this.wake();
  }

  private failed(round: number, error: unknown): void {
    if (round !== this.round || this.isStopped) return;
    const { owner, queue } = this;
    this.round += 1;
    this.isAsking = false;
    const pauseMs = Math.min(
      LEAST_PAUSE_MS * 2 ** this.failures,
      LONGEST_PAUSE_MS,
    );
    this.failures += 1;
    this.notBeforeMs =
      owner.clock.nowMs() +
      Math.max(LEAST_PAUSE_MS, pauseMs * spread(owner.random));
    queue.add(this, this.notBeforeMs);
    this.note(error);
    this.wake();
  }

  private note(error: unknown): void {
    const { clock } = this.owner;
    const nowMs = clock.nowMs();
    const isWorthTelling = nowMs >= this.quietUntilMs;
    if (isWorthTelling) this.quietUntilMs = nowMs + QUIET_MS;
    this.failure = { error, dateMs: clock.dateMs() };
    this.owner.hostsFailed(error, isWorthTelling);
  }

  private watch(): void {
    try {
      const off: unknown = this.source.watch?.((hosts) => this.heard(hosts));
      if (typeof off === 'function') this.keep(off);
      else if (off !== undefined)
        Promise.resolve(off).then(
          (late) => this.keep(late),
          (error: unknown) => this.cannotHear(error),
        );
    } catch (error) {
      this.cannotHear(error);
    }
  }

  private cannotHear(error: unknown): void {
    if (this.isStopped) return;
    this.isDeaf = true;
    this.note(error);
    if (this.heapIndex < 0)
      this.queue.add(this, this.owner.clock.nowMs() + USUAL_REFRESH_MS);
  }

  private keep(off: unknown): void {
    if (typeof off !== 'function') return;
    if (this.isStopped) attempt(off as () => unknown);
    else this.unwatch = off as () => unknown;
  }

  private wake(): void {
    const { waiting } = this;
    this.waiting = [];
    for (const fn of waiting) fn();
  }
}

/** Each a little earlier or later, so that a fleet does not ask all at once. */
function spread(random: Random): number {
  return 0.9 + 0.2 * random();
}

function refreshMsOf(source: HostSource, isDeaf: boolean): number {
  try {
    const { refreshMs } = source;
    if (typeof refreshMs === 'number' && refreshMs > 0 && refreshMs < Infinity)
      return Math.min(refreshMs, LONGEST_REFRESH_MS);
    const isNever = refreshMs === false || refreshMs === Infinity;
    return isDeaf || (source.watch === undefined && !isNever)
      ? USUAL_REFRESH_MS
      : Infinity;
  } catch {
    return USUAL_REFRESH_MS;
  }
}

/** What a source does wrong in letting go is nobody's business. */
function attempt(fn: () => unknown): void {
  try {
    Promise.resolve(fn()).catch(() => undefined);
  } catch {
    // As above.
  }
}
