import { Injectable } from '@nestjs/common';
import { Call, DaceCall, FaultTolerant } from 'nestjs-dace';
import type { Writable } from 'node:stream';
import { stream } from 'undici';
import { AnswerError } from './answer.js';

/** By undici's `stream`: what comes in goes on, nothing is kept. */
@Injectable()
export class CoversService {
  @FaultTolerant('library')
  async copy(
    id: string,
    into: () => Writable,
    @DaceCall() call: Call = Call.injected,
  ): Promise<void> {
    const dispatcher = call.agent;
    const url = `${call.baseUrl}/covers/${id}`;
    await stream(url, { method: 'GET', dispatcher }, ({ statusCode }) => {
      if (statusCode !== 200) throw new AnswerError(statusCode);
      return into();
    });
  }
}
