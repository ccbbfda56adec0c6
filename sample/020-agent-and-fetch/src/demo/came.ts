export interface Outcome {
  /** Undefined where it was answered. */
  readonly error: unknown;
  readonly tookMs: number;
}

/** What came of a call, whatever that is. */
export async function came(running: Promise<unknown>): Promise<Outcome> {
  const startedMs = performance.now();
  let error: unknown;
  try {
    await running;
  } catch (thrown) {
    error = thrown;
  }
  return { error, tookMs: performance.now() - startedMs };
}
