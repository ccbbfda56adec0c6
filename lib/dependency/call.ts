/**
 * What the protected function is handed: one attempt, seen from inside.
 */
import type { Dispatcher } from 'undici';
import { DaceConfigurationError } from '../core/errors.js';
import type { Http } from '../http/http.js';

/**
 * One attempt of a protected call.
 *
 * State:  while the attempt runs `signal` is not aborted; when it ends early (timeout, caller's
 *         signal, shutdown) `signal` aborts with the error that ended it, also when first read
 *         later; after a normal end it stays as it is.
 * Units:  milliseconds.
 * Errors: `http` and `agent` refuse hosts that are not the dependency's (DaceForeignHostError).
 * @publicApi
 */
export abstract class Call {
  abstract readonly dependencyId: string;
  /** From 1; 0 for a fallback when no attempt began. */
  abstract readonly attempt: number;
  /** `host:port` the attempt goes to; undefined for a dependency without hosts. */
  abstract readonly netloc?: string;
  abstract readonly protocol: 'http' | 'https';
  /** Origin and base path, no trailing slash. */
  abstract readonly baseUrl?: string;
  /** Requests of this attempt. */
  abstract readonly http: Http;
  /** The same connections, for undici and fetch: `fetch(url, { dispatcher: call.agent } as object)`. */
  abstract readonly agent: Dispatcher;
  /** Costs nothing until it is read. */
  abstract readonly signal: AbortSignal;
  /** Time until this attempt is cut; Infinity if nothing bounds it. */
  abstract remainingMs(): number;
  /** Ends the attempt and asks for another, whatever was sent. */
  abstract retry(reason?: unknown): never;

  /**
   * Default value of a parameter that `@DaceCall()` fills: `call: Call = Call.injected`. Used where
   * nothing filled it, it says so.
   */
  static readonly injected: Call = placeholder();
}

function placeholder(): Call {
  const explain = (): never => {
    throw new DaceConfigurationError({
      dependencyId: 'Call.injected',
      message:
        'Call.injected is only a placeholder: the parameter is filled when the method runs under @FaultTolerant and the parameter carries @DaceCall(). Called unprotected, pass a Call of your own.',
    });
  };
  return new Proxy(Object.create(null) as Call, {
    get: (_target, name) => (typeof name === 'symbol' ? undefined : explain()),
    set: explain,
  });
}
