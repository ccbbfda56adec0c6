import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  Call,
  DaceModule,
  DaceRegistry,
  Dependency,
  FaultTolerant,
  getDependencyToken,
  InjectDependency,
} from 'nestjs-dace';
import {
  DaceScript,
  DaceTestingModule,
  ManualClock,
  unprotected,
} from 'nestjs-dace/testing';
import { errorOf, refusedConnection } from '../support/core-toolkit.js';
import { Invoices, Rates } from './ecosystem-shop.js';

afterEach(() => {
  vi.useRealTimers();
});

describe('In a unit test without an app, a protected method', () => {
  it('says that its instance belongs to none, and what to do', async () => {
    const invoices = new Invoices(new Rates());

    const error = await errorOf(invoices.charge('alice'));

    expect(error).toMatchObject({ code: 'DACE_CONFIGURATION' });
    expect(error.message).toBe(
      "Invoices.charge is @FaultTolerant('payments'), but its instance belongs to no running app. Import DaceModule.forRoot({ … }) in the app that constructs Invoices, or call DaceRegistry.bind(instance) on that app's registry. In a constructor it may be too early: call it in onModuleInit. (In a unit test, unprotected(instance) from nestjs-dace/testing runs its methods bare.)",
    );
  });

  it('runs bare on unprotected(instance), without its fallback', async () => {
    const invoices = unprotected(new Invoices(new Rates()));
    const down = new Error('down');
    const call = {
      http: { get: () => Promise.reject(down) },
    } as unknown as Call;

    expect(await errorOf(invoices.balance('alice', call))).toBe(down);
    // A fallback is a method like any other.
    expect(invoices.unknownBalance('alice', down).amount).toBe(null);
  });

  it('runs bare there also where a test has spied on it', async () => {
    const service = new Invoices(new Rates());
    const spy = vi.spyOn(service, 'charge');
    const post = vi.fn(async () => ({}));

    const answer = await unprotected(service).charge('alice', {
      http: { post },
    } as unknown as Call);

    expect(answer).toBe('charged');
    expect(spy).toHaveBeenCalledTimes(1);
    expect(post).toHaveBeenCalledWith('/alice/charges', { cents: 500 });
  });
});

describe('In a testing module of Nest, a protected method', () => {
  const compiled = () =>
    Test.createTestingModule({
      imports: [DaceTestingModule.forRoot({ payments: { timeoutMs: 100 } })],
      providers: [Invoices, Rates],
    }).compile();

  it('meets what the script says', async () => {
    const module = await compiled();
    const script = module.get(DaceScript);
    const invoices = module.get(Invoices);
    script.fail('payments', new Error('down')).answer('payments', 'scripted');

    // The first attempt fails, and the fallback answers.
    expect(await invoices.balance('alice')).toMatchObject({ amount: null });
    // The second one answers, and the method's own body does not run.
    expect(await invoices.charge('alice')).toBe('scripted');

    const { totals } = module.get(DaceRegistry).get('payments').snapshot();
    expect(totals).toMatchObject({ started: 2, failed: 1, succeeded: 1 });
    expect(script.remaining('payments')).toBe(0);
  });

  it('times out on the fake timers of the runner, which our clock reads too', async () => {
    vi.useFakeTimers();
    const module = await Test.createTestingModule({
      imports: [DaceModule.forRoot({ payments: {} }, { logger: false })],
      providers: [Invoices, Rates, DaceScript],
    }).compile();
    module.get(DaceScript).hang('payments');
    const slow = module.get(Invoices).charge('alice').catch(String);

    await vi.advanceTimersByTimeAsync(5_000);

    expect(await slow).toContain('took longer than 5,000 ms');
  });

  it('is tried again as after real failures', async () => {
    const module = await compiled();
    const script = module.get(DaceScript);
    script.fail('payments', refusedConnection(), 2).answer('payments', 'done');

    expect(await module.get(Invoices).charge('alice')).toBe('done');

    const { totals } = module.get(DaceRegistry).get('payments').snapshot();
    expect(totals).toMatchObject({ started: 1, attempts: 3, retries: 2 });
    expect(module.get(ManualClock).pending).toBe(0);
  });

  it('runs bare on DaceTestingModule.unprotected, and may be scripted there too', async () => {
    const module = await Test.createTestingModule({
      imports: [DaceTestingModule.unprotected(['payments'])],
      providers: [Invoices, Rates],
    }).compile();
    module.get(DaceScript).answer('payments', 'scripted');

    expect(await module.get(Invoices).charge('alice')).toBe('scripted');
    const { totals } = module.get(DaceRegistry).get('payments').snapshot();
    expect(totals.started).toBe(0);
  });

  it('follows the script of its own module, not that of another', async () => {
    const [one, other] = [await compiled(), await compiled()];
    one.get(DaceScript).answer('payments', 'of one');
    other.get(DaceScript).answer('payments', 'of the other');

    expect(await other.get(Invoices).charge('alice')).toBe('of the other');
    expect(await one.get(Invoices).charge('alice')).toBe('of one');
  });

  it('has no script for what nobody registered', async () => {
    const module = await compiled();

    expect(() => module.get(DaceScript).fail('payment', new Error())).toThrow(
      'No dependency "payment" (used by DaceScript). Known: payments. Did you mean "payments"?',
    );
  });
});

describe('With an auto-mocker', () => {
  @Injectable()
  class Reports {
    constructor(
      @InjectDependency('search') readonly search: Dependency,
      readonly rates: Rates,
    ) {}
    find(q: string): Promise<unknown> {
      return this.search.execute(async () => `${q} for ${this.rates.euros(1)}`);
    }
    @FaultTolerant('search')
    async count(): Promise<number> {
      return this.rates.euros(700);
    }
  }
  /** As the known ones do: whatever is asked for is a function that answers nothing. */
  const automock = (): object => {
    const made = new Map<string | symbol, unknown>();
    return new Proxy(
      {},
      {
        get: (_, name) => {
          if (name === 'then') return undefined;
          if (!made.has(name)) made.set(name, vi.fn());
          return made.get(name);
        },
      },
    );
  };

  it('and DaceTestingModule, a service is protected and the rest is mocked', async () => {
    const module = await Test.createTestingModule({
      imports: [DaceTestingModule.forRoot({ search: {} })],
      providers: [Reports],
    })
      .useMocker(automock)
      .compile();
    vi.mocked(module.get(Rates).euros).mockReturnValue(7);

    expect(await module.get(Reports).count()).toBe(7);
    expect(await module.get(Reports).find('q')).toBe('q for 7');
    const { totals } = module.get(DaceRegistry).get('search').snapshot();
    expect(totals).toMatchObject({ started: 2, succeeded: 2 });
    await module.close();
  });

  it('and no module of ours, executors are mocked and methods run bare on unprotected', async () => {
    const module = await Test.createTestingModule({ providers: [Reports] })
      .useMocker(automock)
      .compile();
    const search = module.get<Dependency>(getDependencyToken('search'));
    vi.mocked(search.execute).mockResolvedValue('found');
    vi.mocked(module.get(Rates).euros).mockReturnValue(7);
    const reports = module.get(Reports);

    expect(await reports.find('q')).toBe('found');
    expect(await unprotected(reports).count()).toBe(7);
    // A mocked registry does not answer in the method's place.
    expect((await errorOf(reports.count())).message).toContain(
      'Reports.count is @FaultTolerant',
    );
    await module.close();
  });
});
