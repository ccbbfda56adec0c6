/** The header that tells the other side how long its answer is waited for. */
import type { InternalAxiosRequestConfig } from 'axios';
import type { AttemptScope } from './attempt-scope.js';
import { timeoutOf } from './caller.js';
import type { ExchangeContext } from './exchange-context.js';
import type { Target } from './gate.js';

/**
 * Adds the time that is left to the lines of a request that leaves now.
 *
 * Shape:  whole ms, at least 1; none where nothing bounds the request, where it goes to a host that is
 *         not the dependency's own, or where the caller has set the header, or switched it off, himself.
 */
export function withTimeLeft<Line>(
  lines: Line[],
  { isOwn }: Target,
  { deadlineHeader }: ExchangeContext,
  leftMs: number,
): (Line | string)[] {
  if (deadlineHeader === undefined || !isOwn || leftMs === Infinity)
    return lines;
  return has(lines, deadlineHeader)
    ? lines
    : [...lines, deadlineHeader, String(Math.max(1, Math.floor(leftMs)))];
}

/** Time until the attempt, or the request by a timeout of its own, is cut. */
export function timeLeft(
  config: InternalAxiosRequestConfig,
  scope: AttemptScope,
  { deadlineHeader, environment }: ExchangeContext,
  startedMs: number,
): number {
  if (deadlineHeader === undefined || config.headers.has(deadlineHeader))
    return Infinity;
  const timeoutMs = timeoutOf(config);
  const spentMs = environment.nowMs() - startedMs;
  return Math.min(scope.leftMs, timeoutMs > 0 ? timeoutMs - spentMs : Infinity);
}

function has(lines: readonly unknown[], name: string): boolean {
  for (let i = 0; i < lines.length; i += 2)
    if (String(lines[i]).toLowerCase() === name) return true;
  return false;
}
