/**
 * Changes that must not be made in the middle of one another, though whoever hears of one asks for
 * the next.
 */

/** However they lead to each other, the process has other things to do. */
export const MOST_CHANGES = 1_000;

/** What waits for the change that is being made, by whose it is. */
const waiting = new WeakMap<object, (() => void)[]>();

/**
 * Runs `step` now, or where one of `owner`'s is running after that one, in the order of asking.
 *
 * Shape:  false where `MOST_CHANGES` have come of the one that is running: `step` is dropped.
 * Errors: those of `step` itself where it runs now.
 */
export function inTurn(owner: object, step: () => void): boolean {
  const steps = waiting.get(owner);
  if (steps !== undefined)
    return steps.length <= MOST_CHANGES && steps.push(step) > 0;
  const own = [step];
  waiting.set(owner, own);
  try {
    // More are put behind as they run.
    for (const next of own) next();
  } finally {
    waiting.delete(owner);
  }
  return true;
}
