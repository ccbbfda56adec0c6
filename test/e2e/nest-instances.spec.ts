import { Inject, Injectable } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { afterEach, describe, expect, it } from 'vitest';
import {
  Call,
  createDependency,
  DaceCall,
  DaceModule,
  DaceRegistry,
  FaultTolerant,
  getDependencyToken,
  type Dependency,
} from 'nestjs-dace';
import { errorOf } from '../support/core-toolkit.js';

const silent = { logger: false } as const;
const open: TestingModule[] = [];
afterEach(async () => {
  for (const app of open.splice(0)) await app.close();
});

type Metadata = Parameters<typeof Test.createTestingModule>[0];

/** A started app whose one dependency is "payments". */
async function start({ imports = [], ...rest }: Metadata = {}) {
  const app = await Test.createTestingModule({
    imports: [DaceModule.forRoot({ payments: {} }, silent), ...imports],
    ...rest,
  }).compile();
  await app.init();
  open.push(app);
  return app;
}
const startedIn = (app: TestingModule): number =>
  app.get(DaceRegistry).get('payments').snapshot().totals.started;

@Injectable()
class Invoices {
  @FaultTolerant('payments')
  async pay(@DaceCall() call: Call = Call.injected): Promise<number> {
    return call.attempt;
  }
}

describe('An instance made by hand', () => {
  it('uses the only app that runs', async () => {
    const app = await start();

    expect(await new Invoices().pay()).toBe(1);
    expect(startedIn(app)).toBe(1);
  });

  it.each([0, 2])('has none among %i apps, and says what to do', async (n) => {
    for (let i = 0; i < n; i++) await start();

    const error = await errorOf(new Invoices().pay());

    expect(error).toMatchObject({ code: 'DACE_CONFIGURATION' });
    expect(error.message).toContain('Invoices.pay');
    expect(error.message).toContain("'payments'");
    expect(error.message).toContain('Import DaceModule');
    expect(error.message).toContain('DaceRegistry.bind(instance)');
    expect(error.message).toContain('unprotected(instance)');
  });

  it('uses the app that it is bound to', async () => {
    const [one, other] = [await start(), await start()];
    const [plain, frozen] = [new Invoices(), Object.freeze(new Invoices())];
    for (const invoices of [plain, frozen]) {
      other.get(DaceRegistry).bind(invoices);
      await invoices.pay();
    }

    expect([startedIn(one), startedIn(other)]).toEqual([0, 2]);
  });

  it('is refused where the id is unknown to the app it is bound to', async () => {
    class Stray {
      @FaultTolerant('payment')
      async call() {}
    }
    const app = await start();

    expect(() => app.get(DaceRegistry).bind(new Stray())).toThrow(
      /No dependency "payment" \(used by Stray\.call\).*Did you mean "payments"/,
    );
  });
});

describe('A method', () => {
  it('of a subclass, a super method and an override do as they are written', async () => {
    const seen: string[] = [];
    @Injectable()
    class Base {
      @FaultTolerant('payments', { fallback: 'spare' })
      async inherited(): Promise<string> {
        throw new Error('down');
      }
      spare(): string {
        return 'spare of Base';
      }
      @FaultTolerant('payments')
      async overridden(): Promise<string> {
        seen.push('Base');
        return 'Base';
      }
      @FaultTolerant('payments')
      async plain(): Promise<string> {
        return 'Base';
      }
    }
    @Injectable()
    class Derived extends Base {
      override spare(): string {
        return 'spare of Derived';
      }
      @FaultTolerant('payments')
      override async overridden(): Promise<string> {
        seen.push('Derived');
        return `Derived ${await super.overridden()}`;
      }
      override async plain(): Promise<string> {
        return `unprotected ${await super.plain()}`;
      }
    }
    const app = await start({ providers: [Base, Derived] });
    const derived = app.get(Derived);

    expect(await app.get(Base).inherited()).toBe('spare of Base');
    expect(await derived.inherited()).toBe('spare of Derived');
    expect(startedIn(app)).toBe(2);
    expect(await derived.overridden()).toBe('Derived Base');
    expect(seen).toEqual(['Derived', 'Base']);
    expect(startedIn(app)).toBe(3);
    expect(await derived.plain()).toBe('unprotected Base');
    expect(startedIn(app)).toBe(4);
  });

  it('of a base class uses the app of the subclass, which has injected properties of its own', async () => {
    abstract class Base {
      @FaultTolerant('payments')
      async pay(): Promise<string> {
        return this.currency();
      }
      protected abstract currency(): string;
    }
    @Injectable()
    class Derived extends Base {
      @Inject('currency') private readonly own!: string;
      protected currency(): string {
        return this.own;
      }
      @FaultTolerant('payments')
      async payTwice(): Promise<string> {
        return this.own + this.own;
      }
    }
    const providers = [Derived, { provide: 'currency', useValue: 'EUR' }];
    const [one, other] = [
      await start({ providers }),
      await start({ providers }),
    ];

    expect(await other.get(Derived).pay()).toBe('EUR');
    expect(await one.get(Derived).payTwice()).toBe('EUREUR');
    expect([startedIn(one), startedIn(other)]).toEqual([1, 1]);
  });

  it('with two decorators takes a permit of each dependency', async () => {
    const calls: Call[] = [];
    @Injectable()
    class Twice {
      @FaultTolerant('payments')
      @FaultTolerant('search', { retry: { on: 'any' } })
      async run(@DaceCall() call: Call = Call.injected): Promise<string> {
        calls.push(call);
        if (calls.length < 3) throw new Error('not yet');
        return call.dependencyId;
      }
    }
    const app = await Test.createTestingModule({
      imports: [DaceModule.forRoot({ payments: {}, search: {} }, silent)],
      providers: [Twice],
    }).compile();
    await app.init();
    open.push(app);

    expect(await app.get(Twice).run()).toBe('search');
    const totals = app
      .get(DaceRegistry)
      .snapshot()
      .map(({ id, totals: { attempts } }) => [id, attempts]);
    expect(totals).toEqual([
      ['payments', 1],
      ['search', 3],
    ]);
  });
});

describe('An overridden dependency', () => {
  it('that is one of ours is joined and counted as usual', async () => {
    const stub: Dependency = createDependency('payments', { retry: false });
    const app = await Test.createTestingModule({
      imports: [DaceModule.forRoot({ payments: {} }, silent)],
      providers: [Invoices],
    })
      .overrideProvider(getDependencyToken('payments'))
      .useValue(stub)
      .compile();
    await app.init();
    open.push(app);

    await app.get(Invoices).pay();

    expect(stub.snapshot().totals.succeeded).toBe(1);
    await stub.close();
  });
});
