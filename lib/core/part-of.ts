/**
 * One property of something that others have made: undefined where it cannot be read. Whatever was
 * thrown is looked at before its caller hears of it, and a getter must not come between.
 */
export function partOf(value: unknown, name: string): unknown {
  let part: unknown;
  try {
    part = (Object(value) as Record<string, unknown>)[name];
  } catch {
    // Nobody may look at it.
  }
  return part;
}
