import { Injectable } from '@nestjs/common';
import { Call, DaceCall, FaultTolerant } from 'nestjs-dace';

export interface Balance {
  readonly account: string;
  readonly amount: number;
}

/** No fallback: a guessed balance is worse than none. An open circuit answers 503 at once. */
@Injectable()
export class BalancesService {
  @FaultTolerant('payments')
  async balance(
    account: string,
    @DaceCall() call: Call = Call.injected,
  ): Promise<Balance> {
    const path = `/accounts/${encodeURIComponent(account)}`;
    return (await call.http.get<Balance>(path)).data;
  }
}
