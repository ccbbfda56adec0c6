import { Injectable } from '@nestjs/common';

/** A client of another team's, which knows nothing of us. */
@Injectable()
export class Ledger {
  entries(account: string): Promise<string[]> {
    return Promise.resolve([`${account}: opened`]);
  }
}
