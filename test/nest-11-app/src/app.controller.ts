import { readFile } from 'node:fs/promises';
import { Controller, Get, Param } from '@nestjs/common';
import { Call, DaceCall, FaultTolerant } from 'nestjs-dace';
import { AppService, type Balance } from './app.service';

@Controller()
export class AppController {
  constructor(private readonly appService: AppService) {}

  @Get()
  getHello(): string {
    return this.appService.getHello();
  }

  @Get('accounts/:account/balance')
  balance(@Param('account') account: string): Promise<Balance> {
    return this.appService.balance(account);
  }

  @Get('accounts/:account/entries')
  entries(@Param('account') account: string): Promise<string[]> {
    return this.appService.entries(account);
  }

  /** Protected where Nest calls it, and without a fallback. */
  @Get('accounts/:account')
  @FaultTolerant('payments', { retry: false })
  async account(
    @Param('account') account: string,
    @DaceCall() call: Call = Call.injected,
  ): Promise<Balance> {
    const { data } = await call.http.get<Balance>(`/accounts/${account}`);
    return data;
  }

  @Get('accounts/:account/patient')
  @FaultTolerant('payments')
  async patient(
    @Param('account') account: string,
    @DaceCall() call: Call = Call.injected,
  ): Promise<Balance> {
    const { data } = await call.http.get<Balance>(`/accounts/${account}`);
    return data;
  }

  @Get('accounts/:account/file')
  @FaultTolerant('ledger')
  file(@Param('account') account: string): Promise<string> {
    return readFile(`/no/such/${account}`, 'utf8');
  }
}
