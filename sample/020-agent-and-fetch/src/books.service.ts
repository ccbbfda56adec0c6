import { Injectable } from '@nestjs/common';
import { Call, DaceCall, FaultTolerant } from 'nestjs-dace';
import { jsonOf } from './answer.js';
import { fetchThrough } from './fetch-through.js';

export interface Book {
  readonly id: string;
  readonly shelf: string;
}

/** By Node's own `fetch`. */
@Injectable()
export class BooksService {
  @FaultTolerant('library')
  async find(
    id: string,
    @DaceCall() call: Call = Call.injected,
  ): Promise<Book> {
    const fetch = fetchThrough(call);
    return jsonOf<Book>(await fetch(`${call.baseUrl}/books/${id}`));
  }

  /** The URL is somebody's data: whatever it holds, the call stays with the library. */
  @FaultTolerant('library')
  async open(
    url: string,
    @DaceCall() call: Call = Call.injected,
  ): Promise<Book> {
    const fetch = fetchThrough(call);
    return jsonOf<Book>(await fetch(url));
  }

  /** Without the agent: `call.signal` still ends it in time, but there are no gate and no headers. */
  @FaultTolerant('library')
  async findByItself(
    id: string,
    @DaceCall() call: Call = Call.injected,
  ): Promise<Book> {
    const { signal } = call;
    return jsonOf<Book>(await fetch(`${call.baseUrl}/books/${id}`, { signal }));
  }
}
