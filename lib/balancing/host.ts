/**
 * One netloc and all that is kept about it: its circuit, permits, answer times and counts. A
 * dependency without hosts has a single nameless one.
 */
import type { Circuit, Reason } from '../circuit/circuit.js';
import { ASKED } from '../circuit/tally.js';
import type { HostSetting } from '../core/host-setting.js';
import type { Permits } from '../limits/permits.js';
import type { HostView } from './load-balancer.js';
import { Latency } from './latency.js';

/** How long a host that came back takes to reach its full share. */
const SLOW_START_MS = 5_000;
const SLOW_START_SHARE = 0.1;

export class Host implements HostView {
  readonly netloc: string;
  readonly latency = new Latency();
  /** Undefined where the dependency's circuit alone judges. */
  circuit: Circuit | undefined;
  /** Attempts whose caller still waits, and open guards. */
  inFlight = 0;
  /** Ended attempts whose work still holds a permit. */
  abandoned = 0;
  /** When it was last asked, for the balancer's look at the forgotten. */
  askedMs = -Infinity;
  /** It is listed no more: what runs there ends, and nothing new goes to it. */
  hasLeft = false;
  private returnedMs = -Infinity;
  /** The part of its configured weight that it has by now. */
  private share = 1;

  constructor(
    /** Undefined for the nameless netloc of a dependency without hosts. */
    public setting: HostSetting | undefined,
    readonly permits: Permits,
    /** A peer that calls are pinned to and that no list names. */
    readonly isPinned = false,
  ) {
    this.netloc = setting?.netloc ?? '';
  }

  get latencyMs(): number | undefined {
    return this.latency.estimateMs;
  }

  /** The configured weight, less while it starts slowly after having been out. */
  get weight(): number {
    return (this.setting?.weight ?? 1) * this.share;
  }

  get isStarting(): boolean {
    return this.share < 1;
  }

  pendingAt(nowMs: number): number {
    return this.inFlight + this.latency.lingeringAt(nowMs);
  }

  /** Unpinned calls may go to it. */
  get isInService(): boolean {
    const { circuit } = this;
    return (
      !this.hasLeft &&
      (circuit === undefined ||
        (circuit.isClosed && circuit.mode !== 'forced-open'))
    );
  }

  /**
   * It failed often and its last answer was good: what holds against it may hold only because older
   * good answers are forgotten by now. What is slow, or asked to be left alone, may well have answered.
   */
  isPast(reason: Reason): boolean {
    return (
      this.circuit?.tally.consecutiveFailures === 0 &&
      reason.slowMs === undefined &&
      reason !== ASKED
    );
  }

  /** Nobody would miss it. */
  get isIdle(): boolean {
    return (
      this.inFlight === 0 &&
      this.permits.inUse === 0 &&
      this.permits.queued === 0 &&
      (this.circuit === undefined ||
        (this.circuit.isClosed && this.circuit.mode === 'auto'))
    );
  }

  /** It was asked at `nowMs`. */
  asked(nowMs: number): void {
    this.askedMs = nowMs;
  }

  /** It is back in service and starts slowly, with no estimate. */
  returned(nowMs: number): void {
    this.returnedMs = nowMs;
    this.share = SLOW_START_SHARE;
    this.latency.forgetEstimate();
  }

  /** Its share as of `nowMs`; it stands until this is asked for again. */
  gainWeight(nowMs: number): void {
    const part = (nowMs - this.returnedMs) / SLOW_START_MS;
    this.share = Math.min(1, Math.max(SLOW_START_SHARE, part));
  }
}
