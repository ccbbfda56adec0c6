import {
  Body,
  Controller,
  Get,
  Injectable,
  Module,
  Post,
  UseGuards,
  type CanActivate,
  type MiddlewareConsumer,
  type NestMiddleware,
} from '@nestjs/common';
import { request } from 'node:http';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import {
  Call,
  DaceCall,
  DaceModule,
  FaultTolerant,
  InjectDependency,
  withDeadline,
  type Dependency,
  type DependencyMap,
  type DaceModuleOptions,
} from 'nestjs-dace';
import { ManualClock } from 'nestjs-dace/testing';
import { deferred, platforms, serve } from './nest-app.js';

const HEADER = 'x-request-timeout-ms';
const TRUSTING = { propagateDeadline: { trustIncoming: true } } as const;

let clock: ManualClock;
/** What each call of a request had left, by who made it. */
let lefts: Record<string, number>;
let background: Promise<unknown>;

beforeEach(() => {
  clock = new ManualClock();
  lefts = {};
  background = Promise.resolve();
});

@Injectable()
class Accounts {
  @FaultTolerant('payments')
  async left(@DaceCall() call: Call = Call.injected) {
    return call.remainingMs();
  }
}

@Injectable()
class Door implements CanActivate {
  constructor(private readonly accounts: Accounts) {}

  async canActivate() {
    lefts.guard = await this.accounts.left();
    return true;
  }
}

@Injectable()
class Step implements NestMiddleware {
  constructor(private readonly accounts: Accounts) {}

  async use(_request: unknown, _response: unknown, next: () => void) {
    lefts.middleware = await this.accounts.left();
    next();
  }
}

@Controller()
class Routes {
  constructor(
    private readonly accounts: Accounts,
    @InjectDependency('search') private readonly search: Dependency,
    @InjectDependency('plain') private readonly plain: Dependency,
  ) {}

  @Get('undecorated')
  async undecorated() {
    lefts.service = await this.accounts.left();
    return lefts;
  }

  @Get('guarded')
  @UseGuards(Door)
  guarded() {
    return lefts;
  }

  @Get('decorated')
  @FaultTolerant('payments')
  async decorated(@DaceCall() call: Call = Call.injected) {
    return { handler: call.remainingMs() };
  }

  @Post('posted')
  async posted(@Body() body: object) {
    return { ...body, service: await this.accounts.left() };
  }

  @Get('others')
  async others() {
    return {
      untrusting: await this.search.execute((call) => call.remainingMs()),
      plain: await this.plain.execute((call) => call.remainingMs()),
    };
  }

  @Get('waiting')
  async waiting() {
    await clock.advance(400);
    return { service: await this.accounts.left() };
  }

  @Get('left-behind')
  leftBehind() {
    const { promise, resolve } = deferred();
    background = promise.then(() => this.accounts.left());
    answered = resolve;
    return 'accepted';
  }

  @Get('own')
  async own() {
    return {
      shorter: await withDeadline(50, () => this.accounts.left(), { clock }),
      free: await withDeadline(false, () => this.accounts.left()),
    };
  }
}

let answered: () => void;

const DEPENDENCIES: DependencyMap = {
  payments: { ...TRUSTING, timeoutMs: 4_000 },
  search: { propagateDeadline: true, timeoutMs: 3_000 },
  plain: { timeoutMs: 2_000 },
};

