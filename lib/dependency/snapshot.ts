/**
 * What a dependency looks like from outside, at one moment and without side effects.
 */
import type { Circuit, CircuitState } from '../circuit/circuit.js';
import type { LastFailure } from '../core/errors.js';
import type { WindowCounts } from '../core/rolling-window.js';
import type { Host } from '../balancing/host.js';
import type { HostFeed } from '../balancing/host-feed.js';
import { nameOf } from './report.js';
import type { Stages } from './stages.js';

/** @publicApi */
export interface HostSnapshot {
  readonly netloc: string;
  readonly state: CircuitState;
  /** Unpinned calls may go to it. */
  readonly inService: boolean;
  /** Name of the rule that took it out, or would have if there were room. */
  readonly tripped?: string;
  readonly inFlight: number;
  readonly abandoned: number;
  readonly latencyMs?: number;
  readonly window: WindowCounts;
  /** A peer that calls are pinned to and that no list names. */
  readonly pinned?: true;
}

/** Operations since the dependency was made; attempts, retries and fallbacks beside them. @publicApi */
export interface Totals {
  readonly started: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly refused: number;
  readonly cancelled: number;
  readonly attempts: number;
  readonly retries: number;
  readonly fallbacks: number;
}

/** How the source of the hosts is doing. @publicApi */
export interface SourceSnapshot {
  /** `pending` = has not answered yet; `stale` = the last list stays, as there is no newer one. */
  readonly state: 'pending' | 'fresh' | 'stale';
  /** Why it is not fresh. */
  readonly lastFailure?: LastFailure;
}

/** @publicApi */
export interface DependencySnapshot {
  readonly id: string;
  /** What the next call would meet. */
  readonly state: CircuitState;
  readonly retryAfterMs?: number;
  readonly tripped?: string;
  /** Attempts whose caller still waits, and open guards. */
  readonly inFlight: number;
  /** Ended attempts whose work still holds a permit. */
  readonly abandoned: number;
  readonly queued: number;
  readonly window: WindowCounts;
  readonly totals: Totals;
  /** Retries the budget would allow now. */
  readonly budget?: { readonly left: number };
  readonly shared: 'local';
  readonly lastFailure?: LastFailure;
  readonly hosts: readonly HostSnapshot[];
  /** Present where a source lists the hosts. */
  readonly source?: SourceSnapshot;
}

const EMPTY: WindowCounts = { calls: 0, failures: 0, slow: 0, failureRatio: 0 };

export function takeSnapshot(stages: Stages): DependencySnapshot {
  const nowMs = stages.clock.nowMs();
  const { circuit, budget, lastFailure } = stages;
  const { window, ...shown } = showCircuit(circuit, nowMs);
  const { known, feed } = stages.fleet;
  return {
    id: stages.id,
    ...shown,
    inFlight: stages.inFlight,
    abandoned: stages.abandoned,
    queued: stages.fleet
      .everywhere()
      .reduce((sum, host) => sum + host.permits.queued, 0),
    window,
    totals: { ...stages.totals },
    ...(budget !== undefined && { budget: { left: budget.left(nowMs) } }),
    shared: 'local',
    ...(lastFailure !== undefined && { lastFailure }),
    hosts: known.map((host) => showHost(host, stages, nowMs)),
    ...(feed !== undefined && { source: showSource(feed) }),
  };
}

function showSource({ failure, hasList }: HostFeed): SourceSnapshot {
  if (failure === undefined) return { state: hasList ? 'fresh' : 'pending' };
  const at = new Date(failure.dateMs).toISOString();
  const lastFailure = { name: nameOf(failure.error), at };
  return { state: hasList ? 'stale' : 'pending', lastFailure };
}

/** What has counted and closed by time alone shows as it will be found: closed and empty. */
function showCircuit(circuit: Circuit | undefined, nowMs: number) {
  if (circuit === undefined)
    return { state: 'disabled' as const, window: EMPTY };
  const look = circuit.look(nowMs);
  if (look.state === 'closed' && !circuit.isClosed)
    return { ...look, window: EMPTY };
  const { tripped } = circuit;
  return {
    ...look,
    ...(tripped !== undefined && { tripped }),
    window: circuit.tally.read(nowMs),
  };
}

function showHost(host: Host, stages: Stages, nowMs: number): HostSnapshot {
  // The only host of a dependency has no circuit of its own: the dependency's is its.
  const circuit = host.circuit ?? (host.isPinned ? undefined : stages.circuit);
  const latencyMs = host.latencyMs ?? host.latency.usualMs;
  const { state, tripped, window } = showCircuit(circuit, nowMs);
  return {
    netloc: host.netloc,
    state,
    inService: host.isInService || (!host.isPinned && state === 'closed'),
    ...(tripped !== undefined && { tripped }),
    inFlight: host.inFlight,
    abandoned: host.abandoned,
    ...(latencyMs !== undefined && { latencyMs }),
    window,
    ...(host.isPinned && { pinned: true }),
  };
}
