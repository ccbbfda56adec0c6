import {
  forwardRef,
  Inject,
  Injectable,
  Module,
  Scope,
  type OnModuleInit,
} from '@nestjs/common';
import { ContextIdFactory, LazyModuleLoader, ModuleRef } from '@nestjs/core';
import { Test, type TestingModule } from '@nestjs/testing';
import { inspect } from 'node:util';
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

describe('A decorated method uses the dependencies of the app that made its instance', () => {
  it('of two apps of the same classes, each its own', async () => {
    const [one, other] = [
      await start({ providers: [Invoices] }),
      await start({ providers: [Invoices] }),
    ];

    await one.get(Invoices).pay();
    await one.get(Invoices).pay();
    await other.get(Invoices).pay();

    expect([startedIn(one), startedIn(other)]).toEqual([2, 1]);
  });

  it('goes on with its own when the other app closes', async () => {
    const [one, other] = [
      await start({ providers: [Invoices] }),
      await start({ providers: [Invoices] }),
    ];
    await one.close();

    expect(await other.get(Invoices).pay()).toBe(1);
    expect(await errorOf(one.get(Invoices).pay())).toMatchObject({
      code: 'DACE_SHUTDOWN',
    });
  });

  it.each([
    ['request-scoped', Scope.REQUEST],
    ['transient', Scope.TRANSIENT],
  ])('when %s', async (_what, scope) => {
    const provider = { provide: Invoices, useClass: Invoices, scope };
    const [one, other] = [
      await start({ providers: [provider] }),
      await start({ providers: [provider] }),
    ];
    for (const app of [one, other, other]) {
      const invoices = await app.resolve(Invoices, ContextIdFactory.create());
      await invoices.pay();
    }

    expect([startedIn(one), startedIn(other)]).toEqual([1, 2]);
  });

  it('when made by ModuleRef.create', async () => {
    const [one, other] = [await start(), await start()];

    await (await one.get(ModuleRef).create(Invoices)).pay();

    expect([startedIn(one), startedIn(other)]).toEqual([1, 0]);
  });

  it('when a pair needs each other', async () => {
    @Injectable()
    class Left {
      constructor(
        @Inject(forwardRef(() => Right)) readonly right: { run(): unknown },
      ) {}
      @FaultTolerant('payments')
      async run() {
        return 'left';
      }
      async both() {
        return [await this.run(), await this.right.run()];
      }
    }
    @Injectable()
    class Right {
      constructor(@Inject(forwardRef(() => Left)) readonly left: object) {}
      @FaultTolerant('payments')
      async run() {
        return 'right';
      }
    }
    const metadata = { providers: [Left, Right] };
    const [one, other] = [await start(metadata), await start(metadata)];

    expect(await one.get(Left).both()).toEqual(['left', 'right']);
    expect([startedIn(one), startedIn(other)]).toEqual([2, 0]);
  });

  it.each([
    ['useFactory', () => ({ useFactory: () => new Invoices() })],
    ['useValue', () => ({ useValue: new Invoices() })],
    ['useValue, frozen', () => ({ useValue: Object.freeze(new Invoices()) })],
  ])('when provided by %s', async (_what, how) => {
    const [one, other] = [
      await start({ providers: [{ provide: 'invoices', ...how() }] }),
      await start({ providers: [{ provide: 'invoices', ...how() }] }),
    ];

    await one.get<Invoices>('invoices').pay();
    await other.get<Invoices>('invoices').pay();
    await other.get<Invoices>('invoices').pay();

    expect([startedIn(one), startedIn(other)]).toEqual([1, 2]);
  });

  it('when it freezes itself', async () => {
    @Injectable()
    class Frozen {
      constructor() {
        Object.freeze(this);
      }
      @FaultTolerant('payments')
      async pay() {}
    }
    const metadata = { providers: [Frozen] };
    const [one, other] = [await start(metadata), await start(metadata)];

    await one.get(Frozen).pay();

    expect([startedIn(one), startedIn(other)]).toEqual([1, 0]);
  });

  it('when it has native private members', async () => {
    @Injectable()
    class Private {
      readonly #account = 'mine';
      @FaultTolerant('payments', { fallback: 'spare' })
      async pay(fails: boolean): Promise<string> {
        if (fails) throw new Error('down');
        return this.#account;
      }
      spare(): string {
        return `spare ${this.#account}`;
      }
    }
    const app = await start({ providers: [Private] });

    expect(await app.get(Private).pay(false)).toBe('mine');
    expect(await app.get(Private).pay(true)).toBe('spare mine');
  });

  it('when it is seen through a proxy', async () => {
    const [one, other] = [
      await start({ providers: [Invoices] }),
      await start({ providers: [Invoices] }),
    ];

    await new Proxy(other.get(Invoices), {}).pay();

    expect([startedIn(one), startedIn(other)]).toEqual([0, 1]);
  });

  it('when called while the app starts', async () => {
    @Injectable()
    class Warming implements OnModuleInit {
      warmed: unknown;
      constructor(private readonly invoices: Invoices) {}
      async onModuleInit() {
        this.warmed = await this.invoices.pay();
      }
    }
    @Module({ providers: [Invoices, Warming] })
    class First {}
    const other = await start();
    const app = await Test.createTestingModule({
      imports: [First, DaceModule.forRoot({ payments: {} }, silent)],
    }).compile();
    open.push(app);
    await app.init();

    expect(app.get(Warming).warmed).toBe(1);
    expect([startedIn(app), startedIn(other)]).toEqual([1, 0]);
  });

  it('when its module is loaded late', async () => {
    @Module({ providers: [Invoices] })
    class Lazy {}
    const [one, other] = [await start(), await start()];

    const lazy = await one.get(LazyModuleLoader).load(() => Lazy);
    await lazy.get(Invoices).pay();

    expect([startedIn(one), startedIn(other)]).toEqual([1, 0]);
  });

  it('and nobody sees that it is bound', async () => {
    const app = await start({ providers: [Invoices] });
    const invoices = app.get(Invoices);

    expect(Object.keys(invoices)).toEqual([]);
    expect(JSON.stringify(invoices)).toBe('{}');
    expect(inspect(invoices)).toBe('Invoices {}');
  });
});

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

  it('uses the app of the protected call that it is called in', async () => {
    const [one, other] = [await start(), await start()];
    const payments = other.get(DaceRegistry).get('payments');

    await payments.execute(() => new Invoices().pay());

    expect([startedIn(one), startedIn(other)]).toEqual([0, 1]);
  });

  it('does not find an app that never came up', async () => {
    @Injectable()
    class Broken {
      @FaultTolerant('unknown')
      async call() {}
    }
    const good = await start();
    const bad = await Test.createTestingModule({
      imports: [DaceModule.forRoot({ payments: {} }, silent)],
      providers: [Broken],
    }).compile();
    await errorOf(bad.init());

    expect(await new Invoices().pay()).toBe(1);
    expect(startedIn(good)).toBe(1);
    await bad.close();
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
  it('without its instance says so', async () => {
    await start();
    const { pay } = new Invoices();

    expect(
      (await errorOf(Reflect.apply(pay, undefined, []))).message,
    ).toContain('Invoices.pay was called without its instance');
  });

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
  it.each([
    ['that knows execute only', { execute: () => Promise.resolve('stub') }],
    [
      'that runs the work',
      {
        execute: (work: (call: unknown) => unknown) =>
          Promise.resolve(work({ attempt: 'stub' })),
      },
    ],
  ])('%s reaches decorated methods', async (_what, stub) => {
    const app = await Test.createTestingModule({
      imports: [DaceModule.forRoot({ payments: {} }, silent)],
      providers: [Invoices],
    })
      .overrideProvider(getDependencyToken('payments'))
      .useValue(stub)
      .compile();
    await app.init();
    open.push(app);

    expect(await app.get(Invoices).pay()).toBe('stub');
    expect(app.get(DaceRegistry).snapshot()).toEqual([]);
  });

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

  it('leaves an automatic mocker no say in decorated methods', async () => {
    const app = await Test.createTestingModule({ providers: [Invoices] })
      .useMocker(
        () =>
          new Proxy(
            {},
            { get: (_, name) => (name === 'then' ? undefined : () => 'mock') },
          ),
      )
      .compile();
    open.push(app);

    expect(await errorOf(app.get(Invoices).pay())).toMatchObject({
      code: 'DACE_CONFIGURATION',
    });
  });
});