describe.each(platforms)(
  'A request with a deadline, on $platform',
  (platform) => {
    const start = async (
      dependencies: DependencyMap = DEPENDENCIES,
      module: DaceModuleOptions = {},
    ) => {
      @Module({
        imports: [
          DaceModule.forRoot(dependencies, { logger: false, clock, ...module }),
        ],
        controllers: [Routes],
        providers: [Accounts, Door],
      })
      class App {
        configure(consumer: MiddlewareConsumer) {
          consumer.apply(Step).forRoutes('undecorated');
        }
      }
      const served = await serve({ imports: [App] }, () => {}, platform);
      const ask = async (
        path: string,
        header?: string,
        init: RequestInit = {},
      ) => {
        const headers: Record<string, string> = {
          'content-type': 'application/json',
          ...(header !== undefined && { [HEADER]: header }),
        };
        const answer = await served.get(path, { ...init, headers });
        return { status: answer.status, body: await answer.text() };
      };
      const left = async (path: string, header?: string, init?: RequestInit) =>
        JSON.parse((await ask(path, header, init)).body) as Record<
          string,
          number
        >;
      return { ...served, ask, left };
    };

    it('bounds a service that an undecorated route calls', async () => {
      const { left } = await start();
      const { service } = await left('/undecorated', '700');
      expect(service).toBe(700);
    });

    it('bounds guards', async () => {
      const { left } = await start();
      expect(await left('/guarded', '700')).toEqual({ guard: 700 });
    });

    it(`${platform.platform === 'Express' ? 'bounds' : 'does not reach'} middleware`, async () => {
      const { left } = await start();
      const { middleware } = await left('/undecorated', '700');
      expect(middleware).toBe(platform.platform === 'Express' ? 700 : 4_000);
    });

    it('bounds decorated routes', async () => {
      const { left } = await start();
      expect(await left('/decorated', '700')).toEqual({ handler: 700 });
    });

    it('bounds what follows a body', async () => {
      const { left } = await start();
      const answer = await left('/posted', '700', {
        method: 'POST',
        body: '{"amount":5}',
      });
      expect(answer).toEqual({ amount: 5, service: 700 });
    });

    it('counts from its arrival', async () => {
      const { left } = await start();
      expect(await left('/waiting', '700')).toEqual({ service: 300 });
    });

    it('leaves a dependency its own deadline where that is earlier', async () => {
      const { left } = await start();
      expect(await left('/decorated', '9000')).toEqual({ handler: 4_000 });
    });

    it('binds only those that trust it', async () => {
      const { left } = await start();
      expect(await left('/others', '700')).toEqual({
        untrusting: 3_000,
        plain: 2_000,
      });
    });

    it('can be shortened, and left behind, by withDeadline', async () => {
      const { left } = await start();
      expect(await left('/own', '700')).toEqual({ shorter: 50, free: 4_000 });
    });

    it.each(['/decorated', '/posted', '/undecorated', '/guarded'])(
      'is answered 504 at once on %s where no time is left',
      async (path) => {
        const { ask, snapshot } = await start();
        const init = path === '/posted' ? { method: 'POST', body: '{}' } : {};
        const before = snapshot('payments').totals;
        expect((await ask(path, '0', init)).status).toBe(504);
        const { refused, started } = snapshot('payments').totals;
        expect(refused - before.refused).toBe(1);
        expect(started).toBeGreaterThan(before.started);
      },
    );

    it.each([
      '',
      'soon',
      '-1',
      '1.5',
      '1e3',
      'NaN',
      '0x10',
      '99999999999',
      '2147483648',
      '700, 700',
    ])('is as if it said nothing with %j', async (header) => {
      const { left } = await start();
      expect(await left('/decorated', header)).toEqual({ handler: 4_000 });
    });

    it('is as if it said nothing where it says it twice', async () => {
      const { url } = await start();
      const answer = await new Promise<string>((resolve, reject) => {
        const sent = request(
          `${url}/decorated`,
          { headers: { [HEADER]: ['700', '0'] } },
          (response) => {
            response.setEncoding('utf8').on('data', resolve);
          },
        );
        sent.on('error', reject);
        sent.end();
      });
      expect(JSON.parse(answer)).toEqual({ handler: 4_000 });
    });

    it('is read from the header that the app names in its defaults', async () => {
      const { get } = await start(
        { payments: { timeoutMs: 4_000 }, search: {}, plain: {} },
        {
          defaults: {
            propagateDeadline: { header: 'X-Deadline', trustIncoming: true },
          },
        },
      );
      const answer = await get('/decorated', {
        headers: { 'x-deadline': '700', [HEADER]: '300' },
      });
      expect(await answer.json()).toEqual({ handler: 700 });
    });

    it('is read where the options come later', async () => {
      const { get } = await serve(
        {
          imports: [
            DaceModule.forRootAsync({
              dependencies: ['payments', 'search', 'plain'],
              useFactory: async () => DEPENDENCIES,
              useOptions: async () => ({ logger: false, clock }),
            }),
          ],
          controllers: [Routes],
          providers: [Accounts, Door],
        },
        () => {},
        platform,
      );
      const answer = await get('/decorated', { headers: { [HEADER]: '700' } });
      expect(await answer.json()).toEqual({ handler: 700 });
    });

    it('no longer binds what goes on when it has been answered', async () => {
      const { ask } = await start();
      expect(await ask('/left-behind', '700')).toMatchObject({
        body: 'accepted',
      });
      answered();
      expect(await background).toBe(4_000);
    });

    it('has the platform asked only where somebody trusts it', async () => {
      const steps = async (isTrusting: boolean) => {
        const adapter = platform.adapter();
        const isFastify = platform.platform === 'Fastify';
        const add = vi.spyOn(
          adapter.getInstance(),
          isFastify ? 'addHook' : 'use',
        );
        const payments = { propagateDeadline: { trustIncoming: isTrusting } };
        await serve(
          { imports: [DaceModule.forRoot({ payments }, { logger: false })] },
          () => {},
          { ...platform, adapter: () => adapter },
        );
        return add.mock.calls.length;
      };
      expect((await steps(true)) - (await steps(false))).toBe(1);
    });

    it('is not replaced by that of a protected middleware on the way', async () => {
      const { promise: end, resolve } = deferred();
      @Injectable()
      class Protected implements NestMiddleware {
        @FaultTolerant('payments', { timeoutMs: 100 })
        async use(_request: unknown, _response: unknown, next: () => void) {
          next();
          await end;
        }
      }
      @Module({
        imports: [DaceModule.forRoot(DEPENDENCIES, { logger: false, clock })],
        controllers: [Routes],
        providers: [Accounts, Door],
      })
      class App {
        configure(consumer: MiddlewareConsumer) {
          consumer.apply(Protected).forRoutes('guarded');
        }
      }
      const { get } = await serve({ imports: [App] }, () => {}, platform);
      const answer = await get('/guarded', { headers: { [HEADER]: '700' } });
      resolve();
      expect(await answer.json()).toEqual({ guard: 700 });
    });
  },
);
