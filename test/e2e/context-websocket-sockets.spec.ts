import { Injectable, UseGuards, type CanActivate } from '@nestjs/common';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
} from '@nestjs/websockets';
import type { EventEmitter } from 'node:events';
import { Observable } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  Call,
  DaceCall,
  DaceModule,
  FaultTolerant,
  type DaceModuleOptions,
} from 'nestjs-dace';
import { silent } from './context-apps.js';
import { adapters, serveGateways } from './context-gateways.js';
import { deferred, until } from './nest-app.js';

let isHere: ReturnType<typeof deferred<void>>;
let mayGoOn: ReturnType<typeof deferred<void>>;
let ran = 0;
let aborted = 0;
let subscriptions = 0;
let disconnects = 0;
let sockets: EventEmitter[] = [];
const warnings: Error[] = [];
const onWarning = (warning: Error): void => {
  warnings.push(warning);
};
beforeEach(() => {
  isHere = deferred();
  mayGoOn = deferred();
  ran = aborted = subscriptions = disconnects = 0;
  sockets = [];
  warnings.length = 0;
  process.on('warning', onWarning);
});
afterEach(() => {
  process.off('warning', onWarning);
});

/** Waits for its end from outside. */
const hang = (call: Call): Promise<string> => {
  ran += 1;
  isHere.resolve();
  return new Promise((_, reject) => {
    call.signal.addEventListener('abort', () => {
      aborted += 1;
      reject(call.signal.reason as Error);
    });
  });
};

@Injectable()
class Slow implements CanActivate {
  async canActivate(): Promise<boolean> {
    isHere.resolve();
    await mayGoOn.promise;
    return true;
  }
}

@WebSocketGateway()
class Messages {
  handleConnection(socket: EventEmitter) {
    sockets.push(socket);
  }
  handleDisconnect() {
    disconnects += 1;
  }

  @SubscribeMessage('unsaid')
  @FaultTolerant('payments')
  async unsaid(@DaceCall() call: Call = Call.injected) {
    return hang(call);
  }

  @SubscribeMessage('opted-in')
  @FaultTolerant('payments', { cancelOnDisconnect: true })
  async optedIn(
    @MessageBody() _data: unknown,
    @DaceCall() call: Call = Call.injected,
  ) {
    return hang(call);
  }

  @SubscribeMessage('opted-out')
  @FaultTolerant('payments', { cancelOnDisconnect: false })
  async optedOut(@DaceCall() call: Call = Call.injected) {
    return hang(call);
  }

  @SubscribeMessage('opted-in-stream')
  @FaultTolerant('payments', { cancelOnDisconnect: true })
  optedInStream(): Observable<string> {
    return new Observable(() => {
      subscriptions += 1;
      isHere.resolve();
      return () => {
        subscriptions -= 1;
      };
    });
  }

  @SubscribeMessage('guarded')
  @UseGuards(Slow)
  @FaultTolerant('payments', { cancelOnDisconnect: true })
  async guarded() {
    ran += 1;
  }

  @SubscribeMessage('quick')
  @FaultTolerant('payments', { cancelOnDisconnect: true })
  async quick(
    @MessageBody() isToWait: boolean,
    @ConnectedSocket() _socket: unknown,
  ) {
    ran += 1;
    if (isToWait) await mayGoOn.promise;
    return { event: 'quick', data: ran };
  }
}

describe.each(adapters)('A client over $adapter', (over) => {
  const start = (options: DaceModuleOptions = {}) =>
    serveGateways(
      {
        imports: [
          DaceModule.forRoot(
            { payments: { shutdownGraceMs: 1 } },
            { ...silent, ...options },
          ),
        ],
        providers: [Messages],
      },
      over,
    );

  it.each([
    ['opted-in', {}],
    ['unsaid', { cancelOnDisconnect: true }],
  ])(
    'that disconnects ends a call that is %s (module: %j)',
    async (event, options) => {
      const { client, snapshot } = await start(options);
      client.send(event);
      await isHere.promise;

      client.close();
      await until(() => aborted === 1);

      expect(ran).toBe(1);
      expect(snapshot('payments')).toMatchObject({
        inFlight: 0,
        window: { failures: 0 },
        totals: { started: 1, cancelled: 1, failed: 0 },
      });
    },
  );

  it.each([
    ['unsaid', {}],
    ['opted-out', { cancelOnDisconnect: true }],
  ])(
    'that disconnects lets a call go on that is %s (module: %j)',
    async (event, options) => {
      const { client, snapshot } = await start(options);
      client.send(event);
      await isHere.promise;

      client.close();
      await until(() => disconnects === 1);

      expect(aborted).toBe(0);
      expect(snapshot('payments').inFlight).toBe(1);
    },
  );

  it('that disconnects ends a stream that it waits for', async () => {
    const { client, snapshot } = await start();
    client.send('opted-in-stream');
    await isHere.promise;
    expect(subscriptions).toBe(1);

    client.close();
    await until(() => subscriptions === 0);

    expect(snapshot('payments').totals).toMatchObject({
      started: 1,
      cancelled: 1,
    });
  });

  it('that was gone before the handler was reached is asked for nothing', async () => {
    const { client, url, snapshot } = await start();
    client.send('guarded');
    await isHere.promise;

    client.close();
    await until(() => disconnects === 1);
    mayGoOn.resolve();
    const other = await over.connect(url);
    other.send('quick', false);

    expect(await other.told('quick')).toBe(1);
    expect(ran).toBe(1);
    expect(snapshot('payments').totals.started).toBe(1);
  });

  const listeners = () =>
    ['close', 'disconnect', 'cancelled'].map((event) =>
      sockets[0]!.listenerCount(event),
    );

  it('that calls a hundred times leaves no listener', async () => {
    const { client } = await start();
    client.send('quick', false);
    await client.told('quick');
    const before = listeners();

    for (let n = 2; n <= 101; n += 1) {
      client.send('quick', false);
      await client.told('quick', n);
    }

    expect(ran).toBe(101);
    expect(sockets).toHaveLength(1);
    expect(listeners()).toEqual(before);
  });

  it('that makes a hundred calls at once is listened to once', async () => {
    const { client, snapshot } = await start({
      defaults: { maxOpenPerNetloc: 100 },
    });
    client.send('quick', false);
    await client.told('quick');
    const before = listeners();

    for (let n = 0; n < 100; n += 1) client.send('quick', true);
    await until(() => snapshot('payments').inFlight === 100);
    expect(listeners()).toEqual(before.map((count) => count + 1));
    mayGoOn.resolve();
    await client.told('quick', 101);

    expect(listeners()).toEqual(before);
    expect(snapshot('payments').totals).toMatchObject({
      started: 101,
      attempts: 101,
      succeeded: 101,
    });
    expect(warnings).toEqual([]);
  });
});
