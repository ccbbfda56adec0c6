/** Requests that somebody ends: the caller, a timeout; and what is told on the way. */
import axios from 'axios';
import type { AxiosProgressEvent, AxiosRequestConfig } from 'axios';
import type { Route } from './http-upstream.js';
import { expect } from 'vitest';
import { parityCase, type Difference, type ParityCase } from './parity.js';
import { pieces } from './parity-server.js';

/** What a case has in its hand: it ends the request once the server has it. */
export interface Hand {
  onArrival?: () => void;
}
export const hand: Hand = {};

export const endingRoutes: Record<string, Route> = {
  hangs: () => hand.onArrival?.(),
  'hangs-midway': (_request, response) => {
    response.writeHead(200, { 'content-length': '9' });
    response.write('half', () => hand.onArrival?.());
  },
  long: (_request, response) => {
    response.writeHead(200, { 'content-length': '5' }).end('12345');
  },
  chunked: (_request, response) => {
    response.write('123');
    response.end('45');
  },
  gone: (_request, response) => {
    response.writeHead(302, { location: '/v1/hangs' }).end();
  },
};

const bySignal = (path: string, reason?: unknown): AxiosRequestConfig => {
  const controller = new AbortController();
  hand.onArrival = () => controller.abort(reason);
  return { url: `/${path}`, signal: controller.signal };
};
/** Its time begins when the request is there, however slow the machine. */
const byPlatformTimeout = (path: string): AxiosRequestConfig => {
  const controller = new AbortController();
  hand.onArrival = () => {
    const platform = AbortSignal.timeout(1);
    platform.addEventListener('abort', () => controller.abort(platform.reason));
  };
  return { url: `/${path}`, signal: controller.signal };
};
const byToken = (path: string, message?: string): AxiosRequestConfig => {
  const source = axios.CancelToken.source();
  hand.onArrival = () => source.cancel(message);
  return { url: `/${path}`, cancelToken: source.token };
};
const timeout = (
  path: string,
  config: AxiosRequestConfig = {},
): AxiosRequestConfig => ({ url: `/${path}`, timeout: 250, ...config });
/** Time enough for what comes before it. */
const LATER = { timeout: 400 };
const HANGS_AT = '/v1/hangs';
const CLARIFIED = { transitional: { clarifyTimeoutError: true } };

/** An operation ends with its caller's reason, whoever makes the request. */
const OWN_REASON: Difference = {
  row: 'a `signal` of `dependency.http`',
  axios: { outcome: { class: 'CanceledError', code: 'ERR_CANCELED' } },
  ours: {
    outcome: { class: expect.stringMatching(/^(?:DOMException|RangeError)$/) },
  },
  faces: ['dependency.http'],
};

