import {
  Controller,
  Get,
  Head,
  Injectable,
  Options,
  Param,
  UseGuards,
  UseInterceptors,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { from, switchMap } from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  Call,
  DaceCall,
  DaceModule,
  FaultTolerant,
  type DependencyOptions,
} from 'nestjs-dace';
import { ManualClock } from 'nestjs-dace/testing';
import { hang } from '../support/core-toolkit.js';
import {
  deferred,
  platforms,
  serve,
  startRequest,
  until,
  type Platform,
} from './nest-app.js';

/** Something before the handler waits for the test. */
let reached = deferred();
let goOn = deferred();
async function wait<T>(value: T): Promise<T> {
  reached.resolve();
  await goOn.promise;
  return value;
}

@Injectable()
class WaitingGuard implements CanActivate {
  canActivate() {
    return wait(true);
  }
}
class WaitingPipe implements PipeTransform {
  transform(value: string) {
    return wait(value);
  }
}
class WaitingInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler) {
    return from(wait(undefined)).pipe(switchMap(() => next.handle()));
  }
}

let runs = 0;
let tries = 0;
let work: (call: Call) => Promise<unknown>;
const protect = FaultTolerant('payments', {
  retry: { on: 'any', backoff: { delayMs: 100 } },
});

@Controller()
class Routes {
  @Get('guard')
  @UseGuards(WaitingGuard)
  @FaultTolerant('payments')
  async guarded() {
    runs += 1;
  }

  @Get('pipe/:id')
  @FaultTolerant('payments')
  async piped(@Param('id', WaitingPipe) _id: string) {
    runs += 1;
  }

  @Get('outside')
  @FaultTolerant('payments')
  @UseInterceptors(WaitingInterceptor)
  async outside() {
    runs += 1;
  }

  @Get('inside')
  @UseInterceptors(WaitingInterceptor)
  @FaultTolerant('payments')
  async inside() {
    runs += 1;
  }

  @Get('work')
  @protect
  async read(@DaceCall() call: Call = Call.injected) {
    tries += 1;
    return work(call);
  }
}

@Controller('by')
class Methods {
  @Head()
  @protect
  async head(@DaceCall() call: Call = Call.injected) {
    tries += 1;
    return work(call);
  }

  @Options()
  @protect
  async options(@DaceCall() call: Call = Call.injected) {
    tries += 1;
    return work(call);
  }
}

describe.each(platforms)('On $platform, a client', (platform) => {
  const start = (options: DependencyOptions = {}, clock?: ManualClock) =>
    serveRoutes(platform, options, clock);
  beforeEach(() => {
    runs = tries = 0;
    reached = deferred();
    goOn = deferred();
    work = hang;
  });

  it.each(['guard', 'pipe/7', 'outside', 'inside'])(
    'that leaves before the handler is reached ends what has not begun (%s)',
    async (path) => {
      const { url, sockets, snapshot } = await start();
      const client = startRequest(`${url}/${path}`);
      await reached.promise;
      client.destroy();
      await until(() => sockets[0]!.destroyed);

      goOn.resolve();
      await until(() => snapshot('payments').totals.started === 1);

      expect(snapshot('payments')).toMatchObject({
        inFlight: 0,
        totals: { cancelled: 1, attempts: 0 },
      });
      expect(runs).toBe(0);
    },
  );

  it.each(['guard', 'pipe/7', 'outside', 'inside'])(
    'that stays is answered (%s)',
    async (path) => {
      const { get, snapshot } = await start();
      const answer = get(`/${path}`);
      await reached.promise;
      goOn.resolve();

      expect((await answer).status).toBe(200);
      expect(runs).toBe(1);
      expect(snapshot('payments').totals).toMatchObject({ succeeded: 1 });
    },
  );

  it.each([
    ['GET', 'work'],
    ['HEAD', 'by'],
    ['OPTIONS', 'by'],
  ])('that leaves ends a running %s', async (method, path) => {
    let signal: AbortSignal | undefined;
    work = (call) => {
      ({ signal } = call);
      return hang();
    };
    const { url, snapshot } = await start();
    const client = startRequest(`${url}/${path}`, method);
    await until(() => tries === 1);

    client.destroy();
    await until(() => snapshot('payments').totals.cancelled === 1);

    expect(signal!.reason).toMatchObject({ status: 499 });
    expect(tries).toBe(1);
    expect(snapshot('payments')).toMatchObject({
      inFlight: 0,
      window: { calls: 0 },
    });
  });

  it('that leaves ends one that waits for a permit', async () => {
    const { url, snapshot } = await start({ maxOpenPerNetloc: 1 });
    const first = startRequest(`${url}/work`);
    await until(() => tries === 1);
    const second = startRequest(`${url}/work`);
    await until(() => snapshot('payments').queued === 1);

    second.destroy();

    await until(() => snapshot('payments').queued === 0);
    expect(snapshot('payments')).toMatchObject({
      inFlight: 1,
      totals: { started: 2, cancelled: 1 },
    });
    expect(tries).toBe(1);
    first.destroy();
  });

  it('that leaves ends one that waits for its next try', async () => {
    work = () => Promise.reject(new Error('down'));
    const clock = new ManualClock();
    const { url, snapshot } = await start({}, clock);
    const client = startRequest(`${url}/work`);
    await until(() => tries === 1 && snapshot('payments').inFlight === 0);

    client.destroy();
    await until(() => snapshot('payments').totals.cancelled === 1);
    await clock.advance(1_000);

    expect(tries).toBe(1);
    expect(clock.pending).toBe(0);
  });
});

/** The app, and the connections it gets. */
async function serveRoutes(
  platform: Platform,
  options: DependencyOptions,
  clock: ManualClock | undefined,
) {
  const sockets: Socket[] = [];
  const served = await serve(
    {
      imports: [
        DaceModule.forRoot(
          { payments: options },
          { logger: false, ...(clock && { clock }) },
        ),
      ],
      controllers: [Routes, Methods],
    },
    (app) => {
      const server = app.getHttpServer() as unknown as Server;
      server.on('connection', (socket) => sockets.push(socket));
    },
    platform,
  );
  return { ...served, sockets };
}
