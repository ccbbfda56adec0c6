import type {
  HttpServer,
  INestApplication,
  ModuleMetadata,
  NestApplicationOptions,
} from '@nestjs/common';
import type { AbstractHttpAdapter } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { request, type ClientRequest, type Server } from 'node:http';
import { afterEach } from 'vitest';
import { DaceRegistry, type DependencySnapshot } from 'nestjs-dace';

export { isNest11 } from '../support/nests.js';
export { until } from '../support/until.js';

export interface Platform {
  readonly platform: 'Express' | 'Fastify';
  adapter(): AbstractHttpAdapter;
}

/** For `describe.each(platforms)('On $platform', …)`. */
export const platforms: readonly Platform[] = [
  { platform: 'Express', adapter: () => new ExpressAdapter() },
  { platform: 'Fastify', adapter: () => new FastifyAdapter() },
];

const apps: INestApplication[] = [];

afterEach(async () => {
  for (const app of apps.splice(0)) {
    (app.getHttpServer() as Server).closeAllConnections();
    await app.close();
  }
});

/** A running app on a port of its own, closed after the test. */
export async function serve(
  metadata: ModuleMetadata,
  prepare: (app: INestApplication<HttpServer>) => unknown = () => {},
  { adapter }: Platform = platforms[0]!,
  options: NestApplicationOptions = {},
): Promise<{
  app: INestApplication;
  url: string;
  get(path: string, init?: RequestInit): Promise<Response>;
  snapshot(id: string): DependencySnapshot;
}> {
  const module = await Test.createTestingModule(metadata).compile();
  const app = module.createNestApplication(adapter(), {
    logger: false,
    ...options,
  });
  await prepare(app as INestApplication<HttpServer>);
  apps.push(app);
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  return {
    app,
    url,
    get: (path, init) => fetch(url + path, init),
    snapshot: (id) => app.get(DaceRegistry).get(id).snapshot(),
  };
}

/** A request that the test can hang up on. */
export function startRequest(url: string, method = 'GET'): ClientRequest {
  const started = request(url, { method });
  started.on('error', () => {});
  started.end();
  return started;
}

/** A promise and its handles. */
export function deferred<T = void>(): {
  promise: Promise<T>;
  resolve(value: T): void;
  reject(error: unknown): void;
} {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((a, b) => {
    resolve = a;
    reject = b;
  });
  return { promise, resolve, reject };
}
