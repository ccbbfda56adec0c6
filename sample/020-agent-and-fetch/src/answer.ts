/**
 * `fetch` throws for no status. A failure by its answer is told by an error with a `status`: that
 * is what circuits count and what a retry looks at.
 */
export class AnswerError extends Error {
  constructor(readonly status: number) {
    super(`The library answered ${status}`);
  }
}

/** The JSON of an answer. */
export async function jsonOf<T>(response: Response): Promise<T> {
  if (response.ok) return (await response.json()) as T;
  // A body that nobody reads keeps its connection, and its permit.
  await response.body?.cancel();
  throw new AnswerError(response.status);
}
