/** A circuit and its model, led through the same history and compared at every step. */
import { expect } from 'vitest';
import { Circuit, REFUSED } from '../../lib/circuit/circuit.js';
import {
  EXPECTED_MS,
  type Ending,
  type Plan,
  type Span,
  type Step,
} from './circuit-history.js';
import {
  CircuitModel,
  type Answer,
  type ModelEvent,
  type ModelTicket,
} from './circuit-model.js';
import { DrawnChance } from './drawn-chance.js';
import type { ModelCounts } from './model-rules.js';

interface Running {
  readonly ticket: number;
  readonly model: ModelTicket;
}

/** As `toEqual`, of flat objects, at the price of a loop: it is asked a million times. */
export function expectSame<T extends object>(
  actual: T,
  expected: NoInfer<T>,
  what?: string,
): void {
  for (const key of Object.keys({ ...actual, ...expected }) as (keyof T)[])
    if (!Object.is(actual[key], expected[key]))
      expect(actual, what).toEqual(expected);
}

/** What circuits make of an ending: a 503 is a failure, a 429 none, a late success one. */
export function answerOf(
  { verdict, tookMs, askedMs }: Ending,
  mostAskedMs: number | undefined,
): Answer {
  const isLate = tookMs > EXPECTED_MS;
  const isThrottled = verdict === '429' || verdict === '503';
  return {
    isFailure:
      verdict === 'failure' ||
      verdict === '503' ||
      (verdict === 'success' && isLate),
    isLate,
    tookMs,
    askedMs: isThrottled ? Math.min(askedMs, mostAskedMs ?? 0) : 0,
  };
}

export class CircuitPair {
  nowMs = 0;
  readonly running: Running[] = [];
  readonly circuit: Circuit;
  readonly model: CircuitModel;
  /** What it was seen tripped by. */
  readonly tripped = new Set<string>();
  private readonly events: ModelEvent[] = [];
  private readonly chance: DrawnChance;
  private readonly modelChance: DrawnChance;
  private comparedEvents = 0;
  private isRoom = true;
  private peers: ModelCounts | undefined;

  constructor(readonly plan: Plan) {
    const { rules, recovery, settings, leaseMs, seed } = plan;
    const { resetTimeoutMs, ...resetBackoff } = settings;
    this.chance = new DrawnChance(seed);
    this.modelChance = new DrawnChance(seed);
    this.circuit = new Circuit(
      {
        trip: rules.trip,
        recovery,
        resetTimeoutMs,
        resetBackoff,
        leaseMs,
        maxOutRatio: 0.5,
      },
      {
        mayOpen: () => this.isRoom,
        changed: (change, atMs) => this.events.push({ change, atMs }),
        ruleFailed: (rule) => expect.fail(`${rule.name} threw`),
        peers: () => this.peers,
      },
      this.chance.draw,
    );
    this.model = new CircuitModel(
      { ...settings, recovery, rules: rules.model },
      this.modelChance.draw,
      { mayOpen: () => this.isRoom, peers: () => this.peers },
    );
  }

  take(next: Step): void {
    this.act(next);
    this.compare();
  }

  admit(): Running | undefined {
    const { nowMs, plan, circuit, model } = this;
    const isRefused = circuit.refuses(nowMs);
    expect(isRefused).toBe(model.wouldRefuse(nowMs));
    const isDrawn = circuit.isDrawn(nowMs);
    const ticket = isDrawn ? circuit.admit(nowMs, plan.leaseMs) : REFUSED;
    const admitted = model.ask(nowMs, plan.leaseMs);
    const isAdmitted = admitted !== undefined;
    expectSame(
      { isDrawn, isAdmitted: ticket !== REFUSED },
      { isDrawn: isAdmitted, isAdmitted },
    );
    this.compareEvents();
    return admitted && { ticket, model: admitted };
  }

  end({ ticket, model }: Running, ending: Ending): void {
    const { nowMs } = this;
    const answer = answerOf(ending, this.plan.mostAskedMs);
    const { isFailure, isLate, tookMs, askedMs } = answer;
    this.circuit.record(ticket, isFailure, isLate, nowMs, tookMs, askedMs);
    this.model.record(model, answer, nowMs);
    this.compareEvents();
  }

