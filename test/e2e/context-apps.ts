/**
 * What the specs of RPC, WebSocket and GraphQL share: a ledger of bodies that ran, a microservice
 * over TCP with a caller, and a dependency for every way in which a call can be refused.
 */
import {
  Injectable,
  type INestApplicationContext,
  type INestMicroservice,
  type ModuleMetadata,
} from '@nestjs/common';
import {
  ClientProxyFactory,
  Transport,
  type ClientProxy,
} from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import type { AddressInfo, Server } from 'node:net';
import { lastValueFrom, of, toArray, type Observable } from 'rxjs';
import { afterEach } from 'vitest';
import {
  DaceModule,
  DaceRegistry,
  FaultTolerant,
  firstFailure,
  type DaceModuleOptions,
  type DependencySnapshot,
} from 'nestjs-dace';
import { ManualClock } from 'nestjs-dace/testing';
import { until } from './nest-app.js';

export const silent = { logger: false } as const;

const open: { close(): unknown }[] = [];

afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.close();
});

/** Closed after the test, the last one first. */
export function closedAfterwards<T extends { close(): unknown }>(one: T): T {
  open.push(one);
  return one;
}

/** A microservice over TCP on a port of its own, and somebody who calls it. */
export async function serveTcp(
  metadata: ModuleMetadata,
  prepare: (app: INestMicroservice) => unknown = () => {},
): Promise<{
  app: INestMicroservice;
  server: Server;
  client: ClientProxy;
  ask(pattern: string, data?: unknown): Promise<any>;
  snapshot(id?: string): DependencySnapshot;
}> {
  const module = await Test.createTestingModule(metadata).compile();
  const app = module.createNestMicroservice({
    transport: Transport.TCP,
    options: { host: '127.0.0.1', port: 0 },
    logger: false,
  });
  await prepare(app);
  closedAfterwards(app);
  await app.listen();
  const server = app.unwrap<Server>();
  const client = tcpClient(server);
  return {
    app,
    server,
    client,
    ask: (pattern, data = {}) => lastOf(client.send(pattern, data)),
    snapshot: (id = 'payments') => app.get(DaceRegistry).get(id).snapshot(),
  };
}

/** Somebody who calls a TCP microservice. */
export function tcpClient(server: Server): ClientProxy {
  const { port } = server.address() as AddressInfo;
  return closedAfterwards(
    ClientProxyFactory.create({
      transport: Transport.TCP,
      options: { host: '127.0.0.1', port },
    }),
  );
}

export const lastOf = (answer: Observable<unknown>): Promise<any> =>
  lastValueFrom(answer, { defaultValue: undefined });

export const allOf = (answer: Observable<unknown>): Promise<any[]> =>
  lastValueFrom(answer.pipe(toArray()));

/** What a call of every kind of trouble looks like to a client that is told by our filter. */
export const troubles = [
  {
    trouble: 'open',
    told: {
      code: 'DACE_CIRCUIT_OPEN',
      message: 'Service Unavailable',
      retryAfterMs: 10_000,
    },
  },
  {
    trouble: 'limited',
    told: {
      code: 'DACE_RATE_LIMITED',
      message: 'Service Unavailable',
      retryAfterMs: 60_000,
    },
  },
  {
    trouble: 'slow',
    told: { code: 'DACE_TIMEOUT', message: 'Gateway Timeout' },
  },
  {
    trouble: 'exhausted',
    told: { code: 'DACE_RETRY_EXHAUSTED', message: 'Service Unavailable' },
  },
  {
    trouble: 'misconfigured',
    told: { code: 'DACE_CONFIGURATION', message: 'Internal Server Error' },
  },
] as const;
export type Trouble = (typeof troubles)[number]['trouble'];

/** Runs into the trouble that it is asked for. */
@Injectable()
export class Troubled {
  ran = 0;

  meet(trouble: Trouble): Promise<unknown> {
    return this[trouble]();
  }

  @FaultTolerant('open')
  async open(): Promise<string> {
    this.ran += 1;
    return 'never reached';
  }

  @FaultTolerant('limited')
  async limited(): Promise<string> {
    this.ran += 1;
    return 'never reached';
  }

  @FaultTolerant('slow')
  async slow(): Promise<string> {
    this.ran += 1;
    return new Promise(() => {});
  }

  @FaultTolerant('exhausted')
  async exhausted(): Promise<string> {
    this.ran += 1;
    throw new Error('secret of 10.0.0.1');
  }

  @FaultTolerant('misconfigured')
  async misconfigured(): Promise<unknown> {
    this.ran += 1;
    return of('secret');
  }
}

/** The dependencies of `Troubled`, on a clock that stands still, and one more: "gate". */
export const troubledModule = (options: DaceModuleOptions = {}) =>
  DaceModule.forRoot(
    {
      gate: {},
      open: { circuit: { trip: firstFailure(), resetTimeoutMs: 10_000 } },
      limited: { rateLimit: { limit: 1, intervalMs: 60_000 } },
      slow: { timeoutMs: 500 },
      exhausted: { retry: { on: 'any', attempts: 2 } },
      misconfigured: {},
    },
    { ...silent, clock: new ManualClock(), ...options },
  );

/** Puts the dependencies of an app into the state in which they refuse. */
export async function bringTrouble(app: INestApplicationContext) {
  const registry = app.get(DaceRegistry);
  await registry
    .get('open')
    .execute(() => Promise.reject(new Error('down')))
    .catch(() => {});
  await registry.get('limited').execute(() => 'the only token');
}

/** The answer of a call that may have to wait for the end of time. */
export async function answerIn<T>(
  app: INestApplicationContext,
  trouble: Trouble,
  clock: ManualClock,
  answer: Promise<T>,
): Promise<T> {
  if (trouble === 'slow') {
    const slow = app.get(DaceRegistry).get('slow');
    await until(() => slow.snapshot().inFlight === 1);
    await clock.advance(500);
  }
  return answer;
}

/** How often each trouble lets the protected body run. */
export const runsOf: Record<Trouble, number> = {
  open: 0,
  limited: 0,
  slow: 1,
  exhausted: 2,
  misconfigured: 1,
};

/** Nothing of what a client got may show these. */
export const internals =
  /secret|10\.0\.0\.1|node_modules|dependencyId|netloc|lastFailure|Circuit of|stack|nestjs-dace|\.ts:/;
