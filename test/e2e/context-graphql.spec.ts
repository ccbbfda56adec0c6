import {
  Args,
  Field,
  Int,
  Mutation,
  ObjectType,
  Parent,
  Query,
  ResolveField,
  Resolver,
} from '@nestjs/graphql';
import { of, type Observable } from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { Call, DaceCall, DaceModule, FaultTolerant } from 'nestjs-dace';
import { silent } from './context-apps.js';
import { serveGraphQl } from './context-graphql.js';
import { platforms } from './nest-app.js';

const bodies: string[] = [];
beforeEach(() => {
  bodies.length = 0;
});
const ran = (name: string): string => {
  bodies.push(name);
  return name;
};

@ObjectType()
class Account {
  @Field()
  id!: string;
  @Field(() => Int, { nullable: true })
  balance?: number;
  @Field({ nullable: true })
  owner?: string;
}

@Resolver(() => Account)
class Accounts {
  @Query(() => Account)
  @FaultTolerant('accounts')
  async account(
    @Args('id') id: string,
    @DaceCall() call: Call = Call.injected,
  ) {
    return { id: `${ran('account')} ${id} ${call.attempt}` };
  }

  @Query(() => [Account])
  @FaultTolerant('accounts')
  typed(): Observable<Account[]> {
    return of([{ id: ran('typed') }, { id: 'b' }]);
  }

  @Query(() => [Account])
  @FaultTolerant('accounts')
  bare() {
    return of([{ id: ran('bare') }, { id: 'b' }]);
  }

  @FaultTolerant('accounts', { retry: { on: 'any' } })
  @Mutation(() => Account)
  async open(@Args('id') id: string) {
    ran('open');
    if (bodies.length < 3) throw new Error('not yet');
    return { id };
  }

  @Query(() => Account)
  @FaultTolerant('accounts', { fallback: 'spare' })
  async failing(
    @Args('id') id: string,
    @DaceCall() call: Call = Call.injected,
  ): Promise<Account> {
    throw new Error(`${ran('failing')} ${id} ${call.attempt}`);
  }
  spare(id: string, error: Error) {
    return { id: `spare of ${id} for ${error.message}` };
  }

  @ResolveField(() => Int)
  @FaultTolerant('balances', { fallback: 'noBalance' })
  async balance(@Parent() { id }: Account): Promise<number | null> {
    ran(`balance of ${id}`);
    if (id === 'b') throw new Error('down');
    return 7;
  }
  noBalance({ id }: Account, _error: unknown) {
    return id === 'b' ? -1 : null;
  }

  /** With no parameters of Nest's, the field is resolved without it. */
  @ResolveField(() => String)
  @FaultTolerant('owners')
  async owner(parent: Account) {
    return ran(`owner of ${parent.id}`);
  }
}

describe.each(platforms)('A decorated resolver on $platform', (platform) => {
  describe.each([[[]], [['guards', 'interceptors', 'filters']]] as const)(
    'with fieldResolverEnhancers %j',
    (fieldResolverEnhancers) => {
      const start = () =>
        serveGraphQl(
          {
            imports: [
              DaceModule.forRoot(
                { accounts: {}, balances: {}, owners: {} },
                silent,
              ),
            ],
            providers: [Accounts],
          },
          platform,
          { fieldResolverEnhancers: [...fieldResolverEnhancers] },
        );

      it.each([
        ['account(id: "x")', { id: 'account x 1' }, 'account'],
        ['typed', [{ id: 'typed' }, { id: 'b' }], 'typed'],
        ['bare', [{ id: 'bare' }, { id: 'b' }], 'bare'],
      ])('answers { %s }, having run once', async (field, data, body) => {
        const { ask, snapshot } = await start();

        const answer = await ask(`{ answer: ${field} { id } }`);

        expect(answer).toMatchObject({ status: 200, data: { answer: data } });
        expect(bodies).toEqual([body]);
        expect(snapshot('accounts').totals).toMatchObject({
          started: 1,
          attempts: 1,
          succeeded: 1,
        });
      });

      it('is tried again without a second request', async () => {
        const { ask, snapshot } = await start();

        const { data } = await ask('mutation { open(id: "x") { id } }');

        expect(data).toEqual({ open: { id: 'x' } });
        expect(bodies).toEqual(['open', 'open', 'open']);
        expect(snapshot('accounts').totals).toMatchObject({
          started: 1,
          attempts: 3,
          succeeded: 1,
        });
      });

      it('falls back on a method of its class', async () => {
        const { ask, snapshot } = await start();

        const { data } = await ask('{ failing(id: "x") { id } }');

        expect(data.failing.id).toBe('spare of x for failing x 1');
        expect(snapshot('accounts').totals).toMatchObject({
          started: 1,
          failed: 1,
          fallbacks: 1,
        });
      });

      it('runs once for each field of one request', async () => {
        const { ask, snapshot } = await start();

        const { data } = await ask(
          '{ typed { id balance owner } one: account(id: "1") { id } two: account(id: "2") { id } }',
        );

        expect(data).toEqual({
          typed: [
            { id: 'typed', balance: 7, owner: 'owner of typed' },
            { id: 'b', balance: -1, owner: 'owner of b' },
          ],
          one: { id: 'account 1 1' },
          two: { id: 'account 2 1' },
        });
        expect(bodies.toSorted()).toEqual([
          'account',
          'account',
          'balance of b',
          'balance of typed',
          'owner of b',
          'owner of typed',
          'typed',
        ]);
        expect(snapshot('accounts').totals).toMatchObject({
          started: 3,
          attempts: 3,
        });
        expect(snapshot('balances').totals).toMatchObject({
          started: 2,
          attempts: 2,
          failed: 1,
          fallbacks: 1,
        });
        expect(snapshot('owners').totals).toMatchObject({
          started: 2,
          attempts: 2,
        });
      });
    },
  );
});
