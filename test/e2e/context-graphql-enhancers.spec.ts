import {
  Injectable,
  ParseIntPipe,
  Scope,
  UseGuards,
  UseInterceptors,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { Args, Int, Query, Resolver } from '@nestjs/graphql';
import { map } from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { DaceModule, FaultTolerant } from 'nestjs-dace';
import { silent } from './context-apps.js';
import { serveGraphQl } from './context-graphql.js';
import { platforms } from './nest-app.js';

const outside: string[] = [];
const bodies: string[] = [];
beforeEach(() => {
  bodies.length = 0;
  outside.length = 0;
});
const ran = (name: string): string => {
  bodies.push(name);
  return name;
};

describe.each(platforms)('A decorated resolver on $platform', (platform) => {
  describe('and what stands around it', () => {
    @Injectable()
    class Guard implements CanActivate {
      @FaultTolerant('payments')
      async canActivate(context: ExecutionContext): Promise<boolean> {
        outside.push('guard');
        return context.getArgByIndex<{ n: string }>(1).n !== 'forbidden';
      }
    }
    @Injectable()
    class Interceptor implements NestInterceptor {
      async intercept(_context: ExecutionContext, next: CallHandler) {
        outside.push(await this.ask());
        return next.handle().pipe(map((value: number) => value + 1));
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
    @Resolver()
    class Guarded {
      @Query(() => Int, { nullable: true })
      @UseGuards(Guard)
      @UseInterceptors(Interceptor)
      @FaultTolerant('search', { retry: { on: 'any' } })
      async guarded(@Args('n', { type: () => String }, Pipe) n: number) {
        ran('guarded');
        if (bodies.length === 1) throw new Error('once');
        return n;
      }
    }
    const start = () =>
      serveGraphQl(
        {
          imports: [DaceModule.forRoot({ payments: {}, search: {} }, silent)],
          providers: [Guarded],
        },
        platform,
      );

    it('guards, interceptors and pipes run once and may be protected themselves', async () => {
      const { ask, snapshot } = await start();

      const { data } = await ask('{ guarded(n: "7") }');

      expect(data.guarded).toBe(8);
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
      async (n) => {
        const { ask, snapshot } = await start();

        expect((await ask(`{ guarded(n: "${n}") }`)).errors).toHaveLength(1);

        expect(bodies).toEqual([]);
        expect(snapshot('search').totals.started).toBe(0);
      },
    );
  });

  it('of a request runs once, on the instance of its request', async () => {
    let made = 0;
    @Resolver()
    @Injectable({ scope: Scope.REQUEST })
    class Scoped {
      private readonly number = (made += 1);

      @Query(() => Int)
      @FaultTolerant('payments', { fallback: 'spare' })
      async scoped(@Args('fails') fails: boolean): Promise<number> {
        ran('scoped');
        if (fails) throw new Error('down');
        return this.number;
      }
      spare(_fails: boolean, _error: unknown) {
        return this.number * 100;
      }
    }
    const { ask, snapshot } = await serveGraphQl(
      {
        imports: [DaceModule.forRoot({ payments: {} }, silent)],
        providers: [Scoped],
      },
      platform,
    );

    const one = await ask('{ a: scoped(fails: false) b: scoped(fails: true) }');
    const two = await ask('{ a: scoped(fails: false) }');

    expect([one.data, two.data]).toEqual([{ a: 1, b: 100 }, { a: 2 }]);
    expect(bodies).toHaveLength(3);
    expect(snapshot('payments').totals).toMatchObject({
      started: 3,
      attempts: 3,
    });
  });
});
