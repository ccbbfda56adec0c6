import {
  Catch,
  Controller,
  Get,
  Injectable,
  type ArgumentsHost,
  type ExceptionFilter,
  type INestApplication,
  type Provider,
  type Type,
} from '@nestjs/common';
import { APP_FILTER, HttpAdapterHost } from '@nestjs/core';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  DaceExceptionFilter,
  DaceModule,
  DaceRegistry,
  FaultTolerant,
  firstFailure,
  type DependencyOptions,
} from 'nestjs-dace';
import { ManualClock } from 'nestjs-dace/testing';
import { answered } from '../support/core-toolkit.js';
import { platforms, serve, until } from './nest-app.js';

/** Ways not to get an answer: the dependency, the body, and what the client is told. */
interface Trouble {
  readonly options: DependencyOptions;
  readonly work: () => Promise<unknown>;
  /** Brings the dependency into trouble. */
  readonly before?: (registry: DaceRegistry) => Promise<unknown>;
  readonly runs: number;
  readonly status: 503 | 504;
  readonly retryAfter?: string;
  /** How long it takes. */
  readonly ms?: number;
}
const never = (): Promise<never> => new Promise(() => {});
const down = (): Promise<never> =>
  Promise.reject(new Error('secret of 10.0.0.1'));
const troubles: Record<string, Trouble> = {
  open: {
    options: { circuit: { trip: firstFailure(), resetTimeoutMs: 1_500 } },
    work: down,
    before: (registry) =>
      registry.get('open').execute(down, { fallback: null }),
    runs: 0,
    status: 503,
    retryAfter: '2',
  },
  forced: {
    options: {},
    work: down,
    before: async (registry) => registry.get('forced').control('forced-open'),
    runs: 0,
    status: 503,
    retryAfter: '1',
  },
  limited: {
    options: { rateLimit: { limit: 1, intervalMs: 60_000 } },
    work: down,
    before: (registry) => registry.get('limited').execute(() => 'one token'),
    runs: 0,
    status: 503,
    retryAfter: '60',
  },
  full: {
    options: { maxOpenPerNetloc: 1, maxQueuedPerNetloc: 0 },
    work: down,
    before: async (registry) => registry.get('full').acquire(),
    runs: 0,
    status: 503,
  },
  queued: {
    options: { maxOpenPerNetloc: 1, queueTimeoutMs: 100 },
    work: down,
    before: async (registry) => registry.get('queued').acquire(),
    runs: 0,
    status: 504,
    ms: 100,
  },
  nowhere: {
    options: { hosts: ['http://10.0.0.1', 'http://10.0.0.2'] },
    work: down,
    before: async (registry) => {
      for (const host of ['10.0.0.1:80', '10.0.0.2:80'])
        registry.get('nowhere').control('forced-open', host);
    },
    runs: 0,
    status: 503,
  },
  slow: {
    options: { timeoutMs: 100 },
    work: never,
    runs: 1,
    status: 504,
    ms: 100,
  },
  exhausted: {
    options: { retry: { on: 'any', attempts: 2 } },
    work: down,
    runs: 2,
    status: 503,
  },
  'asked-to-wait': {
    options: { retry: { on: 'any', attempts: 2 }, circuit: false },
    work: () => Promise.reject(answered(503, { 'retry-after': '0' })),
    runs: 2,
    status: 503,
    retryAfter: '1',
  },
  'too-slow-twice': {
    options: {
      attemptTimeoutMs: 100,
      retry: { onTimeout: true, attempts: 2 },
    },
    work: never,
    runs: 2,
    status: 504,
    ms: 200,
  },
};
const names = Object.keys(troubles);
let runs = 0;

/** A decorated route, and a plain one whose service is decorated. */
function classesOf(trouble: string): { routes: Type; service: Type } {
  const run = (): Promise<unknown> => {
    runs += 1;
    return troubles[trouble]!.work();
  };
  @Injectable()
  class Service {
    @FaultTolerant(trouble)
    async call() {
      return run();
    }
  }
  @Controller(trouble)
  class Routes {
    constructor(private readonly service: Service) {}

    @Get('own')
    @FaultTolerant(trouble)
    async own() {
      return run();
    }

    @Get('service')
    async viaService() {
      return this.service.call();
    }
  }
  return { routes: Routes, service: Service };
}
const classes = names.map(classesOf);

@Catch()
class CatchAll implements ExceptionFilter {
  catch(_error: unknown, host: ArgumentsHost) {
    host.switchToHttp().getResponse().status(418).send({ own: true });
  }
}

