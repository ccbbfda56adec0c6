import {
  Inject,
  Injectable,
  Module,
  Scope,
  type ModuleMetadata,
} from '@nestjs/common';
import { LazyModuleLoader } from '@nestjs/core';
import { Test, type TestingModule } from '@nestjs/testing';
import { afterEach, describe, expect, expectTypeOf, it } from 'vitest';
import {
  DaceModule,
  DaceRegistry,
  type BalancerFunction,
  type DaceModuleOptions,
  type Dependency,
  type DependencyMap,
  type DependencyOptions,
  type HostInput,
  type HostSource,
  type HostView,
  type LoadBalancer,
} from 'nestjs-dace';
import { DaceTestingModule } from 'nestjs-dace/testing';

type Balancer = NonNullable<DependencyMap['x']>['loadBalancer'];

const silent = { logger: false } as const;
const hosts = ['http://a', 'http://b', 'http://c'];
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

const netlocOf = (app: TestingModule, id = 'payments') =>
  app
    .get(DaceRegistry)
    .get(id)
    .execute((call) => call.netloc);

const root = (loadBalancer: Balancer, options: DaceModuleOptions = {}) =>
  DaceModule.forRoot(
    { payments: { hosts, loadBalancer } },
    { ...silent, ...options },
  );

const PLACE = Symbol('place');
const BALANCER = Symbol('balancer');
const second = { provide: PLACE, useValue: 1 };

/** Takes the host at a place that the app knows. */
@Injectable()
class Placed implements LoadBalancer {
  constructor(@Inject(PLACE) private readonly place: number) {}

  pick<H extends HostView>(all: readonly H[]): H {
    return all[this.place]!;
  }
}

abstract class Chooser implements LoadBalancer {
  abstract pick<H extends HostView>(all: readonly H[]): H;
}

/** Its method is no part of its prototype. */
@Injectable()
class Bound implements LoadBalancer {
  pick = <H extends HostView>(all: readonly H[]): H => all[2]!;
}

describe('A balancer by a class of the app', () => {
  it('is the provider, with what is injected into it', async () => {
    const app = await start({
      imports: [root(Placed)],
      providers: [Placed, second],
    });
    expect(await netlocOf(app)).toBe('b:80');
  });

  it('is the override of a test', async () => {
    const app = await Test.createTestingModule({
      imports: [root(Placed)],
      providers: [Placed, second],
    })
      .overrideProvider(Placed)
      .useValue({ pick: (all: readonly HostView[]) => all[2] })
      .compile();
    apps.push(app);
    expect(await netlocOf(app)).toBe('c:80');
  });

  it('may be abstract, and an alias of another provider', async () => {
    const app = await start({
      imports: [root(Chooser)],
      providers: [Placed, second, { provide: Chooser, useExisting: Placed }],
    });
    expect(await netlocOf(app)).toBe('b:80');
  });

  it('may have its method as a property', async () => {
    const app = await start({ imports: [root(Bound)], providers: [Bound] });
    expect(await netlocOf(app)).toBe('c:80');
  });

  it('may be one for several dependencies', async () => {
    const app = await start({
      imports: [
        DaceModule.forRoot(
          {
            payments: { hosts, loadBalancer: Placed },
            search: { hosts: ['http://x', 'http://y'], loadBalancer: Placed },
          },
          silent,
        ),
      ],
      providers: [Placed, second],
    });
    expect([await netlocOf(app), await netlocOf(app, 'search')]).toEqual([
      'b:80',
      'y:80',
    ]);
  });

  it('goes with hosts by a class', async () => {
    @Injectable()
    class Registry implements HostSource {
      async hosts(): Promise<HostInput[]> {
        return ['x', 'y'];
      }
    }
    const app = await start({
      imports: [
        DaceModule.forRoot(
          { payments: { hosts: Registry, loadBalancer: Placed } },
          silent,
        ),
      ],
      providers: [Registry, Placed, second],
    });
    expect(await netlocOf(app)).toBe('y:80');
  });
});

