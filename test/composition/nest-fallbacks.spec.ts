import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { describe, expect, it } from 'vitest';
import {
  Call,
  DaceCall,
  DaceForeignHostError,
  DaceModule,
  DaceRegistry,
  FaultTolerant,
} from 'nestjs-dace';

async function start<T>(service: new () => T): Promise<T> {
  const module = await Test.createTestingModule({
    imports: [DaceModule.forRoot({ payments: {} }, { logger: false })],
    providers: [service],
  }).compile();
  await module.init();
  return module.get(service);
}

describe('A fallback method', () => {
  it('gets the declared arguments without the calls, then the error, on the same `this`', async () => {
    @Injectable()
    class Service {
      private readonly own = 'own';
      @FaultTolerant('payments', { fallback: 'spare' })
      async call(
        _a?: string,
        @DaceCall() _call: Call = Call.injected,
        _b = 5,
      ): Promise<unknown> {
        throw new Error('down');
      }
      spare(a: unknown, b: unknown, error: Error, ...more: unknown[]) {
        return [this.own, a, b, error.message, more.length];
      }
    }
    const service = await start(Service);
    const anyhow = service as { call(...args: unknown[]): Promise<unknown> };

    expect(await service.call('a')).toEqual(['own', 'a', undefined, 'down', 0]);
    expect(await service.call()).toEqual([
      'own',
      undefined,
      undefined,
      'down',
      0,
    ]);
    expect(await anyhow.call('a', undefined, 2, 'extra')).toEqual([
      'own',
      'a',
      2,
      'down',
      0,
    ]);
  });

  it('may be overridden, and may be left to the subclass', async () => {
    abstract class Base {
      @FaultTolerant('payments', { fallback: 'spare' })
      async call(): Promise<string> {
        throw new Error('down');
      }
      abstract spare(error: Error): string;
    }
    @Injectable()
    class Derived extends Base {
      spare() {
        return 'derived';
      }
    }

    expect(await (await start(Derived)).call()).toBe('derived');
  });

  it('may be protected itself', async () => {
    @Injectable()
    class Service {
      @FaultTolerant('payments', { fallback: 'spare' })
      async call(): Promise<string> {
        throw new Error('down');
      }
      @FaultTolerant('payments')
      async spare(error: Error): Promise<string> {
        return `after ${error.message}`;
      }
    }

    expect(await (await start(Service)).call()).toBe('after down');
  });

  it('that does not exist fails at start-up, with class, method and cure', async () => {
    @Injectable()
    class Service {
      // A JavaScript user gets no help from the types.
      @((FaultTolerant as (id: string, options: object) => MethodDecorator)(
        'payments',
        { fallback: 'missing' },
      ))
      async call(): Promise<string> {
        return '';
      }
    }

    await expect(start(Service)).rejects.toThrow(
      "Service.call has the fallback 'missing', but Service has no method of that name. In the decorator a string always names a method; for a text value use { fallback: () => 'missing' }.",
    );
  });

  it('is not asked about what is the app’s own fault', async () => {
    @Injectable()
    class Service {
      @FaultTolerant('payments', { fallback: () => 'spare' })
      async call(): Promise<string> {
        throw new DaceForeignHostError({
          dependencyId: 'payments',
          reason: 'elsewhere',
        });
      }
    }

    await expect((await start(Service)).call()).rejects.toMatchObject({
      code: 'DACE_FOREIGN_HOST',
    });
  });
});

describe('A fallback of other kinds', () => {
  it('is a function of the error and the last call, or a value', async () => {
    @Injectable()
    class Service {
      @FaultTolerant('payments', {
        fallback: (error, call) => [(error as Error).message, call.attempt],
      })
      async byFunction(): Promise<unknown> {
        throw new Error('down');
      }
      @FaultTolerant('payments', { fallback: null })
      async byNull(): Promise<unknown> {
        throw new Error('down');
      }
      @FaultTolerant('payments', { fallback: [] })
      async byValue(): Promise<unknown> {
        throw new Error('down');
      }
    }
    const service = await start(Service);

    expect(await service.byFunction()).toEqual(['down', 1]);
    expect(await service.byNull()).toBeNull();
    expect(await service.byValue()).toEqual([]);
  });

  it('of the dependency serves decorated methods', async () => {
    @Injectable()
    class Service {
      @FaultTolerant('payments')
      async call(): Promise<unknown> {
        throw new Error('down');
      }
    }
    const module = await Test.createTestingModule({
      imports: [
        DaceModule.forRoot(
          { payments: { fallback: 'of the dependency' } },
          { logger: false },
        ),
      ],
      providers: [Service],
    }).compile();

    expect(await module.get(Service).call()).toBe('of the dependency');
    expect(
      module.get(DaceRegistry).get('payments').snapshot().totals.fallbacks,
    ).toBe(1);
  });
});
