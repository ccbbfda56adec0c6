/**
 * What a circuit is told and what it tells: its modes and states, its settings, and the owner it
 * asks before it opens.
 */
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
}

export type CircuitChange = 'opened' | 'half-opened' | 'closed' | 'would-open';

/** Whom a circuit asks and tells. */
export interface CircuitOwner {
  /** A tripped circuit asks before it opens; beyond `maxOutRatio` the answer is no. */
  mayOpen(): boolean;
  changed(change: CircuitChange, nowMs: number): void;
  ruleFailed(rule: TripRule, error: unknown): void;
  /** Failures in a row that hold for everybody the circuit stands above. */
  consecutiveFailures?(): number | undefined;
}
