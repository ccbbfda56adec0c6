import { Injectable } from '@nestjs/common';
import { Call, DaceCall, FaultTolerant } from 'nestjs-dace';
import { AnswerError } from './answer.js';

export interface Loan {
  readonly number: number;
}

/** By undici: the dispatcher knows the host, a path is enough. */
@Injectable()
export class LoansService {
  /** A POST that has left is sent once: nobody borrows a book twice. */
  @FaultTolerant('library')
  async borrow(
    book: string,
    @DaceCall() call: Call = Call.injected,
  ): Promise<Loan> {
    const { statusCode, body } = await call.agent.request({
      method: 'POST',
      path: '/loans',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ book }),
    });
    if (statusCode !== 201) {
      await body.dump();
      throw new AnswerError(statusCode);
    }
    return (await body.json()) as Loan;
  }
}
