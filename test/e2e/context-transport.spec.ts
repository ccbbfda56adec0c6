import { Controller, Injectable, UseFilters } from '@nestjs/common';
import {
  BaseRpcContext,
  Ctx,
  EventPattern,
  KafkaContext,
  MessagePattern,
  NatsContext,
  Payload,
  RmqContext,
  Server,
  type ClientProxy,
  type CustomTransportStrategy,
} from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { Observable, of, throwError } from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  DaceExceptionFilter,
  DaceModule,
  DaceRegistry,
  FaultTolerant,
} from 'nestjs-dace';
import { errorOf } from '../support/core-toolkit.js';
import {
  allOf,
  closedAfterwards,
  lastOf,
  serveTcp,
  silent,
  tcpClient,
} from './context-apps.js';

/** A transport with no connection to the one who sent a message, as brokers are. */
class Broker extends Server implements CustomTransportStrategy {
  override transportId = Symbol('broker');
  listen(callback: () => void): void {
    callback();
  }
  close(): void {}
  on(): void {}
  unwrap(): never {
    throw new Error('There is nothing to unwrap');
  }

  /** What all handlers of `pattern` answer to one message. */
  async deliver(pattern: string, data: unknown, context?: unknown) {
    const handler = this.getHandlerByPattern(pattern)!;
    const answer: unknown = await handler(data, context);
    return allOf(answer instanceof Observable ? answer : of(answer));
  }
}

const bodies: string[] = [];
beforeEach(() => {
  bodies.length = 0;
});

@UseFilters(DaceExceptionFilter)
@Controller()
class Messages {
  @MessagePattern('ask')
  @FaultTolerant('payments', { cancelOnDisconnect: true })
  async ask(@Payload() n: number, @Ctx() context: BaseRpcContext) {
    bodies.push('ask');
    return `${n} of ${context?.constructor.name}`;
  }

  @MessagePattern('several')
  @FaultTolerant('payments', { cancelOnDisconnect: true })
  several() {
    bodies.push('several');
    return of(1, 2, 3);
  }

  @EventPattern('happened')
  @FaultTolerant('payments', {
    cancelOnDisconnect: true,
    retry: { on: 'any' },
  })
  async happened(@Payload() _data: unknown) {
    bodies.push('happened');
    if (bodies.length === 1) throw new Error('once');
  }
}

describe('On a transport of the app’s own', () => {
  const start = async () => {
    const broker = new Broker();
    const module = await Test.createTestingModule({
      imports: [DaceModule.forRoot({ payments: {} }, silent)],
      controllers: [Messages],
    }).compile();
    const app = module.createNestMicroservice({
      strategy: broker,
      logger: false,
    });
    await closedAfterwards(app).listen();
    return { broker, payments: app.get(DaceRegistry).get('payments') };
  };
  const message = {} as never;

  it.each([
    ['no context', undefined],
    ['none of Nest’s', Object.assign(new (class Own {})(), { socket: {} })],
    [
      'Kafka’s',
      new KafkaContext([message, 0, 'ask', message, async () => {}, message]),
    ],
    ['NATS’', new NatsContext(['ask', {}])],
    ['RabbitMQ’s', new RmqContext([{}, {}, 'ask'])],
  ])('with %s, a handler runs once for a message', async (_what, context) => {
    const { broker, payments } = await start();
    const name = context?.constructor.name;

    expect(await broker.deliver('ask', 7, context)).toEqual([`7 of ${name}`]);
    expect(await broker.deliver('several', 7, context)).toEqual([1, 2, 3]);

    expect(bodies).toEqual(['ask', 'several']);
    expect(payments.snapshot().totals).toMatchObject({
      started: 2,
      attempts: 2,
      succeeded: 2,
    });
  });

  it('an event is acknowledged when its retries are over', async () => {
    const { broker, payments } = await start();

    await broker.deliver('happened', {}, new NatsContext(['happened', {}]));

    expect(bodies).toEqual(['happened', 'happened']);
    expect(payments.snapshot().totals).toMatchObject({
      started: 1,
      attempts: 2,
      succeeded: 1,
    });
  });

  it('a refusal is an error that the transport sees', async () => {
    const { broker, payments } = await start();
    payments.control('forced-open');

    expect(await errorOf(broker.deliver('ask', 7))).toEqual({
      status: 'error',
      code: 'DACE_CIRCUIT_OPEN',
      message: 'Service Unavailable',
    });
    expect(bodies).toEqual([]);
  });
});

