/**
 * Deadlines that a call inherits from what it is part of: the attempt of another dependency, a request
 * that came in, or a span of the user's own. Kept in AsyncLocalStorage, one bound inside another; only
 * dependencies with `propagateDeadline` look, and only their attempts leave anything to be found.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Clock } from '../core/clock.js';
import type { CallSettings } from './call-settings.js';
import type { DeadlineSettings } from './settings.js';
import type { Stages } from './stages.js';

/**
 * What bounds the code inside it. Plain enough to be read by another copy of the package, whose
 * classes and clock are not ours.
 */
export interface Bound {
  readonly outer: Bound | undefined;
  readonly clock: Clock;
  /** What it was laid around has ended: it binds nothing that was left behind. */
  readonly isOver: boolean;
  /** When it ends, by its own clock, for a dependency of these settings; Infinity = it does not bind it. */
  endMsFor(settings: DeadlineSettings): number;
}

/**
 * How long a bound that has passed refuses what is begun under it. A timer that was started there keeps
 * the async context for good, and must not be refused for good.
 */
const LEFTOVER_MS = 30_000;

type Bounds = AsyncLocalStorage<Bound | undefined>;

/** One for all copies of the package in the process: a library may bring its own. */
const KEY = Symbol.for('nestjs-dace.deadlines.1');
const shared = globalThis as { [KEY]?: Bounds };
const bounds: Bounds = (shared[KEY] ??= new AsyncLocalStorage());

/** Runs `fn` inside `bound`, or as if it were part of nothing. */
export function runWithin<T>(bound: Bound | undefined, fn: () => T): T {
  return bounds.run(bound, fn);
}

/** What encloses the code that runs, without what is over: a loop by timers would else grow a chain. */
export function enclosingBound(): Bound | undefined {
  let bound = bounds.getStore();
  while (bound?.isOver === true) bound = bound.outer;
  return bound;
}

/** `next`, to be part of what encloses this call, wherever it is called. */
export function asPartOfThis<A extends unknown[], R>(
  next: (...args: A) => R,
): (...args: A) => R {
  const bound = bounds.getStore();
  return (...args) =>
    bounds.getStore() === bound
      ? next(...args)
      : bounds.run(bound, () => next(...args));
}

/**
 * `call`, with what encloses the code that runs for its timeout where that is sooner. A timeout of 0
 * says that no time is left; the user can write none below 1.
 */
export function inheriting(
  stages: Stages,
  call: CallSettings,
  nowMs: number,
): CallSettings {
  const leftMs = inheritedMs(stages, nowMs);
  return leftMs < call.timeoutMs
    ? { ...call, timeoutMs: Math.max(0, leftMs) }
    : call;
}

/** Time that what encloses the code that runs leaves to a dependency; negative when it has passed. */
export function inheritedMs(
  { settings, clock, isClosed }: Stages,
  nowMs: number,
): number {
  const { propagateDeadline } = settings;
  let leastMs = Infinity;
  // What is closed refuses for that reason.
  if (propagateDeadline === undefined || isClosed) return leastMs;
  for (let bound = bounds.getStore(); bound; bound = bound.outer) {
    if (bound.isOver) continue;
    const endMs = bound.endMsFor(propagateDeadline);
    if (endMs === Infinity) continue;
    // What two clocks have in common is the time that is left.
    const leftMs =
      endMs - (bound.clock === clock ? nowMs : bound.clock.nowMs());
    if (leftMs >= -LEFTOVER_MS) leastMs = Math.min(leastMs, leftMs);
  }
  return leastMs;
}

/** A bound around one piece of work, over when that has settled, in time or late. */
export class Span implements Bound {
  readonly outer = enclosingBound();
  private hasSettled = false;

  constructor(
    readonly clock: Clock,
    private readonly endMs: number,
  ) {}

  get isOver(): boolean {
    return this.hasSettled;
  }

  endMsFor(): number {
    return this.endMs;
  }

  readonly end = (): void => {
    this.hasSettled = true;
  };
}