  /** In no way may looking change anything, so it happens between any two steps. */
  compare(): void {
    const { circuit, model, nowMs } = this;
    const seen = this.events.length;
    expectSame(circuit.look(nowMs), model.look(nowMs));
    const isNoticed = circuit.isClosed === (model.state === 'closed');
    if (isNoticed) expectSame(circuit.tally.read(nowMs), model.counts(nowMs));
    expectSame(
      {
        mode: circuit.mode,
        tripped: isNoticed ? circuit.tripped : undefined,
        events: this.events.length,
        drawn: this.chance.drawn,
      },
      {
        mode: model.mode,
        tripped: isNoticed ? model.tripped : undefined,
        events: seen,
        drawn: this.modelChance.drawn,
      },
    );
    if (circuit.tripped !== undefined) this.tripped.add(circuit.tripped);
  }

  waitFor(span: Span): number {
    const { rules, settings, leaseMs, recovery } = this.plan;
    const isRamp = recovery.kind === 'ramp';
    const rampMs = isRamp ? recovery.recoveryMs : settings.resetTimeoutMs;
    switch (span) {
      case 'a bucket':
        return rules.longestMs / 10;
      case 'most of the window':
        return 0.9 * rules.longestMs;
      case 'the window':
        return rules.longestMs;
      case 'an opening':
        return this.model.untilMs > this.nowMs
          ? this.model.untilMs - this.nowMs
          : settings.resetTimeoutMs;
      case 'nearly an opening':
        return settings.resetTimeoutMs - 1;
      case 'a lease':
        return leaseMs;
      case 'nearly a lease':
        return leaseMs - 1;
      case 'a ramp':
        return rampMs;
      case 'half a ramp':
        return rampMs / 2;
      case 'nearly a ramp':
        return rampMs - 1;
      case 'the grace':
        return isRamp ? recovery.graceMs : 0;
      case 'an hour':
        return 3_600_000;
      default:
        return span;
    }
  }

  private act(next: Step): void {
    const { circuit, model, nowMs } = this;
    switch (next.act) {
      case 'wait':
        this.nowMs += this.waitFor(next.span);
        return;
      case 'call':
        for (let each = 0; each < next.times; each++) {
          const call = this.admit();
          if (call !== undefined) this.end(call, next.ending);
        }
        return;
      case 'begin': {
        const call = this.admit();
        if (call !== undefined) this.running.push(call);
        return;
      }
      case 'borrow': {
        // Whoever lends has asked it before.
        circuit.refuses(nowMs);
        const ticket = circuit.closedTicket;
        const lent = model.borrow(nowMs);
        expect(ticket !== REFUSED).toBe(lent !== undefined);
        if (lent !== undefined) this.running.push({ ticket, model: lent });
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
        circuit.release(call.ticket, nowMs);
        model.release(call.model, nowMs);
        return this.compareEvents();
      }
      case 'renew': {
        const call = this.running[next.which];
        if (call === undefined || circuit.refuses(nowMs)) return;
        const endMs = nowMs + this.plan.leaseMs;
        circuit.renewLease(call.ticket, endMs);
        model.renew(call.model, endMs, nowMs);
        return;
      }
      case 'control':
        // An operator looks first; what hung is noticed.
        circuit.refuses(nowMs);
        circuit.control(next.mode, nowMs);
        model.control(next.mode, nowMs);
        return this.compareEvents();
      case 'make room':
        this.isRoom = next.isRoom;
        circuit.refuses(nowMs);
        circuit.rejudge(nowMs);
        model.rejudge(nowMs);
        return this.compareEvents();
      case 'peers':
        this.peers = next.peers;
        return;
      case 'start afresh':
        circuit.refuses(nowMs);
        circuit.startAfresh();
        model.startAfresh();
        return;
      case 'only look':
    }
  }

  private takeOut(index: number): Running | undefined {
    const { running } = this;
    return running.length === 0
      ? undefined
      : running.splice(index % running.length, 1)[0];
  }

  private compareEvents(): void {
    const { events, model, comparedEvents } = this;
    const { length } = model.events;
    if (events.length === comparedEvents && length === comparedEvents) return;
    expect(events.slice(comparedEvents)).toEqual(
      model.events.slice(comparedEvents),
    );
    this.comparedEvents = events.length;
  }
}
