import {
  Catch,
  Controller,
  UseFilters,
  type ArgumentsHost,
  type ExceptionFilter,
  type INestMicroservice,
  type Type,
} from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import {
  EventPattern,
  MessagePattern,
  Payload,
  RpcException,
} from '@nestjs/microservices';
import { throwError, type Observable } from 'rxjs';
import { describe, expect, it } from 'vitest';
import {
  DaceError,
  DaceExceptionFilter,
  FaultTolerant,
  type DaceModuleOptions,
} from 'nestjs-dace';
import { ManualClock } from 'nestjs-dace/testing';
import { errorOf } from '../support/core-toolkit.js';
import {
  allOf,
  answerIn,
  bringTrouble,
  internals,
  runsOf,
  serveTcp,
  Troubled,
  troubledModule,
  troubles,
  type Trouble,
} from './context-apps.js';
import { until } from './nest-app.js';

@Controller()
class Messages {
  constructor(protected readonly troubled: Troubled) {}

  @MessagePattern('plain')
  async plain(@Payload() trouble: Trouble) {
    return this.troubled.meet(trouble);
  }

  @MessagePattern('decorated')
  @FaultTolerant('gate')
  async decorated(@Payload() trouble: Trouble) {
    return this.troubled.meet(trouble);
  }

  @EventPattern('event')
  @FaultTolerant('gate')
  async event(@Payload() trouble: Trouble) {
    return this.troubled.meet(trouble);
  }
}
@UseFilters(DaceExceptionFilter)
@Controller()
class Filtered extends Messages {}

/** What Nest tells a client of any error that it does not know. */
const unknown = { status: 'error', message: 'Internal server error' };

async function start(
  options: DaceModuleOptions,
  {
    controller = Messages,
    providers = [],
    prepare = () => {},
  }: {
    controller?: Type;
    providers?: readonly { provide: string; useClass: Type }[];
    prepare?: (app: INestMicroservice) => unknown;
  } = {},
) {
  const clock = new ManualClock();
  const served = await serveTcp(
    {
      imports: [troubledModule({ clock, ...options })],
      controllers: [controller],
      providers: [Troubled, ...providers],
    },
    prepare,
  );
  await bringTrouble(served.app);
  return {
    ...served,
    troubled: served.app.get(Troubled),
    fail: (pattern: string, trouble: Trouble) =>
      answerIn(
        served.app,
        trouble,
        clock,
        errorOf(served.ask(pattern, trouble)),
      ),
  };
}

describe.each([
  ['filter: true', { filter: true }, {}],
  ['@UseFilters', {}, { controller: Filtered }],
  [
    'useGlobalFilters',
    {},
    {
      prepare: (app: INestMicroservice) =>
        app.useGlobalFilters(new DaceExceptionFilter()),
    },
  ],
] as const)('With %s, a caller over TCP', (_how, options, app) => {
  it.each(troubles)('is told of $trouble', async ({ trouble, told }) => {
    const { fail, troubled } = await start(options, app);

    const error = await fail('plain', trouble);

    expect(error).toEqual({ status: 'error', ...told });
    expect(troubled.ran).toBe(runsOf[trouble]);
  });

  it.each(troubles)(
    'is told of $trouble through another protected call',
    async ({ trouble, told }) => {
      const { fail, troubled, snapshot } = await start(options, app);

      const error = await fail('decorated', trouble);

      expect(error).toEqual({ status: 'error', ...told });
      expect(troubled.ran).toBe(runsOf[trouble]);
      expect(snapshot('gate').totals).toMatchObject({
        started: 1,
        attempts: 1,
      });
    },
  );
});

describe('Without our filter, a caller over TCP', () => {
  it.each(troubles)('learns nothing of $trouble', async ({ trouble }) => {
    const { fail } = await start({});

    const error = await fail('decorated', trouble);

    expect(error).toEqual(unknown);
    expect(JSON.stringify(error)).not.toMatch(internals);
  });
});

describe('A filter of the app’s own', () => {
  const own = { status: 'error', code: 'OWN' };
  @Catch()
  class CatchAll implements ExceptionFilter {
    catch(_error: unknown, _host: ArgumentsHost): Observable<never> {
      return throwError(() => own);
    }
  }
  @Catch(RpcException)
  class OfAnother implements ExceptionFilter {
    catch(): Observable<never> {
      return throwError(() => own);
    }
  }
  @UseFilters(CatchAll)
  @Controller()
  class OwnFilter extends Messages {}
  @UseFilters(OfAnother)
  @Controller()
  class OtherFilter extends Messages {}

  it.each([
    ['@UseFilters', { controller: OwnFilter }],
    [
      'APP_FILTER',
      { providers: [{ provide: APP_FILTER, useClass: CatchAll }] },
    ],
    [
      'useGlobalFilters',
      {
        prepare: (app: INestMicroservice) =>
          app.useGlobalFilters(new CatchAll()),
      },
    ],
  ] as const)('(%s) goes before that of filter: true', async (_how, app) => {
    const { fail } = await start({ filter: true }, app);

    expect(await fail('plain', 'open')).toEqual(own);
  });

  it('that catches something else leaves our errors to ours', async () => {
    const { fail } = await start({ filter: true }, { controller: OtherFilter });

    expect((await fail('plain', 'open')).code).toBe('DACE_CIRCUIT_OPEN');
  });
});

describe('An event that is refused', () => {
  it.each([{}, { filter: true }])(
    'with %o is lost, and takes nobody down',
    async (options) => {
      const { client, fail, troubled, snapshot } = await start(options);

      await allOf(client.emit('event', 'open'));
      await until(() => snapshot('open').totals.refused === 1);

      expect((await fail('plain', 'open')).status).toBe('error');
      expect(troubled.ran).toBe(0);
    },
  );
});

describe('A filter that reads our error itself', () => {
  @Catch(DaceError)
  class Reading implements ExceptionFilter<DaceError> {
    catch({ code, status }: DaceError): Observable<never> {
      return throwError(() => ({ code, status }));
    }
  }
  @UseFilters(Reading)
  @Controller()
  class Read extends Messages {}

  it.each(['plain', 'decorated'])('gets the error of a %s', async (pattern) => {
    const { fail } = await start({}, { controller: Read });

    expect(await fail(pattern, 'limited')).toEqual({
      code: 'DACE_RATE_LIMITED',
      status: 503,
    });
  });
});
