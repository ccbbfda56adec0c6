import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { defer, firstValueFrom, from, Observable } from 'rxjs';
import { describe, expect, it } from 'vitest';
import {
  Call,
  DaceCall,
  DaceRegistry,
  Dependency,
  FaultTolerant,
  InjectDependency,
} from 'nestjs-dace';
import {
  DaceTestingModule,
  ManualClock,
  unprotected,
} from 'nestjs-dace/testing';

@Injectable()
class Service {
  tries = 0;
  #secret = 'kept';

  constructor(@InjectDependency('payments') readonly payments: Dependency) {}

  get secret() {
    return this.#secret;
  }
  set secret(value: string) {
    this.#secret = value;
  }

  @FaultTolerant('payments', { retry: { on: 'any' }, fallback: () => 'spare' })
  async fail(): Promise<string> {
    this.tries += 1;
    throw new Error('down');
  }

  @FaultTolerant('payments')
  async nested(): Promise<string> {
    await Promise.resolve();
    await this.fail().catch(() => {});
    return this.#secret;
  }

  @FaultTolerant('payments')
  stream(): Observable<string> {
    return defer(() => from(this.nested()));
  }

  @FaultTolerant('payments')
  async hang(): Promise<string> {
    return new Promise(() => {});
  }

  @FaultTolerant('payments')
  async usesCall(@DaceCall() call: Call = Call.injected): Promise<number> {
    return call.attempt;
  }

  plain() {
    return this.#secret;
  }
}

describe('DaceTestingModule.forRoot', () => {
  it('protects on a clock that the test moves', async () => {
    const module = await Test.createTestingModule({
      imports: [DaceTestingModule.forRoot({ payments: { timeoutMs: 100 } })],
      providers: [Service],
    }).compile();
    const clock = module.get(ManualClock);
    const call = module.get(Service).hang();
    const end = call.catch((error: Error) => error.message);

    await clock.advance(100);

    expect(await end).toContain('longer than 100 ms');
    expect(clock.nowMs()).toBe(100);
  });

  it('takes the test’s own clock and options', async () => {
    const clock = new ManualClock();
    const module = await Test.createTestingModule({
      imports: [
        DaceTestingModule.forRoot(
          { payments: {} },
          { clock, defaults: { timeoutMs: 5 } },
        ),
      ],
      providers: [Service],
    }).compile();
    const call = module
      .get(Service)
      .hang()
      .catch((e: Error) => e.message);

    await clock.advance(5);

    expect(module.get(ManualClock)).toBe(clock);
    expect(await call).toContain('longer than 5 ms');
  });
});

describe('DaceTestingModule.unprotected', () => {
  it('runs every method once, as it is', async () => {
    const module = await Test.createTestingModule({
      imports: [DaceTestingModule.unprotected(['payments'])],
      providers: [Service],
    }).compile();
    const service = module.get(Service);

    await expect(service.fail()).rejects.toThrow('down');
    expect(service.tries).toBe(1);
    expect(await service.usesCall()).toBe(1);
    expect(
      module.get(DaceRegistry).get('payments').snapshot().totals.started,
    ).toBe(0);
  });
});

describe('unprotected(instance)', () => {
  const make = () => {
    const service = new Service(undefined as never);
    return { service, view: unprotected(service) };
  };

  it('runs decorated methods, and those they call, once and without an app', async () => {
    const { service, view } = make();

    await expect(view.fail()).rejects.toThrow('down');
    expect(await view.nested()).toBe('kept');
    expect(await firstValueFrom(view.stream())).toBe('kept');

    expect(service.tries).toBe(3);
  });

  it('is the instance in all else', () => {
    const { service, view } = make();
    view.tries = 7;
    view.secret = 'changed';

    expect(service.tries).toBe(7);
    expect([view.secret, view.plain()]).toEqual(['changed', 'changed']);
    expect(view).toBeInstanceOf(Service);
    expect(view.constructor).toBe(Service);
  });

  it('leaves the instance itself protected', async () => {
    const module = await Test.createTestingModule({
      imports: [DaceTestingModule.forRoot({ payments: {} })],
      providers: [Service],
    }).compile();
    const service = module.get(Service);
    await unprotected(service)
      .fail()
      .catch(() => {});
    service.tries = 0;

    expect(await service.fail()).toBe('spare');
    expect(service.tries).toBe(3);
  });

  it('takes a frozen instance with functions of its own', async () => {
    const own = () => 'own';
    const view = unprotected(Object.freeze({ own }));

    expect(view.own()).toBe('own');
  });

  it('explains a call that nobody filled in', async () => {
    const { view } = make();

    await expect(view.usesCall()).rejects.toThrow(
      'Call.injected is only a placeholder',
    );
  });
});
