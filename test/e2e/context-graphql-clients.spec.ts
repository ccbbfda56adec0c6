import { UseFilters } from '@nestjs/common';
import {
  Args,
  Field,
  Int,
  ObjectType,
  Parent,
  Query,
  ResolveField,
  Resolver,
  Subscription,
} from '@nestjs/graphql';
import { createClient, type Client } from 'graphql-ws';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { WebSocket } from 'undici';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  Call,
  DaceCall,
  DaceExceptionFilter,
  DaceModule,
  DaceRegistry,
  FaultTolerant,
  type DaceModuleOptions,
} from 'nestjs-dace';
import { closedAfterwards, silent } from './context-apps.js';
import { serveGraphQl } from './context-graphql.js';
import { deferred, platforms, until } from './nest-app.js';

let isHere: ReturnType<typeof deferred<void>>;
let mayGoOn: ReturnType<typeof deferred<void>>;
let ran = 0;
let aborted = 0;
beforeEach(() => {
  isHere = deferred();
  mayGoOn = deferred();
  ran = aborted = 0;
});

/** Waits for its end from outside. */
const hang = (call: Call): Promise<number> => {
  ran += 1;
  isHere.resolve();
  return new Promise((_, reject) => {
    call.signal.addEventListener('abort', () => {
      aborted += 1;
      reject(call.signal.reason as Error);
    });
  });
};

@ObjectType()
class Account {
  @Field()
  id!: string;
}

@Resolver(() => Account)
class Fields {
  @Query(() => Account)
  async account() {
    return { id: 'x' };
  }

  @ResolveField(() => Int, { nullable: true })
  @FaultTolerant('payments', { cancelOnDisconnect: true })
  async balance(
    @Parent() _account: Account,
    @DaceCall() call: Call = Call.injected,
  ) {
    return hang(call);
  }

  @Query(() => Int)
  @FaultTolerant('payments')
  async unsaid(@DaceCall() call: Call = Call.injected) {
    return hang(call);
  }

  @Query(() => Int)
  @FaultTolerant('payments', { cancelOnDisconnect: true })
  async optedIn(@DaceCall() call: Call = Call.injected) {
    return hang(call);
  }

  @Query(() => Int)
  @FaultTolerant('payments', { cancelOnDisconnect: true })
  async waiting() {
    ran += 1;
    await mayGoOn.promise;
    return 1;
  }

  @Subscription(() => Int, { resolve: (value: number) => value })
  @UseFilters(DaceExceptionFilter)
  @FaultTolerant('payments', { retry: { on: 'any' } })
  async counted(@Args('to', { type: () => Int }) to: number) {
    ran += 1;
    if (ran === 1) throw new Error('once');
    return (async function* count() {
      for (let n = 1; n <= to; n += 1) yield n;
    })();
  }
}

describe.each(platforms)('A GraphQL client on $platform', (platform) => {
  const start = async (options: DaceModuleOptions = {}) => {
    const answers: ServerResponse[] = [];
    const served = await serveGraphQl(
      {
        imports: [
          DaceModule.forRoot(
            { payments: { shutdownGraceMs: 1, maxOpenPerNetloc: 30 } },
            { ...silent, ...options },
          ),
        ],
        providers: [Fields],
      },
      platform,
      {
        subscriptions: { 'graphql-ws': true },
        fieldResolverEnhancers: ['interceptors'],
      },
      (app) =>
        app
          .getHttpServer()
          .on('request', (_: IncomingMessage, answer: ServerResponse) =>
            answers.push(answer),
          ),
    );
    return { ...served, answers };
  };

  /** Asks, and hangs up once the field is reached. */
  const hangUp = async (
    { ask, answers }: Awaited<ReturnType<typeof start>>,
    query: string,
  ) => {
    const leaving = new AbortController();
    const asked = ask(query, { signal: leaving.signal }).catch(() => {});
    await isHere.promise;
    leaving.abort();
    await asked;
    await until(() => answers[0]?.closed === true);
  };

  it.each([
    ['optedIn', {}],
    ['unsaid', { cancelOnDisconnect: true }],
  ])(
    'that hangs up ends a field that is %s (module: %j)',
    async (field, options) => {
      const served = await start(options);

      await hangUp(served, `{ ${field} }`);
      await until(() => aborted === 1);

      expect(ran).toBe(1);
      expect(served.snapshot('payments')).toMatchObject({
        inFlight: 0,
        window: { failures: 0 },
        totals: { started: 1, cancelled: 1, failed: 0 },
      });
    },
  );

  it('that hangs up ends all such fields of its request', async () => {
    const served = await start();

    await hangUp(served, '{ a: optedIn b: optedIn c: unsaid }');
    await until(() => aborted === 2);

    expect(served.snapshot('payments')).toMatchObject({
      inFlight: 1,
      totals: { started: 3, cancelled: 2 },
    });
  });

  it('that hangs up ends a resolved field where those have interceptors', async () => {
    const served = await start();

    await hangUp(served, '{ account { id balance } }');
    await until(() => aborted === 1);

    expect(served.snapshot('payments').totals).toMatchObject({
      started: 1,
      cancelled: 1,
    });
  });

  it('that asks for many fields is listened to once', async () => {
    const { ask, answers, snapshot } = await start();
    const names = Array.from({ length: 30 }, (_, n) => `f${n}: waiting`);

    const asked = ask(`{ ${names.join(' ')} }`);
    await until(() => snapshot('payments').inFlight === 30);
    const { socket } = answers[0]!;
    const listeners = [answers[0]!, socket!].map((one) =>
      one.listenerCount('close'),
    );
    mayGoOn.resolve();
    const { data } = await asked;

    expect(Math.max(...listeners)).toBeLessThan(10);
    expect(Object.keys(data as object)).toHaveLength(30);
    expect(snapshot('payments').totals).toMatchObject({
      started: 30,
      attempts: 30,
      succeeded: 30,
    });
  });

  describe('that subscribes', () => {
    const subscribe = (url: string) => {
      const client: Client = createClient({
        url: `${url.replace('http', 'ws')}/graphql`,
        webSocketImpl: WebSocket,
        retryAttempts: 0,
      });
      closedAfterwards({ close: () => client.dispose() });
      return client.iterate<{ counted: number }>({
        query: 'subscription { counted(to: 3) }',
      });
    };

    it('makes one operation, which ends when the stream begins', async () => {
      const { url, snapshot } = await start();
      const values: unknown[] = [];

      for await (const { data } of subscribe(url)) values.push(data!.counted);

      expect(values).toEqual([1, 2, 3]);
      expect(ran).toBe(2);
      expect(snapshot('payments')).toMatchObject({
        inFlight: 0,
        totals: { started: 1, attempts: 2, succeeded: 1 },
      });
    });

    it('is told of a refusal', async () => {
      const { url, app } = await start();
      app.get(DaceRegistry).get('payments').control('forced-open');

      const { value } = await subscribe(url).next();

      expect(value.errors).toEqual([
        expect.objectContaining({
          message: 'Service Unavailable',
          extensions: { code: 'DACE_CIRCUIT_OPEN' },
        }),
      ]);
      expect(ran).toBe(0);
    });
  });
});
