import {
  Inject,
  Injectable,
  Module,
  type ModuleMetadata,
} from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  createDependency,
  DaceModule,
  DaceRegistry,
  Dependency,
  FaultTolerant,
  getDependencyToken,
  InjectDependency,
  type DaceEvent,
  type DaceModuleOptions,
} from 'nestjs-dace';
import { ManualClock } from 'nestjs-dace/testing';

const silent = { logger: false } as const;
const apps: TestingModule[] = [];
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
});

async function start(metadata: ModuleMetadata): Promise<TestingModule> {
  const app = await Test.createTestingModule(metadata).compile();
  await app.init();
  apps.push(app);
  return app;
}

const rejection = (metadata: ModuleMetadata): Promise<Error> =>
  start(metadata).then(
    () => {
      throw new Error('It started');
    },
    (error: Error) => error,
  );

@Injectable()
class Service {
  constructor(@InjectDependency('payments') readonly payments: Dependency) {}

  @FaultTolerant('payments')
  async call(): Promise<string> {
    return 'real';
  }
}

describe('DaceModule.forRoot', () => {
  it('makes executors injectable, with the module’s defaults below their own', async () => {
    const clock = new ManualClock();
    const app = await start({
      imports: [
        DaceModule.forRoot(
          { payments: {}, search: { timeoutMs: 10 } },
          { ...silent, clock, defaults: { timeoutMs: 50 } },
        ),
      ],
      providers: [Service],
    });
    const hang = (): Promise<never> => new Promise(() => {});
    const slow = app.get(Service).payments.execute(hang);
    const fast = app.get(DaceRegistry).get('search').execute(hang);
    const ends = [slow, fast].map((call) =>
      call.catch((error: Error) => error.message),
    );

    await clock.advance(50);

    expect(await Promise.all(ends)).toEqual([
      'The call to "payments" took longer than 50 ms',
      'The call to "search" took longer than 10 ms',
    ]);
  });

  it('takes an overridden executor to decorated methods, and leaves its closing to its owner', async () => {
    const stub = createDependency('payments');
    const module = await Test.createTestingModule({
      imports: [DaceModule.forRoot({ payments: {} }, silent)],
      providers: [Service],
    })
      .overrideProvider(getDependencyToken('payments'))
      .useValue(stub)
      .compile();
    const app = await module.init();

    expect(await app.get(Service).call()).toBe('real');
    expect(stub.snapshot().totals.started).toBe(1);

    await app.close();
    expect(stub.isClosed).toBe(false);
  });

  it('lets a stand-in know `execute` only', async () => {
    const execute = vi.fn(async () => 'stubbed');
    const module = await Test.createTestingModule({
      imports: [DaceModule.forRoot({ payments: {} }, silent)],
      providers: [Service],
    })
      .overrideProvider(getDependencyToken('payments'))
      .useValue({ execute })
      .compile();
    const app = await module.init();
    apps.push(app);

    expect(await app.get(Service).call()).toBe('stubbed');
    expect(app.get(DaceRegistry).snapshot()).toEqual([]);
    app.get(DaceRegistry).events$.subscribe().unsubscribe();
  });

  it('closes its executors at shutdown', async () => {
    const app = await start({
      imports: [DaceModule.forRoot({ payments: {} }, silent)],
      providers: [Service],
    });
    const service = app.get(Service);

    await app.close();

    expect(service.payments.isClosed).toBe(true);
    await expect(service.call()).rejects.toMatchObject({
      code: 'DACE_SHUTDOWN',
    });
  });

  it('works until the very end of the shutdown', async () => {
    const answers: unknown[] = [];
    @Injectable()
    class Last {
      constructor(private readonly service: Service) {}
      async onModuleDestroy() {
        answers.push(await this.service.call());
      }
      async beforeApplicationShutdown() {
        answers.push(await this.service.call());
      }
    }
    const app = await start({
      imports: [DaceModule.forRoot({ payments: {} }, silent)],
      providers: [Service, Last],
    });

    await app.close();
    apps.pop();

    expect(answers).toEqual(['real', 'real']);
  });

  it('works from the first hook on', async () => {
    @Injectable()
    class Early {
      answer: unknown;
      async onModuleInit() {
        this.answer = await new Made().call();
      }
    }
    class Made {
      @FaultTolerant('payments')
      async call(): Promise<string> {
        return 'made';
      }
    }
    @Module({ providers: [Early], exports: [Early] })
    class EarlyModule {}
    const app = await start({
      imports: [
        EarlyModule,
        DaceModule.forRoot({ payments: {} }, { ...silent, isGlobal: false }),
      ],
    });

    expect(app.get(Early).answer).toBe('made');
  });

  it('is refused twice in one app', async () => {
    const error = await rejection({
      imports: [
        DaceModule.forRoot({ payments: {} }, silent),
        DaceModule.forRoot({ search: {} }, silent),
      ],
    });

    expect(error.message).toContain('DaceModule.forRoot is imported twice');
  });

  it('fails at start-up with every user of an unknown id', async () => {
    @Injectable()
    class Invoices {
      @FaultTolerant('paymets')
      async balance(): Promise<number> {
        return 1;
      }
      @FaultTolerant('paymets')
      async total(): Promise<number> {
        return 2;
      }
    }
    const error = await rejection({
      imports: [DaceModule.forRoot({ payments: {}, search: {} }, silent)],
      providers: [{ provide: 'X', useFactory: () => new Invoices() }],
    });

    expect(error.message).toBe(
      'No dependency "paymets" (used by Invoices.balance, Invoices.total). Known: payments, search. Did you mean "payments"? Add it to DaceModule.forRoot({ … }), or to a forFeature of a module that is imported.',
    );
  });

  it.each<[string, object, RegExp]>([
    ['an unknown name', { isglobal: true }, /no option "isglobal".*"isGlobal"/],
    ['what is not there yet', { statsd: {} }, /no option "statsd". Known: isG/],
    ['a wrong logger', { logger: true }, /logger is true: expected false, or/],
    ['a clock that is none', { clock: {} }, /clock .*expected a Clock/],
    ['a number for chance', { random: 0.5 }, /random is 0.5: expected a func/],
    ['a text for a flag', { filter: 'yes' }, /filter is yes: expected true/],
    ['no defaults', { defaults: 5 }, /defaults is 5: expected an object/],
  ])('refuses %s', (_, options, message) => {
    expect(() => DaceModule.forRoot({}, options as DaceModuleOptions)).toThrow(
      message,
    );
  });

  it.each([[undefined], [null], [['payments']], ['payments']])(
    'refuses %j for its dependencies',
    (dependencies) => {
      expect(() => DaceModule.forRoot(dependencies as never)).toThrow(
        'expected options by id',
      );
    },
  );

  it('fails with every wrong option of a dependency', async () => {
    const error = await rejection({
      imports: [
        DaceModule.forRoot({
          payments: { timeoutMs: -1, retries: 3 } as never,
        }),
      ],
    });

    expect(error).toMatchObject({
      code: 'DACE_CONFIGURATION',
      problems: [{}, {}],
    });
  });
});

