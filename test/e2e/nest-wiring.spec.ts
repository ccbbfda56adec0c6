import {
  Controller,
  Get,
  Inject,
  Injectable,
  Module,
  type DynamicModule,
} from '@nestjs/common';
import { LazyModuleLoader } from '@nestjs/core';
import { Test, type TestingModule } from '@nestjs/testing';
import { afterEach, describe, expect, it } from 'vitest';
import {
  createDependency,
  DaceConfigurationError,
  DaceModule,
  DaceRegistry,
  FaultTolerant,
  getDependencyToken,
  InjectDependency,
  type DaceEvent,
  type DaceModuleAsyncOptions,
  type Dependency,
  type DependencyMap,
} from 'nestjs-dace';
import { ManualClock } from 'nestjs-dace/testing';
import { errorOf, hang, watch } from '../support/core-toolkit.js';
import { serve } from './nest-app.js';

const silent = { logger: false } as const;
const open: TestingModule[] = [];
afterEach(async () => {
  for (const app of open.splice(0)) await app.close();
});

async function start(
  imports: NonNullable<DynamicModule['imports']>,
  providers: NonNullable<DynamicModule['providers']> = [],
): Promise<TestingModule> {
  const app = await Test.createTestingModule({ imports, providers }).compile();
  await app.init();
  open.push(app);
  return app;
}

/** Why an app does not start. */
const reason = (
  imports: () => NonNullable<DynamicModule['imports']>,
  providers: NonNullable<DynamicModule['providers']> = [],
): Promise<DaceConfigurationError> =>
  errorOf((async () => start(imports(), providers))());

@Injectable()
class Payer {
  constructor(
    @InjectDependency('payments') readonly payments: Dependency,
    readonly registry: DaceRegistry,
  ) {}
  @FaultTolerant('payments')
  async pay(): Promise<string> {
    return 'paid';
  }
}

describe('DaceModule.forRoot', () => {
  it('shares the events of all dependencies, of later ones too', async () => {
    const app = await start([DaceModule.forRoot({ payments: {} }, silent)]);
    const events: DaceEvent[] = [];
    const registry = app.get(DaceRegistry);
    const subscription = registry.events$.subscribe((event) =>
      events.push(event),
    );
    @Module({ imports: [DaceModule.forFeature({ late: {} })] })
    class Lazy {}
    await app.get(LazyModuleLoader).load(() => Lazy);

    await registry.get('payments').execute(() => 1);
    await registry.get('late').execute(() => 1);
    subscription.unsubscribe();
    await registry.get('late').execute(() => 1);

    expect(
      events
        .filter(({ type }) => type === 'operation.succeeded')
        .map(({ dependencyId }) => dependencyId),
    ).toEqual(['payments', 'late']);
  });

  it('keeps to the modules that import it when it is not global', async () => {
    const root = DaceModule.forRoot(
      { payments: {} },
      { ...silent, isGlobal: false },
    );
    @Module({ imports: [root], providers: [Payer] })
    class Importing {}
    @Injectable()
    class Elsewhere {
      @FaultTolerant('payments')
      async pay() {
        return 'paid too';
      }
    }
    @Module({
      imports: [DaceModule.forFeature({ mail: {} })],
      providers: [Elsewhere],
    })
    class NotImporting {}
    const other = await start([DaceModule.forRoot({ payments: {} }, silent)]);
    const app = await start([Importing, NotImporting]);

    expect(await app.get(Payer).pay()).toBe('paid');
    expect(await app.get(Elsewhere).pay()).toBe('paid too');
    expect(app.get(DaceRegistry).ids().toSorted()).toEqual([
      'mail',
      'payments',
    ]);
    const { totals } = app.get(DaceRegistry).get('payments').snapshot();
    expect(totals.started).toBe(2);
    expect(other.get(DaceRegistry).snapshot()[0]!.totals.started).toBe(0);

    @Module({ providers: [Payer] })
    class Asking {}
    expect((await reason(() => [Importing, Asking])).message).toContain(
      'DaceDependency:payments',
    );
  });

  it.each<[string, unknown, RegExp]>([
    [
      'an unknown option',
      { payments: { timeout: 5 } },
      /"payments".*timeout.*timeoutMs/s,
    ],
    [
      'a wrong type',
      { payments: { timeoutMs: '5' } },
      /"payments".*timeoutMs/s,
    ],
    [
      'a value out of range',
      { payments: { retry: { attempts: 0 } } },
      /attempts.*1/s,
    ],
    ['a wrong id', { 'pay ments': {} }, /pay ments/],
    ['no options object', { payments: 5 }, /payments/],
    ['a host that is none', { payments: { hosts: ['ftp://a'] } }, /ftp:\/\/a/],
    ['nothing', undefined, /payments: \{ … \}/],
    ['an array', ['payments'], /payments: \{ … \}/],
  ])('with %s does not start, and says why', async (_what, wrong, why) => {
    const error = await reason(() => [
      DaceModule.forRoot(wrong as DependencyMap, silent),
    ]);

    expect(error).toBeInstanceOf(DaceConfigurationError);
    expect(error.message).toMatch(why);
  });

  it('takes an option that is undefined as absent', async () => {
    const app = await start([
      DaceModule.forRoot(
        { payments: { timeoutMs: undefined } },
        { logger: false, filter: undefined, clock: undefined },
      ),
    ]);

    expect(app.get(DaceRegistry).ids()).toEqual(['payments']);
  });
});

