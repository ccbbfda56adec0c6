import type { ClientProxy } from '@nestjs/microservices';
import {
  EMPTY,
  of,
  timeout,
  type MonoTypeOperatorFunction,
  type Observable,
  type OperatorFunction,
} from 'rxjs';
import { describe, expect, expectTypeOf, it } from 'vitest';
import {
  createDependency,
  faultTolerant,
  type Call,
  type Dependency,
  type StreamOptions,
} from 'nestjs-dace';

interface Stock {
  readonly sku: string;
  readonly left: number;
}

const inventory: Dependency = createDependency('inventory');
const stocks: Observable<Stock> = EMPTY;

/** The compiler is the test: a wrong use that compiles is an unused `@ts-expect-error`. */
describe('The type of a fault-tolerant stream', () => {
  it('is that of its source', () => {
    const plain = () => stocks.pipe(faultTolerant(inventory));
    expectTypeOf(plain).returns.toEqualTypeOf<Observable<Stock>>();

    const withOptions = () =>
      stocks.pipe(
        faultTolerant(inventory, { timeoutMs: 5, retry: { attempts: 2 } }),
      );
    expectTypeOf(withOptions).returns.toEqualTypeOf<Observable<Stock>>();

    const ofClient = (client: ClientProxy) =>
      client.send<Stock>('stock', {}).pipe(faultTolerant(inventory));
    expectTypeOf(ofClient).returns.toEqualTypeOf<Observable<Stock>>();

    const amongOthers = () =>
      stocks.pipe(timeout(5), faultTolerant(inventory), timeout(5));
    expectTypeOf(amongOthers).returns.toEqualTypeOf<Observable<Stock>>();
  });

  it('has that of a fallback besides', () => {
    const ofValue = () =>
      stocks.pipe(faultTolerant(inventory, { fallback: 'none' }));
    expectTypeOf(ofValue).returns.toEqualTypeOf<Observable<Stock | string>>();

    const ofNull = () =>
      stocks.pipe(faultTolerant(inventory, { fallback: null }));
    expectTypeOf(ofNull).returns.toEqualTypeOf<Observable<Stock | null>>();

    const ofPromise = () =>
      stocks.pipe(
        faultTolerant(inventory, { fallback: Promise.resolve('none') }),
      );
    expectTypeOf(ofPromise).returns.toEqualTypeOf<Observable<Stock | string>>();

    const ofStream = () =>
      stocks.pipe(faultTolerant(inventory, { fallback: of('none') }));
    expectTypeOf(ofStream).returns.toEqualTypeOf<Observable<Stock | string>>();
  });

  it('has that of what a function answers besides', () => {
    const now = () =>
      stocks.pipe(faultTolerant(inventory, { fallback: () => 'none' }));
    expectTypeOf(now).returns.toEqualTypeOf<Observable<Stock | string>>();

    const later = () =>
      stocks.pipe(faultTolerant(inventory, { fallback: async () => 'none' }));
    expectTypeOf(later).returns.toEqualTypeOf<Observable<Stock | string>>();

    const streamed = () =>
      stocks.pipe(faultTolerant(inventory, { fallback: () => of('none') }));
    expectTypeOf(streamed).returns.toEqualTypeOf<Observable<Stock | string>>();

    const ofTheCall = () =>
      stocks.pipe(
        faultTolerant(inventory, {
          fallback: (error, call) => {
            expectTypeOf(error).toBeUnknown();
            expectTypeOf(call).toEqualTypeOf<Call>();
            return call.attempt;
          },
        }),
      );
    expectTypeOf(ofTheCall).returns.toEqualTypeOf<Observable<Stock | number>>();
  });

  it('stays that of the source where the fallback answers the same', () => {
    const none: Stock = { sku: '', left: 0 };

    const same = () =>
      stocks.pipe(faultTolerant(inventory, { fallback: none }));

    expectTypeOf(same).returns.toEqualTypeOf<Observable<Stock>>();
  });

  it('may be said outside of a pipe', () => {
    const operator: OperatorFunction<Stock, Stock | null> = faultTolerant(
      inventory,
      { fallback: null },
    );
    const same: MonoTypeOperatorFunction<Stock> = faultTolerant(inventory);
    const options: StreamOptions<number> = { fallback: of(1) };

    expect([operator, same, options]).toHaveLength(3);
  });

  it('fits no other arguments', () => {
    const wrong = (): unknown[] => [
      // @ts-expect-error -- no dependency
      faultTolerant(),
      // @ts-expect-error -- an id is none
      faultTolerant('inventory'),
      // @ts-expect-error -- no option of that name
      faultTolerant(inventory, { timeout: 5 }),
      // @ts-expect-error -- an option of the decorator
      faultTolerant(inventory, { cancelOnDisconnect: true }),
      // @ts-expect-error -- what fails need not be an Error
      faultTolerant(inventory, { fallback: (error: Error) => error }),
      // @ts-expect-error -- a promise has no pipe
      faultTolerant(inventory)(Promise.resolve(1)),
    ];
    expect(wrong).toBeDefined();
  });
});
