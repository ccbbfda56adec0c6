import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CircuitMode } from '../../lib/circuit/circuit.js';
import { probes } from '../../lib/circuit/recovery.js';
import { isDaceError } from '../../lib/core/errors.js';
import {
  createDependency,
  type Dependency,
} from '../../lib/dependency/dependency.js';
import type { Permit } from '../../lib/dependency/guard.js';
import { seededRandom } from '../support/chance.js';
import { FleetModel, type FleetTickets } from '../support/fleet-model.js';
import { HandClock } from '../support/hand-clock.js';
import { ruleSets, type RuleSet } from '../support/rule-sets.js';

type Verdict = 'success' | 'failure';

type Step =
  | { readonly act: 'wait'; readonly ms: number | 'until a probe' }
  | { readonly act: 'call'; readonly verdict: Verdict; readonly times: number }
  | { readonly act: 'ask each'; readonly sick: number; readonly times: number }
  | { readonly act: 'begin'; readonly pinned: number | undefined }
  | { readonly act: 'end'; readonly which: number; readonly verdict: Verdict }
  | { readonly act: 'cancel'; readonly which: number }
  | { readonly act: 'control'; readonly mode: CircuitMode }
  | {
      readonly act: 'control one';
      readonly host: number;
      readonly mode: Exclude<CircuitMode, 'disabled'>;
    };

interface Plan {
  readonly rules: RuleSet;
  readonly hosts: number;
  readonly maxOutRatio: number;
  readonly calls: number;
  readonly successes: number;
  readonly resetTimeoutMs: number;
  readonly leaseMs: number;
  readonly loadBalancer:
    'round-robin' | 'random' | 'least-pending' | 'peak-ewma';
  readonly seed: number;
}

interface Running {
  readonly permit: Permit;
  readonly tickets: FleetTickets;
  readonly startMs: number;
}

const verdict = fc.constantFrom<Verdict>('success', 'failure', 'failure');
const which = fc.nat(9);
const modes = ['auto', 'auto', 'metrics-only', 'forced-open'] as const;
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      act: fc.constant('wait' as const),
      ms: fc.oneof(
        fc.constantFrom(
          0,
          1,
          7,
          100,
          1_000,
          10_000,
          3_600_000,
          'until a probe' as const,
          'until a probe' as const,
        ),
        fc.nat(2_000),
      ),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      act: fc.constant('call' as const),
      verdict,
      times: fc.constantFrom(1, 2, 5, 20),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      act: fc.constant('ask each' as const),
      // Bits of the hosts that fail.
      sick: fc.nat(31),
      times: fc.constantFrom(1, 3, 6),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      act: fc.constant('begin' as const),
      pinned: fc.constantFrom(undefined, undefined, undefined, 0, 1, 2),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ act: fc.constant('end' as const), which, verdict }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ act: fc.constant('cancel' as const), which }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      act: fc.constant('control' as const),
      mode: fc.constantFrom<CircuitMode>(...modes, 'disabled'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      act: fc.constant('control one' as const),
      host: fc.nat(4),
      mode: fc.constantFrom(...modes),
    }),
  },
);

const anyPlan: fc.Arbitrary<Plan> = fc
  .record({
    rules: fc.constantFrom(...ruleSets),
    hosts: fc.integer({ min: 2, max: 5 }),
    maxOutRatio: fc.constantFrom(0.5, 0.5, 0.2, 0.34, 1),
    probes: fc.constantFrom(
      { calls: 1, successes: 1 },
      { calls: 3, successes: 2 },
    ),
    resetTimeoutMs: fc.constantFrom(100, 1_000, 10_000),
    leaseMs: fc.constantFrom(50, 700, 6_000),
    loadBalancer: fc.constantFrom(
      'round-robin' as const,
      'random' as const,
      'least-pending' as const,
      'peak-ewma' as const,
    ),
    seed: fc.integer(),
  })
  .map(({ probes: recovery, ...rest }) => ({ ...rest, ...recovery }));

const netlocOf = (host: number): string => `h${host}:80`;

function dependencyOf(planned: Plan, clock: HandClock): Dependency {
  const { rules, calls, successes, resetTimeoutMs, leaseMs } = planned;
  return createDependency(
    'payments',
    {
      hosts: Array.from(
        { length: planned.hosts },
        (_, host) => `http://${netlocOf(host)}`,
      ),
      loadBalancer: planned.loadBalancer,
      timeoutMs: false,
      maxOpenPerNetloc: false,
      circuit: {
        ...(rules.trip !== undefined && { trip: rules.trip }),
        recovery: probes({ calls, successes }),
        resetTimeoutMs,
        leaseMs,
        maxOutRatio: planned.maxOutRatio,
      },
    },
    { clock, random: seededRandom(planned.seed) },
  );
}

