/**
 * What holds for one call: the dependency's settings with the call's own laid over them. Without
 * call options it is one shared object, so a plain call pays nothing for it.
 */
import type { Host } from '../balancing/host.js';
import type { Classify } from '../core/verdict.js';
import type { CallOptions } from './options.js';
import { resolveRetry } from './resolve-settings.js';
import type { RetrySettings, Settings } from './settings.js';

/** What a framework adds to one operation, without the price of an AbortController. */
export interface ExecuteHooks {
  /** The client's answer has started: never repeat, never fall back. */
  isAnswered?(): boolean;
  /** Handed the operation's canceller, which ends it in the same tick. */
  onStart?(cancel: (reason: unknown) => void): void;
  /** What the caller is given for a value that the work has answered; in place, as a promise more costs. */
  onAnswer?(value: unknown): unknown;
}

export interface CallSettings {
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number;
  readonly attemptTimeoutMs: number;
  readonly expectedInMs: number;
  readonly retry: RetrySettings;
  readonly idempotent: boolean;
  readonly pinned: Host | undefined;
  readonly classify: Classify | undefined;
  readonly fallback: { readonly value: unknown } | undefined;
}

export function plainCall(settings: Settings): CallSettings {
  return {
    signal: undefined,
    timeoutMs: settings.timeoutMs,
    attemptTimeoutMs: settings.attemptTimeoutMs,
    expectedInMs: settings.expectedInMs,
    retry: settings.retry,
    idempotent: false,
    pinned: undefined,
    classify: settings.classify,
    fallback: settings.fallback,
  };
}

/** `options` are known to be sound. */
export function callSettings(
  settings: Settings,
  plain: CallSettings,
  options: CallOptions<unknown>,
  pinned: Host | undefined,
): CallSettings {
  const { fallback, timeoutMs, attemptTimeoutMs } = options;
  return {
    signal: options.signal,
    timeoutMs: timeoutMs === undefined ? plain.timeoutMs : bound(timeoutMs),
    attemptTimeoutMs:
      attemptTimeoutMs !== undefined
        ? bound(attemptTimeoutMs)
        : timeoutMs !== undefined && settings.isAttemptTimeoutDerived
          ? bound(timeoutMs)
          : plain.attemptTimeoutMs,
    expectedInMs: options.expectedInMs ?? plain.expectedInMs,
    retry:
      options.retry === undefined
        ? plain.retry
        : resolveRetry(options.retry, plain.retry),
    idempotent: options.idempotent === true,
    pinned,
    classify: options.classify ?? plain.classify,
    fallback: fallback === undefined ? plain.fallback : { value: fallback },
  };
}

function bound(timeoutMs: number | false): number {
  return timeoutMs === false ? Infinity : timeoutMs;
}
