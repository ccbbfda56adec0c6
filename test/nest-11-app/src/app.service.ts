import { Injectable } from '@nestjs/common';
import { Call, DaceCall, FaultTolerant } from 'nestjs-dace';
import { Ledger } from './ledger';

export interface Balance {
  account: string;
  amount: number | null;
}

@Injectable()
export class AppService {
  constructor(private readonly ledger: Ledger) {}

  getHello(): string {
    return 'Hello World!';
  }

  @FaultTolerant('payments', { fallback: 'unknownBalance' })
  async balance(
    account: string,
    @DaceCall() call: Call = Call.injected,
  ): Promise<Balance> {
    const { data } = await call.http.get<Balance>(`/accounts/${account}`);
    return data;
  }

  unknownBalance(account: string, _error: unknown): Balance {
    return { account, amount: null };
  }

  @FaultTolerant('ledger')
  entries(account: string): Promise<string[]> {
    return this.ledger.entries(account);
  }
}
