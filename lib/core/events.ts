/**
 * What a dependency tells about itself, and the list of those who listen. Building an event costs
 * more than a call's whole bookkeeping, so callers ask `wants…` first.
 */
import type { LastFailure } from './errors.js';
import { catchUp, steps, tellLater } from './in-turn.js';
import type { Verdict } from './verdict.js';

/** @publicApi */
export interface DaceEventBase {
  readonly dependencyId: string;
  readonly netloc?: string;
}

/** @publicApi */
export interface CircuitEvent extends DaceEventBase {
  readonly type:
    | 'circuit.opened'
    | 'circuit.half-opened'
    | 'circuit.closed'
    | 'circuit.would-open'
    | 'host.out'
    | 'host.back';
  /** Name of the rule that tripped. */
  readonly tripped?: string;
  /** The figures it opened for: `0.62 of 34 calls failed, ≥ 0.5`. */
  readonly reason?: string;
  /** Milliseconds until the next probe. */
  readonly retryAfterMs?: number;
  readonly lastFailure?: LastFailure;
}

/** @publicApi */
export interface OperationEvent extends DaceEventBase {
  readonly type:
    | 'operation.started'
    | 'operation.succeeded'
    | 'operation.failed'
    | 'operation.refused'
    | 'operation.cancelled';
  /** From the start of the operation; absent on `operation.started`. */
  readonly durationMs?: number;
  readonly attempts?: number;
  readonly error?: unknown;
}

/** @publicApi */
export interface AttemptEvent extends DaceEventBase {
  readonly type: 'attempt.started' | 'attempt.ended';
  /** From 1. */
  readonly attempt: number;
  readonly durationMs?: number;
  readonly verdict?: Verdict;
  readonly error?: unknown;
}

/** @publicApi */
export interface RetryEvent extends DaceEventBase {
  readonly type: 'retry.scheduled';
  /** Number of the attempt to come. */
  readonly attempt: number;
  readonly delayMs: number;
  readonly error: unknown;
}

/** @publicApi */
export interface FallbackEvent extends DaceEventBase {
  readonly type: 'fallback.used';
  readonly error: unknown;
}

/** What a host source has said. @publicApi */
export interface HostsEvent extends DaceEventBase {
  readonly type: 'hosts.changed' | 'hosts.failed';
  /** Netlocs that are listed from now on, and those that no longer are. */
  readonly added?: readonly string[];
  readonly removed?: readonly string[];
  /** Why there is no newer list: the last one stays. */
  readonly error?: unknown;
}

/** Something a team would want in its log once. @publicApi */
export interface WarningEvent extends DaceEventBase {
  readonly type: 'warning';
  readonly message: string;
  readonly error?: unknown;
}

/** @publicApi */
export type DaceEvent =
  | CircuitEvent
  | OperationEvent
  | AttemptEvent
  | RetryEvent
  | FallbackEvent
  | HostsEvent
  | WarningEvent;

/** @publicApi */
export type DaceEventType = DaceEvent['type'];
/** @publicApi */
export type DaceListener = (event: DaceEvent) => void;

/** Someone who listens, until he leaves: then not to what is being told either. */
interface Ear {
  hear: DaceListener | undefined;
}

/** Those who listen to one dependency. A listener that throws changes nothing for anybody. */
export class Listeners {
  /** Null while nobody listens to everything: the hot path tests this and no more. */
  private all: readonly Ear[] | null = null;
  private rare: readonly Ear[] | null = null;

  /** Somebody wants the events of every operation and attempt. */
  get wantsAll(): boolean {
    return this.all !== null;
  }

  /** Somebody wants at least the rare ones (transitions, failures, retries, refusals). */
  get wantsRare(): boolean {
    return this.all !== null || this.rare !== null;
  }

  add(listener: DaceListener): () => void {
    const ear: Ear = { hear: listener };
    this.all = [...(this.all ?? []), ear];
    return () => {
      ear.hear = undefined;
      this.all = without(this.all, ear);
    };
  }

  /** For listeners that need no event of a healthy call, so that healthy calls build none. */
  addRare(listener: DaceListener): () => void {
    const ear: Ear = { hear: listener };
    this.rare = [...(this.rare ?? []), ear];
    return () => {
      ear.hear = undefined;
      this.rare = without(this.rare, ear);
    };
  }

  /** All hear it before any hears of what one of them does about it; false where it is dropped. */
  emit(event: DaceEvent): boolean {
    if (!this.wantsRare) return true;
    if (steps.underWay > 0 || steps.isTelling)
      return tellLater(() => this.deliver(event), event.type === 'warning');
    steps.isTelling = true;
    try {
      this.deliver(event);
    } finally {
      steps.isTelling = false;
      catchUp();
    }
    return true;
  }

  clear(): void {
    this.all = null;
    this.rare = null;
  }

  private deliver(event: DaceEvent): void {
    if (this.all !== null) for (const ear of this.all) call(ear, event);
    if (this.rare !== null) for (const ear of this.rare) call(ear, event);
  }
}

function call({ hear }: Ear, event: DaceEvent): void {
  try {
    const result: unknown = hear?.(event);
    if (result instanceof Promise) result.catch(ignore);
  } catch {
    // A listener's fault is not the call's.
  }
}

function ignore(): void {}

function without(list: readonly Ear[] | null, ear: Ear): readonly Ear[] | null {
  const rest = (list ?? []).filter((other) => other !== ear);
  return rest.length === 0 ? null : rest;
}
