import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  Circuit,
  REFUSED,
  type CircuitMode,
} from '../../lib/circuit/circuit.js';
import { probes } from '../../lib/circuit/recovery.js';
import { seededRandom } from '../support/chance.js';
import {
  CircuitModel,
  type ModelEvent,
  type ModelSettings,
  type ModelTicket,
  type Outcome,
} from '../support/circuit-model.js';
import { ruleSets, type RuleSet } from '../support/rule-sets.js';

/** Waits in words of the circuit's own times, so that histories meet every edge. */
type Span =
  | number
  | 'a bucket'
  | 'most of the window'
  | 'the window'
  | 'an opening'
  | 'nearly an opening'
  | 'a lease'
  | 'nearly a lease'
  | 'an hour';

type Step =
  | { readonly act: 'wait'; readonly span: Span }
  | { readonly act: 'call'; readonly outcome: Outcome; readonly times: number }
  | { readonly act: 'begin' }
  | { readonly act: 'borrow' }
  | { readonly act: 'end'; readonly which: number; readonly outcome: Outcome }
  | { readonly act: 'cancel'; readonly which: number }
  | { readonly act: 'renew'; readonly which: number }
  | { readonly act: 'control'; readonly mode: CircuitMode }
  | { readonly act: 'make room'; readonly isRoom: boolean }
  | { readonly act: 'start afresh' }
  | { readonly act: 'only look' };

interface Plan {
  readonly rules: RuleSet;
  readonly settings: Omit<ModelSettings, 'rules'>;
  readonly leaseMs: number;
  readonly seed: number;
}

interface Running {
  readonly ticket: number;
  readonly model: ModelTicket;
}

const outcome = fc.constantFrom<Outcome>(
  'success',
  'failure',
  'failure',
  'slow',
);
const which = fc.nat(9);
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      act: fc.constant('wait' as const),
      span: fc.oneof(
        fc.constantFrom<Span>(
          0,
          1,
          'a bucket',
          'most of the window',
          'the window',
          'an opening',
          'an opening',
          'nearly an opening',
          'a lease',
          'nearly a lease',
          'an hour',
        ),
        fc.nat(2_000),
      ),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      act: fc.constant('call' as const),
      outcome,
      times: fc.constantFrom(1, 1, 2, 3, 5, 11),
    }),
  },
  { weight: 5, arbitrary: fc.constant({ act: 'begin' as const }) },
  {
    weight: 4,
    arbitrary: fc.record({ act: fc.constant('end' as const), which, outcome }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ act: fc.constant('cancel' as const), which }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ act: fc.constant('renew' as const), which }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      act: fc.constant('control' as const),
      mode: fc.constantFrom<CircuitMode>(
        'auto',
        'auto',
        'auto',
        'forced-open',
        'metrics-only',
        'disabled',
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      act: fc.constant('make room' as const),
      isRoom: fc.constantFrom(true, true, false),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ act: 'borrow' as const }) },
  { weight: 1, arbitrary: fc.constant({ act: 'start afresh' as const }) },
  { weight: 1, arbitrary: fc.constant({ act: 'only look' as const }) },
);

const recovery = fc.constantFrom(
  { calls: 1, successes: 1 },
  { calls: 1, successes: 1 },
  { calls: 3, successes: 1 },
  { calls: 3, successes: 2 },
  { calls: 2, successes: 2 },
  { calls: 5, successes: 3 },
);

const anyPlan: fc.Arbitrary<Plan> = fc
  .record({
    rules: fc.constantFrom(...ruleSets),
    probes: recovery,
    resetTimeoutMs: fc.constantFrom(1, 100, 1_000, 10_000),
    factor: fc.constantFrom(1, 1, 2, 1.5),
    maxMs: fc.constantFrom(60_000, 3_000),
    jitter: fc.constantFrom(0, 0, 0.5),
    leaseMs: fc.constantFrom(1, 50, 700, 6_000),
    seed: fc.integer(),
  })
  .map(({ rules, probes: recover, leaseMs, seed, ...settings }) => ({
    rules,
    settings: { ...settings, ...recover },
    leaseMs,
    seed,
  }));

/** As `toEqual`, of flat objects, at the price of a loop: it is asked a million times. */
function expectSame<T extends object>(actual: T, expected: NoInfer<T>): void {
  for (const key of Object.keys({ ...actual, ...expected }) as (keyof T)[])
    if (!Object.is(actual[key], expected[key]))
      expect(actual).toEqual(expected);
}

/** A circuit and its model, led through the same history and compared at every step. */
class Pair {
  nowMs = 0;
  readonly running: Running[] = [];
  readonly circuit: Circuit;
  readonly model: CircuitModel;
  private readonly events: ModelEvent[] = [];
  private comparedEvents = 0;
  private isRoom = true;

