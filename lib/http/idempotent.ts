const IDEMPOTENT = new Set([
  'GET',
  'HEAD',
  'OPTIONS',
  'PUT',
  'DELETE',
  'TRACE',
  'QUERY',
]);

/**
 * Whether a request may be repeated: its method says so, or an `Idempotency-Key` does.
 *
 * Source: RFC 9110 §9.2.2; draft-ietf-httpapi-idempotency-key-header.
 */
export function isSafeRequest(
  method: string,
  lines: readonly string[] | readonly unknown[],
): boolean {
  if (IDEMPOTENT.has(method)) return true;
  for (let i = 0; i < lines.length; i += 2) {
    if (String(lines[i]).toLowerCase() === 'idempotency-key') return true;
  }
  return false;
}
