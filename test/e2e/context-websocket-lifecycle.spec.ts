import { Injectable, Scope } from '@nestjs/common';
import {
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  type OnGatewayConnection,
  type OnGatewayDisconnect,
  type OnGatewayInit,
} from '@nestjs/websockets';
import { beforeEach, describe, expect, it } from 'vitest';
import { DaceModule, DaceRegistry, FaultTolerant } from 'nestjs-dace';
import { errorOf } from '../support/core-toolkit.js';
import { silent } from './context-apps.js';
import { adapters, serveGateways } from './context-gateways.js';
import { isNest11, until } from './nest-app.js';

const bodies: string[] = [];
beforeEach(() => {
  bodies.length = 0;
});

/** What the sockets of both adapters can do. */
interface Socket {
  emit(event: string, data: unknown): void;
  send(text: string): void;
  close?(): void;
  disconnect?(): void;
}

@Injectable()
class Names {
  @FaultTolerant('names')
  async find(): Promise<string> {
    bodies.push('names');
    return 'somebody';
  }
}

@WebSocketGateway()
class Gateway
  implements OnGatewayInit, OnGatewayConnection, OnGatewayDisconnect
{
  constructor(private readonly names: Names) {}

  @FaultTolerant('payments')
  async afterInit() {
    bodies.push('init');
  }

  @FaultTolerant('payments', { fallback: 'turnAway' })
  async handleConnection(_socket: Socket): Promise<void> {
    bodies.push('connected');
    await this.names.find();
  }
  turnAway(socket: Socket, error: { code?: string }) {
    bodies.push(`turned away: ${error.code}`);
    (socket.disconnect ?? socket.close)!.call(socket);
  }

  @FaultTolerant('payments')
  async handleDisconnect() {
    bodies.push('disconnected');
  }
}

describe.each(adapters)('The hooks of a gateway over $adapter', (over) => {
  const start = () =>
    serveGateways(
      {
        imports: [DaceModule.forRoot({ payments: {}, names: {} }, silent)],
        providers: [Gateway, Names],
      },
      over,
    );

  it('may be protected, and run once for each client', async () => {
    const { client, snapshot } = await start();
    await until(() => snapshot('names').totals.succeeded === 1);
    client.close();
    await until(() => bodies.includes('disconnected'));

    expect(bodies).toEqual(['init', 'connected', 'names', 'disconnected']);
    expect(snapshot('payments').totals).toMatchObject({
      started: 3,
      attempts: 3,
    });
    expect(snapshot('names').totals).toMatchObject({ started: 1, attempts: 1 });
  });

  it('have a fallback for who comes while the circuit is open', async () => {
    const { url, app, snapshot } = await start();
    await until(() => snapshot('names').totals.succeeded === 1);
    app.get(DaceRegistry).get('payments').control('forced-open');
    bodies.length = 0;

    await over.connect(url);
    await until(() => bodies.length > 0);

    expect(bodies).toEqual(['turned away: DACE_CIRCUIT_OPEN']);
    expect(snapshot('payments').totals).toMatchObject({
      refused: 1,
      fallbacks: 1,
    });
  });

  it('that are refused and have none take nobody down', async () => {
    const { client, url, app, snapshot } = await start();
    await until(() => snapshot('names').totals.succeeded === 1);
    const payments = app.get(DaceRegistry).get('payments');
    payments.control('forced-open');

    client.close();
    await until(() => snapshot('payments').totals.refused === 1);
    const alone = app.get(Gateway).handleDisconnect();
    payments.control('auto');
    await over.connect(url);
    await until(() => snapshot('names').totals.succeeded === 2);

    expect((await errorOf(alone)).code).toBe('DACE_CIRCUIT_OPEN');
    expect(bodies).not.toContain('disconnected');
  });
});

// Nest 11 knows no gateways but those of the whole app.
describe.skipIf(isNest11).each(adapters)(
  'A request-scoped gateway over $adapter',
  (over) => {
    let made = 0;
    @WebSocketGateway()
    @Injectable({ scope: Scope.REQUEST })
    class Scoped {
      private readonly number = (made += 1);

      @FaultTolerant('payments')
      async handleConnection() {
        bodies.push('connected');
      }

      @SubscribeMessage('scoped')
      @FaultTolerant('payments', { fallback: 'spare' })
      async scoped(@MessageBody() fails: boolean): Promise<unknown> {
        bodies.push('scoped');
        if (fails) throw new Error('down');
        return { event: 'answer', data: this.number };
      }
      spare(_fails: boolean, _error: unknown) {
        return { event: 'answer', data: `spare of ${this.number}` };
      }
    }

    it('runs once for a message, on an instance of its client', async () => {
      made = 0;
      const { client, snapshot } = await serveGateways(
        {
          imports: [DaceModule.forRoot({ payments: {} }, silent)],
          providers: [Scoped],
        },
        over,
      );

      client.send('scoped', false);
      const number: unknown = await client.told('answer');
      client.send('scoped', true);

      expect(number).toBe(made);
      expect(await client.told('answer', 2)).toBe(`spare of ${made}`);
      expect(bodies).toEqual(['connected', 'scoped', 'scoped']);
      expect(snapshot('payments').totals).toMatchObject({
        started: 3,
        attempts: 3,
      });
    });
  },
);