describe('A handler that asks another microservice', () => {
  @Controller()
  class Inventory {
    @MessagePattern('stock')
    stock(@Payload() sku: string): Observable<string> {
      bodies.push('stock');
      return sku === 'missing'
        ? throwError(() => new Error('secret'))
        : of(`3 of ${sku}`, 'and counting');
    }
  }
  let remote: ClientProxy;
  @Injectable()
  class Stocks {
    @FaultTolerant('inventory')
    count(sku: string): Observable<string> {
      return remote.send<string>('stock', sku);
    }
  }
  @UseFilters(DaceExceptionFilter)
  @Controller()
  class Orders {
    constructor(private readonly stocks: Stocks) {}

    @MessagePattern('order')
    @FaultTolerant('orders')
    order(@Payload() sku: string): Observable<string> {
      bodies.push('order');
      return this.stocks.count(sku);
    }

    @MessagePattern('first')
    @FaultTolerant('inventory')
    async first(@Payload() sku: string) {
      bodies.push('first');
      return lastOf(this.stocks.count(sku));
    }

    @MessagePattern('spare')
    @FaultTolerant('inventory', { fallback: 'unknownStock' })
    spare(@Payload() sku: string): Observable<string> {
      bodies.push('spare');
      return remote.send<string>('stock', sku);
    }
    unknownStock(sku: string, _error: unknown) {
      return of(`unknown ${sku}`);
    }
  }
  const start = async () => {
    const inventory = await serveTcp({ controllers: [Inventory] });
    remote = tcpClient(inventory.server);
    const orders = await serveTcp({
      imports: [DaceModule.forRoot({ inventory: {}, orders: {} }, silent)],
      controllers: [Orders],
      providers: [Stocks],
    });
    return { ...orders, inventory };
  };

  it('passes on its values, one operation for each of the two', async () => {
    const { client, snapshot } = await start();

    expect(await allOf(client.send('order', 'x'))).toEqual([
      '3 of x',
      'and counting',
    ]);

    expect(bodies).toEqual(['order', 'stock']);
    for (const id of ['inventory', 'orders'])
      expect(snapshot(id).totals).toMatchObject({ started: 1, attempts: 1 });
  });

  it('under the same dependency asks as part of its own operation', async () => {
    const { ask, snapshot } = await start();

    expect(await ask('first', 'x')).toBe('and counting');

    expect(bodies).toEqual(['first', 'stock']);
    expect(snapshot('inventory').totals).toMatchObject({
      started: 1,
      attempts: 1,
    });
  });

  it('falls back when that fails', async () => {
    const { ask, snapshot } = await start();

    expect(await ask('spare', 'missing')).toBe('unknown missing');

    expect(bodies).toEqual(['spare', 'stock']);
    expect(snapshot('inventory').totals).toMatchObject({
      failed: 1,
      fallbacks: 1,
    });
  });

  it('tries again when nobody is there, and says so', async () => {
    const { ask, snapshot, inventory } = await start();
    await inventory.app.close();

    expect(await errorOf(ask('order', 'x'))).toEqual({
      status: 'error',
      code: 'DACE_RETRY_EXHAUSTED',
      message: 'Service Unavailable',
    });

    expect(bodies).toEqual(['order']);
    expect(snapshot('inventory').totals).toMatchObject({
      started: 1,
      attempts: 3,
      failed: 1,
    });
  });
});
