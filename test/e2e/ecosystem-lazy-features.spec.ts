import { Injectable, Module, type DynamicModule } from '@nestjs/common';
import { ConfigModule, registerAs } from '@nestjs/config';
import { LazyModuleLoader } from '@nestjs/core';
import { Test, type TestingModuleBuilder } from '@nestjs/testing';
import { afterEach, describe, expect, it } from 'vitest';
import {
  createDependency,
  DaceModule,
  DaceRegistry,
  FaultTolerant,
  getDependencyToken,
  type Dependency,
} from 'nestjs-dace';
import {
  DaceScript,
  DaceTestingModule,
  ManualClock,
} from 'nestjs-dace/testing';
import { errorOf, hang, watch } from '../support/core-toolkit.js';
import { isNest11 } from './nest-app.js';

const mailConfig = registerAs('mail', () => ({ timeoutMs: 7 }));
interface MailConfig {
  readonly timeoutMs: number;
}
@Injectable()
class Mailer {
  @FaultTolerant('mail')
  async send(): Promise<string> {
    return 'sent';
  }
}
@Injectable()
class Archive {
  @FaultTolerant('mail')
  async keep(): Promise<string> {
    return 'kept';
  }
}

/** What MAIL_TIMEOUT is, as far as the factory knows. */
let isMissing = false;
const features: [string, () => DynamicModule][] = [
  ['forFeature', () => DaceModule.forFeature({ mail: { timeoutMs: 7 } })],
  [
    'forFeatureAsync',
    () =>
      DaceModule.forFeatureAsync({
        dependencies: ['mail'],
        imports: [ConfigModule.forFeature(mailConfig)],
        inject: [mailConfig.KEY],
        useFactory: async ({ timeoutMs }: MailConfig) => {
          if (isMissing) throw new Error('MAIL_TIMEOUT is missing');
          return { mail: { timeoutMs } };
        },
      }),
  ],
];
const asyncFeature = features[1]![1];

function mailModule(feature: DynamicModule) {
  @Module({ imports: [feature], providers: [Mailer], exports: [Mailer] })
  class MailModule {}
  return MailModule;
}

type App = Awaited<ReturnType<TestingModuleBuilder['compile']>>;
const open: App[] = [];
afterEach(async () => {
  isMissing = false;
  for (const app of open.splice(0)) await app.close();
});
const testing = (
  ...imports: NonNullable<DynamicModule['imports']>
): TestingModuleBuilder =>
  Test.createTestingModule({
    imports: [DaceTestingModule.forRoot({ payments: {} }), ...imports],
  });
async function start(builder: TestingModuleBuilder): Promise<App> {
  const app = await builder.compile();
  open.push(app);
  return app.init();
}
const mailOf = (app: App): Dependency => app.get(DaceRegistry).get('mail');

