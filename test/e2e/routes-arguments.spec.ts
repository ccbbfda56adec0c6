import {
  BadRequestException,
  Body,
  Controller,
  createParamDecorator,
  DefaultValuePipe,
  Get,
  Headers,
  Injectable,
  Param,
  ParseIntPipe,
  Post,
  Query,
  Req,
  UsePipes,
  type ArgumentMetadata,
  type ExecutionContext,
  type NestApplicationOptions,
  type PipeTransform,
} from '@nestjs/common';
import { beforeEach, describe, expect, it } from 'vitest';
import { Call, DaceCall, DaceModule, FaultTolerant } from 'nestjs-dace';
import { platforms, serve } from './nest-app.js';

const ran: string[] = [];

/** What an app would look up to make its arguments. */
@Injectable()
class Accounts {
  @FaultTolerant('payments')
  async exists(id: string) {
    ran.push(`exists ${id}`);
    if (id === 'unreachable') throw new Error('down');
    return id !== 'gone';
  }
}

@Injectable()
class ExistingAccount implements PipeTransform {
  constructor(private readonly accounts: Accounts) {}
  async transform(id: string) {
    if (!(await this.accounts.exists(id)))
      throw new BadRequestException('no such account');
    return { id };
  }
}

class Trimming implements PipeTransform {
  transform(value: unknown, { type }: ArgumentMetadata) {
    ran.push(`trim ${type}`);
    return typeof value === 'string' ? value.trim() : value;
  }
}

const Caller = createParamDecorator(
  (name: string, context: ExecutionContext) => {
    ran.push('caller');
    return `${name} ${context.switchToHttp().getRequest().headers['x-caller']}`;
  },
);
const LateCaller = createParamDecorator(
  async (_: unknown, context: ExecutionContext) =>
    context.switchToHttp().getRequest().headers['x-caller'],
);

@Controller()
class Routes {
  @Get('all/:id')
  @FaultTolerant('payments', { retry: { on: 'any' }, fallback: 'given' })
  async all(
    @Param('id', ParseIntPipe) id: number,
    @DaceCall() call: Call = Call.injected,
    @Query('page', new DefaultValuePipe('1'), ParseIntPipe) page = 1,
    @Caller('by', Trimming) caller: string,
    @LateCaller() late: string,
    @Headers('accept') accept: string,
    limit = 10,
  ): Promise<unknown> {
    ran.push(`body ${call.attempt}`);
    if (call.attempt < accept.length) throw new Error('not yet');
    return [id, call.attempt, page, caller, late, limit];
  }
  given(...given: unknown[]) {
    return given.map((one) => (one instanceof Error ? one.name : one));
  }

  @Get('account/:id')
  @FaultTolerant('payments', { retry: { on: 'any' } })
  async account(@Param('id', ExistingAccount) account: { id: string }) {
    ran.push('body');
    return account;
  }

  @Post('orders')
  @UsePipes(Trimming)
  @FaultTolerant('payments')
  async order(@Body('item') item: string, @Body() body: object) {
    return { item, body };
  }

  @Post('raw')
  @FaultTolerant('payments')
  async raw(@Req() request: { rawBody?: Buffer; body: unknown }) {
    return { raw: request.rawBody?.toString(), body: request.body };
  }
}

describe.each(platforms)(
  'The arguments of a decorated route on $platform',
  (platform) => {
    const start = (
      prepare: Parameters<typeof serve>[1] = () => {},
      options: NestApplicationOptions = {},
    ) =>
      serve(
        {
          imports: [DaceModule.forRoot({ payments: {} }, { logger: false })],
          controllers: [Routes],
          providers: [Accounts],
        },
        prepare,
        platform,
        options,
      );
    const json = (body: object) => ({
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    beforeEach(() => {
      ran.length = 0;
    });

    it('are made once for all tries, in their places, the call among them', async () => {
      const { get, snapshot } = await start();

      const answer = await get('/all/7', {
        headers: { 'x-caller': 'Ada ', accept: '*/*' },
      });

      expect(await answer.json()).toEqual([7, 3, 1, 'by Ada', 'Ada', 10]);
      expect(ran).toEqual([
        'caller',
        'trim custom',
        'body 1',
        'body 2',
        'body 3',
      ]);
      expect(snapshot('payments').totals).toMatchObject({
        started: 1,
        succeeded: 1,
        retries: 2,
      });
    });

    it('are what the fallback method gets, without the call', async () => {
      const { get, snapshot } = await start();

      const answer = await get('/all/7?page=2', {
        headers: { 'x-caller': 'Ada', accept: 'text/html' },
      });

      expect(await answer.json()).toEqual([
        7,
        2,
        'by Ada',
        'Ada',
        'text/html',
        null,
        'DaceRetryExhaustedError',
      ]);
      expect(snapshot('payments').totals).toMatchObject({
        started: 1,
        failed: 1,
        fallbacks: 1,
      });
    });

    it.each(['/all/x', '/all/7?page=x'])(
      'that a pipe refuses are not the fault of the dependency (%s)',
      async (path) => {
        const { get, snapshot } = await start();

        expect((await get(path)).status).toBe(400);

        expect(ran).not.toContain('body 1');
        expect(snapshot('payments')).toMatchObject({
          window: { calls: 0 },
          totals: { started: 0 },
        });
      },
    );

    it('that a pipe looks up are calls of their own', async () => {
      const { get, snapshot } = await start();

      expect(await (await get('/account/7')).json()).toEqual({ id: '7' });
      expect((await get('/account/gone')).status).toBe(400);
      expect((await get('/account/unreachable')).status).toBe(500);

      expect(ran).toEqual([
        'exists 7',
        'body',
        'exists gone',
        'exists unreachable',
      ]);
      expect(snapshot('payments')).toMatchObject({
        window: { calls: 4, failures: 1 },
        totals: { started: 4, succeeded: 3, failed: 1, retries: 0 },
      });
    });

    it('go through the pipes of the route and of the app', async () => {
      const { get, snapshot } = await start((app) =>
        app.useGlobalPipes(new Trimming()),
      );

      const answer = await get('/orders', json({ item: ' tea ' }));

      expect(await answer.json()).toEqual({
        item: 'tea',
        body: { item: ' tea ' },
      });
      expect(ran).toEqual(Array(4).fill('trim body'));
      expect(snapshot('payments').totals).toMatchObject({ started: 1 });
    });

    it('that cannot be read ask for nothing', async () => {
      const { get, snapshot } = await start();

      const answer = await get('/orders', { ...json({}), body: '{"item":' });

      expect(answer.status).toBe(400);
      expect(snapshot('payments').totals.started).toBe(0);
    });

    it('may be the raw body', async () => {
      const { get } = await start(() => {}, { rawBody: true });

      const answer = await get('/raw', json({ a: 1 }));

      expect(await answer.json()).toEqual({ raw: '{"a":1}', body: { a: 1 } });
    });
  },
);
