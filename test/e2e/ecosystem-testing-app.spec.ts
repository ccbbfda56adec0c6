import type { INestApplication } from '@nestjs/common';
import { Test, type TestingModuleBuilder } from '@nestjs/testing';
import type { HttpService } from '@nestjs/axios';
import { firstValueFrom, of } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import {
  DaceRegistry,
  FaultTolerant,
  faultTolerant,
  getHttpServiceToken,
  type Dependency,
} from 'nestjs-dace';
import {
  DaceScript,
  DaceTestingModule,
  ManualClock,
} from 'nestjs-dace/testing';
import { errorOf } from '../support/core-toolkit.js';
import { AppModule, dace, Invoices } from './ecosystem-shop.js';
import { platforms, type Platform } from './nest-app.js';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** The app as it is, but for what the test changes; what `get` answers is its status and its body. */
async function running(
  change: (builder: TestingModuleBuilder) => TestingModuleBuilder,
  { adapter }: Platform = platforms[0]!,
) {
  const builder = Test.createTestingModule({ imports: [AppModule] });
  const module = await change(builder).compile();
  const app: INestApplication = module.createNestApplication(adapter(), {
    logger: false,
  });
  await app.listen(0, '127.0.0.1');
  closing.push(() => app.close());
  const url = await app.getUrl();
  const get = async (path: string) => {
    const response = await fetch(url + path, {
      headers: { connection: 'close' },
    });
    return [response.status, await response.text()] as const;
  };
  return { app, get };
}
const paymentsOf = (app: INestApplication): Dependency =>
  app.get(DaceRegistry).get('payments');

describe.each(platforms)(
  'The whole app on $platform, in a test',
  (platform) => {
    const scripted = (): ReturnType<typeof running> =>
      running(
        (builder) =>
          builder
            .overrideModule(dace)
            .useModule(
              DaceTestingModule.forRoot({ payments: {} }, { filter: true }),
            ),
        platform,
      );

    it('meets what the script says, without a network', async () => {
      const { app, get } = await scripted();
      app
        .get(DaceScript)
        .fail('payments', new Error('down'))
        .answer('payments', 'charged');

      expect(await get('/balance/alice')).toEqual([
        200,
        '{"account":"alice","amount":null}',
      ]);
      expect(await get('/charge/alice')).toEqual([200, 'charged']);
      expect(paymentsOf(app).snapshot().totals).toMatchObject({
        started: 2,
        attempts: 2,
        fallbacks: 1,
      });
    });

    it('refuses while the circuit is open, and probes when its time is up', async () => {
      const { app, get } = await scripted();
      const script = app.get(DaceScript);
      script.fail('payments', new Error('down'), 5);
      for (let n = 0; n < 5; n++) await get('/balance/alice');
      const [refused] = await get('/charge/alice');

      await app.get(ManualClock).advance(10_000);
      script.answer('payments', 'charged');

      expect(refused).toBe(503);
      expect(await get('/charge/alice')).toEqual([200, 'charged']);
      expect(paymentsOf(app).snapshot().state).toBe('closed');
    });

    it('answers 504 when the time of the test is up', async () => {
      const { app, get } = await scripted();
      app.get(DaceScript).hang('payments');
      const started = new Promise<void>((resolve) => {
        paymentsOf(app).on(({ type }) => {
          if (type === 'attempt.started') resolve();
        });
      });

      const response = get('/charge/alice');
      await started;
      await app.get(ManualClock).advance(5_000);

      expect((await response)[0]).toBe(504);
    });
  },
);

describe('The whole app, in a test', () => {
  it('keeps its own module and time, if only the script is added', async () => {
    const module = await Test.createTestingModule({
      imports: [AppModule],
      providers: [DaceScript],
    }).compile();
    closing.push(() => module.close());
    await module.init();
    module.get(DaceScript).answer('payments', 'charged');

    expect(await module.get(Invoices).charge('alice')).toBe('charged');
    const { hosts } = module.get(DaceRegistry).get('payments').snapshot();
    expect(hosts).toMatchObject([{ netloc: 'payments.internal:8080' }]);
  });

  it('has another service in the place of a protected one, which is not protected', async () => {
    const { app, get } = await running((builder) =>
      builder
        .overrideProvider(Invoices)
        .useValue({ charge: async () => 'stubbed' }),
    );

    expect(await get('/charge/alice')).toEqual([200, 'stubbed']);
    expect(paymentsOf(app).snapshot().totals.started).toBe(0);
  });

  it('does not start where a test leaves out a dependency that a method names', async () => {
    const error = await errorOf(
      running((builder) =>
        builder
          .overrideModule(dace)
          .useModule(DaceTestingModule.forRoot({ payment: {} })),
      ),
    );

    expect(error.message).toContain(
      'No dependency "payments" (used by Invoices.balance, Invoices.charge). Known: payment.',
    );
  });
});

describe('The script', () => {
  it('stands in for every kind of call', async () => {
    const module = await Test.createTestingModule({
      imports: [
        DaceTestingModule.forRoot({
          payments: { hosts: ['http://a.invalid'] },
        }),
      ],
    }).compile();
    closing.push(() => module.close());
    await module.init();
    const payments = module.get(DaceRegistry).get('payments');
    const service = module.get<HttpService>(getHttpServiceToken('payments'));
    module.get(DaceScript).answer('payments', { data: 'scripted' }, 5);

    const answers = [
      await payments.execute(async () => 'real'),
      await payments.wrap(async () => 'real')(),
      await payments.http.get('/'),
      await firstValueFrom(service.get('/')),
      await firstValueFrom(of('real').pipe(faultTolerant(payments))),
    ];

    for (const answer of answers)
      expect(answer).toMatchObject({ data: 'scripted' });
    expect(payments.snapshot().totals.succeeded).toBe(5);
  });
});

describe('What a test puts beside the app', () => {
  it('is protected by that app, and scripted with it', async () => {
    class Extra {
      @FaultTolerant('payments')
      async refund(): Promise<string> {
        return 'real';
      }
    }
    const module = await Test.createTestingModule({
      imports: [DaceTestingModule.forRoot({ payments: {} })],
      providers: [{ provide: 'extra', useFactory: () => new Extra() }],
    }).compile();
    closing.push(() => module.close());
    await module.init();
    const bound = new Extra();
    module.get(DaceRegistry).bind(bound);
    module.get(DaceScript).answer('payments', 'scripted', 2);

    const answers = [
      await module.get<Extra>('extra').refund(),
      await bound.refund(),
      await bound.refund(),
    ];

    expect(answers).toEqual(['scripted', 'scripted', 'real']);
  });
});