  constructor(readonly plan: Plan) {
    const { rules, settings, leaseMs, seed } = plan;
    const { calls, successes, resetTimeoutMs, ...resetBackoff } = settings;
    this.circuit = new Circuit(
      {
        trip: rules.trip,
        recovery: probes({ calls, successes }),
        resetTimeoutMs,
        resetBackoff,
        leaseMs,
        maxOutRatio: 0.5,
      },
      {
        mayOpen: () => this.isRoom,
        changed: (change, atMs) => this.events.push({ change, atMs }),
        ruleFailed: (rule) => expect.fail(`${rule.name} threw`),
      },
      seededRandom(seed),
    );
    this.model = new CircuitModel(
      { ...settings, rules: rules.model },
      seededRandom(seed),
      () => this.isRoom,
    );
  }

  take(next: Step): void {
    this.act(next);
    this.compare();
  }

  admit(): Running | undefined {
    const { nowMs, plan } = this;
    const isRefused = this.circuit.refuses(nowMs);
    const ticket = this.circuit.admit(nowMs, plan.leaseMs);
    const model = this.model.admit(nowMs, plan.leaseMs);
    const isAdmitted = model !== undefined;
    expectSame(
      { isAdmitted: ticket !== REFUSED, isRefused },
      { isAdmitted, isRefused: !isAdmitted },
    );
    this.compareEvents();
    return model && { ticket, model };
  }

  end({ ticket, model }: Running, result: Outcome): void {
    const { nowMs } = this;
    const isFailure = result !== 'success';
    this.circuit.record(ticket, isFailure, result === 'slow', nowMs);
    this.model.record(model, result, nowMs);
    this.compareEvents();
  }

  /** In no way may looking change anything, so it happens between any two steps. */
  compare(): void {
    const { circuit, model, nowMs } = this;
    const seen = this.events.length;
    expectSame(circuit.look(nowMs), model.look(nowMs));
    expectSame(circuit.tally.read(nowMs), model.counts(nowMs));
    expectSame(
      {
        mode: circuit.mode,
        tripped: circuit.tripped,
        isClosed: circuit.isClosed,
        events: this.events.length,
      },
      {
        mode: model.mode,
        tripped: model.tripped,
        isClosed: model.state === 'closed',
        events: seen,
      },
    );
  }

  waitFor(span: Span): number {
    const { rules, settings, leaseMs } = this.plan;
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
          if (call !== undefined) this.end(call, next.outcome);
        }
        return;
      case 'begin': {
        const call = this.admit();
        if (call !== undefined) this.running.push(call);
        return;
      }
      case 'borrow': {
        const ticket = circuit.closedTicket;
        const lent = model.borrow();
        expect(ticket !== REFUSED).toBe(lent !== undefined);
        if (lent !== undefined) this.running.push({ ticket, model: lent });
        return;
      }
      case 'end': {
        const call = this.takeOut(next.which);
        if (call !== undefined) this.end(call, next.outcome);
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
        circuit.rejudge(nowMs);
        model.rejudge(nowMs);
        return;
      case 'start afresh':
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
    const { events, model } = this;
    const isNew = (_: ModelEvent, index: number) =>
      index >= this.comparedEvents;
    const fresh = model.events.filter(isNew);
    if (events.length === this.comparedEvents && fresh.length === 0) return;
    expect(events.filter(isNew)).toEqual(fresh);
    this.comparedEvents = events.length;
  }
}

const HISTORIES = 10_000;
const history = fc.array(anyStep, { maxLength: 40, size: 'max' });

describe('A circuit', () => {
  it('does what a list of everything that happened would do, in 10,000 histories', () => {
    const met = new Map<string, number>();
    fc.assert(
      fc.property(anyPlan, history, (planned, steps) => {
        const pair = new Pair(planned);
        for (const next of steps) pair.take(next);
        for (const change of new Set(pair.model.events.map((e) => e.change)))
          met.set(change, (met.get(change) ?? 0) + 1);
      }),
      { numRuns: HISTORIES },
    );

    // The histories are worth comparing: each transition occurs in many of them.
    for (const change of ['opened', 'half-opened', 'closed', 'would-open'])
      expect(met.get(change), change).toBeGreaterThan(HISTORIES / 50);
  }, 60_000);

  it('is closed again within a bounded time from any state once the dependency is healthy', () => {
    fc.assert(
      fc.property(anyPlan, history, (planned, steps) => {
        const pair = new Pair(planned);
        for (const next of steps) pair.take(next);
        pair.take({ act: 'control', mode: 'auto' });
        pair.take({ act: 'make room', isRoom: true });

        const { settings, leaseMs } = planned;
        const longestOpeningMs =
          Math.max(settings.maxMs, settings.resetTimeoutMs) *
          (1 + settings.jitter);
        const pauseMs = settings.resetTimeoutMs;
        // A lease may still hang, an opening follow it; and old counts may open it once more.
        const boundMs =
          leaseMs + 2 * longestOpeningMs + pauseMs * (settings.calls + 12);
        const healthyFromMs = pair.nowMs;
        while (pair.nowMs < healthyFromMs + boundMs) {
          const call = pair.admit();
          if (call !== undefined) pair.end(call, 'success');
          pair.nowMs += Math.max(pauseMs, boundMs / 200);
        }

        expect(pair.circuit.look(pair.nowMs)).toEqual({ state: 'closed' });
        expect(pair.circuit.refuses(pair.nowMs)).toBe(false);
      }),
      { numRuns: 3_000 },
    );
  }, 60_000);
});
