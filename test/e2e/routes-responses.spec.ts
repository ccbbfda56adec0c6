import { Controller, Get, Next, Post, Res } from '@nestjs/common';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  Call,
  DaceCall,
  DaceModule,
  DaceRegistry,
  FaultTolerant,
  type DependencyOptions,
} from 'nestjs-dace';
import { ManualClock } from 'nestjs-dace/testing';
import { hang } from '../support/core-toolkit.js';
import { isNest11, platforms, serve, until } from './nest-app.js';

/** What the tests use of the responses of both platforms. */
interface Answer {
  readonly raw?: Raw;
  send(body: unknown): unknown;
  status(status: number): Answer;
  header(name: string, value: string): unknown;
}
interface Raw {
  write(text: string): void;
  end(text: string): void;
}
const rawOf = (answer: Answer): Raw => answer.raw ?? (answer as unknown as Raw);

const ways: Record<string, (answer: Answer) => unknown> = {
  'by send': (answer) => answer.send('whole'),
  'by send of an object': (answer) => answer.status(203).send({ a: 1 }),
  'by end': (answer) => rawOf(answer).end('whole'),
  'by write': (answer) => rawOf(answer).write('partial'),
};

let tries = 0;
let fallbacks = 0;
let work: (answer: Answer, call: Call) => unknown;

const fragile = FaultTolerant('payments', {
  retry: { on: 'any', onTimeout: true },
  fallback: (_error, call) => {
    fallbacks += 1;
    return `spare after ${call.attempt}`;
  },
});

@Controller()
class Routes {
  @Get('by-hand')
  @fragile
  async byHand(@Res() answer: Answer, @DaceCall() call: Call = Call.injected) {
    tries += 1;
    return work(answer, call);
  }

  @Post('by-hand')
  @fragile
  async posted(@Res() answer: Answer, @DaceCall() call: Call = Call.injected) {
    tries += 1;
    return work(answer, call);
  }

  @Get('passed-through')
  @fragile
  async passedThrough(
    @Res({ passthrough: true }) answer: Answer,
    @DaceCall() call: Call = Call.injected,
  ) {
    tries += 1;
    return work(answer, call);
  }
}

