/**
 * A short life of a dependency, whatever its options: every kind of call, until nothing is left.
 */
import { expect } from 'vitest';
import {
  createDependency,
  DaceShutdownError,
  type CallOptions,
  type Dependency,
  type DependencyOptions,
} from '../../lib/core.js';
import { ManualClock } from '../../lib/testing/manual-clock.js';
import { seededRandom } from './chance.js';
import { answered, watch, type Watched } from './core-toolkit.js';
import { MOST_MS } from './option-grammar.js';

/** Tries after which the failing work no longer fails: `attempts` may be without a bound. */
const MOST_FAILURES = 12;
/** Tries at most, by the grammar; a rule may ask for the next after each answer. */
const MOST_TRIES = 100;
/** Longer than all tries of one operation with the longest waits between them. */
const LONG_MS = 2 * MOST_TRIES * MOST_MS;

/** What an outage looks like, by and by. */
const OUTAGE: readonly unknown[] = [
  new Error('down'),
  answered(500),
  answered(429, { 'retry-after': '7' }),
  answered(503, { 'retry-after': '0' }),
  answered(503, { 'retry-after': '1e309' }),
  answered(503, { 'retry-after': '999999999999' }),
  undefined,
];

export interface Subject {
  readonly clock: ManualClock;
  readonly dependency: Dependency;
  readonly events: string[];
}

export function made(
  options: unknown,
  defaults?: unknown,
  id = 'payments',
): Subject {
  const clock = new ManualClock();
  const events: string[] = [];
  const dependency = createDependency(id, options as DependencyOptions, {
    clock,
    random: seededRandom(7),
    onEvent: ({ type }) => void events.push(type),
    ...(defaults !== undefined && { defaults: defaults as DependencyOptions }),
  });
  return { clock, dependency, events };
}

/** Everything that could be seen of the life, to be compared with another. */
export type Trace = readonly unknown[];

/** Leads `dependency` through its life; fails where it does not keep what holds for all options. */
export async function live(
  { clock, dependency, events }: Subject,
  options?: unknown,
): Promise<Trace> {
  const trace: unknown[] = [];
  const call = options as CallOptions<unknown> | undefined;
  const look = (): void => {
    const snapshot = dependency.snapshot();
    expectFinite(snapshot, 'snapshot()');
    trace.push(snapshot, [...events]);
  };
  const note = (name: string, { state, value, error }: Watched<unknown>) =>
    trace.push(name, state, shown(value), shown(error));

  const good = watch(dependency.execute(() => 'fine', call));
  await clock.advance(0);
  look();

  const others: Watched<unknown>[] = [];
  let failures = 0;
  const bad = watch(
    dependency.execute(() => {
      failures += 1;
      if (failures > MOST_FAILURES) return 'enough';
      throw new Error('out of order');
    }, call),
  );
  let letGo!: (value: string) => void;
  const whenLetGo = new Promise<string>((resolve) => {
    letGo = resolve;
  });
  const hung = watch(dependency.execute(() => whenLetGo, call));
  await clock.advance(1);
  look();
  for (let time = 0; time < OUTAGE.length; time += 1) {
    try {
      const permit = dependency.acquire();
      await clock.advance(2);
      permit.failure(OUTAGE[time]);
      trace.push('permit', permit.netloc);
    } catch (error) {
      trace.push('no permit', shown(error));
    }
    const next = watch(dependency.execute(() => 'during the outage', call));
    await clock.advance(0);
    look();
    others.push(next);
  }
  await clock.advance(LONG_MS);
  others.push(watch(dependency.execute(() => 'as a probe', call)));
  await clock.advance(0);
  look();
  const isHangingStill = hung.state === 'pending';
  letGo('late');
  await clock.advance(LONG_MS);
  look();
  note('good', good);
  note('bad', bad);
  note('hung', hung);
  trace.push(isHangingStill, failures);
  others.forEach((each, at) => note(`other ${at}`, each));
  for (const each of [good, bad, hung, ...others])
    if (each.state === 'pending') expect.fail('a call has not ended');

  expectAtRest(clock, dependency);
  const closed = watch(dependency.close());
  await clock.advance(MOST_MS);
  await new Promise((resolve) => setImmediate(resolve));
  expect(closed.state, 'close()').toBe('fulfilled');
  const late = watch(dependency.execute(() => 'too late', { fallback: 0 }));
  await clock.advance(0);
  expect(late.state).not.toBe('pending');
  if (late.state === 'rejected')
    expect(late.error).toBeInstanceOf(DaceShutdownError);
  return trace;
}

/** Nothing runs, waits or is set, and every operation has ended in one way. */
function expectAtRest(clock: ManualClock, dependency: Dependency): void {
  const { totals, inFlight, abandoned, queued } = dependency.snapshot();
  const { started, succeeded, failed, refused, cancelled } = totals;
  expect({
    inFlight,
    abandoned,
    queued,
    pending: clock.pending,
    ended: succeeded + failed + refused + cancelled,
  }).toEqual({
    inFlight: 0,
    abandoned: 0,
    queued: 0,
    pending: 0,
    ended: started,
  });
}

/** No number anywhere in `value` is NaN or without a bound. */
export function expectFinite(value: unknown, path: string): void {
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) expect.fail(`${path} is ${value}`);
  } else if (typeof value === 'object' && value !== null)
    for (const [name, inside] of Object.entries(value))
      expectFinite(inside, `${path}.${name}`);
}

function shown(value: unknown): unknown {
  if (!(value instanceof Error)) return typeof value;
  const { retryAfterMs } = value as { retryAfterMs?: unknown };
  expectFinite(retryAfterMs, 'retryAfterMs');
  return `${value.name}: ${value.message}`;
}
