import {
  Body,
  Controller,
  Get,
  Injectable,
  Param,
  Post,
  UseGuards,
  type CanActivate,
} from '@nestjs/common';
import { AsyncLocalStorage } from 'node:async_hooks';
import { from, mergeMap, Observable, timer } from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  Call,
  DaceCall,
  DaceModule,
  FaultTolerant,
  type DependencyOptions,
} from 'nestjs-dace';
import { platforms, serve, until } from './nest-app.js';

/** Of the user's own middleware. */
const request = new AsyncLocalStorage<string>();
/** What was seen of it, by request. */
let seen: Record<string, string[]> = {};

function note(id: string, where: string): void {
  (seen[id] ??= []).push(`${where} ${request.getStore()}`);
}
const aTurn = (): Promise<void> =>
  new Promise((resolve) => setImmediate(resolve));

@Injectable()
class Guard implements CanActivate {
  async canActivate() {
    await aTurn();
    return true;
  }
}

@Injectable()
class Service {
  @FaultTolerant('stock', { retry: { on: 'any' } })
  async stock(id: string, @DaceCall() call: Call = Call.injected) {
    note(id, `service ${call.attempt}`);
    await aTurn();
    if (call.attempt === 1) throw new Error('once');
    return request.getStore();
  }
}

@Controller()
class Routes {
  constructor(private readonly service: Service) {}

  @Get('promise/:id')
  @UseGuards(Guard)
  @FaultTolerant('payments', { retry: { on: 'any' } })
  async promise(
    @Param('id') id: string,
    @DaceCall() call: Call = Call.injected,
  ) {
    note(id, `try ${call.attempt}`);
    await aTurn();
    if (call.attempt === 1) throw new Error('once');
    return { id, store: await this.service.stock(id) };
  }

  @Get('stream/:id')
  @FaultTolerant('payments', { retry: { on: 'any' } })
  stream(
    @Param('id') id: string,
    @DaceCall() call: Call = Call.injected,
  ): Observable<unknown> {
    note(id, `try ${call.attempt}`);
    return timer(0).pipe(
      mergeMap(() => {
        note(id, 'stream');
        if (call.attempt === 1) throw new Error('once');
        return from(this.service.stock(id));
      }),
      mergeMap(async (store) => ({ id, store })),
    );
  }

  @Get('failing/:id')
  @FaultTolerant('payments', { retry: { on: 'any' }, fallback: 'spare' })
  async failing(@Param('id') id: string): Promise<unknown> {
    note(id, 'try');
    await aTurn();
    throw new Error('down');
  }
  async spare(id: string) {
    await aTurn();
    note(id, 'fallback');
    return { id, store: request.getStore() };
  }

  @Get('hanging/:id')
  @FaultTolerant('payments', {
    attemptTimeoutMs: 20,
    retry: { onTimeout: true, attempts: 2, backoff: { delayMs: 1 } },
    fallback: (_error, { attempt }) => ({
      attempt,
      store: request.getStore(),
    }),
  })
  async hanging(@Param('id') id: string): Promise<unknown> {
    note(id, 'try');
    return new Promise(() => {});
  }

  @Post('posted')
  @FaultTolerant('payments')
  async posted(@Body() { id }: { id: string }) {
    await aTurn();
    return { id };
  }
}

describe.each(platforms)(
  'A hundred requests at once on $platform',
  (platform) => {
    const start = (payments: DependencyOptions) =>
      serve(
        {
          imports: [
            DaceModule.forRoot({ payments, stock: open }, { logger: false }),
          ],
          controllers: [Routes],
          providers: [Service],
        },
        (app) =>
          app.use(
            (raw: { url: string }, _response: unknown, next: () => void) =>
              request.run(`of ${raw.url.split('/').at(-1)}`, next),
          ),
        platform,
      );
    const open = {
      circuit: false,
      retry: { budget: false },
      maxOpenPerNetloc: 1_000,
    } as const;
    /** All but three wait for a permit. */
    const narrow = { ...open, maxOpenPerNetloc: 3 } as const;
    const ids = Array.from({ length: 100 }, (_, index) => String(index));
    beforeEach(() => {
      seen = {};
    });

    it.each([
      [
        'promise',
        'side by side',
        open,
        ['try 1', 'try 2', 'service 1', 'service 2'],
      ],
      [
        'promise',
        'in a queue',
        narrow,
        ['try 1', 'try 2', 'service 1', 'service 2'],
      ],
      [
        'stream',
        'side by side',
        open,
        ['try 1', 'stream', 'try 2', 'stream', 'service 1', 'service 2'],
      ],
      [
        'stream',
        'in a queue',
        narrow,
        ['try 1', 'stream', 'try 2', 'stream', 'service 1', 'service 2'],
      ],
      ['failing', 'side by side', open, ['try', 'try', 'try', 'fallback']],
      ['failing', 'in a queue', narrow, ['try', 'try', 'try', 'fallback']],
    ])(
      'keep their arguments and their context (%s, %s)',
      async (path, _how, options, steps) => {
        const { get, snapshot } = await start(options);

        const answers = await Promise.all(
          ids.map(async (id) => (await get(`/${path}/${id}`)).json()),
        );

        expect(answers).toEqual(ids.map((id) => ({ id, store: `of ${id}` })));
        expect(seen).toEqual(
          Object.fromEntries(
            ids.map((id) => [id, steps.map((step) => `${step} of ${id}`)]),
          ),
        );
        const isFailing = path === 'failing';
        expect(snapshot('payments')).toMatchObject({
          inFlight: 0,
          queued: 0,
          totals: {
            started: 100,
            succeeded: isFailing ? 0 : 100,
            failed: isFailing ? 100 : 0,
            attempts: isFailing ? 300 : 200,
          },
        });
        expect(snapshot('stock').totals.attempts).toBe(isFailing ? 0 : 200);
      },
    );

    it('keep their context where a timeout ends their tries', async () => {
      const { get, snapshot } = await start(open);

      const answers = await Promise.all(
        ids.map(async (id) => (await get(`/hanging/${id}`)).json()),
      );

      expect(answers).toEqual(
        ids.map((id) => ({ attempt: 2, store: `of ${id}` })),
      );
      expect(seen).toEqual(
        Object.fromEntries(
          ids.map((id) => [id, [`try of ${id}`, `try of ${id}`]]),
        ),
      );
      expect(snapshot('payments').totals).toMatchObject({ attempts: 200 });
    });

    it('keep their bodies', async () => {
      const { get, snapshot } = await start(narrow);

      const answers = await Promise.all(
        ids.map(async (id) =>
          (
            await get('/posted', {
              method: 'POST',
              headers: { 'content-type': 'application/json' },
              body: JSON.stringify({ id }),
            })
          ).json(),
        ),
      );

      expect(answers).toEqual(ids.map((id) => ({ id })));
      await until(() => snapshot('payments').inFlight === 0);
      expect(snapshot('payments').totals).toMatchObject({
        started: 100,
        succeeded: 100,
        attempts: 100,
      });
    });
  },
);
