import { Controller, Get, Res } from '@nestjs/common';
import { from, Observable } from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { Call, DaceCall, DaceModule, FaultTolerant } from 'nestjs-dace';
import { hang } from '../support/core-toolkit.js';
import { platforms, serve, startRequest, until } from './nest-app.js';

const ran: string[] = [];
let isHanging = false;
let failures = 0;

async function run(name: string): Promise<string> {
  ran.push(name);
  if (isHanging) return hang();
  failures -= 1;
  if (failures >= 0) throw new Error(`${name} is down`);
  return name;
}

@Controller('twice')
class Twice {
  @Get('promise')
  @FaultTolerant('orders', { fallback: () => 'spare' })
  @FaultTolerant('payments', { retry: { on: 'any', attempts: 2 } })
  async promise(@DaceCall() call: Call = Call.injected) {
    return run(`${call.dependencyId} ${call.attempt}`);
  }

  @Get('stream')
  @FaultTolerant('orders', { fallback: () => 'spare' })
  @FaultTolerant('payments', { retry: { on: 'any', attempts: 2 } })
  stream(@DaceCall() call: Call = Call.injected): Observable<string> {
    return from(run(`${call.dependencyId} ${call.attempt}`));
  }

  @Get('same')
  @FaultTolerant('payments')
  @FaultTolerant('payments', { retry: { on: 'any', attempts: 2 } })
  async same(@DaceCall() call: Call = Call.injected) {
    return run(`${call.dependencyId} ${call.attempt}`);
  }

  @Get('begun')
  @FaultTolerant('orders', { fallback: () => 'spare' })
  @FaultTolerant('payments', { retry: { on: 'any' }, fallback: () => 'own' })
  async begun(@Res() response: any): Promise<string> {
    ran.push('begun');
    response.send('whole');
    throw new Error('too late');
  }
}

class Base {
  @Get('overridden')
  @FaultTolerant('payments')
  async overridden(): Promise<string> {
    return run('of the base');
  }
}

@Controller('other')
class Other extends Base {
  @Get('overridden')
  @FaultTolerant('orders')
  override async overridden() {
    return `other ${await super.overridden()}`;
  }
}

describe.each(platforms)('On $platform, a controller', (platform) => {
  const start = () =>
    serve(
      {
        imports: [
          DaceModule.forRoot({ payments: {}, orders: {} }, { logger: false }),
        ],
        controllers: [Twice, Other],
      },
      () => {},
      platform,
    );
  beforeEach(() => {
    ran.length = 0;
    isHanging = false;
    failures = 0;
  });

  it.each(['promise', 'stream'])(
    'with two decorators on a route has two operations, one in the other (%s)',
    async (path) => {
      const { get, snapshot } = await start();
      failures = 1;

      expect(await (await get(`/twice/${path}`)).text()).toBe('payments 2');

      expect(ran).toEqual(['payments 1', 'payments 2']);
      expect(snapshot('orders').totals).toMatchObject({
        started: 1,
        attempts: 1,
      });
      expect(snapshot('payments').totals).toMatchObject({
        started: 1,
        attempts: 2,
      });
    },
  );

  it('with two decorators falls back by the outer one', async () => {
    const { get, snapshot } = await start();
    failures = 9;

    expect(await (await get('/twice/promise')).text()).toBe('spare');

    expect(ran).toHaveLength(2);
    expect(snapshot('orders').totals).toMatchObject({
      failed: 1,
      fallbacks: 1,
    });
  });

  it('with two decorators of one dependency has one operation', async () => {
    const { get, snapshot } = await start();

    expect(await (await get('/twice/same')).text()).toBe('payments 1');

    expect(snapshot('payments').totals).toMatchObject({
      started: 1,
      attempts: 1,
    });
  });

  it.each(['twice/promise', 'twice/stream', 'other/overridden'])(
    'ends both operations of a client that leaves (%s)',
    async (path) => {
      const { url, snapshot } = await start();
      isHanging = true;
      const client = startRequest(`${url}/${path}`);
      await until(() => ran.length === 1);

      client.destroy();

      await until(() => snapshot('payments').inFlight === 0);
      for (const id of ['orders', 'payments'])
        expect(snapshot(id)).toMatchObject({
          inFlight: 0,
          window: { failures: 0 },
          totals: { started: 1, cancelled: 1, failed: 0 },
        });
    },
  );

  it('with two decorators repeats nothing once it has answered', async () => {
    const { get, snapshot } = await start();

    expect(await (await get('/twice/begun')).text()).toBe('whole');

    await until(() => snapshot('orders').totals.failed === 1);
    expect(ran).toEqual(['begun']);
    expect(snapshot('payments').totals).toMatchObject({
      failed: 1,
      attempts: 1,
      fallbacks: 0,
    });
    expect(snapshot('orders').totals.fallbacks).toBe(0);
  });
});
