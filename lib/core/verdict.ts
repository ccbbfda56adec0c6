/**
 * What one attempt says about its dependency. It is passed once, and everything that learns from an
 * attempt (host circuit, dependency circuit, balancer, budget, metrics) reads the same one.
 *
 * - `success`: answered.
 * - `failure`: the dependency failed; counts against it.
 * - `throttled`: the dependency asks for less; a slow answer for the balancer. For circuits a 503 is
 *   a failure and a 429 a call that is no failure.
 * - `ignored`: proves nothing (cancelled, other 4xx).
 * - `local`: our own refusal (circuit open, netloc full, deadline passed).
 *
 * @publicApi
 */
export type Verdict = 'success' | 'failure' | 'throttled' | 'ignored' | 'local';

/** The verdicts that a `classify` function may pass. @publicApi */
export type JudgedVerdict = Exclude<Verdict, 'local'>;

/**
 * Judges what an attempt threw or returned; `undefined` leaves it to the default.
 *
 * @publicApi
 */
export type Classify = (outcome: unknown) => JudgedVerdict | undefined;