export const endingCases: readonly ParityCase[] = [
  parityCase(
    'by a signal, before',
    () => ({
      url: '/long',
      signal: AbortSignal.abort(),
    }),
    OWN_REASON,
  ),
  parityCase(
    'by a signal with a reason, before',
    () => ({
      url: '/long',
      signal: AbortSignal.abort(new RangeError('mine')),
    }),
    OWN_REASON,
  ),
  parityCase(
    'by a signal, before the answer',
    () => bySignal('hangs'),
    OWN_REASON,
  ),
  parityCase(
    'by a signal with a reason',
    () => bySignal('hangs', new RangeError('mine')),
    OWN_REASON,
  ),
  parityCase(
    'by a signal, during the answer',
    () => bySignal('hangs-midway'),
    OWN_REASON,
  ),
  parityCase(
    'by a signal, after a redirect',
    () => bySignal('gone'),
    OWN_REASON,
  ),
  parityCase(
    'by a signal of the platform’s timeout',
    () => byPlatformTimeout('hangs'),
    OWN_REASON,
  ),
  parityCase('by a signal that never aborts', () => ({
    url: '/long',
    signal: new AbortController().signal,
  })),
  parityCase(
    'by a signal, while a body is sent',
    () => ({
      ...bySignal('hangs'),
      method: 'post',
      data: pieces('abc'),
    }),
    OWN_REASON,
  ),
  parityCase('by a token, before', () => {
    const source = axios.CancelToken.source();
    source.cancel('stopped');
    return { url: '/long', cancelToken: source.token };
  }),
  parityCase('by a token, before the answer', () =>
    byToken('hangs', 'stopped'),
  ),
  parityCase('by a token without a word', () => byToken('hangs')),
  parityCase('by a token, during the answer', () =>
    byToken('hangs-midway', 'stopped'),
  ),
  parityCase('by a token that is never used', () => ({
    url: '/long',
    cancelToken: axios.CancelToken.source().token,
  })),
  parityCase('by a timeout', timeout('hangs'), undefined, HANGS_AT),
  parityCase(
    'by a timeout by its own name',
    timeout('hangs', CLARIFIED),
    undefined,
    HANGS_AT,
  ),
  parityCase(
    'by a timeout in own words',
    timeout('hangs', { timeoutErrorMessage: 'too slow' }),
    undefined,
    HANGS_AT,
  ),
  parityCase(
    'by a timeout during the answer',
    timeout('hangs-midway', { timeout: 1_000 }),
    {
      row: 'a `timeout` while the body comes in',
      axios: {
        outcome: { code: 'ERR_BAD_RESPONSE', response: { status: 200 } },
      },
      ours: { outcome: { code: 'ECONNABORTED', response: undefined } },
    },
  ),
  parityCase(
    'by a timeout after a redirect',
    timeout('gone', LATER),
    undefined,
    HANGS_AT,
  ),
  parityCase(
    'by a timeout without redirects',
    timeout('hangs', { maxRedirects: 0 }),
    undefined,
    HANGS_AT,
  ),
  parityCase(
    'by a timeout that is a text',
    timeout('hangs', { timeout: '500' as never }),
  ),
  parityCase(
    'by a timeout that is no number',
    timeout('long', { timeout: 'soon' as never }),
  ),
  parityCase('by no timeout', timeout('long', { timeout: 0 })),
];

/** Of what is told, what does not depend on the clock. */
const noted = (events: object[]) => (event: AxiosProgressEvent) => {
  const { loaded, total, progress, lengthComputable, upload, download } = event;
  events.push({ loaded, total, progress, lengthComputable, upload, download });
};

export interface Told {
  readonly name: string;
  readonly config: (
    tell: (event: AxiosProgressEvent) => void,
  ) => AxiosRequestConfig;
}

/** Only the last event: axios tells at most three in a second, we tell of each piece. */
export const progressCases: readonly Told[] = [
  {
    name: 'an answer of known length',
    config: (tell) => ({ url: '/long', onDownloadProgress: tell }),
  },
  {
    name: 'an answer of unknown length',
    config: (tell) => ({ url: '/chunked', onDownloadProgress: tell }),
  },
  {
    name: 'a streamed answer',
    config: (tell) => ({
      url: '/long',
      responseType: 'stream',
      onDownloadProgress: tell,
    }),
  },
  ...Object.entries<() => unknown>({
    'a text': () => 'abcdefghij',
    bytes: () => Buffer.alloc(10),
    'an object': () => ({ a: 1 }),
    'a Blob': () => new Blob(['abcdefghij']),
    'an ArrayBuffer': () => new ArrayBuffer(10),
    URLSearchParams: () => new URLSearchParams({ a: 'bcdefghi' }),
    'a stream': () => pieces('abcde', 'fghij'),
  }).map(([name, data]) => ({
    name: `${name} that is sent`,
    config: (tell: (event: AxiosProgressEvent) => void) => ({
      url: '/long',
      method: 'post',
      data: data(),
      onUploadProgress: tell,
    }),
  })),
];

export const lastTold = async (
  one: Told,
  ask: (config: AxiosRequestConfig) => Promise<{ data: unknown }>,
): Promise<unknown> => {
  const events: object[] = [];
  const { data } = await ask(one.config(noted(events)));
  if (typeof (data as { resume?: unknown }).resume === 'function')
    for await (const _ of data as AsyncIterable<unknown>);
  // axios tells of the end a tick later.
  await new Promise((resolve) => setImmediate(resolve));
  return events.at(-1);
};
