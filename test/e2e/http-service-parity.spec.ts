/**
 * The same call, through a plain `HttpService` and through the drop-in: what its author sees is the
 * same.
 */
import type { HttpService } from '@nestjs/axios';
import type { AxiosRequestConfig, AxiosResponse } from 'axios';
import { gzipSync } from 'node:zlib';
import { lastValueFrom, type Observable } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { echo, type Route } from '../support/http-upstream.js';
import { library, plainHttp, start, upstream } from './http-service-app.js';

const answer =
  (status: number, body: string | Buffer, headers: object = {}): Route =>
  (_request, response) => {
    response.writeHead(status, {
      'content-type': 'application/json',
      ...headers,
    });
    response.end(body);
  };

const routes: Record<string, Route> = {
  echo,
  json: answer(200, '{"name":"Ada"}', { 'x-many': ['1', '2'] }),
  text: answer(200, 'plain', { 'content-type': 'text/plain' }),
  packed: answer(200, gzipSync('{"name":"Ada"}'), {
    'content-encoding': 'gzip',
  }),
  broken: answer(200, '{"name":'),
  created: answer(201, '{"id":7}', { location: '/v1/json' }),
  empty: answer(204, ''),
  cookies: answer(200, '{}', { 'set-cookie': ['a=1', 'b=2'] }),
  moved: answer(302, '', { location: '/v1/echo' }),
  loop: answer(302, '', { location: '/v1/loop' }),
  unknown: answer(404, '{"message":"not here"}'),
  refused: answer(422, '{"message":["name"]}'),
  limited: answer(429, '{}', { 'retry-after': '0' }),
  failed: answer(500, '{"message":"oops"}'),
  unavailable: answer(503, 'text'),
  reset: (_request, response) => response.socket?.resetAndDestroy(),
  closed: (_request, response) => response.socket?.destroy(),
  cut: (_request, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('half', () => response.socket?.destroy());
  },
  never: () => {},
};

type Ask = (http: HttpService) => Observable<AxiosResponse>;
const get =
  (url: string, config?: AxiosRequestConfig): Ask =>
  (http) =>
    http.get(url, config);
const formData = (): FormData => {
  const form = new FormData();
  form.append('file', new Blob(['bytes'], { type: 'text/x' }), 'a.txt');
  return form;
};

const cases: readonly [name: string, ask: Ask][] = [
  ['an answer of JSON', get('/json')],
  ['an answer of text', get('/text')],
  ['a packed answer', get('/packed')],
  ['an answer of broken JSON', get('/broken')],
  [
    'an answer of broken JSON that is an error',
    get('/broken', {
      responseType: 'json',
      transitional: { silentJSONParsing: false },
    }),
  ],
  ['bytes', get('/json', { responseType: 'arraybuffer' })],
  ['a text asked for', get('/json', { responseType: 'text' })],
  ['no content', get('/empty')],
  ['cookies', get('/cookies')],
  ['201', (http) => http.post('/created', { name: 'Ada' })],
  ['404', get('/unknown')],
  ['422', (http) => http.post('/refused', {})],
  ['429', get('/limited')],
  ['500', get('/failed')],
  ['500 of a POST', (http) => http.post('/failed', {})],
  ['503', get('/unavailable')],
  ['a status that is fine', get('/failed', { validateStatus: () => true })],
  ['a status that is not', get('/json', { validateStatus: () => false })],
  ['a status nobody judges', get('/unknown', { validateStatus: null })],
  ['a redirect', get('/moved')],
  ['a redirect of a POST', (http) => http.post('/moved', { a: 1 })],
  ['a redirect that is not followed', get('/moved', { maxRedirects: 0 })],
  ['redirects without end', get('/loop', { maxRedirects: 3 })],
  ['a connection that is reset', get('/reset')],
  ['a connection that is closed', get('/closed')],
  ['a connection that is cut midway', get('/cut')],
  ['a timeout', get('/never', { timeout: 20 })],
  [
    'a timeout by its own name',
    get('/never', { timeout: 20, transitional: { clarifyTimeoutError: true } }),
  ],
  [
    'a timeout in own words',
    get('/never', { timeout: 20, timeoutErrorMessage: 'too slow' }),
  ],
  ['an answer that is too long', get('/json', { maxContentLength: 3 })],
  [
    'a request that is too long',
    (http) => http.post('/echo', 'xxxx', { maxBodyLength: 3 }),
  ],
  ['params', get('/echo', { params: { q: 'a b', list: [1, 2], no: null } })],
  [
    'params in own words',
    get('/echo?a=1', { params: {}, paramsSerializer: () => 'own=1' }),
  ],
  ['headers', get('/echo', { headers: { 'X-One': '1', accept: 'text/html' } })],
  [
    'headers that are switched off',
    get('/echo', { headers: { Accept: false, 'User-Agent': false } as never }),
  ],
  ['basic auth', get('/echo', { auth: { username: 'jo', password: 'pass' } })],
  ['a body of JSON', (http) => http.put('/echo', { a: [1, { b: 2 }] })],
  ['a body of text', (http) => http.patch('/echo', 'a=1')],
  ['a body of bytes', (http) => http.post('/echo', Buffer.from('bytes'))],
  [
    'a body of URLSearchParams',
    (http) => http.post('/echo', new URLSearchParams({ a: 'b c' })),
  ],
  ['no body', (http) => http.post('/echo')],
  [
    'a body of a DELETE',
    (http) => http.delete('/echo', { data: { ids: [1, 2] } }),
  ],
  ['HEAD', (http) => http.head('/json')],
  ['OPTIONS', (http) => http.request({ method: 'options', url: '/echo' })],
  [
    'a transformed request',
    (http) =>
      http.post('/echo', { a: 1 }, { transformRequest: [() => 'own', String] }),
  ],
  [
    'a transformed answer',
    get('/json', { transformResponse: (text: string) => text.length }),
  ],
  [
    'a transformer that throws',
    get('/json', {
      transformResponse: () => {
        throw new TypeError('of the transformer');
      },
    }),
  ],
  ['a signal that was used', get('/json', { signal: AbortSignal.abort() })],
  [
    'a request nobody can send',
    get('/echo', { headers: { 'x-broken': 'a\r\nb' } }),
  ],
  [
    'wrong transitional options',
    get('/echo', { transitional: { silentJSONParsing: 1 } as never }),
  ],
];

