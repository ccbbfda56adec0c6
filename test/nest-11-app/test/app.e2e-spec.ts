import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Test, TestingModule } from '@nestjs/testing';
import { INestApplication } from '@nestjs/common';
import { DaceRegistry } from 'nestjs-dace';
import request from 'supertest';
import { App } from 'supertest/types';
import { AppModule } from './../src/app.module';

describe('AppController (e2e)', () => {
  let app: INestApplication<App>;
  let payments: Server;
  let asked: number;

  beforeEach(async () => {
    asked = 0;
    payments = createServer((req, res) => {
      asked += 1;
      res.setHeader('content-type', 'application/json');
      res.end(
        JSON.stringify({ account: req.url?.split('/').at(-1), amount: 3 }),
      );
    }).listen(0, '127.0.0.1');
    await once(payments, 'listening');
    const { port } = payments.address() as AddressInfo;
    process.env.PAYMENTS_URL = `http://127.0.0.1:${port}`;

    const moduleFixture: TestingModule = await Test.createTestingModule({
      imports: [AppModule],
    }).compile();

    app = moduleFixture.createNestApplication();
    await app.init();
  });

  const stopPayments = async () => {
    payments.closeAllConnections();
    if (payments.listening) await once(payments.close(), 'close');
  };

  it('/ (GET)', () => {
    return request(app.getHttpServer())
      .get('/')
      .expect(200)
      .expect('Hello World!');
  });

  it('/accounts/7/balance (GET)', async () => {
    await request(app.getHttpServer())
      .get('/accounts/7/balance')
      .expect(200)
      .expect({ account: '7', amount: 3 });

    expect(asked).toBe(1);
  });

  it('/accounts/7 (GET), a protected route', async () => {
    await request(app.getHttpServer())
      .get('/accounts/7')
      .expect(200)
      .expect({ account: '7', amount: 3 });

    expect(asked).toBe(1);
    const { totals } = app.get(DaceRegistry).get('payments').snapshot();
    expect(totals).toMatchObject({ started: 1, succeeded: 1, attempts: 1 });
  });

  it('/accounts/7/balance (GET), while payments is down', async () => {
    await stopPayments();

    await request(app.getHttpServer())
      .get('/accounts/7/balance')
      .expect(200)
      .expect({ account: '7', amount: null });
  });

  it('/accounts/7/patient (GET), tried again while payments is down', async () => {
    await stopPayments();

    await request(app.getHttpServer()).get('/accounts/7/patient').expect(503);

    const { totals, lastFailure } = app
      .get(DaceRegistry)
      .get('payments')
      .snapshot();
    expect(totals).toMatchObject({ started: 1, failed: 1, attempts: 3 });
    expect(lastFailure?.name).toBe('ECONNREFUSED');
  });

  it('/accounts/7/file (GET), whose error is of Node and no Error to Jest', async () => {
    await request(app.getHttpServer()).get('/accounts/7/file').expect(500);

    const { lastFailure } = app.get(DaceRegistry).get('ledger').snapshot();
    expect(lastFailure?.name).toBe('ENOENT');
  });

  it('/accounts/7 (GET), while payments is cut off', async () => {
    app.get(DaceRegistry).get('payments').control('forced-open');

    await request(app.getHttpServer())
      .get('/accounts/7')
      .expect(503)
      .expect('Retry-After', '1');

    expect(asked).toBe(0);
  });

  it('/health (GET)', async () => {
    app.get(DaceRegistry).get('ledger').control('forced-open');

    const { body } = await request(app.getHttpServer())
      .get('/health')
      .expect(200);

    expect(body).toMatchObject({
      status: 'ok',
      info: {
        payments: { status: 'up', state: 'closed' },
        ledger: { status: 'up', state: 'forced-open' },
      },
    });
  });

  afterEach(async () => {
    await app.close();
    await stopPayments();
  });
});
