import { defer, firstValueFrom, lastValueFrom, toArray } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  consecutiveFailures,
  faultTolerant,
  type DependencyOptions,
} from 'nestjs-dace';
import { errorOf, watch } from '../support/core-toolkit.js';
import { ManualClock } from 'nestjs-dace/testing';
import { platforms, serve, until, type Platform } from './nest-app.js';
import { InventoryService, Shop, shop } from './operator-service.js';

let service: InventoryService;
beforeEach(async () => {
  service = await InventoryService.start();
});
afterEach(() => service.die());

const nervous: DependencyOptions = {
  retry: false,
  circuit: { trip: consecutiveFailures(2), resetTimeoutMs: 60 },
};

async function start(
  inventory: DependencyOptions,
  platform?: Platform,
  clock?: ManualClock,
) {
  const { app, get } = await serve(
    shop(service, inventory, clock),
    undefined,
    platform,
  );
  const asking = app.get(Shop);
  return {
    get,
    shop: asking,
    snapshot: () => asking.inventory.snapshot(),
    /** Asks the dead service until its circuit is open. */
    untilOpen: async () => {
      for (let n = 0; n < 5; n += 1)
        await errorOf(firstValueFrom(asking.ask('left')));
      expect(asking.inventory.snapshot().state).toBe('open');
      // A client keeps a failed connection until the end of this turn.
      for (let turn = 0; turn < 2; turn += 1)
        await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

describe('ClientProxy.send, fault-tolerant', () => {
  it('answers what the service does, which runs once', async () => {
    const { shop: asking, snapshot } = await start({});

    const one = await firstValueFrom(asking.ask('left'));
    const many = await lastValueFrom(asking.ask('stream').pipe(toArray()));

    expect([one, many]).toEqual([{ sku: 'apple', left: 3 }, [1, 2, 3]]);
    expect([service.ledger.of('left'), service.ledger.of('stream')]).toEqual([
      1, 1,
    ]);
    expect(snapshot()).toMatchObject({
      inFlight: 0,
      totals: { started: 2, attempts: 2, succeeded: 2 },
    });
  });

  it('is refused at once while the service is dead, and recovers with it', async () => {
    const clock = new ManualClock();
    const {
      shop: asking,
      snapshot,
      untilOpen,
    } = await start(nervous, undefined, clock);
    await firstValueFrom(asking.ask('left'));
    await service.die();
    await untilOpen();
    const { attempts } = snapshot().totals;

    const refused = await errorOf(firstValueFrom(asking.ask('left')));
    const spare = firstValueFrom(asking.ask('left', { fallback: 'spare' }));

    expect(refused).toMatchObject({ code: 'DACE_CIRCUIT_OPEN' });
    expect(await spare).toBe('spare');
    expect(snapshot().totals.attempts).toBe(attempts);

    await service.live();
    await clock.advance(60);
    expect(snapshot().state).toBe('half-open');
    expect(await firstValueFrom(asking.ask('left'))).toMatchObject({ left: 3 });
    expect(snapshot().state).toBe('closed');
    expect([service.ledger.of('left'), service.connections]).toEqual([2, 2]);
  });

  it('is repeated where no connection was made, until the service is back', async () => {
    const { shop: asking, snapshot } = await start({
      retry: {
        attempts: 500,
        backoff: { delayMs: 30, factor: 1 },
        budget: false,
      },
    });
    await service.die();
    const stop = asking.inventory.on(({ type }) => {
      if (type !== 'retry.scheduled') return;
      stop();
      void service.live();
    });

    const answers = await Promise.all([
      firstValueFrom(asking.ask('left')),
      firstValueFrom(asking.ask('left')),
    ]);

    expect(answers).toEqual([
      { sku: 'apple', left: 3 },
      { sku: 'apple', left: 3 },
    ]);
    expect(service.ledger.of('left')).toBe(2);
    expect(snapshot().totals).toMatchObject({ started: 2, succeeded: 2 });
    expect(snapshot().totals.retries).toBeGreaterThanOrEqual(2);
  });

  it('is not repeated where the service died in the middle of it', async () => {
    const { shop: asking, snapshot } = await start({});
    const answer = watch(firstValueFrom(asking.ask('second')));
    await until(() => service.ledger.of('second') === 1);

    await service.die();
    await service.live();
    await until(() => answer.state === 'rejected');

    expect(answer.error).toMatchObject({ message: 'Connection closed' });
    expect(service.ledger.of('second')).toBe(1);
    expect(snapshot()).toMatchObject({
      window: { failures: 1 },
      totals: { failed: 1, attempts: 1 },
    });
  });

  it('is repeated there too where it is said to be idempotent', async () => {
    const { shop: asking, snapshot } = await start({
      retry: {
        attempts: 500,
        backoff: { delayMs: 30, factor: 1 },
        budget: false,
      },
    });
    const answer = firstValueFrom(asking.ask('second', { idempotent: true }));
    await until(() => service.ledger.of('second') === 1);

    await service.die();
    await service.live();

    expect(await answer).toBe('answer');
    expect(service.ledger.of('second')).toBe(2);
    expect(snapshot().totals).toMatchObject({ started: 1, succeeded: 1 });
  });

  it('ends in time where the service hangs, and gives its permit back', async () => {
    const { shop: asking, snapshot } = await start({ maxOpenPerNetloc: 1 });

    const error = await errorOf(
      firstValueFrom(asking.ask('hang', { timeoutMs: 50 })),
    );

    expect(error).toMatchObject({ code: 'DACE_TIMEOUT', timeoutMs: 50 });
    expect(snapshot()).toMatchObject({ inFlight: 0, abandoned: 0 });
    expect(await firstValueFrom(asking.ask('left'))).toMatchObject({ left: 3 });
  });

  it('is cancelled by who leaves', async () => {
    const { shop: asking, snapshot } = await start({});
    const subscription = asking.ask('hang').subscribe();
    await until(() => service.ledger.of('hang') === 1);

    subscription.unsubscribe();
    await until(() => snapshot().abandoned === 0);

    expect(snapshot()).toMatchObject({
      inFlight: 0,
      window: { failures: 0 },
      totals: { cancelled: 1, failed: 0 },
    });
  });
});

describe('ClientProxy.emit, deferred and fault-tolerant', () => {
  it('is an event for each subscription, sent when the service is back', async () => {
    const { shop: asking, snapshot } = await start({
      retry: {
        attempts: 500,
        backoff: { delayMs: 30, factor: 1 },
        budget: false,
      },
    });
    const sold = defer(() => asking.client.emit('sold', 'apple')).pipe(
      faultTolerant(asking.inventory),
    );
    expect(snapshot().totals.started).toBe(0);
    await service.die();
    const stop = asking.inventory.on(({ type }) => {
      if (type !== 'retry.scheduled') return;
      stop();
      void service.live();
    });

    await lastValueFrom(sold, { defaultValue: undefined });
    await lastValueFrom(sold, { defaultValue: undefined });

    await until(() => service.ledger.of('sold') === 2);
    expect(snapshot().totals).toMatchObject({ started: 2, succeeded: 2 });
  });
});

describe('A decorated method that answers ClientProxy.send', () => {
  it('falls back while the service is dead, and recovers with it', async () => {
    const clock = new ManualClock();
    const {
      shop: asking,
      snapshot,
      untilOpen,
    } = await start(nervous, undefined, clock);
    expect(await firstValueFrom(asking.decorated('pear'))).toMatchObject({
      sku: 'pear',
      left: 3,
    });
    await service.die();
    await untilOpen();

    expect(await firstValueFrom(asking.decorated('pear'))).toEqual({
      sku: 'pear',
      left: null,
    });

    await service.live();
    await clock.advance(60);
    expect(snapshot().state).toBe('half-open');
    expect(await firstValueFrom(asking.decorated('pear'))).toMatchObject({
      left: 3,
    });
    expect(service.ledger.of('left')).toBe(2);
  });
});

describe.each(platforms)(
  'A route on $platform that asks a microservice',
  (platform) => {
    it('answers 503 with Retry-After, or its fallback, while that is dead', async () => {
      const { get, snapshot, untilOpen } = await start(
        { ...nervous, circuit: { ...nervous.circuit, resetTimeoutMs: 60_000 } },
        platform,
      );
      const before = await get('/left');
      await service.die();
      await untilOpen();

      const [refused, spare] = [await get('/left'), await get('/left-or-null')];

      expect(before.status).toBe(200);
      expect(refused.status).toBe(503);
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(spare.status).toBe(200);
      expect(await spare.json()).toEqual({ left: null });
      expect(service.ledger.of('left')).toBe(1);
      expect(snapshot().totals.fallbacks).toBe(1);
    });
  },
);
