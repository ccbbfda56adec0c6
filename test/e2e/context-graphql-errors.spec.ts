import {
  Catch,
  Injectable,
  UseFilters,
  type ArgumentsHost,
  type ExceptionFilter,
  type INestApplication,
  type Type,
} from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import {
  Args,
  Field,
  ObjectType,
  Query,
  ResolveField,
  Resolver,
} from '@nestjs/graphql';
import { describe, expect, it } from 'vitest';
import {
  DaceExceptionFilter,
  FaultTolerant,
  type DaceModuleOptions,
} from 'nestjs-dace';
import { ManualClock } from 'nestjs-dace/testing';
import {
  answerIn,
  bringTrouble,
  internals,
  runsOf,
  Troubled,
  troubledModule,
  troubles,
  type Trouble,
} from './context-apps.js';
import { serveGraphQl } from './context-graphql.js';
import { platforms } from './nest-app.js';

@ObjectType()
class Account {
  @Field()
  id!: string;
  @Field({ nullable: true })
  open?: string;
}

@Injectable()
@Catch()
class CatchAll implements ExceptionFilter {
  catch(_error: unknown, _host: ArgumentsHost): Error {
    return new Error('own');
  }
}

@Resolver(() => Account)
class Fields {
  constructor(private readonly troubled: Troubled) {}

  @Query(() => String, { nullable: true })
  async plain(@Args('trouble') trouble: string) {
    return this.troubled.meet(trouble as Trouble);
  }
  @Query(() => String, { nullable: true })
  @FaultTolerant('gate')
  async decorated(@Args('trouble') trouble: string) {
    return this.plain(trouble);
  }

  @UseFilters(DaceExceptionFilter)
  @Query(() => String, { nullable: true })
  async plainFiltered(@Args('trouble') trouble: string) {
    return this.plain(trouble);
  }
  @UseFilters(DaceExceptionFilter)
  @Query(() => String, { nullable: true })
  @FaultTolerant('gate')
  async decoratedFiltered(@Args('trouble') trouble: string) {
    return this.plain(trouble);
  }

  @UseFilters(CatchAll)
  @Query(() => String, { nullable: true })
  async plainOwn(@Args('trouble') trouble: string) {
    return this.plain(trouble);
  }

  @Query(() => Account)
  async account() {
    return { id: 'x' };
  }
  @ResolveField(() => String, { nullable: true })
  async open() {
    return this.troubled.open();
  }
}

interface App {
  /** Which of the like fields is asked for. */
  readonly suffix?: string;
  readonly providers?: readonly { provide: string; useClass: Type }[];
  readonly prepare?: (app: INestApplication) => unknown;
  readonly enhancers?: readonly ('guards' | 'interceptors' | 'filters')[];
}

describe.each(platforms)('A GraphQL client on $platform', (platform) => {
  const start = async (
    options: DaceModuleOptions,
    { suffix = '', providers = [], prepare, enhancers = [] }: App = {},
  ) => {
    const clock = new ManualClock();
    const served = await serveGraphQl(
      {
        imports: [troubledModule({ clock, ...options })],
        providers: [Troubled, Fields, ...providers],
      },
      platform,
      { fieldResolverEnhancers: [...enhancers] },
      prepare,
    );
    await bringTrouble(served.app);
    return {
      ...served,
      troubled: served.app.get(Troubled),
      fail: (field: string, trouble: Trouble) =>
        answerIn(
          served.app,
          trouble,
          clock,
          served.ask(`{ answer: ${field}${suffix}(trouble: "${trouble}") }`),
        ),
    };
  };
  const formOf = ({ message, ...rest }: (typeof troubles)[number]['told']) => ({
    message,
    extensions: { ...rest, stacktrace: [`Error: ${message}`] },
  });

  describe.each<[string, DaceModuleOptions, App]>([
    ['filter: true', { filter: true }, {}],
    ['@UseFilters', {}, { suffix: 'Filtered' }],
    [
      'useGlobalFilters',
      {},
      { prepare: (app) => app.useGlobalFilters(new DaceExceptionFilter()) },
    ],
  ])('with %s', (_how, options, app) => {
    it.each(troubles)('is told of $trouble', async ({ trouble, told }) => {
      const { fail, troubled } = await start(options, app);

      const { status, retryAfter, data, errors } = await fail('plain', trouble);

      expect({ status, retryAfter }).toEqual({ status: 200, retryAfter: null });
      expect(data).toEqual({ answer: null });
      expect(errors).toEqual([
        { ...formOf(told), path: ['answer'], locations: expect.anything() },
      ]);
      expect(troubled.ran).toBe(runsOf[trouble]);
    });

    it('is told of a refusal through another protected call', async () => {
      const { fail, snapshot } = await start(options, app);

      const { status, retryAfter, errors } = await fail('decorated', 'open');

      expect({ status, retryAfter }).toEqual({ status: 200, retryAfter: null });
      expect(errors).toEqual([
        expect.objectContaining(formOf(troubles[0].told)),
      ]);
      expect(snapshot('gate').totals).toMatchObject({
        started: 1,
        attempts: 1,
      });
    });
  });

  it('is told of each field of one request, and gets the others', async () => {
    const { ask, troubled } = await start({ filter: true });

    const { status, data, errors } = await ask(
      '{ a: plain(trouble: "open") b: decorated(trouble: "limited") account { id } }',
    );

    expect(status).toBe(200);
    expect(data).toEqual({ a: null, b: null, account: { id: 'x' } });
    expect(
      errors!.map(({ path, extensions: { code } }) => [path, code]),
    ).toEqual(
      expect.arrayContaining([
        [['a'], 'DACE_CIRCUIT_OPEN'],
        [['b'], 'DACE_RATE_LIMITED'],
      ]),
    );
    expect(troubled.ran).toBe(0);
  });

  describe('whose resolved field is refused', () => {
    const query = '{ account { id open } }';

    it('is told where filters are asked for fields', async () => {
      const { ask } = await start({ filter: true }, { enhancers: ['filters'] });

      const { data, errors } = await ask(query);

      expect(data).toEqual({ account: { id: 'x', open: null } });
      expect(errors).toEqual([
        expect.objectContaining({
          ...formOf(troubles[0].told),
          path: ['account', 'open'],
        }),
      ]);
    });

    // Nest then asks no filter, whatever the error is.
    it('gets the bare error where they are not', async () => {
      const { ask } = await start({ filter: true });

      const { errors } = await ask(query);

      expect(errors![0].message).toContain('Circuit of "open" is open');
    });
  });

  it('without our filter gets the bare error, as of any other', async () => {
    const { fail } = await start({});

    const { status, errors } = await fail('plain', 'open');

    expect(status).toBe(200);
    expect(errors![0].extensions.code).toBe('INTERNAL_SERVER_ERROR');
    expect(errors![0].message).toMatch(internals);
  });

  describe('of an app with a filter of its own', () => {
    it.each<[string, App]>([
      ['@UseFilters', { suffix: 'Own' }],
      [
        'APP_FILTER',
        { providers: [{ provide: APP_FILTER, useClass: CatchAll }] },
      ],
      [
        'useGlobalFilters',
        { prepare: (app) => app.useGlobalFilters(new CatchAll()) },
      ],
    ])('(%s) hears of that, in spite of filter: true', async (_how, app) => {
      const { fail } = await start({ filter: true }, app);

      const { errors } = await fail('plain', 'open');

      expect(errors!.map(({ message }) => message)).toEqual(['own']);
    });
  });
});
