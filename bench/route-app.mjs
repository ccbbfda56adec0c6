/**
 * The apps of the route bench, in a process of their own: one route each, since Express tries its
 * routes one after the other.
 *
 * node bench/route-app.mjs Express|Fastify
 */
import 'reflect-metadata';
import { Controller, Get, Module, UseInterceptors } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { DaceModule, FaultTolerant } from 'nestjs-dace';

const adapters = { Express: ExpressAdapter, Fastify: FastifyAdapter };

class NoOp {
  intercept(_context, next) {
    return next.handle();
  }
}

const contenders = {
  bare: [],
  'no-op interceptor': [UseInterceptors(NoOp)],
  '@FaultTolerant': [FaultTolerant('bench')],
};

/** A module whose one route carries `decorators`. */
function appWith(decorators) {
  class Route {
    async read() {
      return { ok: true };
    }
  }
  const descriptor = Object.getOwnPropertyDescriptor(Route.prototype, 'read');
  for (const decorator of [Get(), ...decorators].toReversed())
    decorator(Route.prototype, 'read', descriptor);
  Object.defineProperty(Route.prototype, 'read', descriptor);
  Controller()(Route);
  class App {}
  Module({
    imports: [DaceModule.forRoot({ bench: { maxOpenPerNetloc: 1_000 } })],
    controllers: [Route],
  })(App);
  return App;
}

const [platform] = process.argv.slice(2);
const ports = {};
for (const [name, decorators] of Object.entries(contenders)) {
  const adapter = new adapters[platform]();
  const options = { logger: false };
  const app = await NestFactory.create(appWith(decorators), adapter, options);
  await app.listen(0, '127.0.0.1');
  ports[name] = app.getHttpServer().address().port;
}
// The CPU that was used so far, whenever it is asked for.
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send(user + system);
});
process.send(ports);
process.on('disconnect', () => process.exit(0));
