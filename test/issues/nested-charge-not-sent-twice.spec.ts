import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDependency } from '../../lib/core.js';

let charges = 0;
const server = createServer((_request, response) => {
  charges += 1;
  response.end('charged');
});
beforeAll(
  () => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)),
);
afterAll(() => server.close());

describe('A charge made through another dependency', () => {
  it('is not sent again by the call around it when a later connection is refused', async () => {
    const { port } = server.address() as AddressInfo;
    const bank = createDependency('bank', {
      hosts: [`http://127.0.0.1:${port}`],
    });
    const orders = createDependency('orders');
    const refused = Object.assign(new Error('refused'), {
      code: 'ECONNREFUSED',
    });
    const order = orders.execute(() =>
      bank.execute(async (call) => {
        await call.http.post('/charge');
        throw refused;
      }),
    );
    await expect(order).rejects.toBe(refused);
    expect(charges).toBe(1);
    await Promise.all([bank.close(), orders.close()]);
  });
});
