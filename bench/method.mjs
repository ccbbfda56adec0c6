/**
 * What the decorator adds to `execute` on a service method: at most what one AsyncLocalStorage run
 * costs, measured with the same storage at work in both.
 *
 * node bench/method.mjs
 */
import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DaceModule, DaceRegistry, FaultTolerant } from 'nestjs-dace';
import { AsyncLocalStorage } from 'node:async_hooks';
import { inTurns, row, table } from './measure.mjs';

class Service {
  async read() {
    return 1;
  }
  async decorated() {
    return 1;
  }
}
const descriptor = Object.getOwnPropertyDescriptor(
  Service.prototype,
  'decorated',
);
FaultTolerant('bench')(Service.prototype, 'decorated', descriptor);
Object.defineProperty(Service.prototype, 'decorated', descriptor);
Injectable()(Service);
class App {}
Module({ imports: [DaceModule.forRoot({ bench: {} })], providers: [Service] })(
  App,
);

const app = await NestFactory.createApplicationContext(App, { logger: false });
const service = app.get(Service);
const dependency = app.get(DaceRegistry).get('bench');
const storage = new AsyncLocalStorage();
const work = () => service.read();

const results = await inTurns({
  'the method itself': () => service.read(),
  execute: () => dependency.execute(work),
  'execute, one AsyncLocalStorage run': () =>
    dependency.execute(() => storage.run({}, work)),
  '@FaultTolerant': () => service.decorated(),
});
table('A service method', 'ns per call', results, [
  row(
    results,
    '@FaultTolerant',
    'execute, one AsyncLocalStorage run',
    'at most',
    1,
  ),
]);
await app.close();
