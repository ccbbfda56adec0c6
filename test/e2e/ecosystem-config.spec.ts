import {
  Controller,
  Get,
  Injectable,
  type DynamicModule,
} from '@nestjs/common';
import { ConfigModule, ConfigService, registerAs } from '@nestjs/config';
import { Test, type TestingModuleBuilder } from '@nestjs/testing';
import { afterEach, describe, expect, it } from 'vitest';
import {
  createDependency,
  DaceModule,
  DaceRegistry,
  FaultTolerant,
  getDependencyToken,
  type DaceModuleAsyncOptions,
} from 'nestjs-dace';
import { DaceTestingModule, ManualClock } from 'nestjs-dace/testing';
import { hang, watch } from '../support/core-toolkit.js';
import { platforms, serve } from './nest-app.js';

const paymentsConfig = registerAs('payments', () => ({ timeoutMs: 7 }));
interface Payments {
  readonly timeoutMs: number;
}
const daceConfig = registerAs('dace', async () => ({
  payments: { timeoutMs: 7 },
  search: { timeoutMs: 8 },
}));

@Injectable()
class Payer {
  @FaultTolerant('payments')
  async pay(): Promise<string> {
    return 'paid';
  }
  @FaultTolerant('payments')
  async wait(): Promise<never> {
    return hang();
  }
}

type App = Awaited<ReturnType<TestingModuleBuilder['compile']>>;
const open: App[] = [];
afterEach(async () => {
  for (const app of open.splice(0)) await app.close();
});
type Imports = NonNullable<DynamicModule['imports']>;
const testing = (imports: Imports): TestingModuleBuilder =>
  Test.createTestingModule({ imports, providers: [Payer] });
async function start(builder: TestingModuleBuilder): Promise<App> {
  const app = await builder.compile();
  open.push(app);
  return app.init();
}

/** forRootAsync on a clock of its own, with what the test changes. */
function root(
  changes: Omit<DaceModuleAsyncOptions, 'dependencies'> & {
    dependencies?: string[];
  },
) {
  const clock = new ManualClock();
  const dace = DaceModule.forRootAsync({
    dependencies: ['payments'],
    useOptions: () => ({ logger: false, clock }),
    ...changes,
  });
  return { clock, dace };
}

/** After how many milliseconds a call of "payments" is given up. */
async function limitOf(app: App, clock: ManualClock): Promise<number> {
  const call = watch(app.get(Payer).wait());
  for (let ms = 1; ms < 100; ms += 1) {
    await clock.advance(1);
    if (call.state === 'rejected') return ms;
  }
  throw new Error('It was not given up');
}

describe('DaceModule.forRootAsync with @nestjs/config', () => {
  it.each<[string, Parameters<typeof root>[0], Imports]>([
    [
      'a namespace that it imports',
      {
        imports: [ConfigModule.forFeature(paymentsConfig)],
        inject: [paymentsConfig.KEY],
        useFactory: ({ timeoutMs }: Payments) => ({ payments: { timeoutMs } }),
      },
      [],
    ],
    [
      'a namespace of a global ConfigModule',
      {
        inject: [paymentsConfig.KEY],
        useFactory: async (payments: Payments) => ({ payments }),
      },
      [
        ConfigModule.forRoot({
          isGlobal: true,
          ignoreEnvFile: true,
          load: [paymentsConfig],
        }),
      ],
    ],
    [
      'ConfigService',
      {
        inject: [ConfigService],
        useFactory: (config: ConfigService) => ({
          payments: {
            timeoutMs: config.getOrThrow<number>('payments.timeoutMs'),
          },
        }),
      },
      [
        ConfigModule.forRoot({
          isGlobal: true,
          ignoreEnvFile: true,
          load: [paymentsConfig],
        }),
      ],
    ],
    [
      'a namespace as it is',
      { ...daceConfig.asProvider(), dependencies: ['payments', 'search'] },
      [],
    ],
  ])('takes options from %s', async (_, changes, imports) => {
    const { dace, clock } = root(changes);
    const app = await start(testing([dace, ...imports]));

    expect(await limitOf(app, clock)).toBe(7);
  });

  it('gives useOptions what it injects', async () => {
    const clock = new ManualClock();
    const appConfig = registerAs('app', () => ({ defaultMs: 9 }));
    const app = await start(
      testing([
        DaceModule.forRootAsync({
          dependencies: ['payments'],
          imports: [
            ConfigModule.forFeature(appConfig),
            ConfigModule.forFeature(paymentsConfig),
          ],
          inject: [appConfig.KEY, paymentsConfig.KEY],
          useFactory: () => ({ payments: {} }),
          useOptions: async (
            { defaultMs }: { defaultMs: number },
            payments: Payments,
          ) => ({
            clock,
            logger: false,
            defaults: { timeoutMs: defaultMs + payments.timeoutMs },
          }),
        }),
      ]),
    );

    expect(await limitOf(app, clock)).toBe(16);
  });

  it('is overridden in a test by the namespace, which reaches the options', async () => {
    const { dace, clock } = root({
      imports: [ConfigModule.forFeature(paymentsConfig)],
      inject: [paymentsConfig.KEY],
      useFactory: (payments: Payments) => ({ payments }),
    });
    const app = await start(
      testing([dace])
        .overrideProvider(paymentsConfig.KEY)
        .useValue({ timeoutMs: 3 }),
    );

    expect(await limitOf(app, clock)).toBe(3);
  });

  it('is overridden in a test by an executor, which reaches decorated methods', async () => {
    const stub = createDependency('payments');
    const { dace } = root({ useFactory: () => ({ payments: {} }) });
    const app = await start(
      testing([dace])
        .overrideProvider(getDependencyToken('payments'))
        .useFactory({ factory: async () => stub }),
    );

    expect(await app.get(Payer).pay()).toBe('paid');
    expect(stub.snapshot().totals.succeeded).toBe(1);
    await stub.close();
  });

  it('is overridden in a test as a module, and its factory is not asked', async () => {
    const { dace } = root({
      useFactory: () => {
        throw new Error('nobody has set the environment up');
      },
    });
    const app = await start(
      testing([dace])
        .overrideModule(dace)
        .useModule(DaceTestingModule.forRoot({ payments: { timeoutMs: 5 } })),
    );

    expect(await limitOf(app, app.get(ManualClock))).toBe(5);
  });
});

describe.each(platforms)('An app on $platform', (platform) => {
  it('serves with options from its configuration', async () => {
    @Controller()
    class Routes {
      @Get()
      @FaultTolerant('payments')
      async wait(): Promise<never> {
        return hang();
      }
    }
    const { dace, clock } = root({
      filter: true,
      imports: [ConfigModule.forFeature(paymentsConfig)],
      inject: [paymentsConfig.KEY],
      useFactory: (payments: Payments) => ({ payments }),
    });
    const { app, get } = await serve(
      { imports: [dace], controllers: [Routes] },
      undefined,
      platform,
    );
    const payments = app.get(DaceRegistry).get('payments');
    const started = new Promise<void>((resolve) =>
      payments.on(({ type }) => type === 'attempt.started' && resolve()),
    );
    const response = get('/');
    await started;

    await clock.advance(7);

    expect((await response).status).toBe(504);
  });
});
