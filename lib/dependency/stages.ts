/**
 * The parts of one dependency side by side: circuits and hosts, budget, rate, connections, counts
 * and listeners. The life of a call (`operation.ts`) walks through them; nothing here waits.
 */
import type { Host } from '../balancing/host.js';
import type { HostSet } from '../balancing/host-set.js';
import type {
  Circuit,
  CircuitChange,
  CircuitMode,
} from '../circuit/circuit.js';
import type { TripRule } from '../circuit/trip-rules.js';
import { atOnce } from '../core/at-once.js';
import type { Clock } from '../core/clock.js';
import { deadlinesOf, type DeadlineQueue } from '../core/deadline-queue.js';
import { DaceShutdownError, type LastFailure } from '../core/errors.js';
import { Listeners, type DaceEvent } from '../core/events.js';
import type { HostSetting } from '../core/host-setting.js';
import { inTurn, MOST_CHANGES } from '../core/in-turn.js';
import type { Random } from '../core/random.js';
import type { HttpTransport } from '../http/transport.js';
import { RateLimit } from '../limits/rate-limit.js';
import { RetryBudget } from '../limits/retry-budget.js';
import { plainCall, type CallSettings } from './call-settings.js';
import { tellChange } from './circuit-news.js';
import type { FleetOwner } from './circuit-owners.js';
import type { DependencyEnvironment } from './environment.js';
import { Fleet } from './fleet.js';
import {
  httpOf,
  isReached,
  tellHosts,
  tellHostsFailed,
  transportOf,
} from './host-news.js';
import { LiveWork } from './live-work.js';
import type { Settings } from './settings.js';

export interface StagesEnvironment extends Pick<
  DependencyEnvironment,
  'enterAttempt'
> {
  readonly clock: Clock;
  readonly random: Random;
}

/** How an operation ends. */
export type OperationEnd = 'succeeded' | 'failed' | 'refused' | 'cancelled';

/** An attempt, as far as counts and events go. */
export interface StartedAttempt {
  readonly host: Host;
  readonly attempt: number;
  readonly startMs: number;
}

export class Stages implements FleetOwner {
  readonly deadlines: DeadlineQueue;
  readonly clock: Clock;
  readonly random: Random;
  readonly enterAttempt: StagesEnvironment['enterAttempt'];
  readonly listeners = new Listeners();
  readonly totals = {
    started: 0,
    succeeded: 0,
    failed: 0,
    refused: 0,
    cancelled: 0,
    attempts: 0,
    retries: 0,
    fallbacks: 0,
  };
  readonly fleet: Fleet;
  budget: RetryBudget | undefined;
  rate: RateLimit | undefined;
  /** What holds for a call without options. */
  plain: CallSettings;
  inFlight = 0;
  abandoned = 0;
  readonly live: LiveWork;
  isClosed = false;
  private ownTransport: HttpTransport | undefined = undefined;
  private failure: { name: string; dateMs: number } | undefined = undefined;
  private shownFailure: LastFailure | undefined = undefined;
  private told: Set<string> | undefined = undefined;

  constructor(
    readonly id: string,
    public settings: Settings,
    environment: StagesEnvironment,
  ) {
    this.clock = environment.clock;
    this.random = environment.random;
    this.enterAttempt = environment.enterAttempt;
    this.deadlines = deadlinesOf(this.clock);
    this.live = new LiveWork(this.clock, this.deadlines);
    this.plain = plainCall(settings);
    this.fleet = new Fleet(this);
    const { budget } = settings.retry;
    this.budget = budget && new RetryBudget(budget);
    this.rate = settings.rateLimit && new RateLimit(settings.rateLimit);
  }

  get circuit(): Circuit | undefined {
    return this.fleet.circuit;
  }

  get hosts(): HostSet {
    return this.fleet.hosts;
  }

  /** Whether a function of the user's answers where to go. */
  get isAnsweredByFunction(): boolean {
    return typeof this.settings.loadBalancer === 'function';
  }

  get isEnabled(): boolean {
    const { enabled } = this.settings;
    if (typeof enabled === 'boolean') return enabled;
    try {
      return atOnce(enabled());
    } catch (error) {
      this.warnOnce('enabled', 'enabled() threw; it is taken as true.', error);
      return true;
    }
  }

  /** Made when first used: an idle dependency has no connections. */
  get transport(): HttpTransport {
    return (this.ownTransport ??= transportOf(this));
  }

  get lastFailure(): LastFailure | undefined {
    const { failure } = this;
    if (failure === undefined) return undefined;
    return (this.shownFailure ??= {
      name: failure.name,
      at: new Date(failure.dateMs).toISOString(),
    });
  }

  noteFailure(name: string): void {
    this.failure = { name, dateMs: this.clock.dateMs() };
    this.shownFailure = undefined;
  }

