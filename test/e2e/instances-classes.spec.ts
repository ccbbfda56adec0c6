import { Injectable, type Type } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { FaultTolerant } from 'nestjs-dace';
import { Ledger, tally, times, twins } from './instances-apps.js';

describe('A protected method', () => {
  it.each<[string, () => Type<{ pay(): Promise<string> }>]>([
    [
      'of a class with private members, native ones',
      () => {
        @Injectable()
        class Private {
          #count = 0;
          constructor(private readonly ledger: Ledger) {}
          @FaultTolerant('payments')
          async pay(): Promise<string> {
            return this.#enter();
          }
          #enter() {
            this.#count += 1;
            return this.ledger.enter(`private ${this.#count}`);
          }
        }
        return Private;
      },
    ],
    [
      'of a class with accessors',
      () => {
        @Injectable()
        class Accessed {
          private times = 0;
          constructor(private readonly ledger: Ledger) {}
          get next() {
            return (this.times += 1);
          }
          set next(value) {
            this.times = value;
          }
          @FaultTolerant('payments')
          async pay(): Promise<string> {
            this.next = 4;
            return this.ledger.enter(`accessed ${this.next}`);
          }
        }
        return Accessed;
      },
    ],
    [
      'of a class with static members, one of the same name',
      () => {
        @Injectable()
        class Static {
          static pay(ledger: Ledger) {
            return ledger.enter('static');
          }
          constructor(private readonly ledger: Ledger) {}
          @FaultTolerant('payments')
          async pay(): Promise<string> {
            return Static.pay(this.ledger);
          }
        }
        return Static;
      },
    ],
    ...(['freeze', 'seal', 'preventExtensions'] as const).map(
      (close): [string, () => Type<{ pay(): Promise<string> }>] => [
        `of an instance after Object.${close}`,
        () => {
          @Injectable()
          class Closed {
            constructor(private readonly ledger: Ledger) {
              (Object[close] as (o: object) => void)(this);
            }
            @FaultTolerant('payments')
            async pay(): Promise<string> {
              return this.ledger.enter('closed');
            }
          }
          return Closed;
        },
      ],
    ),
    [
      'of a class that a decorator replaces',
      () => {
        const Replaced = <T extends Type>(Base: T) =>
          class extends Base {
            readonly isReplaced = true;
          };
        @Injectable()
        class Paying {
          constructor(private readonly ledger: Ledger) {}
          @FaultTolerant('payments')
          async pay(): Promise<string> {
            return this.ledger.enter('replaced');
          }
        }
        return Replaced(Paying);
      },
    ],
    [
      'with a symbol for a name',
      () => {
        const name = Symbol('pay');
        @Injectable()
        class Symbolic {
          constructor(private readonly ledger: Ledger) {}
          @FaultTolerant('payments')
          async [name](): Promise<string> {
            return this.ledger.enter('symbol');
          }
          pay() {
            return this[name]();
          }
        }
        return Symbolic;
      },
    ],
  ])('%s runs once, in its own app', async (_, make) => {
    const Payer = make();
    const [one, other] = await twins({ providers: [Payer] });

    const line = await one.app.get(Payer).pay();

    expect(one.app.get(Ledger).lines).toEqual([line]);
    expect(tally(one.app)).toEqual(times(1));
    expect(tally(other.app)).toEqual(times(0));
  });
});
