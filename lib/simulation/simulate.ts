/**
 * Runs a scenario: the dependency is the real one, its calls, hosts, time and chance are not.
 */
import type { AxiosResponse } from 'axios';
import { settled, type Alarm } from '../core/clock.js';
import type { Attempt } from '../dependency/attempt.js';
import type { Call } from '../dependency/call.js';
import { createDependency, type Dependency } from '../dependency/dependency.js';
import {
  checkSimulateOptions,
  SIMULATED_ID,
  soundScenario,
} from './scenario-check.js';
import { recordOf } from './shown-scenario.js';
import { hostsOfScenario, UNNAMED, type NamedHost } from './fleet.js';
import { Chance } from './chance.js';
import { SimulatedClock } from './clock.js';
import { SimulatedHost } from './host.js';
import { SimulatedTraffic } from './traffic.js';
import { SimulationRecord } from './record.js';
import type { Scenario, SimulateOptions, Simulation } from './contract.js';

const USUAL_SEED = 1;

/** What draws on chance, each apart from the others. */
const TRAFFIC = 1;
const DEPENDENCY = 2;
const HOSTS = 3;

/**
 * What callers of a dependency would see if its hosts behaved like that: the very code that runs in
 * production, in virtual time.
 *
 * Shape:  the same scenario gives an equal result, whatever the machine and however often. Two
 *         scenarios of one seed that differ in `options` meet the same traffic, and each attempt of
 *         each operation the same fate at the same host.
 * Errors: DaceConfigurationError for a wrong scenario, and as `createDependency` for wrong options;
 *         the reason of `signal`.
 * @example
 * const { totals, seconds } = await simulate({
 *   options: { attemptTimeoutMs: 500, retry: { onTimeout: true } },
 *   hosts: [{ phases: [{ fromS: 10, hangRatio: 1 }] }, {}, {}],
 *   seconds: 60,
 * });
 * @publicApi
 */
export async function simulate(
  scenario: Scenario,
  options: SimulateOptions = {},
): Promise<Simulation> {
  checkSimulateOptions(options);
  return runScenario(scenario, options, new SimulatedClock());
}

/** `simulate`, on a clock that nobody has used. */
export async function runScenario(
  given: Scenario,
  { signal, onSecond }: SimulateOptions,
  clock: SimulatedClock,
): Promise<Simulation> {
  const scenario = soundScenario(given);
  const named = hostsOfScenario(scenario);
  const world = new World(scenario, named, clock);
  try {
    for (let second = 1; second <= scenario.seconds; second++) {
      // The process goes on with other things, and hears of the signal.
      await settled();
      signal?.throwIfAborted();
      await clock.moveTo(second * 1_000);
      const row = world.turn();
      onSecond?.(row);
    }
  } finally {
    await world.end();
  }
  return {
    scenario: recordOf(given),
    seed: scenario.seed ?? USUAL_SEED,
    hosts: named.map(({ netloc }) => netloc ?? UNNAMED),
    ...world.record.result(),
  };
}

/** The dependency under test and all that surrounds it. */
class World {
  readonly record: SimulationRecord;
  private readonly dependency: Dependency;
  private readonly hosts: ReadonlyMap<string | undefined, SimulatedHost>;
  /** For attempts that go to where no host of the scenario is. */
  private readonly nowhere: SimulatedHost;
  private readonly traffic: SimulatedTraffic;
  private readonly arrival: Alarm;
  private asked = 0;
  /** The one that is being asked for in this very tick. */
  private begun: { isProtected: boolean } | undefined = undefined;
  private isOver = false;

  constructor(
    private readonly scenario: Scenario,
    named: readonly NamedHost[],
    private readonly clock: SimulatedClock,
  ) {
    const chance = Chance.of(scenario.seed ?? USUAL_SEED);
    this.traffic = new SimulatedTraffic(
      scenario.traffic,
      chance.under(TRAFFIC),
    );
    this.hosts = new Map(
      named.map(({ netloc, profile, baseUrl }, index) => [
        netloc,
        new SimulatedHost(
          clock,
          profile,
          chance.under(HOSTS).under(index),
          netloc ?? `${UNNAMED}:80`,
          baseUrl,
        ),
      ]),
    );
    this.nowhere = new SimulatedHost(
      clock,
      { refusesConnections: true },
      chance,
      'nowhere:80',
      'http://nowhere',
    );
    this.record = new SimulationRecord(this.hosts, () => clock.nowMs());
    const inputs = named.flatMap(({ input }) => input ?? []);
    this.dependency = createDependency(
      SIMULATED_ID,
      {
        ...scenario.options,
        ...(inputs.length > 0 && { hosts: inputs }),
      },
      {
        clock,
        random: chance.under(DEPENDENCY).stream(),
        onEvent: (event) => {
          if (this.isOver) return;
          if (event.type !== 'operation.started') this.record.hear(event);
          else if (this.begun !== undefined) this.begun.isProtected = true;
        },
      },
    );
    this.arrival = clock.alarm(() => {
      this.begin();
      this.arrival.set(this.traffic.next());
    });
    this.arrival.set(this.traffic.next());
  }

  /** The second is over. */
  turn(): ReturnType<SimulationRecord['turn']> {
    return this.record.turn(this.dependency.snapshot());
  }

  /** Lets go of what is under way. */
  async end(): Promise<void> {
    this.isOver = true;
    this.arrival.clear();
    const { shutdownGraceMs = 5_000 } = this.scenario.options ?? {};
    const closed = this.dependency.close();
    await this.clock.moveTo(this.clock.nowMs() + shutdownGraceMs + 1);
    await closed;
  }

  /** One caller more. */
  private begin(): void {
    const { record, clock } = this;
    const operation = this.asked++;
    const startMs = clock.nowMs();
    const begun = { isProtected: false };
    record.started();
    this.begun = begun;
    const answer = this.dependency.execute<AxiosResponse, unknown>(
      (call) => this.attempt(call, operation, begun),
      this.scenario.call,
    );
    this.begun = undefined;
    answer.then(
      (value) => {
        if (this.isOver) return;
        if (!begun.isProtected) record.ended('succeeded');
        record.answered(!this.isFromHost(value), clock.nowMs() - startMs);
      },
      (error: unknown) => {
        if (this.isOver) return;
        if (!begun.isProtected) record.ended('failed', error);
        record.threw(error, clock.nowMs() - startMs);
      },
    );
  }

  /** The work: one GET. */
  private attempt(
    call: Call,
    operation: number,
    { isProtected }: { readonly isProtected: boolean },
  ): Promise<AxiosResponse> {
    const { netloc, attempt } = call;
    const host = this.hosts.get(netloc) ?? this.nowhere;
    if (!this.isOver) this.record.attempted(netloc, attempt);
    const response = host.ask(call as Attempt, operation);
    // Nobody judges what is not protected.
    if (!isProtected)
      response.catch(() => {
        if (!this.isOver) this.record.attemptFailed(netloc);
      });
    return response;
  }

  private isFromHost(value: unknown): boolean {
    for (const host of this.hosts.values())
      if (host.isAnswer(value)) return true;
    return false;
  }
}
