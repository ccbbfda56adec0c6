/** A whole app: one protected route over one upstream, asked once. Prints what came of it. */
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Controller, Get, Logger, Module, Param } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import * as dace from 'nestjs-dace';
import {
  Call,
  DaceCall,
  DaceModule,
  DaceRegistry,
  FaultTolerant,
} from 'nestjs-dace';

let ran = 0;

@Controller()
class AccountsController {
  @Get('accounts/:account')
  @FaultTolerant('payments', { fallback: 'unknown' })
  async balance(
    @Param('account') account: string,
    @DaceCall() call: Call = Call.injected,
  ): Promise<object> {
    ran += 1;
    return (await call.http.get<object>(`/${account}`)).data;
  }

  unknown(account: string): object {
    return { account };
  }
}

async function main(): Promise<void> {
  const upstream = createServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ path: request.url }));
  });
  await new Promise<void>((done) => upstream.listen(0, '127.0.0.1', done));
  const { port } = upstream.address() as AddressInfo;

  @Module({
    imports: [
      DaceModule.forRoot({ payments: { hosts: [`127.0.0.1:${port}`] } }),
    ],
    controllers: [AccountsController],
  })
  class AppModule {}

  const app = await NestFactory.create(AppModule, { logger: ['error'] });
  await app.listen(0, '127.0.0.1');
  const answer = await fetch(`${await app.getUrl()}/accounts/7`);

  const required = createRequire(join(process.cwd(), 'x.js'))(
    'nestjs-dace',
  ) as typeof dace;
  const imported = await import('nestjs-dace');
  const { totals } = app.get(required.DaceRegistry).get('payments').snapshot();
  const report = {
    status: answer.status,
    body: await answer.json(),
    ran,
    totals: [totals.started, totals.succeeded, totals.attempts],
    isOne: app.get(imported.DaceRegistry) === app.get(DaceRegistry),
  };
  await app.close();
  upstream.close();
  console.log(JSON.stringify(report));
}

main().catch((error: unknown) => {
  new Logger('app').error(error);
  process.exitCode = 1;
});