/** A dependency and its model, led through the same history and compared at every step. */
class Pair {
  readonly clock = new HandClock();
  readonly dependency: Dependency;
  readonly model: FleetModel;
  readonly running: Running[] = [];

  constructor(readonly plan: Plan) {
    const { rules, calls, successes, resetTimeoutMs, leaseMs } = plan;
    this.dependency = dependencyOf(plan, this.clock);
    this.model = new FleetModel(
      {
        rules: rules.model,
        calls,
        successes,
        resetTimeoutMs,
        factor: 1,
        maxMs: 60_000,
        jitter: 0,
      },
      plan.hosts,
      plan.maxOutRatio,
      leaseMs,
    );
  }

  get nowMs(): number {
    return this.clock.timeMs;
  }

  take(next: Step): void {
    this.act(next);
    this.compare();
  }

  admit(pinned?: number): Running | undefined {
    return pinned === undefined ? this.admitAny() : this.admitTo(pinned);
  }

  end({ permit, tickets }: Running, judged: Verdict): void {
    permit[judged]();
    this.model.record(tickets, judged, this.nowMs);
  }

  compare(): void {
    const { model, nowMs } = this;
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
    if (isSum) expectSame(window, model.counts(nowMs), 'sum');
    hosts.forEach((host, index) => {
      const own = model.hosts[index]!;
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
    });
    const forced = model.hosts.filter((host) => host.mode === 'forced-open');
    const out = hosts.filter((host) => !host.inService);
    if (forced.length === 0)
      expect(out.length).toBeLessThanOrEqual(model.mostOut);
  }

  private act(next: Step): void {
    const { clock, model, nowMs } = this;
    switch (next.act) {
      case 'wait':
        clock.timeMs +=
          next.ms === 'until a probe' ? this.plan.resetTimeoutMs : next.ms;
        return;
      case 'call':
        for (let each = 0; each < next.times; each++) {
          const call = this.admit();
          if (call !== undefined) this.end(call, next.verdict);
        }
        return;
      case 'ask each':
        for (let each = 0; each < next.times * this.plan.hosts; each++) {
          const call = this.admit();
          if (call === undefined) continue;
          const isSick = ((next.sick >> call.tickets.host) & 1) === 1;
          this.end(call, isSick ? 'failure' : 'success');
        }
        return;
      case 'begin': {
        const { pinned } = next;
        const call = this.admit(
          pinned === undefined ? undefined : pinned % this.plan.hosts,
        );
        if (call !== undefined) this.running.push(call);
        return;
      }
      case 'end': {
        const call = this.takeOut(next.which);
        if (call !== undefined) this.end(call, next.verdict);
        return;
      }
      case 'cancel': {
        const call = this.takeOut(next.which);
        if (call === undefined) return;
        call.permit.ignore();
        model.release(call.tickets, nowMs);
        return;
      }
      case 'control':
        // A mode that holds already changes nothing.
        this.dependency.control(next.mode);
        if (next.mode !== model.above.mode) model.control(next.mode, nowMs);
        return;
      case 'control one': {
        const host = next.host % this.plan.hosts;
        this.dependency.control(next.mode, netlocOf(host));
        model.controlHost(host, next.mode, nowMs);
      }
    }
  }

  private admitAny(): Running | undefined {
    const { model, nowMs } = this;
    const way = model.admit(nowMs);
    const permit = tryAcquire(this.dependency);
    if (permit === undefined) {
      expect(way.mayGoTo, 'refused where the model would pass').toEqual([]);
      way.refuse();
      return undefined;
    }
    const host = Number(/\d/.exec(permit.netloc!)![0]);
    if (!way.mayGoTo.includes(host)) expect(way.mayGoTo).toContain(host);
    return { permit, tickets: way.go(host), startMs: nowMs };
  }

  private admitTo(host: number): Running | undefined {
    const tickets = this.model.admitPinned(host, this.nowMs);
    const permit = tryAcquire(this.dependency, netlocOf(host));
    expect(permit !== undefined).toBe(tickets !== undefined);
    return tickets && { permit: permit!, tickets, startMs: this.nowMs };
  }

  private takeOut(index: number): Running | undefined {
    const { running } = this;
    return running.length === 0
      ? undefined
      : running.splice(index % running.length, 1)[0];
  }
}

function tryAcquire(
  dependency: Dependency,
  netloc?: string,
): Permit | undefined {
  try {
    return dependency.acquire(netloc === undefined ? {} : { netloc });
  } catch (error) {
    const isRefusal =
      isDaceError(error, 'DACE_CIRCUIT_OPEN') ||
      isDaceError(error, 'DACE_NO_HOSTS');
    if (!isRefusal) throw error;
    return undefined;
  }
}

