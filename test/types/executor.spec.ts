import { describe, expect, expectTypeOf, it, vi } from 'vitest';
import {
  consecutiveFailures,
  createDependency,
  failureRatio,
  type Call,
  type CallOptions,
  type Dependency,
  type DependencyOptions,
} from 'nestjs-dace/core';

describe('The types of an executor', () => {
  const search: Dependency = createDependency('search');

  it('follow the work and the fallback of execute', () => {
    const ofWork = () => search.execute(async () => 1);
    expectTypeOf(ofWork).returns.resolves.toEqualTypeOf<number>();

    const ofPlainWork = () => search.execute((call) => call.attempt);
    expectTypeOf(ofPlainWork).returns.resolves.toEqualTypeOf<number>();

    const ofValue = () => search.execute(async () => 1, { fallback: 'none' });
    expectTypeOf(ofValue).returns.resolves.toEqualTypeOf<number | string>();

    const ofFunction = () =>
      search.execute(async () => 1, {
        fallback: (error: unknown, call: Call) => [error, call.attempt],
      });
    expectTypeOf(ofFunction).returns.resolves.toEqualTypeOf<
      number | unknown[]
    >();

    const ofLater = () =>
      search.execute(async () => 1, { fallback: async () => null });
    expectTypeOf(ofLater).returns.resolves.toEqualTypeOf<number | null>();
  });

  it('refuse what is no work, and options that do not exist', () => {
    const wrong = (): unknown[] => [
      // @ts-expect-error -- a value is no work
      search.execute(1),
      // @ts-expect-error -- work takes a call
      search.execute(async (id: string) => id),
      // @ts-expect-error -- no option of that name
      search.execute(async () => 1, { timeout: 10 }),
      // @ts-expect-error -- what fails need not be an Error
      search.execute(async () => 1, { fallback: (error: Error) => error }),
      // @ts-expect-error -- a permit has no time of its own
      search.acquire({ timeoutMs: 10 }),
    ];
    expect(wrong).toBeDefined();
  });
});

describe('The types of wrap', () => {
  const search: Dependency = createDependency('search');

  it('are those of the function that wrap is given', () => {
    const wrapped = search.wrap((id: number, text?: string) => `${id}${text}`);
    expectTypeOf(wrapped).parameters.toEqualTypeOf<[number, string?]>();
    expectTypeOf(wrapped).returns.resolves.toEqualTypeOf<string>();

    const later = search.wrap(async (id: number) => ({ id }));
    expectTypeOf(later).returns.resolves.toEqualTypeOf<{ id: number }>();

    const withFallback = search.wrap(async (id: number) => id, {
      fallback: null,
    });
    expectTypeOf(withFallback).returns.resolves.toEqualTypeOf<number | null>();

    const method = search.wrap(async function (this: { n: number }) {
      return this.n;
    });
    expectTypeOf(method).thisParameter.toEqualTypeOf<{ n: number }>();
    expect(wrapped).toBeTypeOf('function');
  });

  it('stay generic and overloaded', async () => {
    const same = search.wrap(async <T extends object>(value: T) => value);
    expectTypeOf(await same({ a: 1 })).toEqualTypeOf<{ a: number }>();
    const list = search.wrap(<T extends object>(value: T): T[] => [value]);
    expectTypeOf(await list({ a: 1 })).toEqualTypeOf<{ a: number }[]>();
    const orNull = search.wrap(async <T extends object>(value: T) => value, {
      fallback: null,
    });
    expectTypeOf(await orNull({ a: 1 })).toEqualTypeOf<{ a: number } | null>();

    function overloaded(value: string): Promise<string>;
    function overloaded(value: number): Promise<number>;
    async function overloaded(value: string | number) {
      return value;
    }
    const wrapped = search.wrap(overloaded);
    expectTypeOf(await wrapped('')).toEqualTypeOf<string>();
    expectTypeOf(await wrapped(1)).toEqualTypeOf<number>();
    expectTypeOf(wrapped).toEqualTypeOf(overloaded);
  });

  it('promise nothing that a wrapped function has not', () => {
    class Cancellable<T> extends Promise<T> {
      cancel(): void {}
    }
    const special = search.wrap(() => new Cancellable<number>(() => {}));
    expectTypeOf(special).returns.toEqualTypeOf<Promise<number>>();

    const mock = search.wrap(vi.fn(async (id: number) => id));
    expectTypeOf(mock).not.toHaveProperty('mockReset');
    expectTypeOf(mock).parameters.toEqualTypeOf<[number]>();
    expectTypeOf(mock).returns.toEqualTypeOf<Promise<number>>();

    const either = search.wrap((id: number) =>
      id > 0 ? id : Promise.resolve(''),
    );
    expectTypeOf(either).returns.toEqualTypeOf<Promise<number | string>>();

    const loose = search.wrap((..._args: any[]): any => 1);
    expectTypeOf(loose).returns.toEqualTypeOf<Promise<any>>();

    const wrong = (): unknown[] => [
      // @ts-expect-error -- a value is no function
      search.wrap(1),
      // @ts-expect-error -- no option of that name
      search.wrap(async () => 1, { timeout: 10 }),
    ];
    expect(wrong).toThrow();
  });
});

describe('The types of options', () => {
  it('take what is read-only', () => {
    const options = {
      hosts: ['http://a', { url: 'http://b', weight: 2 }],
      retry: {
        on: [TypeError, RangeError],
        backoff: { delayMs: 10, jitter: [1, 2] },
        budget: { ratio: 0.1 },
      },
      circuit: {
        trip: [failureRatio({ ratio: 0.5 }), consecutiveFailures(3)],
        resetBackoff: { factor: 2 },
      },
      http: { headers: { 'x-team': 'a' }, secretHeaders: ['x-key'] },
    } as const;
    const callOptions = {
      retry: { attempts: 2, on: [TypeError] },
      fallback: { hits: [] },
    } as const;

    expectTypeOf(options).toExtend<DependencyOptions>();
    expectTypeOf(callOptions).toExtend<
      CallOptions<{ readonly hits: readonly [] }>
    >();
    const call = () =>
      createDependency('search', options).execute(async () => 1, callOptions);
    expectTypeOf(call).returns.resolves.toEqualTypeOf<
      number | { readonly hits: readonly [] }
    >();
    expect(call).toBeTypeOf('function');
  });

  it('know every name and kind', () => {
    const wrong = (): unknown[] => [
      // @ts-expect-error -- no option of that name
      createDependency('search', { timeout: 10 }),
      // @ts-expect-error -- no option of that name, a level below
      createDependency('search', { circuit: { resetTimeout: 10 } }),
      // @ts-expect-error -- not true: only false switches a stage off
      createDependency('search', { retry: true }),
      // @ts-expect-error -- no balancer of that name
      createDependency('search', { loadBalancer: 'fastest' }),
      // @ts-expect-error -- no setting of that name
      failureRatio({ rate: 1 }),
    ];
    expect(wrong).toThrow();
  });
});
