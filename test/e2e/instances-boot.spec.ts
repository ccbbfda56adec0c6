import {
  forwardRef,
  Injectable,
  Module,
  type DynamicModule,
  type ModuleMetadata,
} from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { describe, expect, it } from 'vitest';
import { DaceModule, FaultTolerant } from 'nestjs-dace';
import { ManualClock } from 'nestjs-dace/testing';
import { errorOf } from '../support/core-toolkit.js';
import { Ledger, LedgerModule, tally, times } from './instances-apps.js';
import { deferred, until } from './nest-app.js';

async function start(metadata: ModuleMetadata) {
  const app = await Test.createTestingModule(metadata).compile();
  return app.init();
}

@Injectable()
class Keys {
  constructor(private readonly ledger: Ledger) {}
  @FaultTolerant('keys')
  async load(): Promise<string> {
    return this.ledger.enter('key');
  }
}
const loaded = {
  provide: 'loaded',
  inject: [Keys],
  useFactory: (keys: Keys) => keys.load(),
};

/** A module that owns the dependency "keys", and loads one while it is made. */
function loading(feature: DynamicModule): DynamicModule {
  class Loading {}
  Module({})(Loading);
  return {
    module: Loading,
    imports: [feature],
    providers: [Keys, loaded],
    exports: [loaded.provide],
  };
}

describe('A protected method that a factory calls while the app is put together', () => {
  const silent = { logger: false } as const;
  const ask = (app: { get(token: string, o: object): unknown }) =>
    app.get('loaded', { strict: false });

  it('runs, of forRoot and of forFeature', async () => {
    const ofRoot = await start({
      imports: [LedgerModule, DaceModule.forRoot({ keys: {} }, silent)],
      providers: [Keys, loaded],
    });
    const ofFeature = await start({
      imports: [
        LedgerModule,
        loading(DaceModule.forFeature({ keys: {} })),
        DaceModule.forRoot({}, silent),
      ],
    });

    for (const app of [ofRoot, ofFeature]) {
      expect(ask(app)).toBe('key');
      expect(tally(app, 'keys')).toEqual(times(1));
      await app.close();
    }
  });

  it('waits for options that take their time', async () => {
    const options = deferred<object>();
    const feature = DaceModule.forFeatureAsync({
      dependencies: ['keys'],
      useFactory: async () => ({ keys: await options.promise }),
    });
    const made = start({
      imports: [LedgerModule, loading(feature), DaceModule.forRoot({}, silent)],
    });
    await new Promise((resolve) => setImmediate(resolve));

    options.resolve({});
    const app = await made;

    expect(ask(app)).toBe('key');
    expect(tally(app, 'keys')).toEqual(times(1));
    await app.close();
  });

  it('does not wait for ever for options that wait for it', async () => {
    const clock = new ManualClock();
    const inCircle: DynamicModule = loading(
      DaceModule.forFeatureAsync({
        dependencies: ['keys'],
        imports: [forwardRef(() => circle)],
        inject: ['rates'],
        useFactory: async () => ({ keys: {} }),
      }),
    );
    class Rates {}
    Module({})(Rates);
    const asked = deferred<Keys>();
    const circle: DynamicModule = {
      module: Rates,
      providers: [
        {
          provide: 'rates',
          useFactory: async () => (await asked.promise).load(),
        },
        {
          provide: 'ask',
          inject: [Keys],
          useFactory: (keys: Keys) => asked.resolve(keys),
        },
        Keys,
      ],
      exports: ['rates'],
    };
    const failing = errorOf(
      start({
        imports: [
          LedgerModule,
          inCircle,
          circle,
          DaceModule.forRoot({}, { ...silent, clock }),
        ],
      }),
    );
    await until(() => clock.pending > 0);

    await clock.advance(10_000);

    expect((await failing).message).toMatch(/"keys".*10000 ms.*onModuleInit/);
    expect(clock.pending).toBe(0);
  });

  it('is refused where it is called by what makes its own options', async () => {
    @Module({ providers: [Keys], exports: [Keys] })
    class KeysModule {}

    const error = await errorOf(
      start({
        imports: [
          LedgerModule,
          DaceModule.forRootAsync({
            dependencies: ['keys', 'payments'],
            imports: [KeysModule],
            inject: [Keys],
            useFactory: async (keys: Keys) => ({
              keys: {},
              payments: { hosts: [await keys.load()] },
            }),
          }),
        ],
      }),
    );

    expect(error.message).toContain(
      'Dependency "keys" is called by the factory that makes its options',
    );
  });

  it('makes the options of others', async () => {
    @Injectable()
    class Directory {
      constructor(private readonly ledger: Ledger) {}
      @FaultTolerant('keys')
      async hosts(): Promise<string[]> {
        return [this.ledger.enter('http://127.0.0.1:9')];
      }
      @FaultTolerant('payments')
      async unused(): Promise<void> {}
    }
    @Module({
      imports: [DaceModule.forFeature({ keys: {} })],
      providers: [Directory],
      exports: [Directory],
    })
    class DirectoryModule {}
    const app = await start({
      imports: [
        LedgerModule,
        DaceModule.forRootAsync({
          dependencies: ['payments'],
          imports: [DirectoryModule],
          inject: [Directory],
          useFactory: async (directory: Directory) => ({
            payments: { hosts: await directory.hosts() },
          }),
          useOptions: (directory: Directory) => ({
            cancelOnDisconnect: directory instanceof Directory,
          }),
        }),
      ],
    });

    expect(tally(app, 'keys')).toEqual(times(1));
    expect(tally(app)).toEqual({ ...times(0), bodies: 1 });
    await app.get(Directory).unused();
    expect(tally(app)).toEqual(times(1));
    await app.close();
  });
});
