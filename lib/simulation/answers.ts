/**
 * What the simulated work is answered: the shapes that `call.http.get` would leave behind, so that
 * `classify`, `retry.on` and fallbacks see what they see in production.
 */
import { STATUS_CODES } from 'node:http';
import { AxiosHeaders } from 'axios';
import type { AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import {
  canceledError,
  statusError,
  transportError,
} from '../http/axios-errors.js';
import { RequestSummary } from '../http/response-head.js';

const GET = 'GET';
const PATH = '/';

export class SimulatedAnswers {
  private readonly config: InternalAxiosRequestConfig;
  private readonly request: RequestSummary;
  /** The answer of a healthy host; one object for all of them. */
  readonly success: AxiosResponse;

  constructor(
    private readonly netloc: string,
    baseUrl: string,
  ) {
    const headers = new AxiosHeaders();
    this.config = { method: 'get', url: PATH, baseURL: baseUrl, headers };
    this.request = new RequestSummary(GET, { origin: baseUrl, path: PATH });
    this.success = this.response(200, undefined);
  }

  statusError(status: number, retryAfterS: number | undefined): Error {
    return withoutStack(() => statusError(this.response(status, retryAfterS)));
  }

  /** Nobody listens there. */
  refusal(): Error {
    const { netloc, config, request } = this;
    const colon = netloc.lastIndexOf(':');
    const address = netloc.slice(0, colon).replace(/^\[|\]$/g, '');
    return withoutStack(() => {
      const error = new Error(`connect ECONNREFUSED ${netloc}`);
      const port = Number(netloc.slice(colon + 1));
      const details = { errno: -111, code: 'ECONNREFUSED', syscall: 'connect' };
      const cause = Object.assign(error, details, { address, port });
      return transportError(cause, config, request);
    });
  }

  /** Its attempt was cut before an answer came. */
  cancelled(): Error {
    return withoutStack(() => canceledError(this.config, this.request));
  }

  private response(
    status: number,
    retryAfterS: number | undefined,
  ): AxiosResponse {
    const headers = new AxiosHeaders();
    if (retryAfterS !== undefined) headers.set('retry-after', `${retryAfterS}`);
    return {
      status,
      statusText: STATUS_CODES[status] ?? '',
      headers,
      data: '',
      config: this.config,
      request: this.request,
    };
  }
}

/** Where a simulated error was made tells nobody anything, and is most of its cost. */
function withoutStack<T>(make: () => T): T {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return make();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}
