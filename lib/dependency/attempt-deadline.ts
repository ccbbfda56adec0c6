/**
 * What an attempt leaves to the calls inside it: its own remaining time.
 */
import type { Clock } from '../core/clock.js';
import { runWithin, Span } from './deadline.js';

interface Ending {
  readonly endMs: number;
  readonly isRunning: boolean;
  /** Why it was given up before its work had settled. */
  readonly endedBy: unknown;
}

/** An attempt that ended as it should binds nothing it left behind; one that was cut binds its work. */
class AttemptSpan extends Span {
  constructor(
    clock: Clock,
    private readonly attempt: Ending,
  ) {
    super(clock, attempt.endMs);
  }

  override get isOver(): boolean {
    const { isRunning, endedBy } = this.attempt;
    return super.isOver || (!isRunning && endedBy === undefined);
  }
}

/** Runs the work of `attempt` so that calls inside it have no longer than it has. */
export function underDeadlineOf<T>(
  attempt: Ending,
  clock: Clock,
  work: () => T,
): T {
  if (attempt.endMs === Infinity) return work();
  const span = new AttemptSpan(clock, attempt);
  const answer = runWithin(span, work);
  // Watched by the operation too, so no rejection goes unheard.
  if (answer instanceof Promise) answer.then(span.end, span.end);
  return answer;
}
