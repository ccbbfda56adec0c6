/**
 * The answer to an HTTP request below the objects of all platforms.
 */

/** A response of Node, or what Fastify makes of one. */
export interface RawAnswer {
  /** Of Fastify. */
  readonly raw?: RawAnswer;
  readonly headersSent?: boolean;
  statusCode?: number;
  setHeader?(name: string, value: string): void;
  end?(text?: string): void;
}

export function isRawAnswer(value: unknown): value is RawAnswer {
  return (
    typeof value === 'object' &&
    value !== null &&
    'headersSent' in ((value as RawAnswer).raw ?? value)
  );
}

/** Also where Nest 11 does not see it: Fastify calls an answer sent when it has ended. */
export function hasBegun(response: RawAnswer): boolean {
  return (response.raw ?? response).headersSent === true;
}

/** Answers without Nest's adapter, for a filter that was made by hand; ends what has begun. */
export function answerRaw(
  response: RawAnswer,
  status: number,
  retryAfter: number | undefined,
  body: object,
): void {
  const raw = response.raw ?? response;
  if (hasBegun(raw)) {
    raw.end?.();
    return;
  }
  raw.statusCode = status;
  raw.setHeader?.('Content-Type', 'application/json; charset=utf-8');
  if (retryAfter !== undefined)
    raw.setHeader?.('Retry-After', String(retryAfter));
  raw.end?.(JSON.stringify(body));
}
