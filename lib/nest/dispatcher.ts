/**
 * What a decorated method does when it is called, by whomever: it finds its app, and then either
 * joins an attempt of the same dependency that it is part of, or opens an operation of its own with
 * what the interceptor has armed for it.
 */
import {
  defer,
  finalize,
  from,
  isObservable,
  mergeMap,
  Observable,
  throwError,
} from 'rxjs';
import { DaceConfigurationError } from '../core/errors.js';
import type { Call } from '../dependency/call.js';
import type { ExecuteHooks } from '../dependency/call-settings.js';
import type { Dependency } from '../dependency/dependency.js';
import type { CallOptions } from '../dependency/options.js';
import type { App } from './app.js';
import type { ArmedOperation } from './armed-operation.js';
import { appOf } from './binder.js';
import {
  detachedMessage,
  notAPromiseMessage,
  unexpectedObservableMessage,
} from './dace.messages.js';
import { execute } from './execute.js';
import { enclosingAttempt, enterHandler, takeArmed } from './frames.js';
import { join, joinStream } from './joined.js';
import { passingOf } from './middleware.js';
import {
  optionsFor,
  runOriginal,
  type ProtectedMethod,
} from './protected-method.js';
import { streamOf, toObservable } from './streams.js';
import { isUnprotected } from './unprotected.js';

/** One use of a decorated method. */
interface Use {
  readonly method: ProtectedMethod;
  readonly app: App;
  readonly dependency: Dependency;
  readonly options: CallOptions<unknown> | undefined;
  /** Runs the original. */
  readonly work: (call: Call) => unknown;
  /** Of whom it is called by, where that is no handler. */
  readonly hooks: ExecuteHooks | undefined;
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
    if (use instanceof Promise)
      return afterwards(method, use, () => dispatch(method, self, args));
    return method.isObservable ? stream(use) : call(use);
  } catch (error) {
    return method.isObservable
      ? throwError(() => error)
      : Promise.reject(error);
  }
}

/** A call that came too early, in a constructor or while the app is put together, is made again. */
function afterwards(
  { isObservable: isStream }: ProtectedMethod,
  ready: Promise<void>,
  again: () => unknown,
): unknown {
  if (!isStream) return ready.then(again);
  // Whoever subscribes is told.
  ready.catch(() => {});
  return defer(() => from(ready)).pipe(mergeMap(() => toObservable(again())));
}

function useOf(
  method: ProtectedMethod,
  self: object | undefined,
  rawArgs: readonly unknown[],
): Use | Promise<void> {
  if (self === undefined || self === null) throw detached(method);
  const app = appOf(self, method);
  if (app instanceof Promise) return app;
  const { id } = method;
  if (!app.has(id)) return added(method, app);
  const passing = passingOf(method, rawArgs);
  const args = passing?.args ?? rawArgs;
  return {
    method,
    app,
    dependency: app.get(id),
    options: optionsFor(method, self, args),
    work: (attempt) => runOriginal(method, self, args, attempt),
    hooks: passing?.hooks,
  };
}

function detached(method: ProtectedMethod): DaceConfigurationError {
  const { className, name } = method;
  return misuse(method, detachedMessage(className, String(name)));
}

/** Waits for the dependency if it is on its way. */
function added(
  { id, className, name }: ProtectedMethod,
  app: App,
): Promise<void> {
  const whenAdded = app.whenAdded(id);
  if (whenAdded !== undefined) return whenAdded;
  throw app.unknown(id, [`${className}.${String(name)}`]);
}

/** What the interceptor has armed; two decorators of one dependency are one operation, though. */
function armedFor(
  method: ProtectedMethod,
  app: App,
): ArmedOperation | undefined {
  const armed = takeArmed(method);
  if (armed === undefined) return undefined;
  if (armed.isInner && enclosingAttempt(app, method.id) !== undefined)
    return undefined;
  armed.take(app);
  return armed;
}

/** A method that answers once; a handler that Nest calls may turn out to answer a stream. */
function call(use: Use): unknown {
  const { method, app, dependency, options, work, hooks } = use;
  const armed = armedFor(method, app);
  if (armed !== undefined) {
    const opening = (attempt: Call): unknown => {
      const result = work(attempt);
      return result instanceof Promise
        ? result.then((value: unknown) => armed.answer(value, attempt))
        : armed.answer(notGenerator(method, result), attempt);
    };
    const answer = enterHandler(armed, () =>
      execute(dependency, opening, options, armed),
    );
    return armed.isExtra ? ended(answer, armed) : answer;
  }
  const checked = (attempt: Call): unknown => oneAnswer(method, work(attempt));
  const enclosing = enclosingAttempt(app, method.id);
  const answer =
    enclosing === undefined
      ? execute(dependency, checked, options, hooks)
      : join(checked, enclosing, options);
  return method.isProven ? answer : proven(method, answer);
}

/** Lets go of what was armed, once the answer is over, where the chain goes on. */
async function ended(
  answer: Promise<unknown>,
  armed: ArmedOperation,
): Promise<unknown> {
  let isStream = false;
  try {
    const value = await answer;
    isStream = isObservable(value);
    return isStream
      ? (value as Observable<unknown>).pipe(finalize(() => armed.leave()))
      : value;
  } finally {
    if (!isStream) armed.leave();
  }
}

/** An async method may promise an Observable; what it answers once it answers always. */
async function proven(
  method: ProtectedMethod,
  answer: Promise<unknown>,
): Promise<unknown> {
  const value = await answer;
  if (isObservable(value)) throw unexpected(method);
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
  const armed = armedFor(method, app);
  const run = (hooks: ExecuteHooks): Observable<unknown> =>
    streamOf(work, (attempt, own) =>
      execute(dependency, attempt, options, both(hooks, own)),
    );
  if (armed !== undefined) {
    return new Observable((subscriber) => {
      if (armed.isExtra) subscriber.add(() => armed.leave());
      enterHandler(armed, () => run(armed).subscribe(subscriber));
    });
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
    isAnswered: () => client.isAnswered?.() === true,
    onAnswer: (value) => own.onAnswer?.(value),
    onStart: (cancel) => {
      own.onStart?.(cancel);
      client.onStart?.(cancel);
    },
  };
}

/** Elsewhere than in a handler, an Observable that was not announced is a mistake. */
function oneAnswer(method: ProtectedMethod, result: unknown): unknown {
  if (typeof result !== 'object' || result instanceof Promise) return result;
  if (isObservable(result)) throw unexpected(method);
  return notGenerator(method, result);
}

function unexpected(method: ProtectedMethod): DaceConfigurationError {
  const { className, name } = method;
  return misuse(method, unexpectedObservableMessage(className, String(name)));
}

/** Nothing of a generator has run when it is returned: there was no call to protect. */
function notGenerator(method: ProtectedMethod, result: unknown): unknown {
  if (typeof result !== 'object' || result === null) return result;
  const isGenerator =
    'throw' in result &&
    (Symbol.asyncIterator in result || Symbol.iterator in result);
  if (!isGenerator) return result;
  const { className, name } = method;
  throw misuse(method, notAPromiseMessage(className, String(name)));
}

function misuse(
  { id: dependencyId }: ProtectedMethod,
  message: string,
): DaceConfigurationError {
  return new DaceConfigurationError({ dependencyId, message });
}
