/**
 * What rules judge, worked out the slow and plain way: every answer is kept in a list with its time,
 * and a rule is shown what is left of the list when it is filtered for it.
 */

/** An answer that was counted. */
export interface Entry {
  readonly atMs: number;
  readonly isFailure: boolean;
  /** It took longer than its caller expected. */
  readonly isLate: boolean;
  readonly tookMs: number;
}

export interface ModelCounts {
  readonly calls: number;
  readonly failures: number;
  readonly slow: number;
  readonly failureRatio: number;
}

export interface Seen extends ModelCounts {
  readonly inARow: number;
}

/** A rule in words of the model: where it looks, and what must be so there. */
export interface ModelRule {
  readonly name: string;
  /** Neither this nor `windowCalls` = the circuit's longest window. */
  readonly windowMs?: number;
  readonly windowCalls?: number;
  /** Undefined = slow is what is late. */
  readonly slowMs?: number;
  holds(seen: Seen, peers: ModelCounts | undefined): boolean;
}

const BUCKETS = 10;

/** Entries whose bucket is one of the last ten. */
export function inWindow(
  entries: readonly Entry[],
  windowMs: number,
  nowMs: number,
): readonly Entry[] {
  const numberOf = (atMs: number): number =>
    Math.floor(atMs / (windowMs / BUCKETS));
  const last = numberOf(nowMs);
  return entries.filter(({ atMs }) => last - numberOf(atMs) < BUCKETS);
}

export function countsOf(
  entries: readonly Entry[],
  slowMs?: number,
): ModelCounts {
  const calls = entries.length;
  const failures = entries.filter(({ isFailure }) => isFailure).length;
  const slow = entries.filter(({ isLate, tookMs }) =>
    slowMs === undefined ? isLate : tookMs > slowMs,
  ).length;
  const failureRatio = calls === 0 ? 0 : failures / calls;
  return { calls, failures, slow, failureRatio };
}

export function inARow(entries: readonly Entry[]): number {
  const lastSuccess = entries.findLastIndex(({ isFailure }) => !isFailure);
  return entries.length - 1 - lastSuccess;
}

/** The span of those rules that name none, and of what a snapshot shows. */
export function longestMsOf(rules: readonly ModelRule[]): number {
  const spans = rules.flatMap(({ windowMs }) => windowMs ?? []);
  return spans.length === 0 ? 10_000 : Math.max(...spans);
}

/** What of `entries` counts for `rule`. */
export function countsFor(
  rule: ModelRule,
  entries: readonly Entry[],
  longestMs: number,
  nowMs: number,
): ModelCounts {
  const { windowMs = longestMs, windowCalls, slowMs } = rule;
  const counted =
    windowCalls === undefined
      ? inWindow(entries, windowMs, nowMs)
      : entries.slice(-windowCalls);
  return countsOf(counted, slowMs);
}
