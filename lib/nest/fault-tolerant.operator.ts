/**
 * `faultTolerant`: the protection of a method, for one stream where it is put together.
 */
import { isObservable, type Observable, type OperatorFunction } from 'rxjs';
import { DaceConfigurationError } from '../core/errors.js';
import type { Call } from '../dependency/call.js';
import type { Dependency } from '../dependency/dependency.js';
import { checkCallOptions } from '../dependency/option-schema.js';
import type { CallOptions } from '../dependency/options.js';
import {
  idForDependencyMessage,
  notADependencyMessage,
  notAStreamMessage,
} from './dace.messages.js';
import { execute } from './execute.js';
import { streamOf } from './streams.js';

/** What stands in for a stream: one value, now or later, or another stream. @publicApi */
export type StreamAnswer<F> = F | PromiseLike<F> | Observable<F>;

/** What one stream changes. @publicApi */
export interface StreamOptions<F = never> extends Omit<
  CallOptions,
  'fallback'
> {
  /** What takes over where nothing was emitted yet. */
  readonly fallback?:
    | StreamAnswer<F>
    | ((error: unknown, call: Call) => StreamAnswer<F>)
    | undefined;
}

/**
 * Makes each subscription of a stream one protected call of `dependency`: for `ClientProxy.send`,
 * and whatever else is an Observable.
 *
 * The call lasts until the first value, or the end of an empty stream; timeouts and retries, each a
 * new subscription of the source, apply until then. What comes later passes uncounted. Who
 * unsubscribes cancels.
 *
 * Errors: throws DaceConfigurationError at once for wrong arguments; the stream ends with what
 *         `Dependency.execute` rejects with.
 * @example
 * this.client
 *   .send<Stock>('stock', { sku })
 *   .pipe(faultTolerant(this.inventory, { fallback: { sku, left: null } }))
 * @publicApi
 */
export function faultTolerant<T, F = never>(
  dependency: Dependency,
  options?: StreamOptions<F>,
): OperatorFunction<T, T | F> {
  checkDependency(dependency);
  if (options !== undefined) checkCallOptions(dependency.id, options);
  return (source) => {
    checkSource(dependency, source);
    const stream = streamOf(
      () => source,
      (work, hooks) => execute(dependency, work, options, hooks),
    );
    return stream as Observable<T | F>;
  };
}

/** A test's stand-in may know `execute` only. */
function checkDependency(dependency: unknown): void {
  if (typeof dependency === 'string')
    throw misuse(dependency, idForDependencyMessage(dependency));
  const { execute: found } = (dependency ?? {}) as Partial<Dependency>;
  if (typeof found !== 'function')
    throw misuse('unknown', notADependencyMessage(dependency));
}

function checkSource({ id }: Dependency, source: unknown): void {
  if (!isObservable(source)) throw misuse(id, notAStreamMessage(id, source));
}

function misuse(dependencyId: string, message: string): DaceConfigurationError {
  return new DaceConfigurationError({ dependencyId, message });
}
