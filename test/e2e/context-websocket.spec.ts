import {
  Ack,
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WsException,
  type WsResponse,
} from '@nestjs/websockets';
import { map, of, throwError, type Observable } from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { Call, DaceCall, DaceModule, FaultTolerant } from 'nestjs-dace';
import { silent } from './context-apps.js';
import {
  adapters,
  connectIo,
  gateways,
  serveGateways,
} from './context-gateways.js';

const bodies: string[] = [];
beforeEach(() => {
  bodies.length = 0;
});
const ran = (name: string): string => {
  bodies.push(name);
  return name;
};
const answer = (data: unknown): WsResponse => ({ event: 'answer', data });

@WebSocketGateway()
class Prices {
  @SubscribeMessage('value')
  @FaultTolerant('payments')
  async value(@MessageBody() data: number) {
    return answer(`${ran('value')} ${data}`);
  }

  @FaultTolerant('payments')
  @SubscribeMessage('socket')
  async socket(
    @ConnectedSocket() socket: { send: unknown },
    @DaceCall() call: Call = Call.injected,
  ) {
    return answer([ran('socket'), typeof socket.send, call.attempt]);
  }

  @SubscribeMessage('undecorated')
  @FaultTolerant('payments')
  async undecorated(socket: { send: unknown }, data: number) {
    return answer([ran('undecorated'), typeof socket.send, data]);
  }

  @SubscribeMessage('typed')
  @FaultTolerant('payments')
  typed(): Observable<WsResponse> {
    ran('typed');
    return of('a', 'b', 'c').pipe(map(answer));
  }

  @SubscribeMessage('bare')
  @FaultTolerant('payments')
  bare() {
    ran('bare');
    return of('a', 'b', 'c').pipe(map(answer));
  }

  @SubscribeMessage('retried')
  @FaultTolerant('payments', { retry: { on: 'any' } })
  async retried() {
    ran('retried');
    if (bodies.length < 3) throw new Error('not yet');
    return answer('third');
  }

  @SubscribeMessage('fallback')
  @FaultTolerant('payments', { fallback: 'spare' })
  async fallback(
    @MessageBody() data: string,
    @DaceCall() call: Call = Call.injected,
  ): Promise<WsResponse> {
    throw new Error(`${ran('fallback')} ${data} ${call.attempt}`);
  }
  spare(data: string, error: Error) {
    return answer(`spare of ${data} for ${error.message}`);
  }

  @SubscribeMessage('spare-stream')
  @FaultTolerant('payments', { fallback: 'spareValues' })
  spareStream(): Observable<WsResponse> {
    ran('spare-stream');
    return throwError(() => new Error('down'));
  }
  spareValues() {
    return of('x', 'y').pipe(map(answer));
  }

  @SubscribeMessage('exception')
  @FaultTolerant('payments')
  async exception() {
    ran('exception');
    throw new WsException('not today');
  }

  @SubscribeMessage('by-hand')
  @FaultTolerant('payments')
  async byHand(
    @MessageBody() data: string,
    @Ack() acknowledge: (data: unknown) => void,
    @DaceCall() call: Call = Call.injected,
  ) {
    acknowledge([ran('by-hand'), data, call.attempt]);
  }

  @SubscribeMessage('acknowledged')
  @FaultTolerant('payments')
  async acknowledged(@MessageBody() data: string) {
    return [ran('acknowledged'), data];
  }
}

describe.each(gateways)(
  'A decorated gateway handler over $adapter on $platform',
  (over) => {
    const start = () =>
      serveGateways(
        {
          imports: [DaceModule.forRoot({ payments: {} }, silent)],
          providers: [Prices],
        },
        over,
      );

    it.each([
      ['value', 'value 7'],
      ['socket', ['socket', 'function', 1]],
      ['undecorated', ['undecorated', 'function', 7]],
    ])('answers %s, having run once', async (event, data) => {
      const { client, snapshot } = await start();

      client.send(event, 7);

      expect(await client.told('answer')).toEqual(data);
      expect(bodies).toEqual([event]);
      expect(snapshot('payments').totals).toMatchObject({
        started: 1,
        attempts: 1,
        succeeded: 1,
      });
    });

    it.each(['typed', 'bare'])(
      'answers all values of an Observable (%s) in one operation',
      async (event) => {
        const { client, snapshot } = await start();

        client.send(event);
        await client.told('answer', 3);

        expect(client.got.map(({ data }) => data)).toEqual(['a', 'b', 'c']);
        expect(bodies).toEqual([event]);
        expect(snapshot('payments')).toMatchObject({
          inFlight: 0,
          totals: { started: 1, attempts: 1, succeeded: 1 },
        });
      },
    );

    it('is tried again without a second message', async () => {
      const { client, snapshot } = await start();

      client.send('retried');

      expect(await client.told('answer')).toBe('third');
      expect(snapshot('payments').totals).toMatchObject({
        started: 1,
        attempts: 3,
        succeeded: 1,
      });
    });

    it('falls back on a method of its gateway', async () => {
      const { client, snapshot } = await start();

      client.send('fallback', 'x');
      const first = await client.told('answer');
      client.send('spare-stream');
      await client.told('answer', 3);

      expect(first).toBe('spare of x for fallback x 1');
      expect(client.got.slice(1)).toEqual([answer('x'), answer('y')]);
      expect(bodies).toEqual(['fallback', 'spare-stream']);
      expect(snapshot('payments').totals).toMatchObject({
        started: 2,
        failed: 2,
        fallbacks: 2,
      });
    });
  },
);

describe('A decorated gateway handler over socket.io', () => {
  it.each([
    ['acknowledged', ['acknowledged', 'x']],
    ['by-hand', ['by-hand', 'x', 1]],
  ])(
    'answers by an acknowledgement (%s), having run once',
    async (event, data) => {
      const { url, snapshot } = await serveGateways(
        {
          imports: [DaceModule.forRoot({ payments: {} }, silent)],
          providers: [Prices],
        },
        adapters[0]!,
      );
      const socket = await connectIo(url);

      const answered: unknown = await socket.emitWithAck(event, 'x');

      expect(answered).toEqual(data);
      expect(bodies).toEqual([event]);
      expect(snapshot('payments').totals.started).toBe(1);
    },
  );

  it('may throw a WsException, which counts and arrives', async () => {
    const { client, snapshot } = await serveGateways(
      {
        imports: [DaceModule.forRoot({ payments: {} }, silent)],
        providers: [Prices],
      },
      adapters[0]!,
    );

    client.send('exception');

    expect((await client.told('exception')).message).toBe('not today');
    expect(bodies).toEqual(['exception']);
    expect(snapshot('payments').totals).toMatchObject({
      started: 1,
      failed: 1,
    });
  });
});
