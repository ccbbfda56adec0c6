/**
 * What it means for the hosts, and for what has been counted, when one list takes the place of another.
 */
import type { Host } from './host.js';

export interface ListChange {
  /** Who is listed no more. */
  readonly gone: readonly Host[];
  /** Who is new and starts slowly. */
  readonly slow: readonly Host[];
  /** The sum over several hosts, the count of one and that of another do not mix. */
  readonly isMixed: boolean;
  /** Nobody is left of whom anything is known. */
  readonly isReplaced: boolean;
}

export function changeOf(
  before: readonly Host[],
  { all: now }: { readonly all: readonly Host[] },
): ListChange {
  const known = new Set(before);
  const left = new Set(now);
  const gone = before.filter((host) => !left.has(host));
  const come = now.filter((host) => !known.has(host));
  const isAnother = before.length === 1 && gone.length === 1;
  return {
    gone,
    slow: canCarry(before, now) ? come : [],
    isMixed: isAnother || before.length > 1 !== now.length > 1,
    isReplaced: now.length > 0 && come.length === now.length,
  };
}

/**
 * Whether those that stay make up for the others' slow start without more than twice their own part:
 * a host that is well is not to be brought down by the newcomers' comfort.
 */
function canCarry(before: readonly Host[], now: readonly Host[]): boolean {
  const known = new Set(before);
  let all = 0;
  let carried = 0;
  for (const host of now) {
    all += host.setting?.weight ?? 1;
    if (known.has(host) && host.isInService) carried += host.weight;
  }
  return 2 * carried >= all;
}
