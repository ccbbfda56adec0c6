/**
 * What is written down while a simulation runs: sums of the second that is running, and at its end a
 * row of them.
 */
import { isDaceError, isTimeout } from '../core/errors.js';
import type { AttemptEvent, CircuitEvent, DaceEvent } from '../core/events.js';
import type { DependencySnapshot } from '../dependency/snapshot.js';
import type { SimulatedHost } from './host.js';
import { toMicroseconds } from './chance.js';
import { percentilesOf, Waits } from './percentiles.js';
import type {
  SimulatedHostSecond,
  SimulatedSecond,
  SimulatedTotals,
  SimulatedTransition,
  Simulation,
} from './contract.js';

const NOTHING = {
  started: 0,
  succeeded: 0,
  failed: 0,
  refused: 0,
  cancelled: 0,
  timedOut: 0,
  fallbacks: 0,
  attempts: 0,
  retries: 0,
};

const NOBODY = {
  succeeded: 0,
  fallback: 0,
  refused: 0,
  timedOut: 0,
  failed: 0,
  cancelled: 0,
};

type Left = keyof typeof NOBODY;

/** How an operation ended. */
export type Outcome = 'succeeded' | 'failed' | 'refused' | 'cancelled';

interface HostCounts {
  readonly host: SimulatedHost;
  attempts: number;
  failures: number;
  throttled: number;
}

/** What happened, but for the scenario that it happened to. */
export type Happened = Pick<
  Simulation,
  'seconds' | 'totals' | 'latencyMs' | 'transitions'
>;

export class SimulationRecord {
  private readonly seconds: SimulatedSecond[] = [];
  private readonly transitions: SimulatedTransition[] = [];
  private readonly totals = { ...NOTHING };
  private readonly allWaits = new Waits();
  private readonly hosts: readonly HostCounts[];
  private readonly byNetloc: ReadonlyMap<string | undefined, HostCounts>;
  private readonly allCallers = { ...NOBODY };
  private running = { ...NOTHING };
  private callers = { ...NOBODY };
  private waits: number[] = [];
  /** What an operation that left this error ended as. */
  private readonly ends = new WeakMap<object, Left>();

  constructor(
    /** By netloc, in their order; one without a netloc for a dependency without hosts. */
    hosts: ReadonlyMap<string | undefined, SimulatedHost>,
    private readonly nowMs: () => number,
  ) {
    this.byNetloc = new Map(
      [...hosts].map(([netloc, host]) => [
        netloc,
        { host, attempts: 0, failures: 0, throttled: 0 },
      ]),
    );
    this.hosts = [...this.byNetloc.values()];
  }

  started(): void {
    this.running.started += 1;
  }

  ended(outcome: Outcome, error?: unknown): void {
    this.running[outcome] += 1;
    const isTimedOut = outcome === 'failed' && isOutOfTime(error);
    if (isTimedOut) this.running.timedOut += 1;
    if (typeof error === 'object' && error !== null)
      this.ends.set(error, isTimedOut ? 'timedOut' : outcome);
  }

  /** A caller goes on with an answer, the host's or a fallback's. */
  answered(isFallback: boolean, waitMs: number): void {
    this.callers[isFallback ? 'fallback' : 'succeeded'] += 1;
    this.waits.push(waitMs);
  }

  /** A caller goes on with an error, its operation's or that of a fallback. */
  threw(error: unknown, waitMs: number): void {
    this.callers[this.ends.get(error as object) ?? 'failed'] += 1;
    this.waits.push(waitMs);
  }

  attempted(netloc: string | undefined, attempt: number): void {
    this.running.attempts += 1;
    if (attempt > 1) this.running.retries += 1;
    const counts = this.byNetloc.get(netloc);
    if (counts !== undefined) counts.attempts += 1;
  }

  attemptFailed(netloc: string | undefined): void {
    const counts = this.byNetloc.get(netloc);
    if (counts !== undefined) counts.failures += 1;
  }

  /** What the dependency tells of itself. */
  hear(event: DaceEvent): void {
    switch (event.type) {
      case 'operation.succeeded':
        return this.ended('succeeded');
      case 'operation.failed':
        return this.ended('failed', event.error);
      case 'operation.refused':
        return this.ended('refused', event.error);
      case 'operation.cancelled':
        return this.ended('cancelled', event.error);
      case 'attempt.ended':
        return this.judged(event);
      case 'fallback.used':
        this.running.fallbacks += 1;
        return;
      case 'circuit.opened':
      case 'circuit.half-opened':
      case 'circuit.closed':
      case 'circuit.would-open':
      case 'host.out':
      case 'host.back':
        return this.changed(event);
      default:
    }
  }

  /** The second is over. */
  turn(snapshot: DependencySnapshot): SimulatedSecond {
    const { running } = this;
    const waits = this.waits.toSorted((a, b) => a - b);
    for (const wait of waits) this.allWaits.add(wait);
    addTo(this.totals, running);
    addTo(this.allCallers, this.callers);
    const row: SimulatedSecond = {
      second: this.seconds.length,
      ...running,
      callers: this.callers,
      latencyMs: percentilesOf(waits),
      state: snapshot.state,
      hosts: this.hosts.map((counts, index) =>
        turnHost(counts, snapshot, index),
      ),
    };
    this.seconds.push(row);
    this.running = { ...NOTHING };
    this.callers = { ...NOBODY };
    this.waits = [];
    return row;
  }

  result(): Happened {
    const { totals } = this;
    const { started, succeeded, failed, refused, cancelled } = totals;
    const ended = succeeded + failed + refused + cancelled;
    const sums: SimulatedTotals = {
      ...totals,
      unfinished: started - ended,
      callers: this.allCallers,
    };
    return {
      seconds: this.seconds,
      totals: sums,
      latencyMs: this.allWaits.percentiles(),
      transitions: this.transitions,
    };
  }

  private judged({ netloc, verdict }: AttemptEvent): void {
    const counts = this.byNetloc.get(netloc);
    if (counts === undefined) return;
    if (verdict === 'failure') counts.failures += 1;
    else if (verdict === 'throttled') counts.throttled += 1;
  }

  private changed({ type, netloc, tripped, retryAfterMs }: CircuitEvent): void {
    this.transitions.push({
      atMs: toMicroseconds(this.nowMs()),
      type,
      ...(netloc !== undefined && { netloc }),
      ...(tripped !== undefined && { tripped }),
      ...(retryAfterMs !== undefined && {
        retryAfterMs: toMicroseconds(retryAfterMs),
      }),
    });
  }
}

function turnHost(
  counts: HostCounts,
  snapshot: DependencySnapshot,
  index: number,
): SimulatedHostSecond {
  const { host, attempts, failures, throttled } = counts;
  counts.attempts = 0;
  counts.failures = 0;
  counts.throttled = 0;
  const seen = snapshot.hosts[index];
  return {
    attempts,
    failures,
    throttled,
    inFlight: host.inFlight,
    waiting: host.waiting,
    state: seen?.state ?? snapshot.state,
    isInService: seen?.inService ?? true,
  };
}

function addTo<T extends Record<string, number>>(sum: T, one: T): void {
  for (const key of Object.keys(one) as (keyof T)[])
    (sum[key] as number) += one[key]!;
}

function isOutOfTime(error: unknown): boolean {
  if (isDaceError(error, 'DACE_RETRY_EXHAUSTED')) return error.status === 504;
  return isTimeout(error);
}
