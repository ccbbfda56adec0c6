/**
 * What nobody may see, or change, half made: the steps of a dependency, from the verdict of an attempt
 * to new options. Code of the user's hears of a step when it is complete, and what it asks for in the
 * middle of one is done then.
 */

/** However changes lead to each other, the process has other things to do. */
export const MOST_CHANGES = 1_000;
/** One listener may end 100,000 calls at once; whoever leads to more leads to more without an end. */
const MOST_NEWS = 100_000;

/**
 * How many steps are under way, one within another, and whether something is being told. Kept by hand,
 * since where the stack is full a call fails, and a step would never end.
 */
export const steps = { underWay: 0, isTelling: false };

/** What waits to be told or done, in the order in which it came up. */
const news: (() => void)[] = [];
/** How many each owner has made, or will make, in the middle of something else. */
let changes: Map<object, number> | undefined;

/** Takes `step` as one: what it leads to is heard when it is complete. */
export function inStep<T>(step: () => T): T {
  steps.underWay += 1;
  try {
    return step();
  } finally {
    steps.underWay -= 1;
    catchUp();
  }
}

/** Tells what has come up, unless a step is under way. Whoever has ended one by hand calls it. */
export function catchUp(): void {
  if (steps.isTelling || steps.underWay > 0) return;
  if (news.length > 0) tellAll();
  changes = undefined;
}

function tellAll(): void {
  steps.isTelling = true;
  try {
    // More is put behind as they are told.
    for (const next of news) next();
  } finally {
    steps.isTelling = false;
    news.length = 0;
  }
}

/**
 * Has `hear` called when no step is under way and what came up before has been told: all hear of things
 * in the order in which they came about, whatever one of them does about it.
 *
 * Shape: false where so much has come of one thing that this is dropped, unless it is a warning.
 */
export function tellLater(hear: () => void, isWarning: boolean): boolean {
  if (news.length >= MOST_NEWS && !isWarning) return false;
  return news.push(hear) > 0;
}

/**
 * Runs `step`, a change, now or, in the middle of a step, after that one in the order of asking.
 *
 * Shape:  false where `MOST_CHANGES` of `owner` have come of one: `step` is dropped.
 * Errors: those of `step` where it runs now; later ones go to `failed`.
 */
export function inTurn(
  owner: object,
  step: () => void,
  failed: (error: unknown) => void,
): boolean {
  if (steps.underWay === 0 && !steps.isTelling) {
    inStep(step);
    return true;
  }
  changes ??= new Map();
  const made = changes.get(owner) ?? 0;
  if (made >= MOST_CHANGES) return false;
  changes.set(owner, made + 1);
  if (steps.underWay === 0) inStep(step);
  else
    news.push(() => {
      try {
        inStep(step);
      } catch (error) {
        failed(error);
      }
    });
  return true;
}
