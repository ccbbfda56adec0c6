import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createDependency,
  type Call,
  type CallOptions,
  type Dependency,
} from '../../lib/core.js';
import { Upstream } from '../support/http-upstream.js';

describe('A charge that succeeded, in a function whose later GET fails', () => {
  let upstream: Upstream;
  let payments: Dependency;
  const asked = (path: string): number =>
    upstream.requests.filter((request) => request.url === path).length;

  beforeEach(async () => {
    upstream = await Upstream.start((request, response) => {
      if (request.url === '/cut') {
        request.socket.destroy();
        return;
      }
      response.statusCode = request.url === '/charge' ? 201 : 500;
      response.end('{}');
    });
    payments = createDependency('payments', {
      hosts: [upstream.origin],
      circuit: false,
    });
  });
  afterEach(async () => {
    await payments.close();
    await upstream.stop();
  });

  const chargeThen =
    (path: string, config = {}) =>
    async (call: Call): Promise<unknown> => {
      await call.http.post('/charge', { amount: 1 }, config);
      return (await call.http.get(path)).data;
    };

  it.each([
    ['a 500', '/receipt'],
    ['a broken connection', '/cut'],
  ])('is not sent again after %s', async (_name, path) => {
    await expect(payments.execute(chargeThen(path))).rejects.toMatchObject({
      isAxiosError: true,
    });
    expect(asked('/charge')).toBe(1);
    expect(asked(path)).toBe(1);
    expect(payments.snapshot().totals.attempts).toBe(1);
  });

  it('is not sent again after an attempt timeout with onTimeout', async () => {
    const hanging = async (call: Call): Promise<unknown> => {
      await call.http.post('/charge', {});
      return new Promise(() => {});
    };
    await expect(
      payments.execute(hanging, {
        attemptTimeoutMs: 200,
        retry: { onTimeout: true },
      }),
    ).rejects.toMatchObject({ code: 'DACE_TIMEOUT' });
    expect(asked('/charge')).toBe(1);
  });

  it('is not sent again when it was sent by call.agent', async () => {
    await expect(
      payments.execute(async (call) => {
        const { body } = await call.agent.request({
          origin: upstream.origin,
          path: '/charge',
          method: 'POST',
        });
        await body.text();
        return (await call.http.get('/receipt')).data;
      }),
    ).rejects.toMatchObject({ name: 'AxiosError' });
    expect(asked('/charge')).toBe(1);
  });

  it.each([
    ['the call says idempotent', {}, { idempotent: true }],
    ['retry.on asks for it', {}, { retry: { on: 'any' } }],
    ['the charge carries a key', { headers: { 'Idempotency-Key': '1' } }, {}],
  ] as [string, object, CallOptions][])(
    'is sent again where %s',
    async (_name, config, options) => {
      await expect(
        payments.execute(chargeThen('/receipt', config), options),
      ).rejects.toMatchObject({ code: 'DACE_RETRY_EXHAUSTED', attempts: 3 });
      expect(asked('/charge')).toBe(3);
    },
  );

  it('is sent again where the function asks for it itself', async () => {
    await expect(
      payments.execute(async (call) => {
        await call.http.post('/charge', {});
        return call.retry('because');
      }),
    ).rejects.toMatchObject({ code: 'DACE_RETRY_EXHAUSTED' });
    expect(asked('/charge')).toBe(3);
  });

  it('while a GET alone is sent three times', async () => {
    await expect(
      payments.execute((call) => call.http.get('/receipt')),
    ).rejects.toMatchObject({ code: 'DACE_RETRY_EXHAUSTED', attempts: 3 });
    expect(asked('/receipt')).toBe(3);
  });

  it('and a POST alone that fails is sent once', async () => {
    await expect(payments.http.post('/other', {})).rejects.toMatchObject({
      response: { status: 500 },
    });
    expect(asked('/other')).toBe(1);
  });
});
