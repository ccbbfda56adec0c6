/**
 * What a function of the user's has answered, where nobody can wait for it. An `async` one slips in
 * easily: its promise is true to every `if`, and its rejection would end the process.
 *
 * Errors: TypeError for a promise, whose own rejection is heard here.
 */
export function atOnce<T>(answer: T): T {
  if (typeof answer !== 'object' || answer === null) return answer;
  if (typeof (answer as { then?: unknown }).then !== 'function') return answer;
  Promise.resolve(answer).catch(() => undefined);
  throw new TypeError('it answered a promise, and must answer at once');
}
