import {
  Controller,
  Injectable,
  UseGuards,
  type CanActivate,
} from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import type { Socket } from 'node:net';
import { interval, Observable, type Subscription } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  Call,
  DaceCall,
  DaceModule,
  FaultTolerant,
  type DaceModuleOptions,
} from 'nestjs-dace';
import { serveTcp, silent } from './context-apps.js';
import { deferred, until } from './nest-app.js';

let isHere: ReturnType<typeof deferred<void>>;
let mayGoOn: ReturnType<typeof deferred<void>>;
let ran = 0;
let aborted = 0;
let subscriptions = 0;
const warnings: Error[] = [];
const onWarning = (warning: Error): void => {
  warnings.push(warning);
};
beforeEach(() => {
  isHere = deferred();
  mayGoOn = deferred();
  ran = aborted = subscriptions = 0;
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

@Controller()
class Messages {
  @MessagePattern('unsaid')
  @FaultTolerant('payments')
  async unsaid(@DaceCall() call: Call = Call.injected) {
    return hang(call);
  }

  @MessagePattern('opted-in')
  @FaultTolerant('payments', { cancelOnDisconnect: true })
  async optedIn(@DaceCall() call: Call = Call.injected) {
    return hang(call);
  }

  @MessagePattern('opted-out')
  @FaultTolerant('payments', { cancelOnDisconnect: false })
  async optedOut(@DaceCall() call: Call = Call.injected) {
    return hang(call);
  }

  @MessagePattern('opted-in-stream')
  @FaultTolerant('payments', { cancelOnDisconnect: true })
  optedInStream(): Observable<string> {
    return new Observable((subscriber) => {
      subscriptions += 1;
      const inner: Subscription = interval(1_000).subscribe();
      isHere.resolve();
      subscriber.add(() => {
        subscriptions -= 1;
        inner.unsubscribe();
      });
    });
  }

  @MessagePattern('guarded')
  @UseGuards(Slow)
  @FaultTolerant('payments', { cancelOnDisconnect: true })
  async guarded() {
    ran += 1;
    return 'late';
  }

  @MessagePattern('quick')
  @FaultTolerant('payments', { cancelOnDisconnect: true })
  async quick(@Payload() isToWait: boolean) {
    ran += 1;
    if (isToWait) await mayGoOn.promise;
    return ran;
  }
}

const start = async (options: DaceModuleOptions = {}) => {
  const served = await serveTcp({
    imports: [
      DaceModule.forRoot(
        { payments: { shutdownGraceMs: 1 } },
        { ...silent, ...options },
      ),
    ],
    controllers: [Messages],
  });
  const sockets: Socket[] = [];
  served.server.on('connection', (socket: Socket) => sockets.push(socket));
  return { ...served, sockets };
};

describe('A caller that closes its TCP connection', () => {
  it.each([
    ['opted-in', {}],
    ['unsaid', { cancelOnDisconnect: true }],
  ])('ends a call that is %s (module: %j)', async (pattern, options) => {
    const { ask, client, snapshot } = await start(options);
    void ask(pattern).catch(() => {});
    await isHere.promise;

    await client.close();
    await until(() => aborted === 1);

    expect(ran).toBe(1);
    expect(snapshot()).toMatchObject({
      inFlight: 0,
      window: { failures: 0 },
      totals: { started: 1, cancelled: 1, failed: 0 },
    });
  });

  it.each([
    ['unsaid', {}],
    ['opted-out', { cancelOnDisconnect: true }],
  ])('lets a call go on that is %s (module: %j)', async (pattern, options) => {
    const { ask, client, sockets, snapshot } = await start(options);
    void ask(pattern).catch(() => {});
    await isHere.promise;

    await client.close();
    await until(() => sockets[0]?.closed === true);

    expect(aborted).toBe(0);
    expect(snapshot().inFlight).toBe(1);
  });

  it('ends a stream that it waits for', async () => {
    const { ask, client, snapshot } = await start();
    void ask('opted-in-stream').catch(() => {});
    await isHere.promise;
    expect(subscriptions).toBe(1);

    await client.close();
    await until(() => subscriptions === 0);

    expect(snapshot().totals).toMatchObject({ started: 1, cancelled: 1 });
  });

  it('is noticed when it was gone before the handler was reached', async () => {
    const { ask, client, sockets, snapshot } = await start();
    void ask('guarded').catch(() => {});
    await isHere.promise;

    await client.close();
    await until(() => sockets[0]?.closed === true);
    mayGoOn.resolve();
    await until(() => snapshot().totals.cancelled === 1);

    expect(ran).toBe(0);
  });
});

describe('One TCP connection with a hundred calls', () => {
  const hundred = Array.from({ length: 100 });

  it('one after the other, keeps no listener', async () => {
    const { ask, sockets } = await start();
    await ask('quick', false);
    const listeners = sockets[0]!.listenerCount('close');

    for (const _ of hundred) await ask('quick', false);

    expect(ran).toBe(101);
    expect(sockets).toHaveLength(1);
    expect(sockets[0]!.listenerCount('close')).toBe(listeners);
    expect(sockets[0]!.listenerCount('disconnect')).toBe(0);
  });

  it('at once, listens once, and to nothing afterwards', async () => {
    const { ask, sockets, snapshot } = await start({
      defaults: { maxOpenPerNetloc: 100 },
    });
    await ask('quick', false);
    const listeners = sockets[0]!.listenerCount('close');

    const answers = hundred.map(() => ask('quick', true));
    await until(() => snapshot().inFlight === 100);
    expect(sockets[0]!.listenerCount('close')).toBe(listeners + 1);
    mayGoOn.resolve();
    await Promise.all(answers);

    expect(sockets[0]!.listenerCount('close')).toBe(listeners);
    expect(snapshot().totals).toMatchObject({
      started: 101,
      attempts: 101,
      succeeded: 101,
    });
    expect(warnings).toEqual([]);
  });
});
