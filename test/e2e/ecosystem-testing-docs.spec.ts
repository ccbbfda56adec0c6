import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import {
  Call,
  DaceCircuitOpenError,
  DaceModule,
  DaceRegistry,
  getDependencyToken,
  type DependencyOptions,
} from 'nestjs-dace';
import {
  DaceScript,
  DaceTestingModule,
  ManualClock,
  scenarios,
  simulate,
  unprotected,
} from 'nestjs-dace/testing';
import { AppModule, dace, Invoices, Rates } from './ecosystem-shop.js';

/** These tests are the examples of docs/testing.md; the last one sees to it. */
describe('docs/testing.md shows how', () => {
  const closing: { close(): unknown }[] = [];
  afterEach(async () => {
    for (const open of closing.splice(0)) await open.close();
  });

  it('a method is tested alone', async () => {
    const invoices = unprotected(new Invoices(new Rates()));
    const call = {
      http: { get: async () => ({ data: { cents: 500 } }) },
    } as unknown as Call;

    expect(await invoices.balance('alice', call)).toEqual({
      account: 'alice',
      amount: 5,
    });
  });

  it('a fallback is tested', async () => {
    const module = await Test.createTestingModule({
      imports: [DaceTestingModule.forRoot({ payments: {} })],
      providers: [Invoices, Rates],
    }).compile();
    const invoices = module.get(Invoices);
    const script = module.get(DaceScript);

    script.fail('payments', new Error('down'));
    expect(await invoices.balance('alice')).toEqual({
      account: 'alice',
      amount: null,
    });

    script.answer('payments', 'charged');
    expect(await invoices.charge('alice')).toBe('charged');

    const payments = module.get(DaceRegistry).get('payments');
    expect(payments.snapshot().totals).toMatchObject({
      started: 2,
      fallbacks: 1,
    });
  });

  it('time is moved', async () => {
    const module = await Test.createTestingModule({
      imports: [DaceTestingModule.forRoot({ payments: { timeoutMs: 100 } })],
      providers: [Invoices, Rates],
    }).compile();
    const [clock, script] = [module.get(ManualClock), module.get(DaceScript)];
    const invoices = module.get(Invoices);

    script.hang('payments');
    const slow = invoices.charge('alice').catch((error: Error) => error.name);
    await clock.advance(100);
    expect(await slow).toBe('DaceTimeoutError');

    script.fail('payments', new Error('down'), 4);
    for (let n = 0; n < 4; n++) await invoices.balance('alice');
    await expect(invoices.charge('alice')).rejects.toThrow(
      DaceCircuitOpenError,
    );

    await clock.advance(10_000);
    script.answer('payments', 'charged');
    expect(await invoices.charge('alice')).toBe('charged');
  });

  it('a whole app is tested', async () => {
    const module = await Test.createTestingModule({ imports: [AppModule] })
      .overrideModule(dace)
      .useModule(DaceTestingModule.forRoot({ payments: {} }, { filter: true }))
      .compile();
    const app: INestApplication = module.createNestApplication();
    closing.push(app);
    await app.listen(0, '127.0.0.1');
    const url = `${await app.getUrl()}/charge/alice`;

    app.get(DaceRegistry).get('payments').control('forced-open');
    const refused = await fetch(url);
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('1');

    app.get(DaceRegistry).get('payments').control('auto');
    app.get(DaceScript).answer('payments', 'charged');
    expect(await (await fetch(url)).text()).toBe('charged');
  });

  it('real HTTP is tested', async () => {
    const answers = [[503], [200, { cents: 500 }], [500]] as const;
    const asked: string[] = [];
    const upstream: Server = createServer((request, response) => {
      const [status, body = {}] = answers[asked.length]!;
      asked.push(`${request.method} ${request.url}`);
      response
        .writeHead(status, { 'content-type': 'application/json' })
        .end(JSON.stringify(body));
    });
    closing.push(upstream);
    await new Promise<void>((resolve) => upstream.listen(0, resolve));
    const { port } = upstream.address() as AddressInfo;

    const module = await Test.createTestingModule({
      imports: [
        DaceTestingModule.forRoot({
          payments: { hosts: [`http://127.0.0.1:${port}`] },
        }),
      ],
      providers: [Invoices, Rates],
    }).compile();
    const invoices = module.get(Invoices);

    expect(await invoices.balance('alice')).toMatchObject({ amount: 5 });
    // What was posted is not posted again.
    await expect(invoices.charge('alice')).rejects.toThrow('500');
    expect(asked).toEqual(['GET /alice', 'GET /alice', 'POST /alice/charges']);
  });

  it('an executor is replaced', async () => {
    const call = {
      http: { get: async () => ({ data: { cents: 500 } }) },
    } as unknown as Call;
    const module = await Test.createTestingModule({
      imports: [DaceModule.forRoot({ payments: {} })],
      providers: [Invoices, Rates],
    })
      .overrideProvider(getDependencyToken('payments'))
      .useValue({ execute: (work: (call: Call) => unknown) => work(call) })
      .compile();

    expect(await module.get(Invoices).balance('alice')).toMatchObject({
      amount: 5,
    });
  });

  it('an outage is simulated', async () => {
    const options: DependencyOptions = {
      timeoutMs: 2_000,
      attemptTimeoutMs: 400,
      retry: { onTimeout: true },
    };
    const { seconds, totals } = await simulate({
      options,
      hosts: [
        { phases: [{ fromS: 10, hangRatio: 1 }] },
        { latencyMs: { p50: 20, p99: 150 } },
        { latencyMs: { p50: 20, p99: 150 } },
      ],
      traffic: 200,
      seconds: 60,
    });

    expect(totals.callers.succeeded / totals.started).toBeGreaterThan(0.999);
    expect(seconds.at(-1)!.hosts[0]!.isInService).toBe(false);
  });

  it('two settings are compared', async () => {
    const blip = scenarios.blip;
    const [short, usual] = await Promise.all([
      simulate(blip),
      simulate({ ...blip, options: { circuit: { resetTimeoutMs: 10_000 } } }),
    ]);

    expect(short.totals.refused).toBeLessThan(usual.totals.refused / 4);
  });

  it('what runs here, and nothing else', () => {
    const lines = (path: string): string =>
      readFileSync(path, 'utf8')
        .split('\n')
        .map((line) => line.trim())
        .join('\n');
    const page = lines(join(process.cwd(), 'docs/testing.md'));
    const runs =
      lines(__filename) + lines(join(__dirname, 'ecosystem-shop.ts'));
    const paragraphs = [...page.matchAll(/^```ts\n(.*?)^```$/gms)].flatMap(
      ([, example]) => example!.trim().split('\n\n'),
    );

    expect(paragraphs.length).toBeGreaterThan(10);
    expect(paragraphs.filter((shown) => !runs.includes(shown))).toEqual([]);
  });
});