  emit(event: DaceEvent): void {
    if (this.listeners.emit(event)) return;
    this.warnOnce('events', 'Listeners lead to events without an end.');
  }

  /** One warning per subject, however often it happens. */
  warnOnce(subject: string, message: string, error?: unknown): void {
    if (this.told?.has(subject) === true) return;
    (this.told ??= new Set()).add(subject);
    this.emit({
      type: 'warning',
      dependencyId: this.id,
      message,
      ...(error !== undefined && { error }),
    });
  }

  /** For what a listener, a rule or a source may ask for in the middle of another change. */
  change(step: () => void): void {
    const failed = (error: unknown): void =>
      this.warnOnce('change', 'A change has failed.', error);
    if (inTurn(this, step, failed)) return;
    const message = `A change has led to ${MOST_CHANGES} others, each from within another: further ones are dropped.`;
    this.warnOnce('changes', message);
  }

  control(mode: CircuitMode, netloc: string | undefined): void {
    this.change(() => this.fleet.control(mode, netloc, this.clock.nowMs()));
  }

  configure(settings: Settings): void {
    this.change(() => {
      if (!this.isClosed) this.use(settings);
    });
  }

  private use(settings: Settings): void {
    const before = this.settings;
    this.settings = settings;
    this.plain = plainCall(settings);
    this.fleet.configure(before, settings, this.clock.nowMs());
    const { budget } = settings.retry;
    if (budget === undefined) this.budget = undefined;
    else if (this.budget === undefined) this.budget = new RetryBudget(budget);
    else this.budget.configure(budget);
    const { rateLimit } = settings;
    if (rateLimit === undefined) this.rate = undefined;
    else if (this.rate === undefined) this.rate = new RateLimit(rateLimit);
    else this.rate.configure(rateLimit);
    this.ownTransport?.configure(httpOf(this));
  }

  /** Ends what waits, gives what runs its grace, then ends that and lets go of everything. */
  async close(): Promise<void> {
    this.isClosed = true;
    const end = this.live.end(this.settings.shutdownGraceMs);
    this.fleet.feed?.stop();
    await end;
    await this.ownTransport?.destroy(
      new DaceShutdownError({ dependencyId: this.id }),
    );
    this.listeners.clear();
  }

  attemptStarted({ host, attempt, startMs }: StartedAttempt): void {
    if (attempt === 1) this.budget?.deposit(startMs);
    else this.totals.retries += 1;
    this.totals.attempts += 1;
    this.inFlight += 1;
    host.inFlight += 1;
    host.asked(startMs);
    if (this.listeners.wantsAll)
      this.emit({
        type: 'attempt.started',
        dependencyId: this.id,
        netloc: host.setting?.netloc,
        attempt,
      });
  }

  retryScheduled(
    { host, attempt }: StartedAttempt,
    delayMs: number,
    error: unknown,
  ) {
    if (this.listeners.wantsRare)
      this.emit({
        type: 'retry.scheduled',
        dependencyId: this.id,
        netloc: host.setting?.netloc,
        attempt: attempt + 1,
        delayMs,
        error,
      });
  }

  operationEnded(
    end: OperationEnd,
    durationMs: number,
    attempts: number,
    error: unknown,
  ): void {
    this.totals[end] += 1;
    const { wantsAll, wantsRare } = this.listeners;
    if (wantsAll || (wantsRare && end !== 'succeeded'))
      this.emit({
        type: `operation.${end}`,
        dependencyId: this.id,
        durationMs,
        attempts,
        ...(error !== undefined && { error }),
      });
  }

  circuitChanged(
    host: Host | undefined,
    change: CircuitChange,
    nowMs: number,
  ): void {
    tellChange(this, `circuit.${change}`, host, nowMs);
    if (host === undefined && change === 'opened')
      this.fleet.feed?.refreshEarly();
  }

  hostsListed(
    before: readonly HostSetting[],
    now: readonly HostSetting[],
  ): void {
    this.ownTransport?.configure(httpOf(this));
    tellHosts(this, before, now);
  }

  hostsFailed(error: unknown, isWorthTelling: boolean): void {
    tellHostsFailed(this, error, isWorthTelling);
  }

  hostDrained({ setting }: Host): void {
    if (setting !== undefined && !isReached(this.hosts, setting))
      this.ownTransport?.leave(setting);
  }

  hostMoved(host: Host, nowMs: number): void {
    const type = host.isInService ? 'host.back' : 'host.out';
    tellChange(this, type, host, nowMs);
  }

  ruleFailed(rule: TripRule, error: unknown): void {
    this.warnOnce(
      `rule ${rule.name}`,
      `Trip rule "${rule.name}" threw; it is taken as not tripping.`,
      error,
    );
  }
}
