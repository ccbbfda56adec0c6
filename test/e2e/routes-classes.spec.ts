import {
  Controller,
  forwardRef,
  Get,
  Inject,
  Injectable,
  Scope,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
  type Type,
} from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { map } from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { DaceModule, FaultTolerant } from 'nestjs-dace';
import { errorOf } from '../support/core-toolkit.js';
import { platforms, serve } from './nest-app.js';

const ran: string[] = [];
let failures = 0;

/** What every route here does, under a name. */
async function run(name: string): Promise<string> {
  ran.push(name);
  failures -= 1;
  if (failures >= 0) throw new Error(`${name} is down`);
  return name;
}

class Base {
  @Get('inherited')
  @FaultTolerant('payments', { retry: { on: 'any' }, fallback: 'spare' })
  async inherited(): Promise<string> {
    return run('inherited');
  }
  spare(error: Error) {
    return `spare of ${this.constructor.name} for ${error.name}`;
  }

  @Get('overridden')
  @FaultTolerant('payments', { retry: { on: 'any' } })
  async overridden(_response?: any): Promise<string> {
    return run('of the base');
  }
}

@Controller('heir')
class Heir extends Base {}

@Controller('bare')
class Bare extends Base {
  @Get('overridden')
  override async overridden() {
    return run('bare');
  }
}

@Controller('super')
class Super extends Base {
  @Get('overridden')
  override async overridden() {
    return `super ${await super.overridden()}`;
  }
}

@Controller('again')
class Again extends Base {
  @Get('overridden')
  @FaultTolerant('payments')
  override async overridden() {
    return `again ${await super.overridden()}`;
  }
}

@Controller('other')
class Other extends Base {
  @Get('overridden')
  @FaultTolerant('orders')
  override async overridden() {
    return `other ${await super.overridden()}`;
  }
}

let instances = 0;
class Appending implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler) {
    return next.handle().pipe(map((value: string) => `${value}!`));
  }
}

@Controller({ path: 'scoped', scope: Scope.REQUEST })
class Scoped {
  private readonly instance = ++instances;
  constructor(@Inject(REQUEST) private readonly request: { url: string }) {}

  @Get(':id')
  @UseInterceptors(Appending)
  @FaultTolerant('payments', { retry: { on: 'any' } })
  async route() {
    return `${await run('scoped')} ${this.instance} ${this.request.url}`;
  }
}

@Injectable()
class Partner {
  constructor(
    @Inject(forwardRef(() => Companion))
    private readonly companion: { name: string },
  ) {}
  get name() {
    return `partner of ${this.companion.name}`;
  }
}

@Injectable()
class Companion {
  readonly name = 'companion';
  constructor(
    @Inject(forwardRef(() => Partner)) readonly partner: { name: string },
  ) {}
}

@Controller('circular')
class Circular {
  constructor(
    @Inject(forwardRef(() => Partner))
    private readonly partner: { name: string },
  ) {}

  @Get()
  @FaultTolerant('payments', { retry: { on: 'any' } })
  async route() {
    await run('circular');
    return this.partner.name;
  }
}

describe.each(platforms)('On $platform, a controller', (platform) => {
  const start = (...controllers: Type[]) =>
    serve(
      {
        imports: [
          DaceModule.forRoot({ payments: {}, orders: {} }, { logger: false }),
        ],
        controllers,
        providers: [Partner, Companion],
      },
      () => {},
      platform,
    );
  beforeEach(() => {
    ran.length = 0;
    failures = 0;
    instances = 0;
  });

  it('inherits a protected route', async () => {
    const { get, snapshot } = await start(Heir);
    failures = 4;

    expect(await (await get('/heir/inherited')).text()).toBe(
      'spare of Heir for DaceRetryExhaustedError',
    );
    expect(await (await get('/heir/inherited')).text()).toBe('inherited');

    expect(ran).toHaveLength(5);
    expect(snapshot('payments').totals).toMatchObject({
      started: 2,
      attempts: 5,
      fallbacks: 1,
    });
  });

  it('that overrides a route without the decorator is not protected', async () => {
    const { get, snapshot } = await start(Bare);
    failures = 1;

    expect((await get('/bare/overridden')).status).toBe(500);
    expect(await (await get('/bare/inherited')).text()).toBe('inherited');

    expect(ran).toEqual(['bare', 'inherited']);
    expect(snapshot('payments').totals).toMatchObject({ started: 1 });
  });

  it.each([
    ['super', Super, 0],
    ['again', Again, 0],
    ['other', Other, 1],
  ])(
    'that overrides a route and calls it runs it once (%s)',
    async (path, type, orders) => {
      const { get, snapshot } = await start(type);

      const answer = await get(`/${path}/overridden`);

      expect(await answer.text()).toBe(`${path} of the base`);
      expect(ran).toEqual(['of the base']);
      expect(snapshot('payments').totals).toMatchObject({
        started: 1,
        attempts: 1,
      });
      expect(snapshot('orders').totals.started).toBe(orders);
    },
  );

  it('of the request is made once for it, whatever its tries', async () => {
    const { get, snapshot } = await start(Scoped);
    failures = 2;

    const answers = [
      await (await get('/scoped/1')).text(),
      ...(await Promise.all(
        ['2', '3', '4'].map(async (id) => (await get(`/scoped/${id}`)).text()),
      )),
    ];

    expect(new Set(answers.map((answer) => answer.split(' ')[2]))).toEqual(
      new Set(['/scoped/1!', '/scoped/2!', '/scoped/3!', '/scoped/4!']),
    );
    expect(instances).toBe(4);
    expect(ran).toHaveLength(6);
    expect(snapshot('payments').totals).toMatchObject({
      started: 4,
      succeeded: 4,
      retries: 2,
    });
  });

  it('that is given its services by forwardRef is protected', async () => {
    const { get, snapshot } = await start(Circular);
    failures = 1;

    expect(await (await get('/circular')).text()).toBe('partner of companion');

    expect(snapshot('payments').totals).toMatchObject({
      started: 1,
      attempts: 2,
    });
  });

  it('without DaceModule in its app says what is missing', async () => {
    const { app } = await serve(
      { controllers: [Circular], providers: [Partner, Companion] },
      () => {},
      platform,
    );

    const error = await errorOf(app.get(Circular).route());

    expect(error).toMatchObject({ code: 'DACE_CONFIGURATION' });
    expect(error.message).toContain('Import DaceModule.forRoot');
  });
});