describe('DaceModule.forRootAsync', () => {
  @Module({
    providers: [{ provide: 'CONFIG', useValue: { timeoutMs: 7 } }],
    exports: ['CONFIG'],
  })
  class ConfigModule {}

  it('makes executors and module options of what it injects', async () => {
    const clock = new ManualClock();
    const app = await start({
      imports: [
        DaceModule.forRootAsync({
          dependencies: ['payments'],
          imports: [ConfigModule],
          inject: ['CONFIG'],
          useFactory: async (config: { timeoutMs: number }) => ({
            payments: config,
          }),
          useOptions: async (config: object) => {
            expect(config).toEqual({ timeoutMs: 7 });
            return { ...silent, clock };
          },
        }),
      ],
      providers: [Service],
    });
    const call = app
      .get(Service)
      .payments.execute(() => new Promise(() => {}))
      .catch((error: Error) => error.message);

    await clock.advance(7);

    expect(await call).toContain('longer than 7 ms');
  });

  it.each([
    [['payments', 'search'], { payments: {} }],
    [['payments'], { payments: {}, search: {} }],
    [['payments'], { search: {} }],
  ])('refuses a factory that disagrees: %j and %j', async (ids, made) => {
    const error = await rejection({
      imports: [
        DaceModule.forRootAsync({
          dependencies: ids,
          useFactory: () => made,
        }),
      ],
    });

    expect(error.message).toBe(
      `DaceModule was told of the dependencies ${ids.join(', ')}, but useFactory answered options for ${Object.keys(made).join(', ')}. Make "dependencies" and the factory's keys agree.`,
    );
  });

  it('refuses from useOptions what had to be known before', async () => {
    const error = await rejection({
      imports: [
        DaceModule.forRootAsync({
          dependencies: [],
          useFactory: () => ({}),
          useOptions: () => ({ filter: true }) as never,
        }),
      ],
    });

    expect(error.message).toContain('has no option "filter"');
  });

  it.each([
    [{ useFactory: () => ({}) }, /dependencies is undefined: expected an arr/],
    [{ dependencies: {}, useFactory: () => ({}) }, /expected an array of ids/],
    [{ dependencies: [] }, /useFactory is undefined: expected a function/],
    [{ dependencies: [], useClass: Service }, /no option "useClass"/],
  ])('refuses %j', (options, message) => {
    expect(() => DaceModule.forRootAsync(options as never)).toThrow(message);
    if (!('useClass' in options))
      expect(() => DaceModule.forFeatureAsync(options as never)).toThrow(
        message,
      );
  });
});

