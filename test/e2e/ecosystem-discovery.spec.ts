import {
  Controller,
  Get,
  Injectable,
  SetMetadata,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
  type Type,
} from '@nestjs/common';
import {
  DiscoveryModule,
  DiscoveryService,
  MetadataScanner,
  Reflector,
} from '@nestjs/core';
import { describe, expect, it } from 'vitest';
import { DaceRegistry, FaultTolerant } from 'nestjs-dace';
import { counting, Ledger, tally, times, twins } from './instances-apps.js';
import { platforms, serve } from './nest-app.js';

const Roles = Reflector.createDecorator<string[]>();
const Every = Reflector.createDecorator<number>();
const Handles = DiscoveryService.createDecorator<string>();

/** What stands in for a method of a request context or a transaction: it runs around each call. */
function around(name: string, copiesMetadata: boolean): MethodDecorator {
  return (_target, _key, descriptor) => {
    const original = descriptor.value as unknown as (
      ...args: unknown[]
    ) => Promise<unknown>;
    const proxy = new Proxy(original, {
      apply: async (fn, self: { ledger: Ledger }, args) => {
        self.ledger.enter(`${name} begins`);
        try {
          return await Reflect.apply(fn, self, args);
        } finally {
          self.ledger.enter(`${name} ends`);
        }
      },
    });
    if (copiesMetadata)
      for (const key of Reflect.getMetadataKeys(original) as unknown[])
        Reflect.defineMetadata(key, Reflect.getMetadata(key, original), proxy);
    descriptor.value = proxy as never;
  };
}

/** A class with what others decorate, and with ours above or below that. */
function jobs(above: MethodDecorator, below: MethodDecorator): Type {
  @Injectable()
  class Jobs {
    constructor(readonly ledger: Ledger) {}
    @above
    @Roles(['admin'])
    @Every(5)
    @Handles('clean')
    @SetMetadata('plain', { is: 'there' })
    @below
    async clean(days: number, deep = false): Promise<string> {
      return this.ledger.enter(`cleaned ${days}, ${deep}`);
    }
    plain(): void {}
  }
  return Jobs;
}
const nothing: MethodDecorator = () => {};
const orders: [string, MethodDecorator, MethodDecorator][] = [
  ['above', FaultTolerant('payments'), nothing],
  ['below', nothing, FaultTolerant('payments')],
];
type Method = (...args: unknown[]) => unknown;
const methodOf = (type: Type, name: string): Method =>
  (type.prototype as Record<string, Method>)[name]!;

describe.each(orders)('With ours %s theirs, a method', (_, above, below) => {
  const [Ours, Plain] = [jobs(above, below), jobs(nothing, nothing)];
  const [ours, plain] = [methodOf(Ours, 'clean'), methodOf(Plain, 'clean')];

  it('keeps all metadata of its own, and what is known of its place', () => {
    const valuesOf = (target: object, ...place: string[]) =>
      (Reflect.getMetadataKeys(target, ...(place as [string])) as string[]).map(
        (key) =>
          [
            key,
            Reflect.getMetadata(key, target, ...(place as [string])) as unknown,
          ] as const,
      );

    expect(valuesOf(ours)).toEqual(expect.arrayContaining(valuesOf(plain)));
    expect(valuesOf(plain).length).toBeGreaterThan(3);
    expect(valuesOf(Ours.prototype as object, 'clean')).toEqual(
      valuesOf(Plain.prototype as object, 'clean'),
    );
  });

  it('has the name and the length that it is written with', () => {
    expect([ours.name, ours.length]).toEqual(['clean', 1]);
  });

  it('is found among the methods of its class, which has no others', () => {
    const scanner = new MetadataScanner();

    const names = scanner.getAllMethodNames(Ours.prototype as object);

    expect(names).toEqual(['clean', 'plain']);
    expect(names).toEqual(scanner.getAllMethodNames(Plain.prototype as object));
  });

  it('is found by DiscoveryService, with its values, and runs once', async () => {
    const [one, other] = await twins({
      imports: [DiscoveryModule],
      providers: [Ours],
    });
    const discovery = one.app.get(DiscoveryService);
    const reflector = one.app.get(Reflector);
    const found = discovery.getProviders().flatMap((wrapper) =>
      wrapper.metatype === Ours
        ? [
            {
              wrapper,
              instance: wrapper.instance as Record<string, Method>,
              handles: discovery.getMetadataByDecorator(
                Handles,
                wrapper,
                'clean',
              ),
            },
          ]
        : [],
    );

    const [{ instance, handles, wrapper }] = found as [(typeof found)[0]];
    const answer = await instance.clean!(3, true);

    expect(found).toHaveLength(1);
    expect(wrapper.isDependencyTreeStatic()).toBe(true);
    expect(handles).toBe('clean');
    expect(reflector.get(Roles, instance.clean!)).toEqual(['admin']);
    expect(reflector.getAllAndOverride(Every, [instance.clean!, Ours])).toBe(5);
    expect(answer).toBe('cleaned 3, true');
    expect(tally(one.app)).toEqual(times(1));
    expect(tally(other.app)).toEqual(times(0));
  });
});