function expectSame<T extends object>(
  actual: T,
  expected: NoInfer<T>,
  what: string,
): void {
  for (const key of Object.keys({ ...actual, ...expected }) as (keyof T)[])
    if (!Object.is(actual[key], expected[key]))
      expect(actual, what).toEqual(expected);
}

const history = fc.array(anyStep, { maxLength: 30, size: 'max' });

const HISTORIES = 4_000;

describe('A dependency over its hosts', () => {
  it('does what lists of everything that happened to each host would do', () => {
    const met = { outside: 0, waiting: 0, open: 0, closedAgain: 0 };
    fc.assert(
      fc.property(anyPlan, history, (planned, steps) => {
        const pair = new Pair(planned);
        let isWaiting = false;
        for (const next of steps) {
          pair.take(next);
          isWaiting ||= pair.model.serving.some(
            ({ mode, tripped }) => mode === 'auto' && tripped !== undefined,
          );
        }
        const { above, hosts } = pair.model;
        const has = (change: string) =>
          above.events.some((event) => event.change === change);
        if (has('opened')) met.open += 1;
        if (has('half-opened') && has('closed')) met.closedAgain += 1;
        if (isWaiting) met.waiting += 1;
        if (hosts.some(({ events }) => events.length > 0)) met.outside += 1;
      }),
      { numRuns: HISTORIES },
    );

    // The histories are worth comparing: each of these occurs in many of them.
    for (const [what, times] of Object.entries(met))
      expect(times, what).toBeGreaterThan(HISTORIES / 50);
  }, 60_000);

  it('is closed with every host in service a bounded time after all are healthy', () => {
    fc.assert(
      fc.property(anyPlan, history, (planned, steps) => {
        const pair = new Pair(planned);
        for (const next of steps) pair.take(next);
        for (let host = 0; host < planned.hosts; host++)
          pair.take({ act: 'control one', host, mode: 'auto' });
        pair.take({ act: 'control', mode: 'auto' });

        // A lease may hang and an opening follow, above and then below; old counts may open once more.
        const { leaseMs, resetTimeoutMs, hosts, calls } = planned;
        const boundMs = 2 * (leaseMs + 3 * resetTimeoutMs);
        for (let turn = 0; turn < 40; turn++) {
          for (let each = 0; each < 2 * hosts * calls; each++)
            tryAcquire(pair.dependency)?.success();
          pair.clock.timeMs += boundMs / 40;
        }

        const shown = pair.dependency.snapshot();
        expect(shown.state).toBe('closed');
        expect(shown.hosts.filter((host) => !host.inService)).toEqual([]);
      }),
      { numRuns: 500 },
    );
  }, 60_000);

  it('never opens by one dead host of four, whatever the balancer and the order of answers', () => {
    const order = fc.array(
      fc.record({
        starts: fc.nat(6),
        ends: fc.array(fc.nat(20), { maxLength: 6 }),
        waitMs: fc.constantFrom(0, 1, 50, 900, 11_000),
      }),
      { minLength: 20, maxLength: 60, size: 'max' },
    );
    fc.assert(
      fc.property(anyPlan, order, fc.nat(3), (planned, turns, dead) => {
        const clock = new HandClock();
        const rules = ruleSets[0]!;
        const of = { ...planned, rules, hosts: 4, maxOutRatio: 0.5 };
        const dependency = dependencyOf(of, clock);
        const running: Permit[] = [];
        for (const { starts, ends, waitMs } of turns) {
          for (let each = 0; each < starts; each++) {
            const permit = tryAcquire(dependency);
            expect(permit, 'refused').toBeDefined();
            running.push(permit!);
          }
          for (const end of ends) {
            const [permit] = running.splice(end % (running.length || 1), 1);
            if (permit?.netloc === netlocOf(dead)) permit.failure();
            else permit?.success();
          }
          clock.timeMs += waitMs;
          expect(dependency.snapshot().state).toBe('closed');
        }
      }),
      { numRuns: 1_000 },
    );
  }, 60_000);

  it('opens by a fault that all its hosts share, with the permitted share of them out', () => {
    fc.assert(
      fc.property(anyPlan, (planned) => {
        const clock = new HandClock();
        const dependency = dependencyOf(planned, clock);
        const most = 40 * planned.hosts;
        let asked = 0;
        for (; asked < most; asked++) {
          const permit = tryAcquire(dependency);
          if (permit === undefined) break;
          permit.failure();
        }

        expect(asked).toBeLessThan(most);
        expect(dependency.snapshot().state).toBe('open');
      }),
      { numRuns: 500 },
    );
  });
});
