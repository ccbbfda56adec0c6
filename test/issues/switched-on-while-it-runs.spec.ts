import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { expect, it } from 'vitest';
import { DaceModule, DaceRegistry, FaultTolerant } from 'nestjs-dace';
import { until } from '../support/http-upstream.js';

/**
 * The attempt of a switched-off dependency never ended, so a method that goes on by a timer of its
 * own joined it for ever: unprotected though the dependency had been switched on long ago.
 */
it('a poller that began while its dependency was off is protected once it is on', async () => {
  let isOn = false;
  let rounds = 0;
  @Injectable()
  class Poller {
    @FaultTolerant('payments')
    async poll(): Promise<void> {
      rounds += 1;
      if (rounds < 10) setImmediate(() => void this.poll());
    }
  }
  const app = await Test.createTestingModule({
    imports: [
      DaceModule.forRoot(
        { payments: { enabled: () => isOn } },
        { logger: false },
      ),
    ],
    providers: [Poller],
  }).compile();
  await app.init();
  const { totals } = app.get(DaceRegistry).get('payments').snapshot();
  expect(totals.started).toBe(0);

  await app.get(Poller).poll();
  isOn = true;
  await until(() => rounds === 10);

  const after = app.get(DaceRegistry).get('payments').snapshot();
  expect(after.totals.started).toBe(9);
  await app.close();
});
