/** The app of the route bench, in a process of its own. */
import 'reflect-metadata';
import { Controller, Get, Module, UseInterceptors } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DaceModule, FaultTolerant } from 'nestjs-dace';

class NoOp {
  intercept(_context, next) {
    return next.handle();
  }
}

class Routes {
  async bare() {
    return { ok: true };
  }
  async noop() {
    return { ok: true };
  }
  async protected() {
    return { ok: true };
  }
}

const decorate = (name, ...decorators) => {
  const descriptor = Object.getOwnPropertyDescriptor(Routes.prototype, name);
  for (const decorator of decorators.toReversed())
    decorator(Routes.prototype, name, descriptor);
  Object.defineProperty(Routes.prototype, name, descriptor);
};
decorate('bare', Get('bare'));
decorate('noop', Get('noop'), UseInterceptors(NoOp));
decorate('protected', Get('protected'), FaultTolerant('bench'));
Controller()(Routes);

class App {}
Module({
  imports: [DaceModule.forRoot({ bench: { maxOpenPerNetloc: 1_000 } })],
  controllers: [Routes],
})(App);

const app = await NestFactory.create(App, { logger: false });
await app.listen(0, '127.0.0.1');
process.send(app.getHttpServer().address().port);
process.on('disconnect', () => process.exit(0));
