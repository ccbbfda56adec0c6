/**
 * What a decorated method does when it is called, by whomever: it finds its app, and then either
 * joins an attempt of the same dependency that it is part of, or opens an operation of its own with
 * what the interceptor has armed for it.
 */
import { defer, isObservable, Observable, throwError } from 'rxjs';
import { DaceConfigurationError } from '../core/errors.js';
import type { Call } from '../dependency/call.js';
import type { ExecuteHooks } from '../dependency/call-settings.js';
import type { Dependency } from '../dependency/dependency.js';
import type { CallOptions } from '../dependency/options.js';
import type { App } from './app.js';
import { appOf } from './binder.js';
import {
  detachedMessage,
  notAPromiseMessage,
  unexpectedObservableMessage,
} from './dace.messages.js';
import {
  enclosingAttempt,
  enterHandler,
  outside,
  takeArmed,
} from './frames.js';
import { join, joinStream } from './joined.js';
import {
  optionsFor,
  runOriginal,
  type ProtectedMethod,
} from './protected-method.js';
import { Stream, streamOf } from './streams.js';
import { isUnprotected } from './unprotected.js';

/** One use of a decorated method. */
interface Use {
  readonly method: ProtectedMethod;
  readonly app: App;
  readonly dependency: Dependency;
  readonly options: CallOptions<unknown> | undefined;
  /** Runs the original. */
  readonly work: (call: Call) => unknown;
}

/** Never throws: what is wrong comes the way the method answers. */
export function dispatch(
  method: ProtectedMethod,
  self: object | undefined,
  args: readonly unknown[],
): unknown {
  if (self && isUnprotected(self))
    return method.original.apply(self, [...args]);
  try {
    const use = useOf(method, self, args);
    return method.isObservable ? stream(use) : call(use);
  } catch (error) {
    return method.isObservable
      ? throwError(() => error)
      : Promise.reject(error);
  }
}

function useOf(
  method: ProtectedMethod,
  self: object | undefined,
  rawArgs: readonly unknown[],
): Use {
  const { id, className } = method;
  const name = String(method.name);
  if (self === undefined || self === null)
    throw misuse(method, detachedMessage(className, name));
  const app = appOf(self, { className, method: name, id });
  if (!app.has(id)) throw app.unknown(id, [`${className}.${name}`]);
  const args = ofMiddleware(method, rawArgs);
  return {
    method,
    app,
    dependency: app.get(id),
    options: optionsFor(method, self, args),
    work: (attempt) => runOriginal(method, self, args, attempt),
  };
}

/** A method that answers once; a handler that Nest calls may turn out to answer a stream. */
function call({ method, app, dependency, options, work }: Use): unknown {
  const armed = takeArmed(method);
  if (armed !== undefined) {
    const answer = new Stream();
    // A promise goes on unheard, as everywhere in Nest; a stream ends with its last listener.
    armed.atEnd.push(() => {
      if (answer.isOpen) answer.leave();
    });
    const opening = (attempt: Call): unknown => {
      const result = work(attempt);
      return isObservable(result)
        ? answer.begin(result, attempt)
        : oneAnswer(method, result);
    };
    const hooks = both(armed.hooksFor(app), answer.hooks);
    return enterHandler(armed, () =>
      execute(dependency, opening, options, hooks),
    ).then((outcome) => answer.rest(outcome));
  }
  const checked = (attempt: Call): unknown => oneAnswer(method, work(attempt));
  const enclosing = enclosingAttempt(app, method.id);
  const answer =
    enclosing === undefined
      ? execute(dependency, checked, options, undefined)
      : join(checked, enclosing, options);
  return method.isProven ? answer : proven(method, answer);
}

/** An async method may promise an Observable; what it answers once it answers always. */
async function proven(
  method: ProtectedMethod,
  answer: Promise<unknown>,
): Promise<unknown> {
  const value = oneAnswer(method, await answer);
  method.isProven = true;
  return value;
}

/** A method that answers with an Observable: each subscription is a use of its own. */
function stream({
  method,
  app,
  dependency,
  options,
  work,
}: Use): Observable<unknown> {
  const armed = takeArmed(method);
  const run = (hooks: ExecuteHooks): Observable<unknown> =>
    streamOf(work, (attempt, own) =>
      execute(dependency, attempt, options, both(hooks, own)),
    );
  if (armed !== undefined) {
    const client = armed.hooksFor(app);
    return new Observable((subscriber) =>
      enterHandler(armed, () => run(client).subscribe(subscriber)),
    );
  }
  return defer(() => {
    const enclosing = enclosingAttempt(app, method.id);
    return enclosing === undefined
      ? run(NOBODY)
      : joinStream(work, enclosing, options);
  });
}

/** Without a handler there is no client. */
const NOBODY: ExecuteHooks = {};

/** Two who want to know of an operation. */
function both(client: ExecuteHooks, own: ExecuteHooks): ExecuteHooks {
  return {
    ...client,
    onStart: (cancel) => {
      own.onStart?.(cancel);
      client.onStart?.(cancel);
    },
  };
}

/** A test's stand-in may know `execute` only. */
function execute(
  dependency: Dependency,
  work: (call: Call) => unknown,
  options: CallOptions<unknown> | undefined,
  hooks: ExecuteHooks | undefined,
): Promise<unknown> {
  const { executeWith } = dependency as Partial<Dependency>;
  return executeWith === undefined
    ? dependency.execute(work, options)
    : dependency.executeWith(work, options, hooks);
}

/** Elsewhere than in a handler, answers of other kinds than the declared one are a mistake. */
function oneAnswer(method: ProtectedMethod, result: unknown): unknown {
  if (typeof result !== 'object' || result === null) return result;
  const { className } = method;
  const name = String(method.name);
  if (isObservable(result))
    throw misuse(method, unexpectedObservableMessage(className, name));
  if (Symbol.asyncIterator in result && 'throw' in result)
    throw misuse(method, notAPromiseMessage(className, name));
  return result;
}

/** What a protected middleware's `next` starts is the rest of the request, not part of its call. */
function ofMiddleware(
  method: ProtectedMethod,
  args: readonly unknown[],
): readonly unknown[] {
  const next = args[2];
  if (method.name !== 'use' || typeof next !== 'function') return args;
  const isolated = outside(next as (...a: unknown[]) => unknown);
  return [args[0], args[1], isolated, ...args.slice(3)];
}

function misuse(
  { id: dependencyId }: ProtectedMethod,
  message: string,
): DaceConfigurationError {
  return new DaceConfigurationError({ dependencyId, message });
}
