import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { firstValueFrom, Observable, of, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import {
  Call,
  DaceCall,
  DaceModule,
  DaceRegistry,
  FaultTolerant,
} from 'nestjs-dace';
import { ManualClock } from 'nestjs-dace/testing';

async function start(service: new (...args: any[]) => any, payments = {}) {
  const clock = new ManualClock();
  const module = await Test.createTestingModule({
    imports: [
      DaceModule.forRoot({ payments, search: {} }, { logger: false, clock }),
    ],
    providers: [service],
  }).compile();
  await module.init();
  const registry = module.get(DaceRegistry);
  return {
    clock,
    service: module.get(service),
    totals: (id = 'payments') => registry.get(id).snapshot().totals,
    dependency: registry.get('payments'),
  };
}

const down = (): never => {
  throw new Error('down');
};

describe('A decorated call inside one of the same dependency', () => {
  it('takes no second permit, deadline, retry or count, and gets its call', async () => {
    @Injectable()
    class Service {
      @FaultTolerant('payments', { retry: { on: 'any' } })
      async outer(@DaceCall() call: Call = Call.injected) {
        const seen = await this.inner();
        return seen === call;
      }
      @FaultTolerant('payments', { retry: { on: 'any' } })
      async inner(@DaceCall() call: Call = Call.injected): Promise<unknown> {
        return call;
      }
      @FaultTolerant('payments', { retry: { on: 'any' } })
      async failing(): Promise<unknown> {
        return this.failingInside();
      }
      @FaultTolerant('payments', { retry: { on: 'any' } })
      async failingInside(): Promise<unknown> {
        return down();
      }
    }
    const { service, totals } = await start(Service, { maxOpenPerNetloc: 1 });

    expect(await service.outer()).toBe(true);
    expect(totals()).toMatchObject({ started: 1, attempts: 1, succeeded: 1 });
    await expect(service.failing()).rejects.toMatchObject({
      code: 'DACE_RETRY_EXHAUSTED',
      attempts: 3,
    });
    expect(totals()).toMatchObject({ started: 2, attempts: 4 });
  });

  it('joins through another dependency in between', async () => {
    @Injectable()
    class Service {
      @FaultTolerant('payments')
      async outer(): Promise<number> {
        return this.between();
      }
      @FaultTolerant('search')
      async between(): Promise<number> {
        return this.inner();
      }
      @FaultTolerant('payments')
      async inner(@DaceCall() call: Call = Call.injected): Promise<number> {
        return call.attempt;
      }
    }
    const { service, totals } = await start(Service);

    expect(await service.outer()).toBe(1);
    expect(totals().started).toBe(1);
    expect(totals('search').started).toBe(1);
  });

  it('runs its own fallback, once, with the error as cause of its own error', async () => {
    @Injectable()
    class Service {
      @FaultTolerant('payments')
      async outer(how: string): Promise<unknown> {
        return how === 'works' ? this.works() : this.fails();
      }
      @FaultTolerant('payments', { fallback: 'spare' })
      async works(): Promise<unknown> {
        return down();
      }
      spare(error: Error) {
        return `instead of ${error.message}`;
      }
      @FaultTolerant('payments', {
        fallback: () => {
          throw new Error('spare too');
        },
      })
      async fails(): Promise<unknown> {
        return down();
      }
    }
    const { service, totals } = await start(Service);

    expect(await service.outer('works')).toBe('instead of down');
    await expect(service.outer('fails')).rejects.toMatchObject({
      message: 'spare too',
      cause: { message: 'down' },
    });
    expect(totals()).toMatchObject({ succeeded: 1, failed: 1, fallbacks: 0 });
  });

  it('leaves to the caller what no fallback looks at', async () => {
    const notFound = Object.assign(new Error('no such account'), {
      status: 404,
    });
    const spare = { fallback: () => 'spare' };
    @Injectable()
    class Service {
      @FaultTolerant('payments')
      async outer(method: 'missing' | 'ignored' | 'again'): Promise<unknown> {
        return this[method]();
      }
      @FaultTolerant('payments', spare)
      async missing(): Promise<unknown> {
        throw notFound;
      }
      @FaultTolerant('payments', { ...spare, classify: () => 'ignored' })
      async ignored(): Promise<unknown> {
        return down();
      }
      @FaultTolerant('payments', spare)
      async again(@DaceCall() call: Call = Call.injected): Promise<unknown> {
        return call.attempt < 3 ? call.retry() : call.attempt;
      }
    }
    const { service } = await start(Service);

    await expect(service.outer('missing')).rejects.toBe(notFound);
    await expect(service.outer('ignored')).rejects.toThrow('down');
    expect(await service.outer('again')).toBe(3);
  });

  it('runs no fallback once nobody waits for the attempt', async () => {
    let fallbacks = 0;
    let release!: () => void;
    @Injectable()
    class Service {
      @FaultTolerant('payments', { timeoutMs: 10 })
      async outer(): Promise<unknown> {
        return this.inner();
      }
      @FaultTolerant('payments', {
        fallback: () => {
          fallbacks += 1;
        },
      })
      async inner(): Promise<unknown> {
        await new Promise<void>((resolve) => {
          release = resolve;
        });
        return down();
      }
    }
    const { service, clock } = await start(Service);
    const call = service.outer().catch((error: Error) => error.message);
    await clock.advance(10);
    release();
    await clock.advance(0);

    expect(await call).toContain('longer than 10 ms');
    expect(fallbacks).toBe(0);
  });

  it('is an operation of its own once the attempt has ended', async () => {
    let later!: () => Promise<unknown>;
    @Injectable()
    class Service {
      @FaultTolerant('payments')
      async outer(): Promise<void> {
        const gate = new Promise<void>((resolve) => {
          release = resolve;
        });
        const inner = gate.then(() => this.inner());
        later = () => inner;
      }
      @FaultTolerant('payments')
      async inner(): Promise<string> {
        return 'late';
      }
    }
    let release!: () => void;
    const { service, totals } = await start(Service);
    await service.outer();

    release();
    await later();

    expect(totals()).toMatchObject({ started: 2, succeeded: 2 });
  });

  it('of the superclass is part of the override', async () => {
    class Base {
      @FaultTolerant('payments', { retry: { on: 'any' } })
      async call(): Promise<string> {
        return 'base';
      }
    }
    @Injectable()
    class Derived extends Base {
      @FaultTolerant('payments', { retry: { on: 'any' } })
      override async call(): Promise<string> {
        return `derived ${await super.call()}`;
      }
    }
    @Injectable()
    class Plain extends Base {
      override async call(): Promise<string> {
        return `plain ${await super.call()}`;
      }
    }
    const derived = await start(Derived);
    const plain = await start(Plain);

    expect(await derived.service.call()).toBe('derived base');
    expect(derived.totals().started).toBe(1);
    expect(await plain.service.call()).toBe('plain base');
    expect(plain.totals().started).toBe(1);
  });

  it('that is recursive, in parallel, or an Observable joins too', async () => {
    @Injectable()
    class Service {
      @FaultTolerant('payments')
      async tree(depth: number): Promise<number> {
        if (depth === 0) return 1;
        const halves = [this.tree(depth - 1), this.tree(depth - 1)];
        const [a, b] = await Promise.all(halves);
        return a! + b!;
      }
      @FaultTolerant('payments')
      async viaStream(): Promise<unknown> {
        return [
          await firstValueFrom(this.values()),
          await firstValueFrom(this.broken()),
        ];
      }
      @FaultTolerant('payments')
      values(): Observable<number> {
        return of(7);
      }
      @FaultTolerant('payments', { fallback: 'spare' })
      broken(): Observable<string> {
        return throwError(() => new Error('down'));
      }
      spare(error: Error): Observable<string> {
        return of(`spare for ${error.message}`);
      }
    }
    const { service, totals } = await start(Service, { maxOpenPerNetloc: 1 });

    expect(await service.tree(3)).toBe(8);
    expect(await service.viaStream()).toEqual([7, 'spare for down']);
    expect(totals()).toMatchObject({ started: 2, succeeded: 2 });
  });

  it('of another app is an operation of its own', async () => {
    @Injectable()
    class Service {
      other: Service | undefined;
      @FaultTolerant('payments')
      async call(): Promise<string> {
        return this.other === undefined ? 'inner' : this.other.call();
      }
    }
    const first = await start(Service);
    const second = await start(Service);
    first.service.other = second.service;

    expect(await first.service.call()).toBe('inner');
    expect(first.totals().started).toBe(1);
    expect(second.totals().started).toBe(1);
  });

  it('joins nothing through `execute`, which is an operation wherever it stands', async () => {
    @Injectable()
    class Service {
      constructor(readonly registry: DaceRegistry) {}
      @FaultTolerant('payments')
      async call(): Promise<unknown> {
        return this.registry.get('payments').execute(() => this.inner());
      }
      @FaultTolerant('payments')
      async inner(): Promise<string> {
        return 'joined the execute';
      }
    }
    const { service, totals } = await start(Service);

    expect(await service.call()).toBe('joined the execute');
    expect(totals().started).toBe(2);
  });
});
