import { isDaceError } from '../core/errors.js';

/**
 * The `Retry-After` of a refusal, or of any error of ours that knows when to come back.
 *
 * Shape:  (error) → whole seconds ≥ 1, or undefined where nothing can be said.
 * Source: RFC 9110 §10.2.3.
 */
export function retryAfterSeconds(error: unknown): number | undefined {
  if (!isDaceError(error)) return undefined;
  const { retryAfterMs } = error as { retryAfterMs?: unknown };
  if (typeof retryAfterMs === 'number')
    return Math.max(1, Math.ceil(retryAfterMs / 1_000));
  // A half-open or forced-open circuit cannot say when; soon is worth a try.
  return error.code === 'DACE_CIRCUIT_OPEN' ? 1 : undefined;
}
