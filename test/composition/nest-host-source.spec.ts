import {
  Inject,
  Injectable,
  Module,
  Scope,
  type ModuleMetadata,
  type OnModuleInit,
} from '@nestjs/common';
import { LazyModuleLoader } from '@nestjs/core';
import { Test, type TestingModule } from '@nestjs/testing';
import { afterEach, describe, expect, expectTypeOf, it } from 'vitest';
import {
  DaceModule,
  DaceRegistry,
  type Dependency,
  type DependencyMap,
  type DependencyOptions,
  type HostInput,
  type HostSource,
} from 'nestjs-dace';
import { DaceHealthIndicator, DaceHealthModule } from 'nestjs-dace/health';
import { DaceTestingModule, ManualClock } from 'nestjs-dace/testing';
import { degraded } from '../support/nests.js';

const silent = { logger: false } as const;
const apps: TestingModule[] = [];
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
});

async function compile(metadata: ModuleMetadata): Promise<TestingModule> {
  const app = await Test.createTestingModule(metadata).compile();
  apps.push(app);
  return app;
}

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

const payments = (app: TestingModule): Dependency =>
  app.get(DaceRegistry).get('payments');

const netlocOf = (app: TestingModule): Promise<string | undefined> =>
  payments(app).execute((call) => call.netloc);

const ADDRESS = Symbol('address');
const addressed = { provide: ADDRESS, useValue: 'http://10.0.0.1:8080' };

/** A source that takes what it needs from the app. */
@Injectable()
class Registry implements HostSource {
  constructor(@Inject(ADDRESS) private readonly address: string) {}

  async hosts(): Promise<HostInput[]> {
    return [this.address];
  }
}

describe('Hosts by a class of the app', () => {
  it('come from the provider, with what is injected into it', async () => {
    const app = await start({
      imports: [DaceModule.forRoot({ payments: { hosts: Registry } }, silent)],
      providers: [Registry, addressed],
    });
    expect(await netlocOf(app)).toBe('10.0.0.1:8080');
  });

  it('come from the override of a test', async () => {
    const app = await Test.createTestingModule({
      imports: [DaceModule.forRoot({ payments: { hosts: Registry } }, silent)],
      providers: [Registry, addressed],
    })
      .overrideProvider(Registry)
      .useValue({ hosts: async () => ['stub:81'] })
      .compile();
    apps.push(app);
    expect(await netlocOf(app)).toBe('stub:81');
  });

  it('are there in an app that is compiled and not started', async () => {
    const app = await compile({
      imports: [DaceModule.forRoot({ payments: { hosts: Registry } }, silent)],
      providers: [Registry, addressed],
    });
    expect(await netlocOf(app)).toBe('10.0.0.1:8080');
  });

  it('are asked for when the modules have been initialised', async () => {
    const seen: string[] = [];
    @Injectable()
    class Connected implements HostSource, OnModuleInit {
      private state = 'early';

      onModuleInit(): void {
        this.state = 'connected';
      }

      async hosts(): Promise<HostInput[]> {
        seen.push(this.state);
        return ['a'];
      }
    }
    const app = await start({
      imports: [DaceModule.forRoot({ payments: { hosts: Connected } }, silent)],
      providers: [Connected],
    });
    expect(await netlocOf(app)).toBe('a:80');
    expect(seen).toEqual(['connected']);
  });

  it('come for calls that are made while the app is put together', async () => {
    const app = await start({
      imports: [DaceModule.forRoot({ payments: { hosts: Registry } }, silent)],
      providers: [
        addressed,
        {
          provide: 'early',
          inject: [DaceRegistry],
          useFactory: (registry: DaceRegistry) =>
            registry.get('payments').execute((call) => call.netloc),
        },
        Registry,
      ],
    });
    expect(app.get('early')).toBe('10.0.0.1:8080');
  });

  it('are watched, and let go of when the app closes', async () => {
    let change: (hosts?: readonly HostInput[]) => void = () => {};
    let unwatched = 0;
    @Injectable()
    class Watched implements HostSource {
      async hosts(): Promise<HostInput[]> {
        return ['a'];
      }

      watch(onChange: typeof change): () => void {
        change = onChange;
        return () => {
          unwatched += 1;
        };
      }
    }
    const app = await start({
      imports: [DaceModule.forRoot({ payments: { hosts: Watched } }, silent)],
      providers: [Watched],
    });
    expect(await netlocOf(app)).toBe('a:80');
    change(['b']);
    expect(await netlocOf(app)).toBe('b:80');
    await app.close();
    expect(unwatched).toBe(1);
  });
});