describe.each(platforms)('A guard on $platform', (platform) => {
  it.each(orders)(
    'reads what is on a protected route, ours %s theirs',
    async (_, above, below) => {
      const seen: unknown[] = [];
      @Injectable()
      class RolesGuard implements CanActivate {
        constructor(private readonly reflector: Reflector) {}
        canActivate(context: ExecutionContext): boolean {
          seen.push(this.reflector.get(Roles, context.getHandler()));
          return true;
        }
      }
      @Controller()
      class Routes {
        constructor(private readonly ledger: Ledger) {}
        @above
        @Roles(['guest'])
        @UseGuards(RolesGuard)
        @Get()
        @below
        async read(): Promise<string> {
          return this.ledger.enter('read');
        }
      }
      const { app, get } = await serve(
        { imports: counting(), controllers: [Routes] },
        undefined,
        platform,
      );

      const response = await get('/');

      expect(await response.text()).toBe('read');
      expect(seen).toEqual([['guest']]);
      expect(tally(app)).toEqual(times(1));
    },
  );
});

describe.each(platforms)('A stand-in for a method on $platform', (platform) => {
  const protectedWithRetry = FaultTolerant('payments', {
    retry: { on: 'any', attempts: 2 },
  });

  it.each([
    [
      'above ours runs once around all attempts',
      around('context', true),
      nothing,
      ['context begins', 'tried', 'tried', 'context ends'],
    ],
    [
      'above ours that loses its metadata leaves the route protected',
      around('context', false),
      nothing,
      ['context begins', 'tried', 'tried', 'context ends'],
    ],
    [
      'below ours runs around each attempt',
      nothing,
      around('context', true),
      [
        'context begins',
        'tried',
        'context ends',
        'context begins',
        'tried',
        'context ends',
      ],
    ],
  ])('%s', async (_, above, below, lines) => {
    let failures = 1;
    @Injectable()
    class Service {
      constructor(readonly ledger: Ledger) {}
      @above
      @protectedWithRetry
      @below
      async read(): Promise<string> {
        const line = this.ledger.enter('tried');
        if ((failures -= 1) >= 0) throw new Error('down');
        return line;
      }
    }
    @Controller()
    class Routes {
      constructor(
        readonly ledger: Ledger,
        private readonly service: Service,
      ) {}
      @Get('route')
      @above
      @protectedWithRetry
      @below
      async read(): Promise<string> {
        const line = this.ledger.enter('tried');
        if ((failures -= 1) >= 0) throw new Error('down');
        return line;
      }
      @Get('service')
      ask(): Promise<string> {
        return this.service.read();
      }
    }
    const [one, other] = await twins(
      { controllers: [Routes], providers: [Service] },
      platform,
    );

    for (const path of ['/route', '/service']) {
      failures = 1;
      one.app.get(Ledger).lines.length = 0;
      expect(await (await one.get(path)).text()).toBe('tried');
      expect(one.app.get(Ledger).lines).toEqual(lines);
    }

    expect(one.snapshot('payments').totals).toMatchObject({
      started: 2,
      succeeded: 2,
      attempts: 4,
    });
    expect(other.app.get(DaceRegistry).snapshot()[0]!.totals.started).toBe(0);
  });
});
