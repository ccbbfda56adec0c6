import {
  Controller,
  Get,
  Inject,
  Injectable,
  Module,
  Param,
  ParseIntPipe,
  Scope,
  type INestApplication,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Server } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { FaultTolerant } from 'nestjs-dace';
import { counting, Ledger, tally, times } from './instances-apps.js';
import { isNest11, platforms, serve, type Platform } from './nest-app.js';

/** A proxy of a Map is no Map: a tracing package leaves Nest's container alone. */
const isTraceable = (instance: unknown): instance is object =>
  typeof instance === 'object' &&
  instance !== null &&
  !(instance instanceof Map);

type Decorator = (instance: unknown) => unknown;
type Trace = (name: string) => void;
type Method = (...args: unknown[]) => unknown;

/** What a tracing package leaves of a method's metadata on the function it puts in its place. */
type Keep = (from: Method, to: Method) => void;
const keepsAll: Keep = (from, to) => {
  for (const key of Reflect.getOwnMetadataKeys(from) as unknown[])
    Reflect.defineMetadata(key, Reflect.getOwnMetadata(key, from), to);
};
const keepsNone: Keep = () => {};

/** A proxy round every instance, its methods run on the proxy or on what is behind it. */
const proxied =
  (keep: Keep, runsOn: 'proxy' | 'instance') =>
  (trace: Trace): Decorator =>
  (instance) => {
    if (!isTraceable(instance)) return instance;
    const traced = new Map<PropertyKey, Method>();
    const proxy: object = new Proxy(instance, {
      get(target, name, receiver): unknown {
        const value: unknown = Reflect.get(target, name, receiver);
        if (typeof value !== 'function' || name === 'constructor') return value;
        const known = traced.get(name);
        if (known !== undefined) return known;
        const method = value as Method;
        const wrapper = function (this: unknown, ...args: unknown[]): unknown {
          trace(`${target.constructor.name}.${String(name)}`);
          const isOwn = this === proxy && runsOn === 'instance';
          return Reflect.apply(method, isOwn ? target : this, args);
        };
        keep(method, wrapper);
        traced.set(name, wrapper);
        return wrapper;
      },
    });
    return proxy;
  };
const transparent =
  (trace: Trace): Decorator =>
  (instance) => {
    if (!isTraceable(instance)) return instance;
    return new Proxy(instance, {
      get(target, name, receiver): unknown {
        const value: unknown = Reflect.get(target, name, receiver);
        if (typeof value === 'function')
          trace(`${target.constructor.name}.${String(name)}`);
        return value;
      },
    });
  };

@Injectable()
class Service {
  constructor(private readonly ledger: Ledger) {}
  @FaultTolerant('payments', { fallback: 'spare' })
  async call(): Promise<string> {
    return this.ledger.enter('service');
  }
  spare(): string {
    return 'spare';
  }
}
@Injectable({ scope: Scope.REQUEST })
class Scoped {
  constructor(private readonly ledger: Ledger) {}
  @FaultTolerant('payments')
  async call(): Promise<string> {
    return this.ledger.enter('scoped');
  }
}
@Injectable()
class Frozen {
  constructor(private readonly ledger: Ledger) {
    Object.freeze(this);
  }
  @FaultTolerant('payments')
  async call(): Promise<string> {
    return this.ledger.enter('frozen');
  }
}
@Controller()
class Shop {
  constructor(
    private readonly service: Service,
    private readonly scoped: Scoped,
    private readonly frozen: Frozen,
    @Inject('made') private readonly made: Service,
  ) {}
  @Get('all')
  async all() {
    const { service, scoped, made } = this;
    for (const each of [service, scoped, made]) await each.call();
  }
  @Get('frozen')
  frozenOne() {
    return this.frozen.call();
  }
}
@Controller()
class Till {
  constructor(private readonly ledger: Ledger) {}
  @Get('pay/:amount')
  @FaultTolerant('payments')
  async pay(@Param('amount', ParseIntPipe) amount: number): Promise<string> {
    return this.ledger.enter(`paid ${amount}`);
  }
}
@Module({
  imports: counting(),
  controllers: [Shop, Till],
  providers: [
    Service,
    Scoped,
    Frozen,
    {
      provide: 'made',
      inject: [Ledger],
      useFactory: (ledger: Ledger) => new Service(ledger),
    },
  ],
})
class App {}