/** Of the messages, those that are axios' own. */
const OWN_MESSAGE =
  /^(?:Request|max|timeout|too|canceled|of the|stream|option)/;
const HOP_BY_HOP = ['date', 'connection', 'keep-alive', 'transfer-encoding'];

async function outcomeOf(ask: Ask, http: HttpService): Promise<unknown> {
  try {
    return shape(await lastValueFrom(ask(http)));
  } catch (error) {
    const { name, message, code, status, response, constructor } =
      error as Record<string, any>;
    return {
      constructor,
      // follow-redirects has its own way with names.
      name: code === 'ERR_FR_TOO_MANY_REDIRECTS' ? undefined : name,
      message: OWN_MESSAGE.test(message) ? message : '(other)',
      code,
      status,
      isAxiosError: library.isAxiosError(error),
      isCancel: library.isCancel(error),
      response: response && shape(response),
    };
  }
}

function shape({
  status,
  statusText,
  headers,
  data,
  config,
  request,
}: AxiosResponse) {
  const shown: Record<string, unknown> = Object.assign({}, headers);
  for (const name of HOP_BY_HOP) delete shown[name];
  return {
    status,
    statusText,
    headers: shown,
    data,
    url: config.url,
    method: config.method,
    sent: config.data,
    path: request.path,
  };
}

describe('The drop-in beside a plain HttpService', () => {
  it.each(cases)('shows the same of %s', async (_name, ask) => {
    upstream.answer((request, response) => {
      const name = new URL(request.url!, 'http://x').pathname
        .split('/')
        .at(-1)!;
      routes[name]!(request, response);
    });
    const plain = plainHttp(`${upstream.origin}/v1`);
    const { http } = await start();

    const expected = await outcomeOf(ask, plain);

    expect(await outcomeOf(ask, http)).toEqual(expected);
  });

  it.each<[string, Ask]>([
    ['a FormData', (http) => http.post('/echo', formData())],
    ['an object as a form', (http) => http.postForm('/echo', { a: [1, 'b'] })],
  ])('sends the same parts of %s', async (_name, ask) => {
    const plain = plainHttp(upstream.origin);
    const { http } = await start();
    const partsOf = async (service: HttpService): Promise<string[]> => {
      const { body, headers } = (await lastValueFrom(ask(service))).data;
      const [, boundary] = headers['content-type'].split('boundary=');
      return body.split(boundary);
    };

    expect(await partsOf(http)).toEqual(await partsOf(plain));
  });

  it('tells where an answer comes from, without the password', async () => {
    upstream.answer((request, response) =>
      routes[request.url === '/v1/moved' ? 'moved' : 'echo']!(
        request,
        response,
      ),
    );
    const { http } = await start();

    const { request } = await lastValueFrom(
      get('/moved', { auth: { username: 'jo', password: 'pass' } })(http),
    );

    expect(request.res.responseUrl).toBe(`${upstream.origin}/v1/echo`);
  });
});
