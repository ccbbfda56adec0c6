import { lastValueFrom, of, type Observable } from 'rxjs';
import { describe, expect, expectTypeOf, it } from 'vitest';
import {
  Call,
  createDependency,
  DaceCall,
  FaultTolerant,
  type Dependency,
} from 'nestjs-dace';

/** The compiler is the test: a wrong use that compiles is an unused `@ts-expect-error`. */
describe('The type of FaultTolerant', () => {
  it('refuses methods that answer at once, and generators', () => {
    class Wrong {
      // @ts-expect-error -- a plain value
      @FaultTolerant('payments')
      sync(): string {
        return '';
      }

      // @ts-expect-error -- a generator
      @FaultTolerant('payments')
      *generator() {
        yield 1;
      }

      // @ts-expect-error -- an async generator
      @FaultTolerant('payments')
      async *asyncGenerator() {
        yield 1;
      }

      // @ts-expect-error -- a plain value, with a fallback method
      @FaultTolerant('payments', { fallback: 'spare' })
      withFallback(): string {
        return '';
      }
      spare(): string {
        return '';
      }
    }
    expect(Wrong).toBeDefined();
  });

  it('refuses accessors and properties', () => {
    const declare = (): unknown => {
      class Wrong {
        // @ts-expect-error -- an accessor is no method
        @FaultTolerant('payments')
        get value(): string {
          return '';
        }

        // @ts-expect-error -- nor is a property that holds a function
        @FaultTolerant('payments')
        arrow = async (): Promise<void> => {};
      }
      return Wrong;
    };
    expect(declare).toThrow('can only protect instance methods');
  });

  it('takes methods of promises and Observables, generic ones included', async () => {
    class Right {
      @FaultTolerant('payments')
      async promise(n: number, text = 'x', ...more: boolean[]) {
        return `${n}${text}${more.length}`;
      }

      @FaultTolerant('payments')
      observable(): Observable<number> {
        return of(1);
      }

      @FaultTolerant('payments')
      async generic<T extends object>(value: T, key: keyof T): Promise<T> {
        return key in value ? value : value;
      }

      overloaded(value: string): Promise<string>;
      overloaded(value: number): Promise<number>;
      @FaultTolerant('payments')
      async overloaded(value: string | number) {
        return value;
      }

      @FaultTolerant('payments')
      protected async hidden(): Promise<void> {}

      @FaultTolerant('payments')
      async called(id: string, @DaceCall() call: Call = Call.injected) {
        return `${id}${call.attempt}`;
      }
    }
    type Methods = Right;
    expectTypeOf<Methods['promise']>().toEqualTypeOf<
      (n: number, text?: string, ...more: boolean[]) => Promise<string>
    >();
    expectTypeOf<Methods['called']>().toBeCallableWith('id');
    const generic = (right: Right) => right.generic({ a: 1 }, 'a');
    expectTypeOf(generic).returns.resolves.toEqualTypeOf<{ a: number }>();
    const overloaded = (right: Right) => right.overloaded(1);
    expectTypeOf(overloaded).returns.resolves.toEqualTypeOf<number>();
    expect(await lastValueFrom(of(1))).toBe(1);
  });

  it('checks the name and the answer of a fallback method', () => {
    class Fallbacks {
      // @ts-expect-error -- no method of that name
      @FaultTolerant('payments', { fallback: 'mispelt' })
      async misspelt(): Promise<string> {
        return '';
      }

      // @ts-expect-error -- a property that is no method
      @FaultTolerant('payments', { fallback: 'notAMethod' })
      async property(): Promise<string> {
        return '';
      }
      notAMethod = 1;

      // @ts-expect-error -- a number where a string is promised
      @FaultTolerant('payments', { fallback: 'spareNumber' })
      async answer(): Promise<string> {
        return '';
      }
      spareNumber(): number {
        return 1;
      }

      @FaultTolerant('payments', { fallback: 'spare' })
      async plain(): Promise<string> {
        return '';
      }
      spare(): string {
        return '';
      }

      @FaultTolerant('payments', { fallback: 'spareLater' })
      async later(id: number): Promise<{ id: number; name: string | null }> {
        return { id, name: '' };
      }
      async spareLater(id: number, error: unknown) {
        return { id, name: error === undefined ? '' : null };
      }

      @FaultTolerant('payments', { fallback: 'spareStream' })
      stream(): Observable<string> {
        return of('');
      }
      spareStream(): Observable<string> {
        return of('');
      }
    }
    expect(Fallbacks).toBeDefined();
  });

  it('takes functions and values as fallbacks, and knows its options', () => {
    class Options {
      @FaultTolerant('payments', { fallback: () => 'text' })
      async function(): Promise<string> {
        return '';
      }

      @FaultTolerant('payments', { fallback: null, retry: false })
      async nothing(): Promise<string | null> {
        return '';
      }

      @FaultTolerant('payments', {
        fallback: (error: unknown, call: Call) => [error, call.attempt],
        timeoutMs: 10,
        idempotent: true,
        cancelOnDisconnect: true,
        observable: false,
        netloc: 'a:80',
      })
      async all(): Promise<unknown[]> {
        return [];
      }
    }
    const wrong = (): unknown[] => [
      // @ts-expect-error -- whose signal would it be?
      FaultTolerant('payments', { signal: new AbortController().signal }),
      // @ts-expect-error -- no option of that name
      FaultTolerant('payments', { timeout: 10 }),
      // @ts-expect-error -- milliseconds are a number
      FaultTolerant('payments', { timeoutMs: '10' }),
    ];
    expect(Options).toBeDefined();
    expect(wrong).toThrow();
  });
});

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
});
