/**
 * What encloses the code that runs: the protected attempts it is part of, and the operation that
 * the interceptor has armed for the handler. Kept in AsyncLocalStorage, one frame inside another.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { isRunning } from '../dependency/attempt.js';
import type { Call } from '../dependency/call.js';
import type { ExecuteHooks } from '../dependency/call-settings.js';
import type { App } from './app.js';

/** What the interceptor knows of a request, waiting for the handler's dispatcher. */
export interface ArmedOperation {
  /** The dispatcher it is for; no other may take it. */
  readonly handler: unknown;
  /** What the operation learns of the client. */
  readonly hooksFor: (app: App) => ExecuteHooks;
  /** Taken by its dispatcher, or its request's chain has ended. */
  isSpent: boolean;
}

interface Frame {
  readonly outer: Frame | undefined;
  /** Of the app whose attempt this is. */
  readonly registry: App | undefined;
  readonly call: Call | undefined;
  readonly armed: ArmedOperation | undefined;
}

const frames = new AsyncLocalStorage<Frame | undefined>();

/** Runs an attempt's work inside a frame of its own. */
export function enterAttempt<T>(
  registry: App | undefined,
  call: Call,
  work: (call: Call) => T,
): T {
  const outer = frames.getStore();
  return frames.run({ outer, registry, call, armed: undefined }, work, call);
}

/** Runs a request's chain; what encloses the caller does not enclose the handler. */
export function enterRequest<T>(armed: ArmedOperation, run: () => T): T {
  const outer = undefined;
  return frames.run(
    { outer, registry: undefined, call: undefined, armed },
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

/** Takes the operation that was armed for `handler`, once. */
export function takeArmed(handler: unknown): ArmedOperation | undefined {
  for (let frame = frames.getStore(); frame; frame = frame.outer) {
    const { armed } = frame;
    if (armed === undefined || armed.handler !== handler || armed.isSpent)
      continue;
    armed.isSpent = true;
    return armed;
  }
  return undefined;
}

/** The nearest enclosing attempt of a dependency of this app that still runs. */
export function enclosingAttempt(registry: App, id: string): Call | undefined {
  for (let frame = frames.getStore(); frame; frame = frame.outer) {
    const { call } = frame;
    if (
      call?.dependencyId === id &&
      frame.registry === registry &&
      isRunning(call)
    )
      return call;
  }
  return undefined;
}

/** The app of the nearest enclosing protected call. */
export function enclosingApp(): App | undefined {
  for (let frame = frames.getStore(); frame; frame = frame.outer)
    if (frame.registry !== undefined) return frame.registry;
  return undefined;
}