/** What has to do with errors, and how the app comes to it. */
interface Setup {
  readonly filter?: boolean;
  readonly providers?: Provider[];
  prepare?(app: INestApplication): void;
}
const byDace: [string, Setup][] = [
  ['by the module', { filter: true }],
  [
    'by APP_FILTER',
    { providers: [{ provide: APP_FILTER, useClass: DaceExceptionFilter }] },
  ],
  [
    'by useGlobalFilters',
    { prepare: (app) => app.useGlobalFilters(new DaceExceptionFilter()) },
  ],
  [
    'by useGlobalFilters, with the adapter',
    {
      prepare: (app) =>
        app.useGlobalFilters(new DaceExceptionFilter(app.get(HttpAdapterHost))),
    },
  ],
];
const byTheApp: [string, Setup][] = [
  [
    'by APP_FILTER',
    { providers: [{ provide: APP_FILTER, useClass: CatchAll }] },
  ],
  [
    'by useGlobalFilters',
    { prepare: (app) => app.useGlobalFilters(new CatchAll()) },
  ],
];

describe.each(platforms)('What is refused on $platform', (platform) => {
  const clock = new ManualClock();
  const start = async ({ filter = false, providers = [], prepare }: Setup) => {
    const served = await serve(
      {
        imports: [
          DaceModule.forRoot(
            Object.fromEntries(
              names.map((name) => [name, troubles[name]!.options]),
            ),
            { logger: false, clock, filter },
          ),
        ],
        controllers: classes.map(({ routes }) => routes),
        providers: [...classes.map(({ service }) => service), ...providers],
      },
      (app) => prepare?.(app),
      platform,
    );
    const registry = served.app.get(DaceRegistry);
    for (const name of names) await troubles[name]!.before?.(registry);
    return {
      ...served,
      ask: (name: string, path: string) => answerOf(served, name, path),
    };
  };
  /** The answer, for which time may have to pass. */
  const answerOf = async (
    { get, snapshot }: Awaited<ReturnType<typeof serve>>,
    name: string,
    path: string,
  ) => {
    runs = 0;
    const waiting = (): number =>
      snapshot(name).inFlight + snapshot(name).queued;
    const before = waiting();
    const response = get(`/${name}/${path}`);
    const { ms = 0, runs: tries } = troubles[name]!;
    for (let passed = 0; passed < ms; passed += 100) {
      await until(
        () => waiting() > before && runs >= Math.min(tries, 1 + passed / 100),
      );
      await clock.advance(100);
    }
    const answer = await response;
    const { status, headers } = answer;
    const text = await answer.text();
    return { status, retryAfter: headers.get('retry-after'), text, runs };
  };
  const expected = (name: string) => {
    const { status, retryAfter = null, runs: tries } = troubles[name]!;
    return { status, retryAfter, runs: tries };
  };
  /** Nothing of what a client gets may show these. */
  const internals = /secret|10\.0\.0\.1|nestjs-dace|Circuit of|stack/;
  beforeEach(() => {
    runs = 0;
  });

  it.each(names)(
    'has its status and Retry-After by Nest’s own filter (%s)',
    async (name) => {
      const { ask, snapshot } = await start({});
      const before = snapshot(name).totals.started;

      const { text, ...own } = await ask(name, 'own');
      const { text: _, ...viaService } = await ask(name, 'service');

      expect(own).toEqual(expected(name));
      expect(viaService).toEqual({ ...expected(name), retryAfter: null });
      expect(text).not.toMatch(internals);
      expect(snapshot(name).totals.started).toBe(before + 2);
    },
  );

  it.each(byDace)(
    'has them by our filter, whoever was refused (%s)',
    async (_how, setup) => {
      const { ask } = await start(setup);
      const answers: Record<string, unknown> = {};
      for (const name of names)
        answers[name] = [await ask(name, 'own'), await ask(name, 'service')];

      const phrases = { 503: 'Service Unavailable', 504: 'Gateway Timeout' };
      expect(answers).toEqual(
        Object.fromEntries(
          names.map((name) => {
            const { status: statusCode } = troubles[name]!;
            const message = phrases[statusCode];
            const text = JSON.stringify({ statusCode, message });
            const answer = { ...expected(name), text };
            return [name, [answer, answer]];
          }),
        ),
      );
    },
  );

  it.each(byTheApp)(
    'is left to a filter of the app (%s), with ours registered or not',
    async (_how, setup) => {
      for (const filter of [true, false]) {
        const { ask } = await start({ ...setup, filter });
        for (const name of names)
          for (const path of ['own', 'service'])
            expect(await ask(name, path)).toMatchObject({
              status: 418,
              text: '{"own":true}',
            });
      }
    },
  );
});