describe('Hosts by a token of the app', () => {
  const REGISTRY = Symbol('registry');
  const useFactory = async (): Promise<HostSource> => ({
    hosts: async () => ['a'],
  });

  it.each([REGISTRY, 'REGISTRY'])('come from %s', async (token) => {
    const app = await start({
      imports: [DaceModule.forRoot({ payments: { hosts: token } }, silent)],
      providers: [{ provide: token, useFactory }],
    });
    expect(await netlocOf(app)).toBe('a:80');
  });

  it('come from a module that forRootAsync imports, before one of the same name', async () => {
    @Module({
      providers: [
        {
          provide: REGISTRY,
          useValue: { hosts: async () => ['other'] } satisfies HostSource,
        },
      ],
    })
    class Other {}
    @Module({
      providers: [{ provide: REGISTRY, useFactory }],
      exports: [REGISTRY],
    })
    class Discovery {}
    const app = await start({
      imports: [
        Other,
        DaceModule.forRootAsync({
          dependencies: ['payments'],
          imports: [Discovery],
          useFactory: () => ({ payments: { hosts: REGISTRY } }),
          useOptions: () => silent,
        }),
      ],
    });
    expect(await netlocOf(app)).toBe('a:80');
  });

  it('come from the module that imports the feature', async () => {
    const moduleOf = (netloc: string, id: string): unknown => {
      @Module({
        imports: [DaceModule.forFeature({ [id]: { hosts: REGISTRY } })],
        providers: [
          { provide: REGISTRY, useValue: { hosts: async () => [netloc] } },
        ],
      })
      class Feature {}
      return Feature;
    };
    const app = await start({
      imports: [
        moduleOf('one', 'first') as never,
        moduleOf('two', 'second') as never,
        DaceModule.forRoot({}, silent),
      ],
    });
    const registry = app.get(DaceRegistry);
    const netlocs = ['first', 'second'].map((id) =>
      registry.get(id).execute((call) => call.netloc),
    );
    expect(await Promise.all(netlocs)).toEqual(['one:80', 'two:80']);
  });

  it('come in a module that is loaded lazily', async () => {
    @Module({
      imports: [DaceModule.forFeature({ payments: { hosts: REGISTRY } })],
      providers: [{ provide: REGISTRY, useFactory }],
    })
    class Late {}
    const app = await start({ imports: [DaceModule.forRoot({}, silent)] });
    await app.get(LazyModuleLoader).load(() => Late);
    expect(await netlocOf(app)).toBe('a:80');
  });

  it('come in a testing module', async () => {
    const app = await start({
      imports: [DaceTestingModule.forRoot({ payments: { hosts: REGISTRY } })],
      providers: [{ provide: REGISTRY, useFactory }],
    });
    expect(await netlocOf(app)).toBe('a:80');
  });
});