describe.each(features)('DaceModule.%s', (_, feature) => {
  it.each(['from the start', 'loaded lazily'])(
    'gives a module that is there %s its dependency',
    async (when) => {
      const MailModule = mailModule(feature());
      const isLazy = when === 'loaded lazily';
      const app = await start(isLazy ? testing() : testing(MailModule));
      const mailer = isLazy
        ? (await app.get(LazyModuleLoader).load(() => MailModule)).get(Mailer)
        : app.get(Mailer);

      expect(await mailer.send()).toBe('sent');
      const call = watch(mailOf(app).execute(() => hang()));
      await app.get(ManualClock).advance(7);

      expect(call.error).toMatchObject({ code: 'DACE_TIMEOUT', timeoutMs: 7 });
      const { totals } = mailOf(app).snapshot();
      expect(totals).toMatchObject({ started: 2, succeeded: 1 });
    },
  );

  it('makes one dependency for two modules that import the same feature', async () => {
    const shared = feature();
    @Module({ imports: [shared], providers: [Archive], exports: [Archive] })
    class ArchiveModule {}
    const app = await start(testing(mailModule(shared), ArchiveModule));

    await app.get(Mailer).send();
    await app.get(Archive).keep();

    expect(mailOf(app).snapshot().totals.succeeded).toBe(2);
  });

  it('is refused where it is told of the same id once more', async () => {
    const error = await errorOf(
      start(testing(mailModule(feature()), feature())),
    );

    expect(error.message).toContain('"mail" is registered twice');
  });

  it('is refused so when loaded lazily, and the app goes on', async () => {
    const MailModule = mailModule(feature());
    const app = await start(testing(MailModule));
    const Again = mailModule(feature());

    const error = await errorOf(app.get(LazyModuleLoader).load(() => Again));

    expect(error.message).toContain('"mail" is registered twice');
    expect(await app.get(Mailer).send()).toBe('sent');
    expect(mailOf(app).snapshot().totals.succeeded).toBe(1);
  });

  it('is overridden in a test by an executor', async () => {
    const stub = createDependency('mail');
    const app = await start(
      testing(mailModule(feature()))
        .overrideProvider(getDependencyToken('mail'))
        .useValue(stub),
    );

    await app.get(Mailer).send();

    expect(stub.snapshot().totals.succeeded).toBe(1);
    await app.close();
    expect(stub.isClosed).toBe(false);
    await stub.close();
  });

  it('is scripted in a test, also when loaded lazily', async () => {
    const MailModule = mailModule(feature());
    const app = await start(testing());
    const lazy = await app.get(LazyModuleLoader).load(() => MailModule);
    app.get(DaceScript).answer('mail', 'scripted');

    expect(await lazy.get(Mailer).send()).toBe('scripted');
    expect(await lazy.get(Mailer).send()).toBe('sent');
  });

  it('is closed with the app that has loaded it', async () => {
    const MailModule = mailModule(feature());
    const app = await start(testing());
    await app.get(LazyModuleLoader).load(() => MailModule);
    const mail = mailOf(app);

    await app.close();

    expect(mail.isClosed).toBe(true);
  });
});

describe('DaceModule.forFeatureAsync', () => {
  it('takes in a test what it is configured with', async () => {
    const app = await start(
      testing(mailModule(asyncFeature()))
        .overrideProvider(mailConfig.KEY)
        .useValue({ timeoutMs: 3 }),
    );
    const call = watch(mailOf(app).execute(() => hang()));

    await app.get(ManualClock).advance(3);

    expect(call.error).toMatchObject({ timeoutMs: 3 });
  });

  it('whose factory fails does not start, with that error', async () => {
    isMissing = true;

    const error = await errorOf(start(testing(mailModule(asyncFeature()))));

    expect(error.message).toBe('MAIL_TIMEOUT is missing');
  });

  it('whose factory fails when loaded lazily leaves the app as it was', async () => {
    const MailModule = mailModule(asyncFeature());
    const app = await start(testing());
    const load = () => app.get(LazyModuleLoader).load(() => MailModule);
    isMissing = true;

    const error = await errorOf(load());

    expect(error.message).toBe('MAIL_TIMEOUT is missing');
    expect(app.get(DaceRegistry).ids()).toEqual(['payments']);
    // Nest 11 takes what could not be loaded for loaded.
    if (isNest11) return;
    isMissing = false;
    expect(await (await load()).get(Mailer).send()).toBe('sent');
  });

  it('whose factory answers other ids does not start', async () => {
    const wrong = DaceModule.forFeatureAsync({
      dependencies: ['mail'],
      useFactory: () => ({ mial: {} }),
    });

    const error = await errorOf(start(testing(mailModule(wrong))));

    expect(error.message).toBe(
      'DaceModule was told of the dependencies mail, but useFactory answered options for mial. Make "dependencies" and the factory\'s keys agree.',
    );
  });
});

describe('With ids of modules made of their contents, an app', () => {
  it('has its root and its features', async () => {
    const module = await Test.createTestingModule(
      {
        imports: [
          DaceModule.forRoot({ payments: {} }, { logger: false }),
          mailModule(asyncFeature()),
          DaceModule.forFeature({ sms: {} }),
          DaceModule.forFeature({ fax: {} }),
        ],
      },
      { moduleIdGeneratorAlgorithm: 'deep-hash' },
    ).compile();
    open.push(module);
    const app = await module.init();

    expect(await app.get(Mailer).send()).toBe('sent');
    const ids = app.get(DaceRegistry).ids();
    expect(ids.toSorted()).toEqual(['fax', 'mail', 'payments', 'sms']);
  });
});
