/**
 * What a decorated method does when it is called, by whomever: it finds its app, and then either
 * joins an attempt of the same dependency that it is part of, or opens an operation of its own with
 * what the interceptor has armed for it.
 */
import { isObservable } from 'rxjs';
import { DaceConfigurationError, isDaceError } from '../core/errors.js';
import type { Call } from '../dependency/call.js';
import type { Dependency } from '../dependency/dependency.js';
import type { CallOptions } from '../dependency/options.js';
import { judgeDefault } from '../http/response-verdict.js';
import { registryOf } from './binder.js';
import {
  notAPromiseMessage,
  unexpectedObservableMessage,
} from './dace.messages.js';
import { enclosingAttempt, outside, takeArmed } from './frames.js';
import { continued, observe } from './observables.js';
import {
  optionsFor,
  runOriginal,
  type ProtectedMethod,
} from './protected-method.js';
import { isUnprotected } from './unprotected.js';

export function dispatch(
  method: ProtectedMethod,
  self: object,
  rawArgs: readonly unknown[],
): unknown {
  if (isUnprotected(self)) return method.original.apply(self, [...rawArgs]);
  const { id, className } = method;
  const app = registryOf(self, { className, method: nameOf(method), id });
  const dependency = app.get(id);
  const args = ofMiddleware(method, rawArgs);
  const options = optionsFor(method, self, args);
  const armed = takeArmed(method.dispatcher);
  const hooks = armed?.hooksFor(app);
  const enclosing = armed === undefined ? enclosingAttempt(app, id) : undefined;
  const work = (call: Call): unknown => runOriginal(method, self, args, call);
  if (method.isObservable)
    return observe(dependency, work, options, hooks, enclosing);
  if (enclosing !== undefined) return join(work, enclosing, options);
  const isHandler = armed !== undefined;
  const checked = (call: Call): unknown =>
    checkResult(method, work(call), isHandler);
  if (!isFullExecutor(dependency))
    return (dependency as Dependency).execute(checked, options);
  return dependency.executeWith(checked, options, hooks);
}

/** Part of an attempt that runs: no second permit, deadline, retry or count. */
async function join(
  work: (call: Call) => unknown,
  call: Call,
  options: CallOptions<unknown>,
): Promise<unknown> {
  try {
    return await work(call);
  } catch (error) {
    const { fallback } = options;
    if (fallback === undefined || !mayFallBack(error)) throw error;
    return typeof fallback === 'function' ? fallback(error, call) : fallback;
  }
}

/** A joined call is not judged, so the error itself says whether a fallback looks at it. */
export function mayFallBack(error: unknown): boolean {
  if (isDaceError(error))
    return (
      error.code !== 'DACE_FOREIGN_HOST' && error.code !== 'DACE_CONFIGURATION'
    );
  const { verdict, status } = judgeDefault(error, true);
  return verdict !== 'ignored' || status === undefined;
}

/** A handler's Observable is its answer, up to its first value protected; elsewhere it is a mistake. */
function checkResult(
  method: ProtectedMethod,
  result: unknown,
  isHandler: boolean,
): unknown {
  if (typeof result !== 'object' || result === null) return result;
  if (isObservable(result)) {
    if (isHandler) return continued(result);
    throw wrongResult(
      method,
      unexpectedObservableMessage(method.className, nameOf(method)),
    );
  }
  if (Symbol.asyncIterator in result && 'throw' in result)
    throw wrongResult(
      method,
      notAPromiseMessage(method.className, nameOf(method)),
    );
  return result;
}

function wrongResult(
  method: ProtectedMethod,
  message: string,
): DaceConfigurationError {
  return new DaceConfigurationError({ dependencyId: method.id, message });
}

/** What a protected middleware's `next` starts is the rest of the request, not part of its call. */
function ofMiddleware(
  method: ProtectedMethod,
  args: readonly unknown[],
): readonly unknown[] {
  const next = args[2];
  if (method.name !== 'use' || typeof next !== 'function') return args;
  return [args[0], args[1], outside(next as (...a: unknown[]) => unknown)];
}

/** A test's stand-in may know `execute` only. */
function isFullExecutor(dependency: Partial<Dependency>): boolean {
  return typeof dependency.executeWith === 'function';
}

function nameOf(method: ProtectedMethod): string {
  return String(method.name);
}
