import {
  Injectable,
  ParseIntPipe,
  UseGuards,
  UseInterceptors,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import {
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  type WsResponse,
} from '@nestjs/websockets';
import { map } from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { DaceModule, FaultTolerant } from 'nestjs-dace';
import { silent } from './context-apps.js';
import { adapters, serveGateways } from './context-gateways.js';

const outside: string[] = [];
let tries = 0;
beforeEach(() => {
  outside.length = 0;
  tries = 0;
});
const answer = (data: unknown): WsResponse => ({ event: 'answer', data });

describe.each(adapters)('Around a gateway handler over $adapter', (over) => {
  @Injectable()
  class Guard implements CanActivate {
    @FaultTolerant('payments')
    async canActivate(context: ExecutionContext): Promise<boolean> {
      outside.push('guard');
      return context.switchToWs().getData<string>() !== 'forbidden';
    }
  }
  @Injectable()
  class Interceptor implements NestInterceptor {
    async intercept(_context: ExecutionContext, next: CallHandler) {
      outside.push(await this.ask());
      return next.handle().pipe(map(({ data }: WsResponse) => answer([data])));
    }
    @FaultTolerant('payments')
    async ask(): Promise<string> {
      return 'interceptor';
    }
  }
  @Injectable()
  class Pipe extends ParseIntPipe {
    @FaultTolerant('payments')
    override async transform(value: string, metadata: never) {
      outside.push('pipe');
      return super.transform(value, metadata);
    }
  }
  @WebSocketGateway()
  class Guarded {
    @SubscribeMessage('guarded')
    @UseGuards(Guard)
    @UseInterceptors(Interceptor)
    @FaultTolerant('search', { retry: { on: 'any' } })
    async guarded(@MessageBody(Pipe) n: number) {
      tries += 1;
      if (tries === 1) throw new Error('once');
      return answer(n);
    }
  }
  const start = () =>
    serveGateways(
      {
        imports: [DaceModule.forRoot({ payments: {}, search: {} }, silent)],
        providers: [Guarded],
      },
      over,
    );

  it('guards, interceptors and pipes stay outside, run once and may be protected themselves', async () => {
    const { client, snapshot } = await start();

    client.send('guarded', '7');

    expect(await client.told('answer')).toEqual([7]);
    expect(outside).toEqual(['guard', 'interceptor', 'pipe']);
    expect(snapshot('payments').totals).toMatchObject({
      started: 3,
      attempts: 3,
    });
    expect(snapshot('search').totals).toMatchObject({
      started: 1,
      attempts: 2,
    });
  });

  it.each(['forbidden', 'not a number'])(
    'what they refuse (%s) is not the dependency’s fault',
    async (data) => {
      const { client, snapshot } = await start();

      client.send('guarded', data);
      client.send('guarded', '8');

      expect(await client.told('answer')).toEqual([8]);
      expect(snapshot('search').totals.started).toBe(1);
    },
  );
});
