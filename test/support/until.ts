/** Long for a loaded machine, and shorter than a test may take, so that it is this that is named. */
const MOST_MS = 20_000;

/** Turns the event loop until `isSo`. */
export async function until(
  isSo: () => boolean | Promise<boolean>,
): Promise<void> {
  const endMs = performance.now() + MOST_MS;
  while (!(await isSo())) {
    if (performance.now() > endMs)
      throw new Error(`Waited in vain until ${isSo.toString()}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