describe('At start-up, a decorated method', () => {
  class Misspelt {
    @FaultTolerant('paymets')
    async pay() {}
    @FaultTolerant('paymets')
    async refund() {}
  }

  it.each([
    ['a service', { providers: [Misspelt] }],
    ['a controller', { controllers: [Misspelt] }],
    [
      'a factory’s',
      { providers: [{ provide: 'x', useFactory: () => new Misspelt() }] },
    ],
    ['a value’s', { providers: [{ provide: 'x', useValue: new Misspelt() }] }],
    [
      'a request-scoped',
      { providers: [{ provide: 'x', useClass: Misspelt, scope: 2 }] },
    ],
  ])('of %s that names no dependency is an error', async (_what, metadata) => {
    Injectable()(Misspelt);
    @Module({
      imports: [DaceModule.forRoot({ payments: {}, search: {} }, silent)],
      ...metadata,
    })
    class AppModule {}
    const error = await reason(() => [AppModule]);

    expect(error.message).toContain(
      'No dependency "paymets" (used by Misspelt.pay, Misspelt.refund). Known: payments, search. Did you mean "payments"?',
    );
  });

  it('of a module that is loaded late is checked then', async () => {
    @Module({ providers: [Misspelt] })
    class Lazy {}
    const app = await start([DaceModule.forRoot({ payments: {} }, silent)]);
    const error = await errorOf(app.get(LazyModuleLoader).load(() => Lazy));

    expect(error.message).toContain('used by Misspelt.pay');
  });

  it('without DaceModule works where the app has none, until it is called', async () => {
    const app = await start([], [{ provide: 'x', useValue: new Misspelt() }]);

    const misspelt = app.get<Misspelt>('x');
    expect((await errorOf(misspelt.pay())).message).toContain('Misspelt.pay');
  });
});

