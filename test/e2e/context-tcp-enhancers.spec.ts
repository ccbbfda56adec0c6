import {
  Controller,
  Injectable,
  ParseIntPipe,
  UseGuards,
  UseInterceptors,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { map } from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { DaceModule, FaultTolerant } from 'nestjs-dace';
import { errorOf } from '../support/core-toolkit.js';
import { serveTcp, silent } from './context-apps.js';

const outside: string[] = [];
beforeEach(() => {
  outside.length = 0;
});

describe('Around a decorated message handler over TCP', () => {
  @Injectable()
  class Guard implements CanActivate {
    @FaultTolerant('payments')
    async canActivate(context: ExecutionContext): Promise<boolean> {
      outside.push('guard');
      return context.switchToRpc().getData<{ n: string }>().n !== 'forbidden';
    }
  }
  @Injectable()
  class Interceptor implements NestInterceptor {
    async intercept(_context: ExecutionContext, next: CallHandler) {
      outside.push(await this.ask());
      return next.handle().pipe(map((value: unknown) => [value]));
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
  let tries = 0;
  @Controller()
  class Guarded {
    @MessagePattern('guarded')
    @UseGuards(Guard)
    @UseInterceptors(Interceptor)
    @FaultTolerant('search', { retry: { on: 'any' } })
    async guarded(@Payload('n', Pipe) n: number) {
      tries += 1;
      if (tries === 1) throw new Error('once');
      return n;
    }
  }
  const start = () => {
    tries = 0;
    return serveTcp({
      imports: [DaceModule.forRoot({ payments: {}, search: {} }, silent)],
      controllers: [Guarded],
    });
  };

  it('guards, interceptors and pipes stay outside, run once and may be protected themselves', async () => {
    const { ask, snapshot } = await start();

    expect(await ask('guarded', { n: '7' })).toEqual([7]);

    expect(outside).toEqual(['guard', 'interceptor', 'pipe']);
    expect(snapshot('payments').totals).toMatchObject({
      started: 3,
      attempts: 3,
      succeeded: 3,
    });
    expect(snapshot('search').totals).toMatchObject({
      started: 1,
      attempts: 2,
      succeeded: 1,
    });
  });

  it.each(['forbidden', 'not a number'])(
    'what they refuse (%s) is not the dependency’s fault',
    async (n) => {
      const { ask, snapshot } = await start();

      expect((await errorOf(ask('guarded', { n }))).status).toBe('error');

      expect(tries).toBe(0);
      expect(snapshot('search').totals.started).toBe(0);
    },
  );
});
