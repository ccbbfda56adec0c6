import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createDependency,
  type Call,
  type Dependency,
} from '../../lib/core.js';
import { Upstream } from '../support/http-upstream.js';

const chargeAndShow = async (call: Call): Promise<unknown> => {
  await call.http.post('/charges', { amount: 100 });
  return (await call.http.get('/receipt')).data;
};

describe('A charge that went through', () => {
  let upstream: Upstream;
  let payments: Dependency;
  let charges = 0;
  let receipts = 0;

  beforeEach(async () => {
    charges = 0;
    receipts = 0;
    upstream = await Upstream.start((request, response) => {
      request.resume();
      if (request.method === 'POST') {
        charges += 1;
        response.end('charged');
      } else {
        receipts += 1;
        response.statusCode = 500;
        response.end('broken');
      }
    });
    payments = createDependency('payments', { hosts: [upstream.origin] });
  });

  afterEach(async () => {
    await payments.close();
    await upstream.stop();
  });

  it('is not sent again because a later request of the same function failed', async () => {
    await expect(payments.execute(chargeAndShow)).rejects.toMatchObject({
      name: 'AxiosError',
      response: { status: 500 },
    });

    expect({ charges, receipts }).toEqual({ charges: 1, receipts: 1 });
  });

  it('is sent again where the caller says that the function is idempotent', async () => {
    const call = payments.execute(chargeAndShow, { idempotent: true });

    await expect(call).rejects.toMatchObject({
      code: 'DACE_RETRY_EXHAUSTED',
      attempts: 3,
    });
    expect({ charges, receipts }).toEqual({ charges: 3, receipts: 3 });
  });

  it('does not keep a function that only reads from being repeated', async () => {
    const call = payments.execute((c) => c.http.get('/receipt'));

    await expect(call).rejects.toMatchObject({ code: 'DACE_RETRY_EXHAUSTED' });
    expect({ charges, receipts }).toEqual({ charges: 0, receipts: 3 });
  });
});
