import { Controller, Get, Inject, Injectable, Scope } from '@nestjs/common';
import type { Provider } from '@nestjs/common';
import { ContextIdFactory } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { describe, expect, it } from 'vitest';
import { DaceRegistry, FaultTolerant } from 'nestjs-dace';
import { errorOf } from '../support/core-toolkit.js';
import { counting, Ledger, tally, times, twins } from './instances-apps.js';
import { platforms, serve } from './nest-app.js';

@Injectable()
class Payer {
  constructor(private readonly ledger: Ledger) {}
  @FaultTolerant('payments')
  async pay(): Promise<string> {
    return this.ledger.enter('paid');
  }
}

@Controller()
class Shop {
  constructor(@Inject('payer') private readonly payer: Payer) {}
  @Get()
  pay() {
    return this.payer.pay();
  }
}

const inject = [Ledger];
const make = (ledger: Ledger) => new Payer(ledger);
const { TRANSIENT, REQUEST } = Scope;

describe.each(platforms)('An instance on $platform', (platform) => {
  it.each<[string, Provider[]]>([
    ['useFactory', [{ provide: 'payer', inject, useFactory: make }]],
    [
      'an async useFactory',
      [{ provide: 'payer', inject, useFactory: async (l: Ledger) => make(l) }],
    ],
    [
      'useFactory for each consumer',
      [{ provide: 'payer', inject, useFactory: make, scope: TRANSIENT }],
    ],
    ['useClass', [{ provide: 'payer', useClass: Payer }]],
    ['useExisting', [Payer, { provide: 'payer', useExisting: Payer }]],
    [
      'useExisting of useFactory',
      [
        { provide: 'first', inject, useFactory: make },
        { provide: 'payer', useExisting: 'first' },
      ],
    ],
    [
      'useExisting of a request-scoped class',
      [
        { provide: Payer, useClass: Payer, scope: REQUEST },
        { provide: 'payer', useExisting: Payer },
      ],
    ],
    [
      'useFactory that hands on a constructed one',
      [
        Payer,
        { provide: 'payer', inject: [Payer], useFactory: (p: Payer) => p },
      ],
    ],
  ])('that comes of %s runs once, in its own app', async (_, providers) => {
    const [one, other] = await twins(
      { controllers: [Shop], providers },
      platform,
    );

    expect(await (await one.get('/')).text()).toBe('paid');
    await other.get('/');
    await other.get('/');

    expect(tally(one.app)).toEqual(times(1));
    expect(tally(other.app)).toEqual(times(2));
  });

  it('that a factory makes for each request is told how to find its app, when there are two', async () => {
    const bound: Provider = {
      provide: 'bound',
      inject: [Ledger, DaceRegistry],
      scope: REQUEST,
      useFactory: (ledger: Ledger, registry: DaceRegistry) => {
        const payer = new Payer(ledger);
        registry.bind(payer);
        return payer;
      },
    };
    const loose: Provider = {
      provide: 'loose',
      inject,
      scope: REQUEST,
      useFactory: make,
    };
    const [one, other] = await twins({ providers: [bound, loose] }, platform);
    const of = (token: string) =>
      one.app.resolve<Payer>(token, ContextIdFactory.create());

    expect(await (await of('bound')).pay()).toBe('paid');
    const error = await errorOf((await of('loose')).pay());

    expect(error.message).toContain('DaceRegistry.bind(instance)');
    expect(tally(one.app)).toEqual(times(1));
    expect(tally(other.app)).toEqual(times(0));

    await other.app.close();
    expect(await (await of('loose')).pay()).toBe('paid');
    expect(tally(one.app)).toEqual(times(2));
  });
});

describe('An instance given to two apps by useValue', () => {
  const shared = () => {
    const ledger = new Ledger();
    const payer = new Payer(ledger);
    return { ledger, payer, provider: { provide: 'payer', useValue: payer } };
  };

  it('belongs to neither: the error says so, and nothing ran', async () => {
    const { ledger, provider } = shared();
    const [one, other] = await twins({
      controllers: [Shop],
      providers: [provider],
    });

    const status = (await one.get('/')).status;
    const error = await errorOf(other.app.get<Payer>('payer').pay());

    expect(status).toBe(500);
    expect(error).toMatchObject({ code: 'DACE_CONFIGURATION' });
    expect(error.message).toContain('Payer.pay');
    expect(error.message).toContain('useValue');
    expect(error.message).toContain('DaceRegistry.bind(instance)');
    expect(ledger.lines).toEqual([]);
    expect(tally(one.app)).toEqual(times(0));
    expect(tally(other.app)).toEqual(times(0));
  });

  it('uses the app of the protected call that it is part of', async () => {
    const { ledger, provider } = shared();
    @Injectable()
    class Till {
      constructor(@Inject('payer') private readonly payer: Payer) {}
      @FaultTolerant('payments')
      async run(): Promise<string> {
        return this.payer.pay();
      }
    }
    const [one, other] = await twins({ providers: [Till, provider] });

    await other.app.get(Till).run();

    expect(ledger.lines).toEqual(['paid']);
    expect(tally(one.app)).toEqual(times(0));
    expect(tally(other.app)).toEqual({ ...times(1), bodies: 0 });
  });

  it('uses the one that it was bound to', async () => {
    const { ledger, payer, provider } = shared();
    const [one, other] = await twins({ providers: [provider] });

    other.app.get(DaceRegistry).bind(payer);
    await one.app.get<Payer>('payer').pay();

    expect(ledger.lines).toEqual(['paid']);
    expect(tally(one.app).started).toBe(0);
    expect(tally(other.app).started).toBe(1);
  });

  it('uses the one that goes on when the other has closed', async () => {
    const { ledger, payer, provider } = shared();
    const [one, other] = await twins({ providers: [provider] });
    const third = await Test.createTestingModule({
      imports: counting(),
    }).compile();

    await one.app.close();
    await payer.pay();

    expect(ledger.lines).toEqual(['paid']);
    expect(tally(other.app).started).toBe(1);
    await third.close();
  });

  it('belongs to neither as soon as the second is there', async () => {
    const { ledger, payer, provider } = shared();
    const metadata = { imports: counting(), providers: [provider] };
    const [one] = [await serve(metadata), await serve({ imports: counting() })];
    await payer.pay();
    expect(tally(one.app).started).toBe(1);

    const second = await serve(metadata);

    expect((await errorOf(payer.pay())).message).toContain('useValue');
    await second.app.close();
    await payer.pay();
    expect(tally(one.app).started).toBe(2);
    expect(ledger.lines).toEqual(['paid', 'paid']);
  });

  it('never uses a third, which was not given it', async () => {
    const { ledger, payer, provider } = shared();
    const metadata = { imports: counting(), providers: [provider] };
    const notStarted = [
      await Test.createTestingModule(metadata).compile(),
      await Test.createTestingModule(metadata).compile(),
    ];
    const { app } = await serve({ imports: counting() });

    expect((await errorOf(payer.pay())).message).toContain('useValue');

    expect(ledger.lines).toEqual([]);
    expect(tally(app)).toEqual(times(0));
    for (const module of notStarted) await module.close();
  });

  it('uses each of the apps that tests make one after the other', async () => {
    const { ledger, payer, provider } = shared();
    const forgotten = await Test.createTestingModule({
      imports: counting(),
    }).compile();
    for (const nth of [1, 2, 3]) {
      const { app } = await serve({
        imports: counting(),
        providers: [provider],
      });
      await payer.pay();

      expect(tally(app).started).toBe(1);
      expect(ledger.lines.length).toBe(nth);
      await app.close();
    }
    await forgotten.close();
  });
});
