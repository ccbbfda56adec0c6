import { AxiosError, type AxiosResponse } from 'axios';
import { expect } from 'vitest';
import {
  createDependency,
  type DaceEvent,
  type Dependency,
  type DependencyEnvironment,
  type DependencyOptions,
} from '../../lib/core.js';
import { ManualClock } from '../../lib/testing/manual-clock.js';

export interface Subject {
  readonly clock: ManualClock;
  readonly dependency: Dependency;
}

/** A dependency on a clock that stands still, with chance that is always in the middle. */
export function subject(
  options: DependencyOptions = {},
  environment: Omit<DependencyEnvironment, 'clock'> = {},
): Subject {
  const clock = new ManualClock();
  const dependency = createDependency('payments', options, {
    random: () => 0.5,
    ...environment,
    clock,
  });
  return { clock, dependency };
}

export type Watched<T> = {
  state: 'pending' | 'fulfilled' | 'rejected';
  value?: T;
  error?: any;
};

/** What a promise has become so far, readable without waiting. */
export function watch<T>(promise: PromiseLike<T>): Watched<T> {
  const watched: Watched<T> = { state: 'pending' };
  promise.then(
    (value) => Object.assign(watched, { state: 'fulfilled', value }),
    (error: unknown) => Object.assign(watched, { state: 'rejected', error }),
  );
  return watched;
}

/** The error of a promise that must reject. */
export async function errorOf(promise: PromiseLike<unknown>): Promise<any> {
  let value: unknown;
  try {
    value = await promise;
  } catch (error) {
    return error;
  }
  throw new Error(`expected a rejection, got ${String(value)}`);
}

export interface Gate<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(error: unknown): void;
}

/** A promise in the test's hand. */
export function gate<T = string>(): Gate<T> {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

export const hang = (): Promise<never> => new Promise<never>(() => {});

/** Settles after `ms` of the clock's time. */
export function after<T>(
  clock: ManualClock,
  ms: number,
  settle: () => T,
): Promise<T> {
  return new Promise((resolve, reject) => {
    clock
      .alarm(() => {
        try {
          resolve(settle());
        } catch (error) {
          reject(error);
        }
      })
      .set(clock.nowMs() + ms);
  });
}

/** A connection that nobody answered: safe to repeat whatever the work was. */
export const refusedConnection = (): Error =>
  Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:80'), {
    code: 'ECONNREFUSED',
    syscall: 'connect',
    errno: -111,
  });

/** What axios throws for an answer that is not 2xx. */
export const answered = (
  status: number,
  headers: Record<string, string> = {},
): AxiosError =>
  new AxiosError(
    `Request failed with status code ${status}`,
    status < 500 ? 'ERR_BAD_REQUEST' : 'ERR_BAD_RESPONSE',
    undefined,
    undefined,
    {
      status,
      statusText: '',
      headers,
      data: '',
      config: {},
    } as unknown as AxiosResponse,
  );

/** A promise of another make. */
export function thenable<T>(then: PromiseLike<T>['then']): PromiseLike<T> {
  // oxlint-disable-next-line unicorn/no-thenable -- that is what it is for
  return { then };
}

export const throwing =
  (make: () => unknown = () => new Error('boom')) =>
  (): never => {
    throw make();
  };

export function eventsOf(dependency: Dependency): DaceEvent[] {
  const events: DaceEvent[] = [];
  dependency.on((event) => {
    events.push(event);
  });
  return events;
}

/** Runs failing calls one after the other. */
export async function fail(
  dependency: Dependency,
  times: number,
  make: () => unknown = () => new Error('boom'),
  options: { netloc?: string } = {},
): Promise<void> {
  for (let n = 0; n < times; n++)
    await dependency
      .execute(throwing(make), { ...options, retry: false, fallback: null })
      .then(
        () => undefined,
        () => undefined,
      );
}

/** Nothing runs, nothing waits, and every operation asked for ended in one way. */
export function expectRest({ clock, dependency }: Subject): void {
  const { totals, inFlight, abandoned, queued } = dependency.snapshot();
  expect({ inFlight, abandoned, queued, pending: clock.pending }).toEqual({
    inFlight: 0,
    abandoned: 0,
    queued: 0,
    pending: 0,
  });
  expect(
    totals.succeeded + totals.failed + totals.refused + totals.cancelled,
  ).toBe(totals.started);
}

/** Rejections that nobody took, seen while `during` runs and one turn longer. */
export async function unhandledDuring(
  during: () => Promise<unknown>,
): Promise<unknown[]> {
  const seen: unknown[] = [];
  const note = (error: unknown): void => {
    seen.push(error);
  };
  process.on('unhandledRejection', note);
  try {
    await during();
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
  } finally {
    process.off('unhandledRejection', note);
  }
  return seen;
}
