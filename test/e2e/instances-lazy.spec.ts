import { Controller, Get, Injectable, Module, Scope } from '@nestjs/common';
import { ContextIdFactory, LazyModuleLoader, ModuleRef } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { describe, expect, it } from 'vitest';
import { DaceModule, DaceRegistry, FaultTolerant } from 'nestjs-dace';
import { errorOf } from '../support/core-toolkit.js';
import { counting, Ledger, tally, times, twins } from './instances-apps.js';
import { isNest11, platforms } from './nest-app.js';

@Injectable()
class Lazy {
  constructor(private readonly ledger: Ledger) {}
  @FaultTolerant('payments')
  async pay(): Promise<string> {
    return this.ledger.enter('paid');
  }
  @FaultTolerant('late', { fallback: 'spare' })
  async late(): Promise<string> {
    return this.ledger.enter('late');
  }
  spare(): string {
    return 'spare';
  }
}
@Injectable({ scope: Scope.REQUEST })
class LazyPerRequest extends Lazy {}

/** As a JavaScript user has it. */
const untyped = FaultTolerant as (
  id: string,
  options: object,
) => MethodDecorator;

/** A module that is loaded while the app runs. */
function lazyModule(feature: ReturnType<typeof DaceModule.forFeature>) {
  @Module({
    imports: [feature],
    providers: [
      Lazy,
      LazyPerRequest,
      {
        provide: 'made',
        inject: [Ledger],
        useFactory: (ledger: Ledger) => new Lazy(ledger),
      },
    ],
  })
  class LazyModule {}
  return LazyModule;
}

const features = [
  ['forFeature', () => DaceModule.forFeature({ late: {} })],
  [
    'forFeatureAsync',
    () =>
      DaceModule.forFeatureAsync({
        dependencies: ['late'],
        inject: [Ledger],
        useFactory: async (ledger: Ledger) => ({
          late: { critical: ledger.lines.length > 99 },
        }),
      }),
  ],
] as const;

describe.each(platforms)('A lazy module on $platform', (platform) => {
  it.each(features)(
    'with %s is protected by the app that loads it, however it makes its instances',
    async (_, feature) => {
      const LazyModule = lazyModule(feature());
      @Controller()
      class Shop {
        constructor(private readonly loader: LazyModuleLoader) {}
        @Get()
        async pay(): Promise<string[]> {
          const module: ModuleRef = await this.loader.load(() => LazyModule);
          const context = ContextIdFactory.create();
          const instances: Lazy[] = [
            module.get(Lazy),
            module.get('made'),
            await module.resolve(LazyPerRequest, context),
            await module.create(Lazy),
          ];
          const lines: string[] = [];
          for (const each of instances)
            lines.push(await each.pay(), await each.late());
          return lines;
        }
      }
      const [one, other] = await twins({ controllers: [Shop] }, platform);

      const lines = (await (await one.get('/')).json()) as string[];
      await one.get('/');

      expect(lines).toEqual([1, 2, 3, 4].flatMap(() => ['paid', 'late']));
      expect(tally(one.app)).toEqual({ ...times(8), bodies: 16 });
      expect(tally(one.app, 'late')).toEqual({ ...times(8), bodies: 16 });
      expect(tally(other.app)).toEqual(times(0));
      expect(other.app.get(DaceRegistry).ids()).toEqual(['payments']);
    },
  );
});

