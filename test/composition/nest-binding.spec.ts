import {
  forwardRef,
  Inject,
  Injectable,
  Module,
  Scope,
  type ModuleMetadata,
} from '@nestjs/common';
import { ContextIdFactory, LazyModuleLoader, ModuleRef } from '@nestjs/core';
import { Test, type TestingModule } from '@nestjs/testing';
import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { DaceModule, DaceRegistry, FaultTolerant } from 'nestjs-dace';

const silent = { logger: false } as const;
const root = () => DaceModule.forRoot({ payments: {} }, silent);
const apps: TestingModule[] = [];
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
});

async function start(metadata: ModuleMetadata): Promise<TestingModule> {
  const app = await Test.createTestingModule(metadata).compile();
  apps.push(app);
  return app.init();
}

const started = (app: TestingModule): number =>
  app.get(DaceRegistry).get('payments').snapshot().totals.started;

@Injectable()
class Service {
  @FaultTolerant('payments')
  async call(): Promise<string> {
    return 'done';
  }
}

describe('An instance', () => {
  it.each([
    ['a singleton', Scope.DEFAULT],
    ['request-scoped', Scope.REQUEST],
    ['transient', Scope.TRANSIENT],
  ])('that is %s uses its app', async (_, scope) => {
    const app = await start({
      imports: [root()],
      providers: [{ provide: Service, useClass: Service, scope }],
    });
    await start({ imports: [root()], providers: [Service] });
    const instance = await app.resolve(Service, ContextIdFactory.create());

    await instance.call();

    expect(started(app)).toBe(1);
  });

  it('made by ModuleRef.create uses its app', async () => {
    const app = await start({ imports: [root()] });
    await start({ imports: [root()] });
    const instance = await app.get(ModuleRef).create(Service);

    await instance.call();

    expect(started(app)).toBe(1);
  });

  it('in a circle of forwardRefs uses its app', async () => {
    @Injectable()
    class First {
      constructor(
        @Inject(forwardRef(() => Second)) readonly second: { call(): unknown },
      ) {}
      @FaultTolerant('payments')
      async call(): Promise<string> {
        return 'first';
      }
    }
    @Injectable()
    class Second {
      constructor(@Inject(forwardRef(() => First)) readonly first: First) {}
      @FaultTolerant('payments')
      async call(): Promise<string> {
        return `second ${await this.first.call()}`;
      }
    }
    const app = await start({ imports: [root()], providers: [First, Second] });
    await start({ imports: [root()], providers: [First, Second] });

    expect(await app.get(First).second.call()).toBe('second first');
    expect(started(app)).toBe(1);
  });

  it.each([
    ['useFactory', { provide: 'X', useFactory: () => new Service() }],
    [
      'async useFactory',
      { provide: 'X', useFactory: async () => new Service() },
    ],
    ['useValue', { provide: 'X', useValue: new Service() }],
    [
      'a frozen useValue',
      { provide: 'X', useValue: Object.freeze(new Service()) },
    ],
  ])('handed in by %s uses the app that holds it', async (_, provider) => {
    const app = await start({ imports: [root()], providers: [provider] });
    await start({ imports: [root()] });

    await app.get<Service>('X').call();

    expect(started(app)).toBe(1);
  });

  it('that freezes itself uses its app', async () => {
    @Injectable()
    class Frozen extends Service {
      constructor() {
        super();
        Object.freeze(this);
      }
    }
    const app = await start({ imports: [root()], providers: [Frozen] });
    await start({ imports: [root()], providers: [Frozen] });

    await app.get(Frozen).call();

    expect(started(app)).toBe(1);
  });

  it('that freezes itself is bound though no container keeps it', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Frozen {
      constructor() {
        Object.freeze(this);
      }
      @FaultTolerant('payments')
      async call(): Promise<string> {
        return 'frozen';
      }
    }
    const app = await start({ imports: [root()], providers: [Frozen] });
    await start({ imports: [root()], providers: [Frozen] });
    const instance = await app.resolve(Frozen, ContextIdFactory.create());

    await instance.call();

    expect(started(app)).toBe(1);
  });

  it('behind a Proxy, with private members, uses its app', async () => {
    @Injectable()
    class Private {
      #secret = 'kept';
      @FaultTolerant('payments')
      async call(): Promise<string> {
        return this.#secret;
      }
    }
    const app = await start({ imports: [root()], providers: [Private] });
    await start({ imports: [root()], providers: [Private] });
    const instance = app.get(Private);
    const proxy = new Proxy(instance, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });

    expect(await proxy.call()).toBe('kept');
    expect(started(app)).toBe(1);
  });

  it('shows nothing of its binding', async () => {
    const app = await start({ imports: [root()], providers: [Service] });
    const instance = app.get(Service);

    expect(Object.keys(instance)).toEqual([]);
    expect(JSON.stringify(instance)).toBe('{}');
    expect(inspect(instance)).toBe('Service {}');
    expect(Object.assign({}, instance)).toEqual({});
  });

  it('made by hand uses the enclosing call’s app, else the only one', async () => {
    @Injectable()
    class Outer {
      @FaultTolerant('payments')
      async call(): Promise<string> {
        return new Service().call();
      }
      @FaultTolerant('search')
      async other(): Promise<string> {
        return new Service().call();
      }
    }
    const both = () => DaceModule.forRoot({ payments: {}, search: {} }, silent);
    const app = await start({ imports: [both()], providers: [Outer] });
    await new Service().call();
    expect(started(app)).toBe(1);

    await start({ imports: [both()], providers: [Outer] });
    await app.get(Outer).other();
    expect(started(app)).toBe(2);
  });

  it('made by hand among two apps names class, method, id and both remedies', async () => {
    const app = await start({ imports: [root()] });
    await start({ imports: [root()] });
    const instance = new Service();

    await expect(instance.call()).rejects.toMatchObject({
      code: 'DACE_CONFIGURATION',
      message: expect.stringMatching(
        /Service\.call.*'payments'.*Import DaceModule.*DaceRegistry\.bind\(instance\)/,
      ),
    });

    app.get(DaceRegistry).bind(instance);
    await instance.call();
    expect(started(app)).toBe(1);
  });

  it('is not taken for that of an app that has closed, or never started', async () => {
    const closed = await start({ imports: [root()] });
    const app = await start({ imports: [root()] });
    await Test.createTestingModule({ imports: [root()] }).compile();
    await closed.close();

    await new Service().call();

    expect(started(app)).toBe(1);
  });

  it('of an app that never started uses what it was injected with', async () => {
    const app = await Test.createTestingModule({
      imports: [root()],
      providers: [Service, { provide: 'X', useFactory: () => new Service() }],
    }).compile();

    await app.get(Service).call();
    await app.get<Service>('X').call();

    expect(started(app)).toBe(2);
  });

  it('is not bound to a mocked registry', async () => {
    const module = await Test.createTestingModule({ providers: [Service] })
      .useMocker(() => ({ get: () => ({ execute: () => 'mocked' }) }))
      .compile();

    await expect(module.get(Service).call()).rejects.toMatchObject({
      code: 'DACE_CONFIGURATION',
    });
  });

  it('whose method was taken off it is told so', async () => {
    const { call } = new Service();

    await expect(call()).rejects.toThrow(
      'Service.call was called without its instance',
    );
  });
});