describe('DaceModule.forFeature', () => {
  it('adds to the registry of the app, and exports its tokens', async () => {
    @Injectable()
    class Mailer {
      constructor(@InjectDependency('mail') readonly mail: Dependency) {}
      @FaultTolerant('mail')
      async send() {
        return 'sent';
      }
    }
    @Module({
      imports: [DaceModule.forFeature({ mail: {} })],
      providers: [Mailer],
      exports: [Mailer],
    })
    class MailModule {}
    @Module({ imports: [DaceModule.forFeature({ sms: {} })] })
    class SmsModule {}
    // Before the root, which must make no difference.
    const app = await start([
      MailModule,
      SmsModule,
      DaceModule.forRoot({ payments: {} }, silent),
    ]);
    const registry = app.get(DaceRegistry);

    expect(registry.ids().toSorted()).toEqual(['mail', 'payments', 'sms']);
    expect(await app.get(Mailer).send()).toBe('sent');
    expect(app.get(Mailer).mail).toBe(registry.get('mail'));
    expect(registry.get('mail').snapshot().totals.started).toBe(1);
  });

  it('holds the options of the module, and is closed with the app', async () => {
    const clock = new ManualClock();
    const app = await start([
      DaceModule.forRoot({}, { ...silent, clock, defaults: { timeoutMs: 10 } }),
      DaceModule.forFeature({ mail: {} }),
    ]);
    const mail = app.get(DaceRegistry).get('mail');
    const call = watch(mail.execute(() => hang()));
    await clock.advance(10);
    expect(call.error).toMatchObject({ code: 'DACE_TIMEOUT' });

    await app.close();
    expect(mail.isClosed).toBe(true);
  });

  it('may be overridden', async () => {
    @Injectable()
    class Mailer {
      @FaultTolerant('mail')
      async send(): Promise<string> {
        return 'sent';
      }
    }
    const stub = createDependency('mail');
    const app = await Test.createTestingModule({
      imports: [
        DaceModule.forRoot({}, silent),
        DaceModule.forFeature({ mail: {} }),
      ],
      providers: [Mailer],
    })
      .overrideProvider(getDependencyToken('mail'))
      .useValue(stub)
      .compile();
    open.push(app);
    await app.init();

    await app.get(Mailer).send();
    expect(stub.snapshot().totals.succeeded).toBe(1);
    await stub.close();
  });
});

describe('DaceModule.forRootAsync', () => {
  @Module({
    providers: [
      { provide: 'config', useValue: { timeoutMs: 10, isQuick: true } },
    ],
    exports: ['config'],
  })
  class ConfigModule {}
  interface Config {
    timeoutMs: number;
    isQuick: boolean;
  }
  const root = (changes: Partial<DaceModuleAsyncOptions> = {}) =>
    DaceModule.forRootAsync({
      dependencies: ['payments'],
      imports: [ConfigModule],
      inject: ['config'],
      useFactory: async ({ timeoutMs }: Config) => ({
        payments: { timeoutMs },
      }),
      ...changes,
    });

  it('takes isGlobal and filter beside the ids', async () => {
    @Controller()
    class Routes {
      @Get()
      @FaultTolerant('payments')
      async read() {
        return 'read';
      }
    }
    const { app, get } = await serve({
      imports: [
        root({ filter: true, isGlobal: true, useOptions: () => silent }),
      ],
      controllers: [Routes],
    });
    app.get(DaceRegistry).get('payments').control('forced-open');

    const response = await get('/');

    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('1');
    expect(await response.json()).toEqual({
      statusCode: 503,
      message: 'Service Unavailable',
    });
  });

  it('forFeatureAsync does the same for a module of its own', async () => {
    @Injectable()
    class Mailer {
      constructor(
        @Inject(getDependencyToken('mail')) readonly mail: Dependency,
      ) {}
    }
    @Module({
      imports: [
        DaceModule.forFeatureAsync({
          dependencies: ['mail'],
          imports: [ConfigModule],
          inject: ['config'],
          useFactory: ({ timeoutMs }: Config) => ({ mail: { timeoutMs } }),
        }),
      ],
      providers: [Mailer],
    })
    class MailModule {}
    const clock = new ManualClock();
    const app = await start([
      DaceModule.forRoot({}, { ...silent, clock }),
      MailModule,
    ]);
    const call = watch(app.get(Mailer).mail.execute(() => hang()));

    await clock.advance(10);

    expect(call.error).toMatchObject({ code: 'DACE_TIMEOUT' });
    const error = await reason(() => [
      DaceModule.forRoot({}, silent),
      DaceModule.forFeatureAsync({
        dependencies: ['mail'],
        useFactory: () => ({ mial: {} }),
      }),
    ]);
    expect(error.message).toContain('mial');
  });
});