describe('A balancer by a token of the app', () => {
  const useFactory = async (): Promise<LoadBalancer> => ({
    pick: (all) => all[1]!,
  });
  const provider = { provide: BALANCER, useFactory };

  it.each([BALANCER, 'BALANCER'])('is that of %s', async (token) => {
    const app = await start({
      imports: [root(token)],
      providers: [{ provide: token, useFactory }],
    });
    expect(await netlocOf(app)).toBe('b:80');
  });

  it('may be a function that is no class, if somebody provides it', async () => {
    function balancing(): readonly [string, string] {
      throw new Error('called');
    }
    const app = await start({
      imports: [root(balancing)],
      providers: [{ provide: balancing, useFactory }],
    });
    expect(await netlocOf(app)).toBe('b:80');
  });

  it('is that of the module that forRootAsync imports', async () => {
    @Module({ providers: [provider], exports: [BALANCER] })
    class Balancing {}
    const app = await start({
      imports: [
        DaceModule.forRootAsync({
          dependencies: ['payments'],
          imports: [Balancing],
          useFactory: () => ({ payments: { hosts, loadBalancer: BALANCER } }),
          useOptions: () => silent,
        }),
      ],
    });
    expect(await netlocOf(app)).toBe('b:80');
  });

  it('is that of the module that imports the feature', async () => {
    const moduleOf = (place: number, id: string): unknown => {
      @Module({
        imports: [
          DaceModule.forFeature({ [id]: { hosts, loadBalancer: BALANCER } }),
        ],
        providers: [{ provide: BALANCER, useValue: new Placed(place) }],
      })
      class Feature {}
      return Feature;
    };
    const app = await start({
      imports: [
        moduleOf(0, 'first') as never,
        moduleOf(2, 'second') as never,
        DaceModule.forRoot({}, silent),
      ],
    });
    expect([
      await netlocOf(app, 'first'),
      await netlocOf(app, 'second'),
    ]).toEqual(['a:80', 'c:80']);
  });

  it('is there in a module that is loaded lazily', async () => {
    @Module({
      imports: [
        DaceModule.forFeature({ payments: { hosts, loadBalancer: BALANCER } }),
      ],
      providers: [provider],
    })
    class Late {}
    const app = await start({ imports: [DaceModule.forRoot({}, silent)] });
    await app.get(LazyModuleLoader).load(() => Late);
    expect(await netlocOf(app)).toBe('b:80');
  });

  it('is there in a testing module', async () => {
    const app = await start({
      imports: [
        DaceTestingModule.forRoot({
          payments: { hosts, loadBalancer: BALANCER },
        }),
      ],
      providers: [provider],
    });
    expect(await netlocOf(app)).toBe('b:80');
  });

  it('is that of the defaults, below one of the dependency’s own', async () => {
    const app = await start({
      imports: [
        DaceModule.forRoot(
          {
            payments: { hosts },
            search: { hosts, loadBalancer: { pick: (all) => all[2]! } },
          },
          { ...silent, defaults: { loadBalancer: BALANCER } },
        ),
      ],
      providers: [provider],
    });
    expect([await netlocOf(app), await netlocOf(app, 'search')]).toEqual([
      'b:80',
      'c:80',
    ]);
  });
});

describe('What needs no provider', () => {
  it.each(['round-robin', 'random', 'least-pending', 'peak-ewma'] as const)(
    'is the name %s',
    async (name) => {
      const app = await start({ imports: [root(name)] });
      expect(await netlocOf(app)).toMatch(/^[abc]:80$/);
    },
  );

  it('is a function of dace’s form', async () => {
    const app = await start({ imports: [root(() => ['http', 'c'])] });
    expect(await netlocOf(app)).toBe('c:80');
  });

  it('is an instance', async () => {
    const app = await start({ imports: [root(new Placed(1))] });
    expect(await netlocOf(app)).toBe('b:80');
  });
});

describe('A balancer that is not made yet', () => {
  /** Calls while it is constructed, and is constructed before the balancer. */
  const early = (call: (dependency: Dependency) => unknown) => {
    const seen: { answer?: unknown; error?: Error } = {};
    @Injectable()
    class Early {
      constructor(registry: DaceRegistry) {
        try {
          seen.answer = call(registry.get('payments'));
        } catch (error) {
          seen.error = error as Error;
        }
      }
    }
    return { Early, seen };
  };
  const slow = {
    provide: BALANCER,
    useFactory: async (): Promise<LoadBalancer> => {
      await new Promise((resolve) => setImmediate(resolve));
      return { pick: (all) => all[1]! };
    },
  };

  it.each([true, false])(
    'is waited for by a call (enabled: %s)',
    async (enabled) => {
      const { Early, seen } = early((dependency) =>
        dependency.execute((call) => call.netloc),
      );
      await start({
        imports: [
          DaceModule.forRoot(
            { payments: { hosts, enabled, loadBalancer: BALANCER } },
            silent,
          ),
        ],
        providers: [Early, slow],
      });
      expect(await seen.answer).toBe('b:80');
    },
  );

  it('is not waited for by acquire(), which is told so', async () => {
    const { Early, seen } = early((dependency) => dependency.acquire());
    const app = await start({
      imports: [root(BALANCER)],
      providers: [Early, slow],
    });
    expect(seen.error).toMatchObject({
      code: 'DACE_CONFIGURATION',
      message:
        'Dependency "payments" takes its load balancer from Symbol(balancer), which the app has not made yet.',
    });
    const { inFlight, totals } = app
      .get(DaceRegistry)
      .get('payments')
      .snapshot();
    expect({ inFlight, refused: totals.refused }).toEqual({
      inFlight: 0,
      refused: 1,
    });
  });

  it('is waited for no longer than the deadline', async () => {
    const { Early, seen } = early((dependency) =>
      dependency
        .execute((call) => call.netloc, { timeoutMs: 1 })
        .catch((error: unknown) => error),
    );
    const never = {
      provide: BALANCER,
      inject: [Early],
      useFactory: async () => {
        expect(await seen.answer).toMatchObject({ code: 'DACE_TIMEOUT' });
        return new Placed(0);
      },
    };
    const app = await start({
      imports: [root(BALANCER)],
      providers: [Early, never],
    });
    expect(await netlocOf(app)).toBe('a:80');
  });
});

