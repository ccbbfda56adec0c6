/** A dependency over its hosts and its model, led through the same history and compared throughout. */
import { expect } from 'vitest';
import {
  isDaceError,
  type DaceCircuitOpenError,
} from '../../lib/core/errors.js';
import {
  createDependency,
  type Dependency,
} from '../../lib/dependency/dependency.js';
import type { Permit } from '../../lib/dependency/guard.js';
import { EXPECTED_MS } from './circuit-history.js';
import type { Answer } from './circuit-model.js';
import { expectSame } from './circuit-pair.js';
import { DrawnChance } from './drawn-chance.js';
import type { FleetEnding, FleetPlan, FleetStep } from './fleet-history.js';
import { FleetModel, type FleetTickets } from './fleet-model.js';
import { HandClock } from './hand-clock.js';

interface Running {
  readonly permit: Permit;
  readonly tickets: FleetTickets;
  readonly startMs: number;
}

export const netlocOf = (host: number): string => `h${host}:80`;

export function dependencyOf(
  plan: FleetPlan,
  clock: HandClock,
  random: () => number,
): Dependency {
  const { rules, recovery, mostAskedMs, resetTimeoutMs, leaseMs } = plan;
  return createDependency(
    'payments',
    {
      ...(plan.hosts > 0 && {
        hosts: Array.from(
          { length: plan.hosts },
          (_, host) => `http://${netlocOf(host)}`,
        ),
      }),
      loadBalancer: plan.loadBalancer,
      timeoutMs: false,
      expectedInMs: EXPECTED_MS,
      maxOpenPerNetloc: false,
      circuit: {
        trip: rules.written,
        recovery,
        resetTimeoutMs,
        leaseMs,
        maxOutRatio: plan.maxOutRatio,
        ...(mostAskedMs !== undefined && {
          openOnRetryAfter: { maxMs: mostAskedMs },
        }),
      },
    },
    { clock, random },
  );
}

/** A permit, or the error it was refused with. */
export function tryAcquire(
  dependency: Dependency,
  netloc?: string,
): Permit | Error {
  try {
    return dependency.acquire({ netloc });
  } catch (error) {
    const isRefusal =
      isDaceError(error, 'DACE_CIRCUIT_OPEN') ||
      isDaceError(error, 'DACE_NO_HOSTS');
    if (!isRefusal) throw error;
    return error;
  }
}

/** Ends a call as an answer of that status would. */
export function endWith(
  permit: Permit,
  { verdict, retryAfter }: FleetEnding,
): void {
  if (verdict === 'success') return permit.success();
  if (verdict === 'failure') return permit.failure();
  const headers = retryAfter === undefined ? {} : { 'retry-after': retryAfter };
  permit.failure(
    Object.assign(new Error(verdict), { status: Number(verdict), headers }),
  );
}

/** What circuits make of an ending after `tookMs`. */
export function fleetAnswerOf(
  { verdict, retryAfter }: FleetEnding,
  tookMs: number,
  mostAskedMs: number | undefined,
): Answer {
  const isLate = tookMs > EXPECTED_MS;
  const isThrottled = verdict === '429' || verdict === '503';
  const seconds = isThrottled ? Number(retryAfter ?? 0) : 0;
  return {
    isFailure:
      verdict === 'failure' ||
      verdict === '503' ||
      (verdict === 'success' && isLate),
    isLate,
    tookMs,
    askedMs: Number.isNaN(seconds)
      ? 0
      : Math.min(seconds * 1_000, mostAskedMs ?? 0),
  };
}

export class FleetPair {
  readonly clock = new HandClock();
  readonly dependency: Dependency;
  readonly model: FleetModel;
  readonly running: Running[] = [];
  /** What hosts and dependency were seen tripped by. */
  readonly tripped = new Set<string>();
  private readonly chance: DrawnChance;
  private readonly modelChance: DrawnChance;
  /** Time has brought something about that nobody has noticed by asking. */
  private isBehind = false;

  constructor(readonly plan: FleetPlan) {
    const { rules, hosts: count, ...settings } = plan;
    this.chance = new DrawnChance(plan.seed);
    this.modelChance = new DrawnChance(plan.seed);
    this.dependency = dependencyOf(plan, this.clock, this.chance.draw);
    this.model = new FleetModel(
      {
        ...settings,
        rules: rules.model,
        count,
        factor: 1,
        maxMs: 60_000,
        jitter: 0,
      },
      this.modelChance.draw,
    );
  }

  get nowMs(): number {
    return this.clock.timeMs;
  }

  take(next: FleetStep): void {
    this.act(next);
    this.compare();
  }

  admit(pinned?: number): Running | undefined {
    const call = pinned === undefined ? this.admitAny() : this.admitTo(pinned);
    this.compareChance(call !== undefined && pinned === undefined);
    return call;
  }

  end({ permit, tickets, startMs }: Running, ending: FleetEnding): void {
    const { nowMs, plan } = this;
    this.letTimeAct();
    endWith(permit, ending);
    const answer = fleetAnswerOf(ending, nowMs - startMs, plan.mostAskedMs);
    this.model.record(tickets, answer, nowMs);
    if (tickets.host < plan.hosts) this.isBehind = false;
  }