describe('DaceModule.forFeature', () => {
  @Injectable()
  class Reports {
    constructor(@InjectDependency('reports') readonly reports: Dependency) {}
    @FaultTolerant('reports')
    async call(): Promise<string> {
      return 'report';
    }
  }
  const owned = { providers: [Reports], exports: [Reports] };
  @Module({ imports: [DaceModule.forFeature({ reports: {} })], ...owned })
  class ReportsModule {}
  @Module({
    imports: [
      DaceModule.forFeatureAsync({
        dependencies: ['reports'],
        inject: ['X'],
        imports: [
          {
            module: class XModule {},
            providers: [{ provide: 'X', useValue: 5 }],
            exports: ['X'],
          },
        ],
        useFactory: (timeoutMs: number) => ({ reports: { timeoutMs } }),
      }),
    ],
    ...owned,
  })
  class AsyncReportsModule {}

  it.each([
    [ReportsModule, true],
    [ReportsModule, false],
    [AsyncReportsModule, true],
    [AsyncReportsModule, false],
  ])('%o adds to the one registry; isGlobal: %s', async (module, isGlobal) => {
    const app = await start({
      imports: [
        module,
        DaceModule.forRoot({ payments: {} }, { ...silent, isGlobal }),
      ],
    });
    const registry = app.get(DaceRegistry);

    expect(await app.get(Reports).call()).toBe('report');
    expect(registry.ids().toSorted()).toEqual(['payments', 'reports']);
    expect(registry.get('reports')).toBe(app.get(Reports).reports);
  });

  it('needs forRoot', async () => {
    const error = await rejection({ imports: [ReportsModule] });

    expect(error.message).toBe(
      'DaceModule.forFeature(reports) needs DaceModule.forRoot({ … }) in the app: it holds the one registry.',
    );
  });

  it('refuses an id that is there already', async () => {
    const error = await rejection({
      imports: [ReportsModule, DaceModule.forRoot({ reports: {} }, silent)],
    });

    expect(error.message).toContain('"reports" is registered twice');
  });
});

describe('DaceRegistry', () => {
  const clock = new ManualClock();
  const root = () =>
    DaceModule.forRoot({ payments: {}, search: {} }, { ...silent, clock });

  it('shows all dependencies and names the known ones for an unknown id', async () => {
    const registry = (await start({ imports: [root()] })).get(DaceRegistry);

    expect(registry.ids()).toEqual(['payments', 'search']);
    expect(registry.snapshot().map(({ id }) => id)).toEqual(registry.ids());
    expect(() => registry.get('zebra')).toThrow(
      'No dependency "zebra". Known: payments, search. Add it to DaceModule.forRoot',
    );
    expect(() => registry.get('__proto__')).toThrow('No dependency');
  });

  it('tells the events of all, from subscription to its end', async () => {
    const registry = (await start({ imports: [root()] })).get(DaceRegistry);
    const events: DaceEvent[] = [];
    await registry.get('payments').execute(() => 1);
    const subscription = registry.events$.subscribe((e) => events.push(e));

    await registry.get('payments').execute(() => 1);
    await registry.get('search').execute(() => 1);
    subscription.unsubscribe();
    await registry.get('search').execute(() => 1);

    const succeeded = events.filter((e) => e.type === 'operation.succeeded');
    expect(succeeded.map((e) => e.dependencyId)).toEqual([
      'payments',
      'search',
    ]);
  });

  it('is injectable by its class', async () => {
    @Injectable()
    class User {
      constructor(@Inject(DaceRegistry) readonly registry: DaceRegistry) {}
    }
    const app = await start({ imports: [root()], providers: [User] });

    expect(app.get(User).registry).toBe(app.get(DaceRegistry));
  });
});