describe.each(platforms)('A decorated route on $platform', (platform) => {
  const start = (options: DependencyOptions = {}, clock = new ManualClock()) =>
    serve(
      {
        imports: [
          DaceModule.forRoot(
            { payments: options },
            { logger: false, clock, filter: true },
          ),
        ],
        controllers: [Routes],
      },
      () => {},
      platform,
    );
  beforeEach(() => {
    tries = 0;
    fallbacks = 0;
  });

  it('may answer by hand, at the try that works', async () => {
    work = (answer, { attempt }) => {
      if (attempt < 3) throw new Error('not yet');
      answer.status(202).send(`try ${attempt}`);
    };
    const { get, snapshot } = await start();

    const answer = await get('/by-hand');

    expect(answer.status).toBe(202);
    expect(await answer.text()).toBe('try 3');
    expect(snapshot('payments').totals).toMatchObject({
      started: 1,
      succeeded: 1,
      attempts: 3,
      fallbacks: 0,
    });
  });

  it.each(['GET', 'POST'])(
    'may return the response that it answered by (%s)',
    async (method) => {
      work = (answer) => answer.status(200).send('whole');
      const { get, snapshot } = await start();

      const answer = await get('/by-hand', { method });

      expect(await answer.text()).toBe('whole');
      await until(() => snapshot('payments').inFlight === 0);
      expect(snapshot('payments').totals).toMatchObject({
        started: 1,
        succeeded: 1,
        attempts: 1,
      });
    },
  );

  // Nest 11 answers an error of the app's own there a second time, on which Fastify throws.
  const isWithoutWrite = isNest11 && platform.platform === 'Fastify';
  it.each(
    Object.keys(ways).filter((way) => !isWithoutWrite || way !== 'by write'),
  )(
    'that has answered %s and then throws is neither repeated nor replaced',
    async (way) => {
      work = (answer) => {
        ways[way]!(answer);
        throw new Error('too late');
      };
      const { get, snapshot } = await start();

      const text = await get('/by-hand').then(
        (answer) => answer.text().catch(() => 'partial'),
        () => 'partial',
      );

      expect(['whole', '{"a":1}', 'partial']).toContain(text);
      await until(() => snapshot('payments').inFlight === 0);
      expect({ tries, fallbacks }).toEqual({ tries: 1, fallbacks: 0 });
      expect(snapshot('payments').totals).toMatchObject({
        started: 1,
        failed: 1,
        retries: 0,
        fallbacks: 0,
      });
    },
  );

  it.each(Object.keys(ways))(
    'that has answered %s and then hangs is neither repeated nor replaced',
    async (way) => {
      const clock = new ManualClock();
      let isWaiting = false;
      work = (answer) => {
        ways[way]!(answer);
        isWaiting = true;
        return hang();
      };
      const { get, snapshot } = await start({ attemptTimeoutMs: 100 }, clock);

      const answer = get('/by-hand', { method: 'POST' }).then(
        (got) => got.text().catch(() => 'partial'),
        () => 'partial',
      );
      await until(() => isWaiting);
      await clock.advance(100);

      expect(['whole', '{"a":1}', 'partial']).toContain(await answer);
      expect({ tries, fallbacks }).toEqual({ tries: 1, fallbacks: 0 });
      expect(snapshot('payments').totals).toMatchObject({
        started: 1,
        failed: 1,
        fallbacks: 0,
      });
    },
  );

  it('that set a header and failed is repeated, and keeps the header', async () => {
    work = (answer, { attempt }) => {
      answer.header(`x-try-${attempt}`, 'made');
      if (attempt === 1) throw new Error('once');
      return `try ${attempt}`;
    };
    const { get, snapshot } = await start();

    const answer = await get('/passed-through');

    expect(await answer.text()).toBe('try 2');
    expect(answer.headers.get('x-try-1')).toBe('made');
    expect(answer.headers.get('x-try-2')).toBe('made');
    expect(snapshot('payments').totals).toMatchObject({ retries: 1 });
  });

  it('that gives its value to Nest has a fallback', async () => {
    work = () => {
      throw new Error('down');
    };
    const { get, snapshot } = await start();

    const answer = await get('/passed-through');

    expect(await answer.text()).toBe('spare after 3');
    expect(snapshot('payments').totals).toMatchObject({
      failed: 1,
      fallbacks: 1,
    });
  });

  it.skipIf(platform.platform === 'Fastify')(
    'may pass on to the next handler, which is no part of it',
    async () => {
      @Controller()
      class First {
        @Get('shared')
        @FaultTolerant('payments')
        async first(@Next() next: () => void) {
          tries += 1;
          next();
        }
      }
      @Controller()
      class Second {
        @Get('shared')
        @FaultTolerant('payments')
        async second() {
          tries += 1;
          return 'second';
        }
      }
      const { get, snapshot } = await serve(
        {
          imports: [DaceModule.forRoot({ payments: {} }, { logger: false })],
          controllers: [First, Second],
        },
        () => {},
        platform,
      );

      expect(await (await get('/shared')).text()).toBe('second');

      expect(tries).toBe(2);
      expect(snapshot('payments').totals).toMatchObject({ succeeded: 2 });
    },
  );

  it('that was refused before it could answer by hand is answered by Nest', async () => {
    @Controller()
    class Plain {
      @Get()
      @FaultTolerant('payments')
      async plain(@Res() answer: Answer) {
        tries += 1;
        answer.send('whole');
      }
    }
    const { app, get } = await serve(
      {
        imports: [DaceModule.forRoot({ payments: {} }, { logger: false })],
        controllers: [Plain],
      },
      () => {},
      platform,
    );
    app.get(DaceRegistry).get('payments').control('forced-open');

    const answer = await get('/');

    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(tries).toBe(0);
  });
});