describe('Hosts by what the app does not have', () => {
  const of = (
    hosts: NonNullable<DependencyMap['x']>['hosts'],
    providers: ModuleMetadata['providers'] = [],
  ): Promise<Error> =>
    rejection({
      imports: [DaceModule.forRoot({ payments: { hosts } }, silent)],
      providers,
    });

  it.each<[string, NonNullable<DependencyMap['x']>['hosts']]>([
    ['Registry', Registry],
    ['Symbol(gone)', Symbol('gone')],
    ['REGISTRY', 'REGISTRY'],
  ])(
    'stop the app, which is told of %s and the dependency',
    async (name, hosts) => {
      const error = await of(hosts);
      expect(error).toMatchObject({ code: 'DACE_CONFIGURATION' });
      expect(error.message).toBe(
        `Dependency "payments" takes its hosts from ${name}, which no module of the app provides. Add it to the providers of a module.`,
      );
    },
  );

  it('stop the app, which is told that a URL wants brackets', async () => {
    expect((await of('http://search:9200')).message).toContain(
      'put it in brackets, [url]',
    );
  });

  it.each([Scope.REQUEST, Scope.TRANSIENT])(
    'stop the app where the provider has scope %s',
    async (scope) => {
      @Injectable({ scope })
      class Scoped implements HostSource {
        async hosts(): Promise<HostInput[]> {
          return ['a'];
        }
      }
      expect((await of(Scoped, [Scoped])).message).toContain(
        'Dependency "payments" takes its hosts from Scoped, which is made anew',
      );
    },
  );

  it('stop the app where the provider is no source', async () => {
    const error = await of('LIST', [{ provide: 'LIST', useValue: ['a'] }]);
    expect(error.message).toBe(
      'Dependency "payments" takes its hosts from LIST, which has no method hosts(). Have it implement HostSource.',
    );
  });
});

describe('The types of hosts', () => {
  it('take classes and tokens in an app, sources and lists in core', () => {
    class NoSource {
      list(): string[] {
        return [];
      }
    }
    type Hosts = NonNullable<DependencyMap['x']>['hosts'];
    expectTypeOf(Registry).toExtend<Hosts>();
    expectTypeOf<symbol>().toExtend<Hosts>();
    expectTypeOf<HostSource>().toExtend<Hosts>();
    expectTypeOf<readonly HostInput[]>().toExtend<Hosts>();
    expectTypeOf(NoSource).not.toExtend<Hosts>();
    expectTypeOf<HostSource>().toExtend<DependencyOptions['hosts']>();
    expectTypeOf(Registry).not.toExtend<DependencyOptions['hosts']>();
    expectTypeOf<string>().not.toExtend<DependencyOptions['hosts']>();
    expect(new NoSource().list()).toEqual([]);
  });
});

describe('The health of a dependency whose hosts come from a source', () => {
  async function healthOf(answer: () => HostInput[], isCritical: boolean) {
    const hosts: HostSource = { hosts: async () => answer() };
    const clock = new ManualClock();
    const app = await start({
      imports: [
        DaceModule.forRoot(
          { payments: { hosts, critical: isCritical } },
          { ...silent, clock },
        ),
        DaceHealthModule,
      ],
    });
    await clock.advance(0);
    const indicator = app.get(DaceHealthIndicator);
    return { clock, status: () => indicator.check().payments };
  }

  it('is good while it has hosts, stale as they may be', async () => {
    let isDown = false;
    const { clock, status } = await healthOf(() => {
      if (isDown) throw new Error('down');
      return ['a', 'b'];
    }, true);
    expect(status()).toMatchObject({ status: 'up', source: 'fresh' });
    isDown = true;
    await clock.advance(33_001);
    expect(status()).toMatchObject({
      status: 'up',
      source: 'stale',
      hosts: { inService: 2, out: 0 },
    });
  });

  it.each([
    [true, 'down'],
    [false, degraded.status],
  ])(
    'is not while it has none (critical: %s)',
    async (isCritical, expected) => {
      let hosts: HostInput[] = [];
      const { clock, status } = await healthOf(() => hosts, isCritical);
      expect(status()).toMatchObject({
        status: expected,
        state: 'closed',
        source: 'fresh',
        hosts: { inService: 0, out: 0 },
      });
      hosts = ['a'];
      await clock.advance(33_001);
      expect(status()).toMatchObject({ status: 'up' });
    },
  );
});
