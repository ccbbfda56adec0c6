import { firstValueFrom } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { errorOf } from '../support/core-toolkit.js';
import { serve } from './nest-app.js';
import { InventoryService, Shop, shop } from './operator-service.js';

let service: InventoryService;
beforeEach(async () => {
  service = await InventoryService.start();
});
afterEach(() => service.die());

async function start() {
  const { app } = await serve(shop(service, {}));
  const asking = app.get(Shop);
  return { asking, snapshot: () => asking.inventory.snapshot() };
}

/** What a `ClientProxy` over TCP rejects with, and what it says about the service. */
const answers = [
  {
    pattern: 'throw',
    error: { status: 'error', message: 'Internal server error' },
    verdict: 'failure',
  },
  {
    pattern: 'text',
    error: { status: 'error', message: 'out of stock' },
    verdict: 'failure',
  },
  {
    pattern: 'http',
    error: { status: 'error', message: 'Internal server error' },
    verdict: 'failure',
  },
  {
    pattern: 'nothing',
    error:
      'There is no matching message handler defined in the remote service.',
    verdict: 'failure',
  },
  {
    pattern: 'busy',
    error: { statusCode: 503, message: 'come back later' },
    verdict: 'failure',
  },
  {
    pattern: 'missing',
    error: { status: 404, message: 'no such sku' },
    verdict: 'ignored',
  },
];

describe('An error that a microservice answers', () => {
  it.each(answers)(
    'to $pattern is a $verdict, told as it is, and not repeated',
    async ({ pattern, error, verdict }) => {
      const { asking, snapshot } = await start();
      const bare = await errorOf(firstValueFrom(asking.bare(pattern)));
      const before = service.ledger.of(pattern);

      const told = await errorOf(firstValueFrom(asking.ask(pattern)));

      expect([bare, told]).toEqual([error, error]);
      expect(service.ledger.of(pattern)).toBe(
        pattern === 'nothing' ? 0 : before + 1,
      );
      expect(snapshot()).toMatchObject({
        window: { failures: verdict === 'failure' ? 1 : 0 },
        totals: { started: 1, attempts: 1, failed: 1 },
      });
    },
  );

  it('is fallen back from only where it is a failure', async () => {
    const { asking } = await start();
    const orSpare = (pattern: string) =>
      firstValueFrom(asking.ask(pattern, { fallback: 'spare' }));

    expect(await orSpare('throw')).toBe('spare');
    expect(await errorOf(orSpare('missing'))).toMatchObject({ status: 404 });
  });

  it('may be judged otherwise by classify', async () => {
    const { asking, snapshot } = await start();
    const isBusiness = (error: any) => error?.message === 'out of stock';

    await errorOf(
      firstValueFrom(
        asking.ask('text', {
          classify: (error) => (isBusiness(error) ? 'ignored' : undefined),
        }),
      ),
    );

    expect(snapshot().window.failures).toBe(0);
  });

  it('is none of ours though it tells of a refused connection: nothing is sent twice', async () => {
    const { asking, snapshot } = await start();

    const error = await errorOf(firstValueFrom(asking.ask('charge')));

    expect(error).toMatchObject({ code: 'ECONNREFUSED', syscall: 'connect' });
    expect(service.ledger.of('charge')).toBe(1);
    expect(snapshot()).toMatchObject({
      window: { failures: 1 },
      totals: { attempts: 1, retries: 0 },
    });
  });
});

describe('An error of the connection to a microservice', () => {
  it('counts, each try of it, and surfaces as the last of them', async () => {
    const { asking, snapshot } = await start();
    await service.die();

    const error = await errorOf(firstValueFrom(asking.ask('left')));

    expect(error).toMatchObject({
      code: 'DACE_RETRY_EXHAUSTED',
      causeCode: 'ECONNREFUSED',
      attempts: 3,
    });
    expect(snapshot()).toMatchObject({
      window: { failures: 3 },
      totals: { started: 1, failed: 1, retries: 2 },
      lastFailure: { name: 'ECONNREFUSED' },
    });
  });
});