const apps: INestApplication[] = [];
afterEach(async () => {
  for (const app of apps.splice(0)) {
    (app.getHttpServer() as Server).closeAllConnections();
    await app.close();
  }
});

async function start({ adapter }: Platform, instanceDecorator: Decorator) {
  const app = await NestFactory.create(App, adapter(), {
    logger: false,
    abortOnError: false,
    instrument: { instanceDecorator },
  });
  apps.push(app);
  await app.listen(0, '127.0.0.1');
  return { app, url: await app.getUrl() };
}

describe('An app that holds a proxy which answers nothing outside of a request', () => {
  it('starts, and finds its other instances', async () => {
    // What Nest itself asks for; Nest 12 wants the constructor too.
    const answered = isNest11
      ? /^on|^before|^then$/
      : /^on|^before|^then$|^constructor$/;
    const shy = new Proxy(
      {},
      {
        get: (_, name) => {
          if (answered.test(String(name))) return undefined;
          throw new Error(`asked for ${String(name)}`);
        },
        getOwnPropertyDescriptor: (_, name) => {
          throw new Error(`asked for ${String(name)}`);
        },
      },
    );
    const metadata = {
      imports: counting(),
      providers: [
        { provide: 'shy', useFactory: () => shy },
        {
          provide: 'made',
          inject: [Ledger],
          useFactory: (ledger: Ledger) => new Service(ledger),
        },
      ],
    };
    const [one, other] = [await serve(metadata), await serve(metadata)];

    expect(await one.app.get<Service>('made').call()).toBe('service');
    expect(tally(one.app)).toEqual(times(1));
    expect(tally(other.app)).toEqual(times(0));
  });
});

describe.each(platforms)('An app on $platform with a proxy', (platform) => {
  it.each([
    ['that sees through', transparent],
    ['whose methods run on it', proxied(keepsAll, 'proxy')],
    ['whose methods run behind it', proxied(keepsAll, 'instance')],
    ['whose methods lose all metadata', proxied(keepsNone, 'instance')],
  ])(
    '%s round every instance protects each call once, in its own app',
    async (_, decorator) => {
      const seen: string[] = [];
      const trace = (name: string) => void seen.push(name);
      const one = await start(platform, decorator(trace));
      const other = await start(
        platform,
        decorator(() => {}),
      );

      const paid = await fetch(`${one.url}/pay/3`);
      const all = await fetch(`${one.url}/all`);

      expect(await paid.text()).toBe('paid 3');
      expect(all.status).toBe(200);
      expect(one.app.get(Ledger).lines).toEqual([
        'paid 3',
        'service',
        'scoped',
        'service',
      ]);
      expect(seen).toContain('Service.call');
      expect(tally(one.app)).toEqual(times(4));
      expect(tally(other.app)).toEqual(times(0));
    },
  );

  it('of a frozen instance protects it too', async () => {
    const decorator = proxied(keepsAll, 'proxy')(() => {});
    const one = await start(platform, decorator);
    const other = await start(platform, decorator);

    expect(await (await fetch(`${one.url}/frozen`)).text()).toBe('frozen');
    expect(tally(one.app)).toEqual(times(1));
    expect(tally(other.app)).toEqual(times(0));
  });

  it('that calls a frozen instance behind it cannot tell one of two apps by it', async () => {
    const decorator = proxied(keepsAll, 'instance')(() => {});
    const one = await start(platform, decorator);
    const other = await start(platform, decorator);
    const ask = async () => (await fetch(`${one.url}/frozen`)).status;

    expect(await ask()).toBe(500);
    expect(one.app.get(Ledger).lines).toEqual([]);

    await other.app.close();
    expect(await ask()).toBe(200);
    expect(tally(one.app)).toEqual(times(1));
    expect(tally(other.app)).toEqual(times(0));
  });

  it('leaves out of a call what the pipes before it refuse', async () => {
    const { app, url } = await start(
      platform,
      proxied(keepsAll, 'instance')(() => {}),
    );

    expect((await fetch(`${url}/pay/much`)).status).toBe(400);
    expect(tally(app)).toEqual(times(0));
  });
});
