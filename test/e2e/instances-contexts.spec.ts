import {
  Controller,
  Get,
  Injectable,
  Module,
  Scope,
  type DynamicModule,
  type INestApplicationContext,
  type Type,
} from '@nestjs/common';
import { ContextIdFactory, NestFactory, SerializedGraph } from '@nestjs/core';
import { afterEach, describe, expect, it } from 'vitest';
import { DaceModule, DaceRegistry, FaultTolerant } from 'nestjs-dace';
import { counting, Ledger, tally, times } from './instances-apps.js';
import { platforms } from './nest-app.js';

@Injectable()
class Payer {
  constructor(private readonly ledger: Ledger) {}
  @FaultTolerant('payments')
  async pay(): Promise<string> {
    return this.ledger.enter('paid');
  }
}
@Injectable({ scope: Scope.REQUEST })
class PayerPerRequest {
  constructor(private readonly ledger: Ledger) {}
  @FaultTolerant('payments')
  async pay(): Promise<string> {
    return this.ledger.enter('paid per request');
  }
}
@Injectable({ scope: Scope.TRANSIENT })
class PayerEach {
  constructor(private readonly ledger: Ledger) {}
  @FaultTolerant('payments')
  async pay(): Promise<string> {
    return this.ledger.enter('paid each');
  }
}
@Module({ providers: [Payer, PayerPerRequest, PayerEach] })
class Paying {}
@Module({ imports: [...counting(), Paying] })
class App {}

const options = { logger: false, abortOnError: false } as const;
const open: INestApplicationContext[] = [];
afterEach(async () => {
  for (const app of open.splice(0)) await app.close();
});
async function context(module: Type = App, more: object = {}) {
  const app = await NestFactory.createApplicationContext(module, {
    ...options,
    ...more,
  });
  open.push(app);
  return app;
}

describe('An application context', () => {
  it('without a server protects what is got, selected and resolved from it', async () => {
    const [one, other] = [await context(), await context()];
    const paying = one.select(Paying);
    const id = ContextIdFactory.create();

    const instances = [
      one.get(Payer, { strict: false }),
      paying.get(Payer),
      await one.resolve(PayerPerRequest, id, { strict: false }),
      await paying.resolve(PayerPerRequest, id),
      await paying.resolve(PayerEach),
    ];
    for (const each of instances) await each.pay();

    expect(instances[1]).toBe(instances[0]);
    expect(instances[3]).toBe(instances[2]);
    expect(tally(one)).toEqual(times(5));
    expect(tally(other)).toEqual(times(0));
  });

  it('goes on when another of the same classes is closed', async () => {
    const [one, other] = [await context(), await context()];
    await one.select(Paying).get(Payer).pay();

    await one.close();
    await other.select(Paying).get(Payer).pay();

    await expect(one.select(Paying).get(Payer).pay()).rejects.toMatchObject({
      code: 'DACE_SHUTDOWN',
    });
    expect(tally(one)).toEqual({ ...times(1), started: 2 });
    expect(tally(other)).toEqual(times(1));
  });

  it('tells its modules apart by what they hold, if it is asked to', async () => {
    const feature = (id: string): DynamicModule =>
      DaceModule.forFeature({ [id]: { fallback: 10n } });
    @Module({
      imports: [...counting(), feature('a'), feature('b'), feature('c')],
    })
    class Features {}

    const app = await context(Features, {
      moduleIdGeneratorAlgorithm: 'deep-hash',
    });

    expect(app.get(DaceRegistry).ids().toSorted()).toEqual([
      'a',
      'b',
      'c',
      'payments',
    ]);
  });
});

/** The same app, its class decorated or not. */
function shop(isProtected: boolean) {
  class Shelf {
    async find(): Promise<string> {
      return 'found';
    }
  }
  class Shop {
    constructor(private readonly shelf: Shelf) {}
    async find() {
      return this.shelf.find();
    }
  }
  const describeMethod = (type: { prototype: object }) =>
    Object.getOwnPropertyDescriptor(type.prototype, 'find')!;
  const protect = (type: { prototype: object }) => {
    const descriptor = describeMethod(type);
    FaultTolerant('payments')(type.prototype, 'find', descriptor);
    Object.defineProperty(type.prototype, 'find', descriptor);
  };
  if (isProtected) [Shelf, Shop].forEach(protect);
  Get('find')(Shop.prototype, 'find', describeMethod(Shop));
  Reflect.defineMetadata('design:paramtypes', [Shelf], Shop);
  Injectable()(Shelf);
  Controller()(Shop);
  @Module({
    imports: [DaceModule.forRoot({ payments: {} }, { logger: false })],
    controllers: [Shop],
    providers: [Shelf],
  })
  class ShopModule {}
  return ShopModule;
}

describe.each(platforms)('The graph of an app on $platform', (platform) => {
  async function graphOf(isProtected: boolean, more: object = {}) {
    const app = await NestFactory.create(
      shop(isProtected),
      platform.adapter(),
      { ...options, snapshot: true, ...more },
    );
    return app.get(SerializedGraph).toJSON();
  }

  it.each([
    ['a running one', {}],
    ['one in preview', { preview: true }],
  ])(
    'as of %s lists what it would without decorators, and one edge more a class',
    async (_, more) => {
      const [bare, decorated] = [
        await graphOf(false, more),
        await graphOf(true, more),
      ];
      const labels = ({ nodes }: typeof bare) =>
        Object.values(nodes).map(({ label }) => label);
      const added = labels(decorated);
      for (const label of labels(bare)) added.splice(added.indexOf(label), 1);
      const bindings = Object.values(decorated.edges)
        .map(({ metadata }) => metadata as Record<string, unknown>)
        .filter(({ injectionType }) => injectionType === 'property')
        .map((edge) => [edge.sourceClassName, edge.targetClassName]);

      expect([bare.status, decorated.status]).toEqual(['complete', 'complete']);
      expect(added).toEqual(['FaultTolerantInterceptor']);
      expect(bindings).toEqual([
        ['Shelf', 'DaceApp'],
        ['Shop', 'DaceApp'],
      ]);
      // A label that is no string would be lost on the way to who draws the graph.
      const sent = JSON.parse(JSON.stringify(decorated)) as typeof decorated;
      expect(labels(sent)).toEqual(labels(decorated));
    },
  );
});