describe('Two apps in one process', () => {
  it('never mix, though they share the classes', async () => {
    const first = await start({ imports: [root()], providers: [Service] });
    const second = await start({ imports: [root()], providers: [Service] });

    await first.get(Service).call();
    await second.get(Service).call();
    await second.get(Service).call();

    expect([started(first), started(second)]).toEqual([1, 2]);
  });
});

describe('A lazy module', () => {
  it('brings dependencies and methods of its own', async () => {
    @Injectable()
    class Lazy {
      @FaultTolerant('late')
      async call(): Promise<string> {
        return 'lazy';
      }
    }
    @Module({
      imports: [DaceModule.forFeature({ late: {} })],
      providers: [Lazy],
    })
    class LazyModule {}
    const app = await start({ imports: [root()] });

    const loaded = await app.get(LazyModuleLoader).load(() => LazyModule);

    expect(await loaded.get(Lazy).call()).toBe('lazy');
    expect(app.get(DaceRegistry).ids()).toEqual(['payments', 'late']);
  });

  it('fails when loaded if it names an unknown id', async () => {
    @Injectable()
    class Lazy {
      @FaultTolerant('paymets')
      async call(): Promise<string> {
        return 'lazy';
      }
    }
    @Module({ providers: [Lazy] })
    class LazyModule {}
    const app = await start({ imports: [root()] });

    await expect(
      app.get(LazyModuleLoader).load(() => LazyModule),
    ).rejects.toThrow(
      'No dependency "paymets" (used by Lazy.call). Known: payments. Did you mean "payments"?',
    );
  });
});
