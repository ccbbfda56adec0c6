import { Controller, Get, Injectable, Module } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterEach, describe, expect, it } from 'vitest';
import {
  Call,
  DaceCall,
  DaceModule,
  DaceRegistry,
  FaultTolerant,
  InjectDependency,
  Dependency,
} from 'nestjs-dace';

@Injectable()
class Invoices {
  runs = 0;
  constructor(@InjectDependency('search') readonly search: Dependency) {}

  @FaultTolerant('payments', { fallback: 'unknown' })
  async balance(account: string, @DaceCall() call: Call = Call.injected) {
    this.runs += 1;
    if (account === 'bad') throw new Error('down');
    return { account, attempt: call.attempt };
  }
  unknown(account: string, error: Error) {
    return { account, attempt: -1, why: error.message };
  }

  @FaultTolerant('payments')
  async inner(): Promise<string> {
    this.runs += 1;
    throw new Error('inner');
  }
}

@Controller('invoices')
class InvoicesController {
  constructor(private readonly invoices: Invoices) {}

  @Get('ok')
  @FaultTolerant('search')
  async ok() {
    return this.invoices.balance('good');
  }

  @FaultTolerant('payments', { retry: { on: 'any' } })
  @Get('nested')
  async nested() {
    return this.invoices.inner();
  }
}

@Module({
  imports: [
    DaceModule.forRoot({ payments: {}, search: {} }, { logger: false }),
  ],
  controllers: [InvoicesController],
  providers: [Invoices],
})
class AppModule {}

let app: INestApplication | undefined;
afterEach(async () => {
  await app?.close();
  app = undefined;
});

describe('A Nest app with decorated methods', () => {
  it('runs a decorated route and a decorated service once each', async () => {
    const module = await Test.createTestingModule({
      imports: [AppModule],
    }).compile();
    app = module.createNestApplication({ logger: false });
    await app.listen(0, '127.0.0.1');
    const url = await app.getUrl();
    const answer = await fetch(`${url}/invoices/ok`);
    expect(await answer.json()).toEqual({ account: 'good', attempt: 1 });
    const registry = app.get(DaceRegistry);
    expect(registry.get('payments').snapshot().totals.succeeded).toBe(1);
    expect(registry.get('search').snapshot().totals.succeeded).toBe(1);
    expect(await app.get(Invoices).balance('bad')).toMatchObject({
      attempt: -1,
      why: 'down',
    });
  });

  it('tries a nested method of the same dependency three times, not nine', async () => {
    const module = await Test.createTestingModule({
      imports: [AppModule],
    }).compile();
    app = module.createNestApplication({ logger: false });
    await app.listen(0, '127.0.0.1');
    const answer = await fetch(`${await app.getUrl()}/invoices/nested`);
    expect(answer.status).toBe(503);
    expect(app.get(Invoices).runs).toBe(3);
    const { totals } = app.get(DaceRegistry).get('payments').snapshot();
    expect(totals).toMatchObject({ started: 1, attempts: 3, failed: 1 });
  });
});
