/**
 * The app that docs/testing.md tests: a service, a controller, and the module that holds them.
 */
import { Controller, Get, Injectable, Module, Param } from '@nestjs/common';
import { Call, DaceCall, DaceModule, FaultTolerant } from 'nestjs-dace';

export interface Balance {
  account: string;
  amount: number | null;
}

@Injectable()
export class Rates {
  euros(cents: number): number {
    return cents / 100;
  }
}

@Injectable()
export class Invoices {
  constructor(private readonly rates: Rates) {}

  @FaultTolerant('payments', { fallback: 'unknownBalance' })
  async balance(
    account: string,
    @DaceCall() call: Call = Call.injected,
  ): Promise<Balance> {
    const { data } = await call.http.get<{ cents: number }>(`/${account}`);
    return { account, amount: this.rates.euros(data.cents) };
  }

  unknownBalance(account: string, _error: unknown): Balance {
    return { account, amount: null };
  }

  @FaultTolerant('payments')
  async charge(
    account: string,
    @DaceCall() call: Call = Call.injected,
  ): Promise<string> {
    await call.http.post(`/${account}/charges`, { cents: 500 });
    return 'charged';
  }
}

@Controller()
export class InvoicesController {
  constructor(private readonly invoices: Invoices) {}

  @Get('balance/:account')
  balance(@Param('account') account: string): Promise<Balance> {
    return this.invoices.balance(account);
  }

  @Get('charge/:account')
  charge(@Param('account') account: string): Promise<string> {
    return this.invoices.charge(account);
  }
}

/** Has a name, so that a test can put another in its place. */
export const dace = DaceModule.forRoot(
  { payments: { hosts: ['http://payments.internal:8080'] } },
  { filter: true },
);

@Module({
  imports: [dace],
  controllers: [InvoicesController],
  providers: [Invoices, Rates],
})
export class AppModule {}