describe('A balancer that the app does not have', () => {
  const of = (
    loadBalancer: Balancer,
    providers: ModuleMetadata['providers'] = [],
  ): Promise<Error> => rejection({ imports: [root(loadBalancer)], providers });

  it.each<[string, Balancer]>([
    ['Placed', Placed],
    ['Symbol(balancer)', BALANCER],
  ])(
    'stops the app, which is told of %s and the dependency',
    async (name, balancer) => {
      const error = await of(balancer);
      expect(error).toMatchObject({ code: 'DACE_CONFIGURATION' });
      expect(error.message).toBe(
        `Dependency "payments" takes its load balancer from ${name}, which no module of the app provides. Add it to the providers of a module.`,
      );
    },
  );

  it('stops the app, which is told the names that need no provider', async () => {
    expect((await of('leastpending')).message).toBe(
      'Dependency "payments" takes its load balancer from leastpending, which no module of the app provides. Add it to the providers of a module, or use one of round-robin, random, least-pending, peak-ewma. Did you mean "least-pending"?',
    );
  });

  it('stops the app where it is that of the defaults', async () => {
    const error = await rejection({
      imports: [root(undefined, { defaults: { loadBalancer: Placed } })],
    });
    expect(error.message).toContain(
      'Dependency "payments" takes its load balancer from Placed, which no module',
    );
  });

  it.each([Scope.REQUEST, Scope.TRANSIENT])(
    'stops the app where the provider has scope %s',
    async (scope) => {
      @Injectable({ scope })
      class Scoped extends Chooser {
        pick<H extends HostView>(all: readonly H[]): H {
          return all[0]!;
        }
      }
      expect((await of(Scoped, [Scoped])).message).toBe(
        'Dependency "payments" takes its load balancer from Scoped, which is made anew for each request or for each who injects it. Make it a singleton: it chooses for all requests.',
      );
    },
  );

  it.each<[string, unknown]>([
    ['a list', ['a']],
    ['a function', () => ['http', 'a']],
    ['nothing', null],
  ])('stops the app where the provider is %s', async (_, useValue) => {
    const error = await of('MINE', [{ provide: 'MINE', useValue }]);
    expect(error.message).toBe(
      'Dependency "payments" takes its load balancer from MINE, which has no method pick(hosts, context). Have it implement LoadBalancer.',
    );
  });
});

describe('The types of balancers', () => {
  it('take classes and tokens in an app, names and instances in core', () => {
    class NoBalancer {
      choose(): string {
        return '';
      }
    }
    expectTypeOf(Placed).toExtend<Balancer>();
    expectTypeOf(Chooser).toExtend<Balancer>();
    expectTypeOf<symbol>().toExtend<Balancer>();
    expectTypeOf<'peak-ewma'>().toExtend<Balancer>();
    expectTypeOf<BalancerFunction>().toExtend<Balancer>();
    expectTypeOf<LoadBalancer>().toExtend<Balancer>();
    expectTypeOf(NoBalancer).not.toExtend<Balancer>();
    expectTypeOf<Placed>().toExtend<DependencyOptions['loadBalancer']>();
    expectTypeOf(Placed).not.toExtend<DependencyOptions['loadBalancer']>();
    expectTypeOf<string>().not.toExtend<DependencyOptions['loadBalancer']>();
    expect(new NoBalancer().choose()).toBe('');
  });
});
