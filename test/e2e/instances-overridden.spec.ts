import { Controller, Get, Inject, Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { describe, expect, it } from 'vitest';
import { FaultTolerant } from 'nestjs-dace';
import { counting, Ledger, tally, times } from './instances-apps.js';

@Injectable()
class Payer {
  constructor(private readonly ledger: Ledger) {}
  @FaultTolerant('payments')
  async pay(): Promise<string> {
    return this.ledger.enter('paid');
  }
}

@Controller()
class Shop {
  constructor(@Inject('payer') private readonly payer: Payer) {}
  @Get()
  pay() {
    return this.payer.pay();
  }
}

describe('An instance that a test puts in the place of another', () => {
  const testing = () =>
    Test.createTestingModule({
      imports: counting(),
      controllers: [Shop],
      providers: [{ provide: 'payer', useClass: Payer }],
    });

  it('by useValue is protected if it is of a decorated class', async () => {
    const ledger = new Ledger();
    const module = await testing()
      .overrideProvider('payer')
      .useValue(new Payer(ledger))
      .compile();
    await module.init();
    const other = await testing().compile();
    await other.init();

    await module.get(Shop).pay();

    expect(ledger.lines).toEqual(['paid']);
    expect(tally(module).started).toBe(1);
    expect(tally(other)).toEqual(times(0));
    await module.close();
    await other.close();
  });

  it('by useClass or useFactory is protected if it is of a decorated class', async () => {
    @Injectable()
    class Louder extends Payer {
      override pay(): Promise<string> {
        return super.pay().then((text) => text.toUpperCase());
      }
    }
    const [byClass, byFactory] = [
      await testing().overrideProvider('payer').useClass(Louder).compile(),
      await testing()
        .overrideProvider('payer')
        .useFactory({ inject: [Ledger], factory: (l: Ledger) => new Louder(l) })
        .compile(),
    ];
    for (const module of [byClass, byFactory]) {
      await module.init();
      expect(await module.get(Shop).pay()).toBe('PAID');
      expect(tally(module)).toEqual(times(1));
    }
    await byClass.close();
    await byFactory.close();
  });

  it('by a mocker answers for itself, and counts nowhere', async () => {
    const module = await Test.createTestingModule({
      imports: counting(),
      controllers: [Shop],
    })
      .useMocker((token) => ({ pay: () => `mock of ${String(token)}` }))
      .compile();
    await module.init();

    expect(await module.get(Shop).pay()).toBe('mock of payer');
    expect(tally(module)).toEqual(times(0));
    await module.close();
  });

  it('by a mocker lets the class that uses it be protected', async () => {
    @Injectable()
    class Till {
      constructor(
        @Inject('rates') private readonly rates: { of(c: string): number },
        private readonly ledger: Ledger,
      ) {}
      @FaultTolerant('payments')
      async run(): Promise<number> {
        this.ledger.enter('till');
        return this.rates.of('EUR');
      }
    }
    const module = await Test.createTestingModule({
      imports: counting(),
      providers: [Till],
    })
      .useMocker(() => ({ of: () => 7 }))
      .compile();
    await module.init();

    expect(await module.get(Till).run()).toBe(7);
    expect(tally(module)).toEqual(times(1));
    await module.close();
  });
});
