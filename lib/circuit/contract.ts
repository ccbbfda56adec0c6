/**
 * What a circuit is told and what it tells: its modes and states, its settings, and the owner it
 * asks before it opens.
 */
import type { WindowCounts } from '../core/rolling-window.js';
import type { Recovery } from './recovery.js';
import type { ResetBackoffSettings } from './reset-backoff.js';
import type { TripRule } from './trip-rules.js';

/** @publicApi */
export type CircuitMode = 'auto' | 'forced-open' | 'metrics-only' | 'disabled';

/** What the next call would meet. @publicApi */
export type CircuitState =
  'closed' | 'open' | 'half-open' | 'forced-open' | 'metrics-only' | 'disabled';

export interface CircuitSettings {
  /** Undefined = the default rules. */
  readonly trip: readonly TripRule[] | undefined;
  readonly recovery: Recovery;
  readonly resetTimeoutMs: number;
  readonly resetBackoff: ResetBackoffSettings;
  readonly leaseMs: number;
  readonly maxOutRatio: number;
  /** Undefined = what a throttled answer asks for opens nothing. */
  readonly openOnRetryAfter?: { readonly maxMs: number } | undefined;
}

export type CircuitChange = 'opened' | 'half-opened' | 'closed' | 'would-open';

/** Why a circuit opens: a rule, or what a throttled answer asked for. */
export type Reason = Pick<TripRule, 'name' | 'slowMs'>;

/** Whom a circuit asks and tells. */
export interface CircuitOwner {
  /** A tripped circuit asks before it opens; beyond `maxOutRatio` the answer is no. */
  mayOpen(reason: Reason): boolean;
  changed(change: CircuitChange, nowMs: number): void;
  ruleFailed(rule: TripRule, error: unknown): void;
  /** Failures in a row that hold for everybody the circuit stands above. */
  consecutiveFailures?(): number | undefined;
  /** Whether a rule over the last calls holds for everybody the circuit stands above. */
  holdsEverywhere?(rule: TripRule, nowMs: number): boolean | undefined;
  /** What the peers of the circuit's host have counted for a rule. */
  peers?(rule: TripRule, nowMs: number): WindowCounts | undefined;
}
