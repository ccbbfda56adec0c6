const SECONDS = /^\s*(\d{1,10})\s*$/;
/** The three forms of RFC 9110 §5.6.7, told apart from anything else `Date.parse` would guess at. */
const HTTP_DATE =
  /^\s*(?:[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT|[A-Z][a-z]{5,8}, \d{2}-[A-Z][a-z]{2}-\d{2} \d{2}:\d{2}:\d{2} GMT|[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4})\s*$/;

/**
 * How long a `Retry-After` header asks to wait.
 *
 * Shape:  (header, dateMs = wall time now) → ms ≥ 0, or undefined when absent or unreadable.
 * Units:  milliseconds; the header has seconds or an HTTP date. A date gone by is 0.
 * Errors: none.
 * Source: RFC 9110 §10.2.3, §5.6.7.
 * @example parseRetryAfterMs('3', 0) // 3000
 * @publicApi
 */
export function parseRetryAfterMs(
  header: unknown,
  dateMs: number,
): number | undefined {
  const value: unknown = Array.isArray(header) ? header[0] : header;
  if (typeof value === 'number')
    return Number.isFinite(value) && value >= 0 ? value * 1000 : undefined;
  if (typeof value !== 'string') return undefined;
  const seconds = SECONDS.exec(value);
  if (seconds !== null) return Number(seconds[1]) * 1000;
  if (!HTTP_DATE.test(value)) return undefined;
  // The asctime form carries no zone and means UTC.
  const text = value.trim();
  const atMs = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - dateMs);
}
