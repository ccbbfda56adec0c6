/**
 * What the HTTP faces need from the attempt they serve. The pipeline implements it; this folder
 * never looks further.
 */
export interface AttemptScope {
  readonly dependencyId: string;
  readonly netloc?: string;
  readonly protocol: 'http' | 'https';
  /** Origin and base path without trailing slash; relative URLs resolve against it. */
  readonly baseUrl?: string;
  /** What the host is called in `Host` and in TLS, if not by its address. */
  readonly hostName?: string | undefined;
  /** Time until the attempt is cut; Infinity if nothing will cut it. */
  readonly leftMs: number;
  /** Why the attempt has ended early, or undefined while it may still send. */
  readonly endedBy: unknown;
  /**
   * Calls `hook` with the reason, once and synchronously, when the attempt ends early (timeout,
   * caller's signal, shutdown). Removes itself then; the returned function removes it before.
   * Costs an array push: no AbortController is made.
   */
  onEnd(hook: (reason: unknown) => void): () => void;
  /** A request is about to leave; `isSafe` = it may be repeated (idempotent method or key). */
  noteSent(isSafe: boolean): void;
  /**
   * Keeps the permit, and nothing else, past the end of the work: a body is still being read.
   * The returned function gives it back, once; `abort` is called when `progress`, a count of bytes
   * read, has not moved for `abandonAfterMs`.
   */
  holdPermit(abort: () => void, progress: () => number): () => void;
}