  compare(): void {
    const { model, nowMs } = this;
    this.letTimeAct();
    const { state, retryAfterMs, tripped, window, hosts } =
      this.dependency.snapshot();
    // Open, it keeps the counts it opened with; disabled, it counts nothing.
    const isSum =
      model.above.state === 'closed' && model.above.mode !== 'disabled';
    const look = model.above.look(nowMs);
    expectSame(
      { state, retryAfterMs, tripped },
      {
        state: look.state,
        retryAfterMs: look.retryAfterMs,
        tripped: model.above.tripped,
      },
      'dependency',
    );
    // What one circuit's time means for the others is found out by the next who asks.
    if (this.isBehind) return;
    if (isSum) expectSame(window, model.counts(nowMs), 'sum');
    if (tripped !== undefined) this.tripped.add(tripped);
    const all = model.peer ? [...model.hosts, model.peer] : model.hosts;
    expect(hosts.length).toBe(all.length);
    hosts.forEach((host, index) => {
      const own = all[index]!;
      expectSame(
        {
          state: host.state,
          inService: host.inService,
          tripped: host.tripped,
        },
        {
          state: own.look(nowMs).state,
          inService: own.isInService,
          tripped: own.tripped,
        },
        host.netloc,
      );
      expectSame(host.window, own.counts(nowMs), `window of ${host.netloc}`);
      if (host.tripped !== undefined) this.tripped.add(host.tripped);
    });
    const isForced = model.hosts.some(({ mode }) => mode === 'forced-open');
    const out = hosts.filter((host) => !host.inService && !host.pinned);
    if (!isForced) expect(out.length).toBeLessThanOrEqual(model.mostOut);
  }

  private act(next: FleetStep): void {
    const { clock, model, nowMs, plan } = this;
    switch (next.act) {
      case 'wait':
        clock.timeMs += this.waitFor(next.ms);
        return;
      case 'call':
        for (let each = 0; each < next.times; each++) {
          const call = this.admit();
          if (call === undefined) continue;
          clock.timeMs += next.tookMs;
          this.end(call, next.ending);
        }
        return;
      case 'ask each':
        for (let each = 0; each < next.times * plan.hosts; each++) {
          const call = this.admit();
          if (call === undefined) continue;
          const isSick = ((next.sick >> call.tickets.host) & 1) === 1;
          const verdict = isSick ? 'failure' : 'success';
          this.end(call, { verdict, retryAfter: undefined });
        }
        return;
      case 'begin': {
        const { pinned } = next;
        const call = this.admit(
          pinned === undefined ? undefined : this.pinnedTo(pinned),
        );
        if (call !== undefined) this.running.push(call);
        return;
      }
      case 'end': {
        const call = this.takeOut(next.which);
        if (call !== undefined) this.end(call, next.ending);
        return;
      }
      case 'cancel': {
        const call = this.takeOut(next.which);
        if (call === undefined) return;
        this.letTimeAct();
        call.permit.ignore();
        model.release(call.tickets, nowMs);
        return;
      }
      case 'control':
        this.letTimeAct();
        this.dependency.control(next.mode);
        return model.control(next.mode, nowMs);
      case 'control one': {
        const host = this.pinnedTo(next.host);
        this.letTimeAct();
        this.dependency.control(next.mode, netlocOf(host));
        model.controlOne(host, next.mode, nowMs);
      }
    }
  }

  private waitFor(ms: Extract<FleetStep, { act: 'wait' }>['ms']): number {
    const { recovery, resetTimeoutMs, leaseMs } = this.plan;
    switch (ms) {
      case 'an opening':
        return resetTimeoutMs;
      case 'a ramp':
        return recovery.kind === 'ramp' ? recovery.recoveryMs : resetTimeoutMs;
      case 'a lease':
        return leaseMs;
      default:
        return ms;
    }
  }

  /** 9 is the peer that no list names. */
  private pinnedTo(host: number): number {
    const { hosts } = this.plan;
    return host === 9 ? hosts : host % hosts;
  }

  private admitAny(): Running | undefined {
    const { model, nowMs } = this;
    this.letTimeAct();
    const way = model.admit(nowMs);
    const permit = tryAcquire(this.dependency);
    if (!way.isAboveShut) this.isBehind = false;
    if (permit instanceof Error) {
      expect(way.mayGoTo, 'refused where the model would pass').toEqual([]);
      if (way.isAboveShut) {
        const { retryAfterMs } = permit as DaceCircuitOpenError;
        expect(retryAfterMs).toBe(model.above.look(nowMs).retryAfterMs);
      }
      way.refuse();
      return undefined;
    }
    const host = Number(/\d/.exec(permit.netloc!)![0]);
    if (!way.mayGoTo.includes(host)) expect(way.mayGoTo).toContain(host);
    return { permit, tickets: way.go(host), startMs: nowMs };
  }

  private admitTo(host: number): Running | undefined {
    this.letTimeAct();
    const tickets = this.model.admitPinned(host, this.nowMs);
    const permit = tryAcquire(this.dependency, netlocOf(host));
    expect(!(permit instanceof Error)).toBe(tickets !== undefined);
    return permit instanceof Error
      ? undefined
      : { permit, tickets: tickets!, startMs: this.nowMs };
  }

  private letTimeAct(): void {
    if (this.model.settle(this.nowMs)) this.isBehind = true;
  }

  /** Most balancers draw as well, after the circuits. */
  private compareChance(isBalanced: boolean): void {
    const { chance, modelChance, plan } = this;
    const isShared = isBalanced && plan.loadBalancer !== 'round-robin';
    if (isShared && modelChance.drawn < chance.drawn)
      modelChance.drawn = chance.drawn;
    if (modelChance.drawn !== chance.drawn)
      expect(chance.drawn, 'drawn').toBe(modelChance.drawn);
  }

  private takeOut(index: number): Running | undefined {
    const { running } = this;
    return running.length === 0
      ? undefined
      : running.splice(index % running.length, 1)[0];
  }
}
