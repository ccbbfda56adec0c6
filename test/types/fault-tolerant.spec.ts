import { applyDecorators, Get, SetMetadata } from '@nestjs/common';
import { of, type Observable } from 'rxjs';
import { describe, expect, expectTypeOf, it } from 'vitest';
import {
  Call,
  DaceCall,
  FaultTolerant,
  type FaultTolerantOptions,
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

  it('refuses static methods, accessors and properties', () => {
    const declare = (): unknown => {
      class Wrong {
        // @ts-expect-error -- no instance, no app
        @FaultTolerant('payments')
        static async shared(): Promise<void> {}

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

  it('takes methods of promises and Observables, generic and overloaded ones included, and keeps their types', () => {
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
    expect(Right).toBeDefined();
  });

  it('is one of the decorators that applyDecorators takes', () => {
    const Protected = (id: string, options?: FaultTolerantOptions) =>
      applyDecorators(Get('x'), FaultTolerant(id, options), SetMetadata(1, 2));
    const WithFallback = applyDecorators(
      FaultTolerant('payments', { fallback: 'spare' }),
      FaultTolerant('search', { fallback: null }),
    );
    class Composed {
      @Protected('payments', { timeoutMs: 10 })
      async composed(): Promise<void> {}

      @WithFallback
      async withFallback(): Promise<void> {}
      spare(): void {}
    }
    expectTypeOf(FaultTolerant('payments')).toExtend<MethodDecorator>();
    expect(Composed).toBeDefined();
  });

  it('knows its options, read-only ones too', () => {
    const fixed = {
      timeoutMs: 10,
      retry: { on: [TypeError], backoff: { jitter: [1, 2] } },
    } as const;
    class Options {
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

      @FaultTolerant('payments', fixed)
      async asConst(): Promise<void> {}

      @FaultTolerant('payments', { ...fixed, fallback: 'spare' } as const)
      async asConstWithFallback(): Promise<void> {}
      spare(): void {}
    }
    const wrong = (): unknown[] => [
      // @ts-expect-error -- whose signal would it be?
      FaultTolerant('payments', { signal: new AbortController().signal }),
      // @ts-expect-error -- no option of that name
      FaultTolerant('payments', { timeout: 10 }),
      // @ts-expect-error -- no option of that name, with a fallback method
      FaultTolerant('payments', { timeout: 10, fallback: 'spare' }),
      // @ts-expect-error -- no option of that name, a level below
      FaultTolerant('payments', { retry: { tries: 2 } }),
      // @ts-expect-error -- milliseconds are a number
      FaultTolerant('payments', { timeoutMs: '10' }),
    ];
    expect(Options).toBeDefined();
    expect(wrong).toThrow();
  });
});
