import {
  Catch,
  Injectable,
  Logger,
  UseFilters,
  type ArgumentsHost,
  type ExceptionFilter,
  type Type,
} from '@nestjs/common';
import {
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
} from '@nestjs/websockets';
import type { Socket } from 'socket.io';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  DaceExceptionFilter,
  FaultTolerant,
  type DaceModuleOptions,
} from 'nestjs-dace';
import { ManualClock } from 'nestjs-dace/testing';
import {
  answerIn,
  bringTrouble,
  internals,
  runsOf,
  Troubled,
  troubledModule,
  troubles,
  type Trouble,
} from './context-apps.js';
import {
  adapters,
  connectIo,
  serveGateways,
  type Gateways,
} from './context-gateways.js';
import { isNest11 } from './nest-app.js';

afterEach(() => {
  vi.restoreAllMocks();
});

@Injectable()
class Messages {
  constructor(protected readonly troubled: Troubled) {}

  @SubscribeMessage('plain')
  async plain(@MessageBody() trouble: Trouble) {
    return this.troubled.meet(trouble);
  }

  @SubscribeMessage('decorated')
  @FaultTolerant('gate')
  async decorated(@MessageBody() trouble: Trouble) {
    return this.troubled.meet(trouble);
  }

  @SubscribeMessage('healthy')
  async healthy() {
    return { event: 'answer', data: 'healthy' };
  }
}

@WebSocketGateway()
class Unfiltered extends Messages {}

@UseFilters(DaceExceptionFilter)
@WebSocketGateway()
class Filtered extends Messages {}

async function start(
  over: Gateways,
  gateway: Type<Messages>,
  options: DaceModuleOptions = {},
) {
  const clock = new ManualClock();
  const served = await serveGateways(
    {
      imports: [troubledModule({ clock, ...options })],
      providers: [Troubled, gateway],
    },
    over,
  );
  await bringTrouble(served.app);
  const { app, client } = served;
  return {
    ...served,
    clock,
    troubled: app.get(Troubled),
    fail: (event: string, trouble: Trouble) => {
      client.send(event, trouble);
      return answerIn(app, trouble, clock, client.told('exception'));
    },
  };
}

describe.each(adapters)('A client of a gateway over $adapter', (over) => {
  it.each(troubles)('is told of $trouble', async ({ trouble, told }) => {
    const { fail, troubled } = await start(over, Filtered);

    expect(await fail('plain', trouble)).toEqual({
      status: 'error',
      ...told,
      cause: { pattern: 'plain', data: trouble },
    });
    expect(troubled.ran).toBe(runsOf[trouble]);
  });

  it.each(troubles)(
    'is told of $trouble through another protected call',
    async ({ trouble, told }) => {
      const { fail, troubled, snapshot } = await start(over, Filtered);

      const data = await fail('decorated', trouble);

      expect(data).toEqual({
        status: 'error',
        ...told,
        cause: { pattern: 'decorated', data: trouble },
      });
      expect(troubled.ran).toBe(runsOf[trouble]);
      expect(snapshot('gate').totals).toMatchObject({
        started: 1,
        attempts: 1,
      });
    },
  );

  it('is told once, and goes on', async () => {
    const { fail, client } = await start(over, Filtered);

    await fail('plain', 'open');
    client.send('healthy');

    expect(await client.told('answer')).toBe('healthy');
    expect(client.got).toHaveLength(2);
  });

  it('without a filter learns nothing', async () => {
    const { client, app } = await start(over, Unfiltered);

    client.send('plain', 'open');
    client.send('plain', 'exhausted');
    client.send('healthy');
    await client.told('answer');

    // On Nest 11 a client of ws hears of no error at all.
    const isTold = !isNest11 || over.adapter === 'socket.io';
    if (isTold) await client.told('exception', 2);
    const told = client.got.filter(({ event }) => event === 'exception');
    expect(told).toHaveLength(isTold ? 2 : 0);
    for (const { data } of told)
      expect(data.message).toBe('Internal server error');
    expect(JSON.stringify(told)).not.toMatch(internals);
    expect(app.get(Troubled).ran).toBe(runsOf.exhausted);
  });
});

describe('An acknowledgement', () => {
  it.each(troubles)('says of $trouble what the event says', async (one) => {
    const { app, url, clock } = await start(adapters[0]!, Filtered);
    const socket = await connectIo(url);
    const events: unknown[] = [];
    socket.on('exception', (data) => events.push(data));

    const { trouble, told } = one;
    const answer: Promise<unknown> = socket.emitWithAck('decorated', trouble);
    const data = await answerIn(app, trouble, clock, answer);

    expect(data).toMatchObject({ status: 'error', ...told });
    expect(events).toEqual([data]);
    expect(JSON.stringify(data)).not.toMatch(internals);
  });
});

describe('A filter of the gateway’s own', () => {
  @Catch()
  class CatchAll implements ExceptionFilter {
    catch(_error: unknown, host: ArgumentsHost): void {
      host.switchToWs().getClient<Socket>().emit('exception', 'own');
    }
  }
  @UseFilters(CatchAll)
  @WebSocketGateway()
  class OnClass extends Messages {}
  @UseFilters(DaceExceptionFilter)
  @WebSocketGateway()
  class OnMethod extends Messages {
    @UseFilters(CatchAll)
    @SubscribeMessage('plain')
    override async plain(@MessageBody() trouble: Trouble) {
      return this.troubled.meet(trouble);
    }
  }

  it.each([
    ['class', OnClass, { filter: true }],
    ['method', OnMethod, {}],
  ] as const)('on its %s goes before ours', async (_on, gateway, options) => {
    const { fail } = await start(adapters[0]!, gateway, options);

    expect(await fail('plain', 'open')).toBe('own');
  });
});

describe('filter: true, which Nest does not ask for gateways,', () => {
  const warnings = async (gateway: Type<Messages>) => {
    const warn = vi
      .spyOn(Logger.prototype, 'warn')
      .mockImplementation(() => {});
    await start(adapters[0]!, gateway, { filter: true });
    return warn.mock.calls.map(([message]) => String(message));
  };

  it('says so of a gateway that has protected handlers and no filter', async () => {
    const said = await warnings(Unfiltered);

    expect(said).toHaveLength(1);
    expect(said[0]).toContain('does not reach Unfiltered');
    expect(said[0]).toContain('@UseFilters(DaceExceptionFilter)');
  });

  it('says nothing of one that has a filter, or nothing protected', async () => {
    @WebSocketGateway()
    class OnHandler extends Messages {
      @UseFilters(DaceExceptionFilter)
      @SubscribeMessage('decorated')
      @FaultTolerant('gate')
      override async decorated(@MessageBody() trouble: Trouble) {
        return this.troubled.meet(trouble);
      }
    }
    @WebSocketGateway()
    class Plain {
      constructor(readonly troubled: Troubled) {}
      @FaultTolerant('gate')
      async handleConnection() {}
    }

    expect(await warnings(Filtered)).toEqual([]);
    expect(await warnings(OnHandler)).toEqual([]);
    expect(await warnings(Plain as never)).toEqual([]);
  });
});
