/**
 * What a balancer is, what it is shown, and what it is handed: the hosts that may be asked, and
 * nothing that it could break.
 */

/** What a balancer may look at. @publicApi */
export interface HostView {
  /** `host:port`, always with the port. */
  readonly netloc: string;
  /** Its part of the calls, less while it starts slowly. */
  readonly weight: number;
  /** Attempts running on it now. */
  readonly inFlight: number;
  /** Estimate of its answer time in milliseconds; absent until it answered. */
  readonly latencyMs?: number | undefined;
  /** When it was last asked, in the clock's monotonic time. */
  readonly askedMs: number;
  /**
   * Attempts running on it, and failed ones for as long as a slow answer would have taken: what fails
   * at once has little running and must not look idle.
   */
  pendingAt(nowMs: number): number;
}

/** Holds during `pick`; it is the same object each time. @publicApi */
export interface BalancerContext {
  readonly nowMs: number;
  readonly random: () => number;
}

/**
 * Chooses one of `hosts`, which is never empty.
 *
 * State:  `hosts` is frozen, and the same array until the hosts or a weight change: what is made of it
 *         can be kept for as long. Hosts that are out are not in it, nor those that the operation has
 *         tried while there are others. If the choice is full it is asked again, without the full ones.
 *         Hosts are the same objects for as long as they are listed. Shared by several dependencies it
 *         is asked with the hosts of each.
 * Errors: an answer that is none of `hosts`, and anything thrown, fail the call with
 *         DaceConfigurationError.
 * @publicApi
 */
export interface LoadBalancer {
  pick<H extends HostView>(hosts: readonly H[], context: BalancerContext): H;
}

/**
 * dace's form: answers `[protocol, netloc]`, asked once per attempt.
 *
 * @publicApi
 */
export type BalancerFunction = () =>
  readonly [string, string] | PromiseLike<readonly [string, string]>;

/** @publicApi */
export type LoadBalancerInput =
  | 'round-robin'
  | 'random'
  | 'least-pending'
  | 'peak-ewma'
  | BalancerFunction
  | LoadBalancer;

export const BALANCER_NAMES: readonly string[] = [
  'round-robin',
  'random',
  'least-pending',
  'peak-ewma',
];

/** Whether `value` is a class, which is a function and yet cannot be called as dace's. */
export function isClass(value: unknown): boolean {
  if (typeof value !== 'function') return false;
  const { prototype } = value as { prototype?: { pick?: unknown } };
  return (
    typeof prototype?.pick === 'function' ||
    /^class\b/.test(Function.prototype.toString.call(value))
  );
}
