/**
 * What encloses the code that runs: the protected attempts it is part of, and the operation that
 * the interceptor has armed for the handler. Kept in AsyncLocalStorage, one frame inside another.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { isRunning } from '../dependency/attempt.js';
import type { Call } from '../dependency/call.js';
import type { App } from './app.js';
import type { ArmedOperation } from './armed-operation.js';
import type { ProtectedMethod } from './protected-method.js';

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

/** Takes what was armed for `method`, if there is anything. */
export function takeArmed(method: ProtectedMethod): ArmedOperation | undefined {
  const nearest = frames.getStore();
  for (let frame = nearest; frame; frame = frame.outer) {
    const taken = frame.armed?.takeFor(method, frame === nearest);
    if (taken !== undefined) return taken;
  }
  return undefined;
}

/** Runs a handler's operation: what was protected on the way to it does not enclose it. */
export function enterHandler<T>(armed: ArmedOperation, run: () => T): T {
  const isDirect = frames.getStore()?.armed?.method === armed.method;
  return isDirect || armed.isInner ? run() : enterRequest(armed, run);
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
  return call === undefined ? armed?.isOver !== false : !isRunning(call);
}
