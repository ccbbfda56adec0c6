import { of, type Observable } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { Call, DaceCall, FaultTolerant } from 'nestjs-dace';

/** The compiler is the test: a wrong use that compiles is an unused `@ts-expect-error`. */
describe('A fallback method, to the compiler,', () => {
  it('is a method of the class, or of one it extends', () => {
    abstract class Base {
      spare(): string {
        return '';
      }
      abstract ownSpare(): string;
    }
    abstract class Fallbacks extends Base {
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

      @FaultTolerant('payments', { fallback: 'spare' })
      async inherited(): Promise<string> {
        return '';
      }

      @FaultTolerant('payments', { fallback: 'ownSpare' })
      async left(): Promise<string> {
        return '';
      }
    }
    expect(Fallbacks).toBeDefined();
  });

  it('may be private or protected, and is checked all the same', () => {
    class Fallbacks {
      @FaultTolerant('payments', { fallback: 'privately' })
      async usesPrivate(id: string): Promise<string> {
        return id + this.privately(id) + this.privateNumber();
      }
      private privately(id: string): string {
        return id;
      }

      @FaultTolerant('payments', { fallback: 'protectedly' })
      async usesProtected(id: string): Promise<string> {
        return id;
      }
      protected protectedly(id: string): string {
        return id;
      }

      // @ts-expect-error -- a number where a string is promised
      @FaultTolerant('payments', { fallback: 'privateNumber' })
      async wrongPrivate(): Promise<string> {
        return '';
      }
      private privateNumber(): number {
        return 1;
      }

      // @ts-expect-error -- a number where a string is given
      @FaultTolerant('payments', { fallback: 'protectedOfNumber' })
      async wrongProtected(id: string): Promise<string> {
        return id;
      }
      protected protectedOfNumber(id: number): string {
        return `${id}`;
      }
    }
    expect(Fallbacks).toBeDefined();
  });

  it('answers what the method does, now or later', () => {
    class Fallbacks {
      // @ts-expect-error -- a number where a string is promised
      @FaultTolerant('payments', { fallback: 'spareNumber' })
      async answer(): Promise<string> {
        return '';
      }
      spareNumber(): number {
        return 1;
      }

      // @ts-expect-error -- null where a string is promised
      @FaultTolerant('payments', { fallback: 'spareNull' })
      async never(): Promise<string> {
        return '';
      }
      async spareNull(): Promise<null> {
        return null;
      }

      // @ts-expect-error -- a stream where a promise is
      @FaultTolerant('payments', { fallback: 'spareStream' })
      async noStream(): Promise<string> {
        return '';
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

      @FaultTolerant('payments', { fallback: 'spare' })
      either(isLater: boolean): Promise<string> | Observable<string> {
        return isLater ? Promise.resolve('') : of('');
      }
    }
    expect(Fallbacks).toBeDefined();
  });

  it('takes the arguments without the calls, and then the error', () => {
    class Fallbacks {
      @FaultTolerant('payments', { fallback: 'ofAccount' })
      async withCall(id: string, @DaceCall() call: Call = Call.injected) {
        return id + call.dependencyId;
      }

      @FaultTolerant('payments', { fallback: 'ofAccount' })
      async callFirst(@DaceCall() call: Call, id: string): Promise<string> {
        return id + call.dependencyId;
      }

      @FaultTolerant('payments', { fallback: 'ofNothing' })
      async takesMore(id: string, more: number): Promise<string> {
        return `${id}${more}`;
      }
      ofNothing(): string {
        return '';
      }

      // @ts-expect-error -- the call is left out: the error comes second
      @FaultTolerant('payments', { fallback: 'ofCall' })
      async noCall(id: string, @DaceCall() call: Call = Call.injected) {
        return id + call.dependencyId;
      }
      ofCall(id: string, call: Call, error: unknown): string {
        return `${id}${call.attempt}${String(error)}`;
      }

      // @ts-expect-error -- the error is no number
      @FaultTolerant('payments', { fallback: 'ofTwo' })
      async errorIsLast(id: string): Promise<string> {
        return id;
      }
      ofTwo(id: string, times: number): string {
        return id.repeat(times);
      }

      @FaultTolerant('payments', { fallback: 'ofError' })
      async expectsError(id: string): Promise<string> {
        return id;
      }
      ofError(id: string, error: Error): string {
        return id + error.message;
      }
      ofAccount(id: string, error: unknown): string {
        return id + String(error);
      }

      // Whatever the parameter's type is, it is no call.
      @FaultTolerant('payments', { fallback: 'ofAny' })
      async takesAny(body: any, id: string): Promise<string> {
        return id + String(body);
      }
      ofAny(body: any, id: string, error: unknown): string {
        return id + String(body) + String(error);
      }
    }
    expect(Fallbacks).toBeDefined();
  });

  it('is given undefined where the caller left something out', () => {
    class Fallbacks {
      // @ts-expect-error -- the default is the method's, not the fallback's
      @FaultTolerant('payments', { fallback: 'ofNumber' })
      async withDefault(limit = 10): Promise<number> {
        return limit;
      }

      // @ts-expect-error -- it may be missing
      @FaultTolerant('payments', { fallback: 'ofNumber' })
      async optional(limit?: number): Promise<number> {
        return limit ?? 0;
      }
      ofNumber(limit: number): number {
        return limit;
      }

      @FaultTolerant('payments', { fallback: 'ofMaybe' })
      async withDefaultToo(limit = 10): Promise<number> {
        return limit;
      }

      // Of a rest parameter it is given the first.
      @FaultTolerant('payments', { fallback: 'ofMaybe' })
      async rest(...limits: number[]): Promise<number> {
        return limits.length;
      }
      ofMaybe(limit: number | undefined, error: unknown): number {
        return limit ?? String(error).length;
      }
    }
    expect(Fallbacks).toBeDefined();
  });

  it('follows generic methods and classes, and overloads', () => {
    class Fallbacks<Item extends object> {
      @FaultTolerant('payments', { fallback: 'first' })
      async ofClass(items: Item[], @DaceCall() call: Call = Call.injected) {
        return items[call.attempt]!;
      }
      first(items: Item[], error: unknown): Item {
        return items[error === undefined ? 1 : 0]!;
      }

      // @ts-expect-error -- a list where one item is promised
      @FaultTolerant('payments', { fallback: 'list' })
      async wrong(items: Item[]): Promise<Item> {
        return items[0]!;
      }
      list(items: Item[]): Item[] {
        return items;
      }

      // @ts-expect-error -- for all the compiler knows, an item is a call
      @FaultTolerant('payments', { fallback: 'sameItem' })
      async undecided(item: Item): Promise<Item> {
        return item;
      }

      @FaultTolerant<string>('payments', { fallback: 'sameItem' })
      async unchecked(item: Item): Promise<Item> {
        return item;
      }
      sameItem(item: Item): Item {
        return item;
      }

      @FaultTolerant('payments', { fallback: 'same' })
      async ofMethod<T extends object>(value: T): Promise<T> {
        return value;
      }
      same<T extends object>(value: T, error: unknown): T {
        return error === undefined ? value : value;
      }

      overloaded(value: string): Promise<string>;
      overloaded(value: number): Promise<number>;
      @FaultTolerant('payments', { fallback: 'spareOf' })
      async overloaded(value: string | number) {
        return value;
      }
      spareOf(value: string, error: unknown): string;
      spareOf(value: number, error: unknown): number;
      spareOf(value: string | number): string | number {
        return value;
      }
    }
    expect(Fallbacks).toBeDefined();
  });

  it('is left to the start-up where its name is known only there', () => {
    class Fallbacks {
      @FaultTolerant<string>('payments', { fallback: 'anything' })
      async dynamic(): Promise<string> {
        return '';
      }

      @FaultTolerant<'one' | 'other'>('payments', { fallback: 'one' })
      async either(): Promise<string> {
        return '';
      }
      one(): string {
        return '';
      }
      other(): string {
        return '';
      }

      // @ts-expect-error -- one of them is no method
      @FaultTolerant<'one' | 'none'>('payments', { fallback: 'one' })
      async eitherMissing(): Promise<string> {
        return '';
      }
    }
    expect(Fallbacks).toBeDefined();
  });
});

describe('A fallback value, to the compiler,', () => {
  it('that is null, a number or a boolean is one that the method may answer', () => {
    class Fallbacks {
      @FaultTolerant('payments', { fallback: null })
      async nothing(): Promise<string | null> {
        return '';
      }

      @FaultTolerant('payments', { fallback: 0 })
      count(): Observable<number> {
        return of(1);
      }

      @FaultTolerant('payments', { fallback: false })
      async flag<T extends object>(value: T): Promise<T | false> {
        return value;
      }

      // @ts-expect-error -- null where a string is promised
      @FaultTolerant('payments', { fallback: null })
      async neverNull(): Promise<string> {
        return '';
      }

      // @ts-expect-error -- not one of the numbers that are promised
      @FaultTolerant('payments', { fallback: 0 })
      async few(): Promise<1 | 2> {
        return 1;
      }
    }
    expect(Fallbacks).toBeDefined();
  });

  it('may be a function or an object, which are taken at their word', () => {
    class Fallbacks {
      @FaultTolerant('payments', { fallback: () => 'text' })
      async function(): Promise<string> {
        return '';
      }

      @FaultTolerant('payments', { fallback: { state: 'unknown', items: [] } })
      async object(): Promise<{ state: 'known' | 'unknown'; items: string[] }> {
        return { state: 'known', items: [] };
      }

      @FaultTolerant('payments', {
        fallback: (error, call) => `${String(error)}${call.attempt}`,
      })
      async inferred(): Promise<string> {
        return '';
      }

      @FaultTolerant('payments', { fallback: undefined })
      async none(): Promise<string> {
        return '';
      }
    }
    expect(Fallbacks).toBeDefined();
  });
});
