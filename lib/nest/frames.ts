/**
 * What encloses the code that runs: the protected attempts it is part of, and the operation that
 * the interceptor has armed for the handler. Kept in AsyncLocalStorage, one frame inside another.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { isRunning } from '../dependency/attempt.js';
import type { Call } from '../dependency/call.js';
import type { ExecuteHooks } from '../dependency/call-settings.js';
import type { App } from './app.js';
import type { ProtectedMethod } from './protected-method.js';

/** What the interceptor knows of a request, waiting for the handler's dispatcher. */
export interface ArmedOperation {
  /** The method it is for; no other may take it. */
  readonly method: ProtectedMethod;
  /** What the operation learns of the client. */
  readonly hooksFor: (app: App) => ExecuteHooks;
  /** Taken by its dispatcher, or its request's chain has ended. */
  isSpent: boolean;
  /** What is done when the request's chain has ended. */
  readonly atEnd: (() => void)[];
}

interface Frame {
  readonly outer: Frame | undefined;
  /** Of the app whose attempt this is. */
  readonly app: App | undefined;
  readonly call: Call | undefined;
  readonly armed: ArmedOperation | undefined;
}

const frames = new AsyncLocalStorage<Frame | undefined>();

/** Runs an attempt's work inside a frame of its own. */
export function enterAttempt<T>(
  app: App,
  call: Call,
  work: (call: Call) => T,
): T {
  const outer = nearestAlive(frames.getStore());
  return frames.run({ outer, app, call, armed: undefined }, work, call);
}

/** Runs a request's chain; what encloses the caller does not enclose the handler. */
export function enterRequest<T>(armed: ArmedOperation, run: () => T): T {
  return frames.run(
    { outer: undefined, app: undefined, call: undefined, armed },
    run,
  );
}

/** What `next` of a middleware starts belongs to the request, not to the protected middleware. */
export function outside<A extends unknown[], R>(
  next: (...args: A) => R,
): (...args: A) => R {
  const frame = frames.getStore();
  return (...args) => frames.run(frame, () => next(...args));
}

/** Takes the operation that was armed for `method`, once. */
export function takeArmed(method: ProtectedMethod): ArmedOperation | undefined {
  for (let frame = frames.getStore(); frame; frame = frame.outer) {
    const { armed } = frame;
    if (armed === undefined || armed.method !== method || armed.isSpent)
      continue;
    armed.isSpent = true;
    return armed;
  }
  return undefined;
}

/** Runs a handler's operation: what was protected on the way to it does not enclose it. */
export function enterHandler<T>(armed: ArmedOperation, run: () => T): T {
  const isDirect = frames.getStore()?.armed === armed;
  return isDirect ? run() : frames.run(undefined, run);
}

/** The nearest enclosing attempt of a dependency of this app that still runs. */
export function enclosingAttempt(app: App, id: string): Call | undefined {
  for (let frame = frames.getStore(); frame; frame = frame.outer) {
    const { call } = frame;
    if (call?.dependencyId === id && frame.app === app && isRunning(call))
      return call;
  }
  return undefined;
}

/** The app of the nearest enclosing protected call. */
export function enclosingApp(): App | undefined {
  for (let frame = frames.getStore(); frame; frame = frame.outer)
    if (frame.app !== undefined) return frame.app;
  return undefined;
}

/**
 * Frames that are over are dropped where a new one is laid on them: a protected method that goes on
 * for ever by a timer of its own would else grow a chain of all its attempts.
 */
function nearestAlive(frame: Frame | undefined): Frame | undefined {
  let alive = frame;
  while (alive !== undefined && isOver(alive)) alive = alive.outer;
  return alive;
}

function isOver({ call, armed }: Frame): boolean {
  return call === undefined ? armed?.isSpent !== false : !isRunning(call);
}
