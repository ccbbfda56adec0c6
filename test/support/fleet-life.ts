/** A dependency over none, one or several hosts, led through a history and compared to nothing. */
import type { CircuitMode } from '../../lib/circuit/circuit.js';
import type { Dependency } from '../../lib/dependency/dependency.js';
import type { Permit } from '../../lib/dependency/guard.js';
import { seededRandom } from './chance.js';
import type { FleetPlan, FleetStep } from './fleet-history.js';
import { dependencyOf, endWith, netlocOf, tryAcquire } from './fleet-pair.js';
import { HandClock } from './hand-clock.js';

/** A peer that no list names. */
const PEER = 9;

export class FleetLife {
  readonly clock = new HandClock();
  readonly dependency: Dependency;
  private readonly running: Permit[] = [];

  constructor(readonly plan: FleetPlan) {
    this.dependency = dependencyOf(plan, this.clock, seededRandom(plan.seed));
  }

  take(next: FleetStep): void {
    const { dependency, clock, plan } = this;
    switch (next.act) {
      case 'wait':
        clock.timeMs += this.waitFor(next.ms);
        return;
      case 'call':
        for (let each = 0; each < next.times; each++) {
          const permit = tryAcquire(dependency);
          if (permit instanceof Error) continue;
          clock.timeMs += next.tookMs;
          endWith(permit, next.ending);
        }
        return;
      case 'ask each':
        for (let each = 0; each < next.times * (plan.hosts + 1); each++) {
          const permit = tryAcquire(dependency);
          if (permit instanceof Error) continue;
          const host = Number(/\d/.exec(permit.netloc ?? '0')![0]);
          if (((next.sick >> host) & 1) === 1) permit.failure();
          else permit.success();
        }
        return;
      case 'begin': {
        const { pinned } = next;
        const permit = tryAcquire(
          dependency,
          pinned === undefined ? undefined : this.netlocFor(pinned),
        );
        if (!(permit instanceof Error)) this.running.push(permit);
        return;
      }
      case 'end': {
        const permit = this.takeOut(next.which);
        if (permit !== undefined) endWith(permit, next.ending);
        return;
      }
      case 'cancel':
        this.takeOut(next.which)?.ignore();
        return;
      case 'control':
        return dependency.control(next.mode);
      case 'control one':
        return dependency.control(next.mode, this.netlocFor(next.host));
    }
  }

  /** The operator lets go of everything but one host, which stays forced open. */
  release(mode: CircuitMode, kept: number | undefined): void {
    const { dependency } = this;
    for (const netloc of this.netlocs) dependency.control('auto', netloc);
    dependency.control(mode);
    if (kept !== undefined) dependency.control('forced-open', netlocOf(kept));
  }

  /** Asked regularly, everybody answers well, for as long as anything may take. */
  recover(arePinnedToo: boolean): void {
    const { recovery, resetTimeoutMs, leaseMs, mostAskedMs = 0 } = this.plan;
    const { clock, dependency, plan } = this;
    const netlocs = arePinnedToo ? this.netlocs : [];
    const isRamp = recovery.kind === 'ramp';
    const rampMs = isRamp ? recovery.recoveryMs : 0;
    const graceMs = isRamp ? recovery.graceMs : 0;
    const openMs = Math.max(resetTimeoutMs, mostAskedMs, 60_000);
    // Once more by old counts, above and then below.
    const boundMs = leaseMs + 2 * graceMs + 3 * (openMs + rampMs);
    const asks = isRamp ? 4 : 2 * recovery.calls;
    for (let turn = 0; turn < 40; turn++) {
      for (let each = 0; each < (plan.hosts + 1) * asks; each++) {
        const permit = tryAcquire(dependency);
        if (!(permit instanceof Error)) permit.success();
      }
      for (const netloc of netlocs)
        for (let each = 0; each < asks; each++) {
          const permit = tryAcquire(dependency, netloc);
          if (!(permit instanceof Error)) permit.success();
        }
      clock.timeMs += boundMs / 40;
    }
  }

  /** What refuses one of so many calls. */
  refusals(calls: number): Error[] {
    return Array.from({ length: calls }, () => {
      const permit = tryAcquire(this.dependency);
      if (permit instanceof Error) return permit;
      permit.success();
      return [];
    }).flat();
  }

  private get netlocs(): string[] {
    return [
      netlocOf(PEER),
      ...Array.from({ length: this.plan.hosts }, (_, at) => netlocOf(at)),
    ];
  }

  private netlocFor(host: number): string {
    const { hosts } = this.plan;
    return netlocOf(host === PEER || hosts === 0 ? PEER : host % hosts);
  }

  private waitFor(ms: Extract<FleetStep, { act: 'wait' }>['ms']): number {
    const { recovery, resetTimeoutMs, leaseMs } = this.plan;
    if (typeof ms === 'number') return ms;
    const isRamp = recovery.kind === 'ramp';
    return {
      'an opening': resetTimeoutMs,
      'a ramp': isRamp ? recovery.recoveryMs : resetTimeoutMs,
      'a lease': leaseMs,
    }[ms];
  }

  private takeOut(index: number): Permit | undefined {
    const { running } = this;
    return running.length === 0
      ? undefined
      : running.splice(index % running.length, 1)[0];
  }
}