describe('A lazy module', () => {
  it('that is loaded twice at once is one, and its dependency too', async () => {
    const LazyModule = lazyModule(features[1][1]());
    const [{ app }] = await twins({});
    const loader = app.get(LazyModuleLoader);
    const load = () => loader.load(() => LazyModule);

    const [first, second] = await Promise.all([load(), load()]);

    expect(second.get(Lazy)).toBe(first.get(Lazy));
    await first.get(Lazy).late();
    expect(tally(app, 'late')).toEqual(times(1));
  });

  // Nest 11 takes what could not be loaded for loaded.
  it.skipIf(isNest11)(
    'that could not be loaded may be loaded again',
    async () => {
      let isDown = true;
      @Module({
        imports: [DaceModule.forFeature({ late: {} })],
        providers: [
          Lazy,
          {
            provide: 'store',
            inject: [Lazy],
            useFactory: (lazy: Lazy) =>
              isDown ? Promise.reject(new Error('no store')) : lazy.late(),
          },
        ],
      })
      class Storing {}
      const [{ app }] = await twins({});
      const load = () => app.get(LazyModuleLoader).load(() => Storing);
      expect((await errorOf(load())).message).toBe('no store');

      isDown = false;
      const loaded = await load();

      expect(loaded.get('store')).toBe('late');
      expect(tally(app, 'late')).toEqual(times(1));
    },
  );

  it('may not bring the forRoot of a running app, with or without one there', async () => {
    @Module({ imports: [DaceModule.forRoot({ late: {} }, { logger: false })] })
    class Rooted {}
    const bare = await Test.createTestingModule({}).compile();
    const rooted = await Test.createTestingModule({
      imports: counting(),
    }).compile();
    for (const app of [bare, rooted]) await app.init();
    const load = (app: typeof bare) =>
      errorOf(app.get(LazyModuleLoader).load(() => Rooted));

    expect((await load(bare)).message).toMatch(
      /loaded lazily.*DaceModule\.forFeature/,
    );
    expect((await load(rooted)).message).toContain('imported twice');
    for (const app of [bare, rooted]) await app.close();
  });

  it('that names a fallback which is not there does not load', async () => {
    class Wrong {
      @untyped('payments', { fallback: 'none' })
      async pay(): Promise<string> {
        return 'paid';
      }
    }
    Injectable()(Wrong);
    @Module({ providers: [Wrong] })
    class WrongModule {}
    const [{ app }] = await twins({});

    const error = await errorOf(
      app.get(LazyModuleLoader).load(() => WrongModule),
    );

    expect(error.message).toContain(
      "Wrong.pay has the fallback 'none', but Wrong has no method of that name",
    );
  });
});

describe('A fallback that is a property of the instance', () => {
  /** Each constructor makes it; no class has it. */
  @Injectable()
  class Payer {
    readonly spare = async (): Promise<string> =>
      this.ledger.enter(`spare ${this.name}`);
    readonly name = 'arrow';
    constructor(private readonly ledger: Ledger) {}
    @FaultTolerant('payments', { fallback: 'spare' })
    async pay(): Promise<string> {
      throw new Error('down');
    }
  }

  it.each([
    ['a singleton', Scope.DEFAULT],
    ['request-scoped', Scope.REQUEST],
    ['transient', Scope.TRANSIENT],
  ])('serves where the class is %s', async (_, scope) => {
    @Injectable()
    class Own extends Payer {}
    const [one, other] = await twins({
      providers: [
        { provide: Own, useClass: Own, scope },
        { provide: 'plain', useExisting: Own },
      ],
    });
    const own = await one.app.resolve(Own, ContextIdFactory.create());

    expect(await own.pay()).toBe('spare arrow');

    expect(tally(one.app)).toEqual({ ...times(1), succeeded: 0 });
    expect(tally(other.app)).toEqual(times(0));
  });

  it('is missed at start-up where there is an instance, else at the first', async () => {
    @Injectable()
    class Wrong {
      @untyped('payments', { fallback: 'none' })
      async pay(): Promise<string> {
        return 'paid';
      }
    }
    const at = (scope: Scope) =>
      Test.createTestingModule({
        imports: counting(),
        providers: [{ provide: Wrong, useClass: Wrong, scope }],
      }).compile();
    const message = "Wrong.pay has the fallback 'none'";

    const singleton = await at(Scope.DEFAULT);
    expect((await errorOf(singleton.init())).message).toContain(message);

    const scoped = await at(Scope.REQUEST);
    await scoped.init();
    const error = await errorOf(scoped.resolve(Wrong));
    expect(error.message).toContain(message);
    await scoped.close();
  });
});
