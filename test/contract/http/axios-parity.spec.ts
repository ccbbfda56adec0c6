import { Readable } from 'node:stream';
import * as zlib from 'node:zlib';
import axios from 'axios';
import type { AxiosRequestConfig, AxiosResponse } from 'axios';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HttpTransport } from '../../../lib/http/transport.js';
import { FakeScope, transportFor } from '../../support/http-scope.js';
import { Upstream, echo } from '../../support/http-upstream.js';
import type { Route } from '../../support/http-upstream.js';

const JSON_TEXT = '{"name":"Ada","umlaut":"ü"}';
const bytes =
  (
    data: Buffer | string,
    headers: Record<string, string | string[]>,
    status = 200,
  ): Route =>
  (_request, response) => {
    response.writeHead(status, headers);
    response.end(data);
  };
const JSON_TYPE = { 'content-type': 'application/json' };

const routes: Record<string, Route> = {
  '/echo': echo,
  '/json': bytes(JSON_TEXT, JSON_TYPE),
  '/text': bytes('plain text', { 'content-type': 'text/plain' }),
  '/number': bytes('42', JSON_TYPE),
  '/broken-json': bytes('{"name":', JSON_TYPE),
  '/bom': bytes('\ufeff{"a":1}', JSON_TYPE),
  '/latin1': bytes(Buffer.from('grün', 'latin1'), {
    'content-type': 'text/plain',
  }),
  '/binary': bytes(Buffer.from([0, 1, 254, 255]), {
    'content-type': 'application/octet-stream',
  }),
  '/empty': bytes('', {}),
  '/gzip': bytes(zlib.gzipSync(JSON_TEXT), {
    ...JSON_TYPE,
    'content-encoding': 'gzip',
  }),
  '/deflate': bytes(zlib.deflateSync(JSON_TEXT), {
    ...JSON_TYPE,
    'content-encoding': 'deflate',
  }),
  '/raw-deflate': bytes(zlib.deflateRawSync(JSON_TEXT), {
    ...JSON_TYPE,
    'content-encoding': 'deflate',
  }),
  '/br': bytes(zlib.brotliCompressSync(JSON_TEXT), {
    ...JSON_TYPE,
    'content-encoding': 'br',
  }),
  '/unknown-coding': bytes('abc', { 'content-encoding': 'rot13' }),
  '/cut-gzip': bytes(zlib.gzipSync(JSON_TEXT).subarray(0, -4), {
    'content-encoding': 'gzip',
  }),
  '/no-gzip': bytes('not packed', { 'content-encoding': 'gzip' }),
  '/empty-gzip': bytes('', { 'content-encoding': 'gzip' }),
  '/no-content': bytes('', {}, 204),
  '/not-modified': bytes('', { etag: '"1"' }, 304),
  '/bad-request': bytes('{"message":"no"}', JSON_TYPE, 400),
  '/missing': bytes('{"message":"no"}', JSON_TYPE, 404),
  '/limited': bytes('', { 'retry-after': '3' }, 429),
  '/broken': bytes('oops', {}, 500),
  '/unavailable': bytes('', { 'retry-after': '3' }, 503),
  '/cookies': bytes('{}', {
    ...JSON_TYPE,
    'set-cookie': ['a=1', 'b=2'],
    'x-many': ['1', '2'],
  }),
  '/big': bytes('x'.repeat(5_000), {}),
  '/big-gzip': bytes(zlib.gzipSync('x'.repeat(50_000)), {
    'content-encoding': 'gzip',
  }),
  '/moved-301': bytes('moved', { location: '/echo?to=1' }, 301),
  '/moved-302': bytes('moved', { location: '/echo' }, 302),
  '/moved-303': bytes('moved', { location: 'echo' }, 303),
  '/moved-307': bytes('moved', { location: '/echo' }, 307),
  '/moved-308': bytes('moved', { location: '/echo' }, 308),
  '/loop': bytes('', { location: '/loop' }, 302),
  '/no-location': bytes('here', {}, 302),
  '/reset': (_request, response) => response.socket?.resetAndDestroy(),
  '/close': (_request, response) => response.socket?.destroy(),
  '/reset-midway': (_request, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('half', () => response.socket?.destroy());
  },
};

type Case = readonly [
  name: string,
  config: AxiosRequestConfig | (() => AxiosRequestConfig),
];

const cases: readonly Case[] = [
  ['JSON', { url: '/json' }],
  ['text', { url: '/text' }],
  ['a bare JSON number', { url: '/number' }],
  ['broken JSON, silently', { url: '/broken-json' }],
  [
    'broken JSON with responseType json',
    {
      url: '/broken-json',
      responseType: 'json',
      transitional: { silentJSONParsing: false },
    },
  ],
  ['a byte order mark', { url: '/bom' }],
  ['text in another encoding', { url: '/latin1', responseEncoding: 'latin1' }],
  ['responseType text', { url: '/json', responseType: 'text' }],
  ['responseType arraybuffer', { url: '/binary', responseType: 'arraybuffer' }],
  ['an empty body', { url: '/empty' }],
  ['gzip', { url: '/gzip' }],
  ['deflate', { url: '/deflate' }],
  ['deflate without zlib header', { url: '/raw-deflate' }],
  ['brotli', { url: '/br' }],
  ['a coding nobody knows', { url: '/unknown-coding' }],
  ['gzip with its end cut off', { url: '/cut-gzip' }],
  ['something that is not gzip', { url: '/no-gzip' }],
  ['an empty gzip body', { url: '/empty-gzip' }],
  [
    'decompress: false',
    { url: '/gzip', decompress: false, responseType: 'arraybuffer' },
  ],
  ['HEAD', { url: '/json', method: 'HEAD' }],
  ['HEAD of gzip', { url: '/gzip', method: 'head' }],
  ['204', { url: '/no-content' }],
  ['304', { url: '/not-modified' }],
  ['400', { url: '/bad-request' }],
  ['404', { url: '/missing' }],
  ['429', { url: '/limited' }],
  ['500', { url: '/broken' }],
  ['503', { url: '/unavailable' }],
  [
    'validateStatus',
    { url: '/missing', validateStatus: (status) => status === 404 },
  ],
  ['validateStatus null', { url: '/broken', validateStatus: null }],
  [
    'a custom transformResponse',
    { url: '/json', transformResponse: (data: string) => data.length },
  ],
  ['set-cookie and repeated fields', { url: '/cookies' }],
  ['maxContentLength', { url: '/big', maxContentLength: 100 }],
  [
    'maxContentLength of a packed body',
    { url: '/big-gzip', maxContentLength: 1_000 },
  ],
  [
    'flat params',
    {
      url: '/echo',
      params: { q: 'a b', n: 1, yes: true, none: null, at: 'x:y,z$' },
    },
  ],
  [
    'nested params',
    {
      url: '/echo',
      params: { list: [1, 2], deep: { a: 'b' }, date: new Date(0) },
    },
  ],
  [
    'URLSearchParams',
    { url: '/echo', params: new URLSearchParams({ q: 'a b' }) },
  ],
  ['params beside a query', { url: '/echo?a=1', params: { b: 2 } }],
  ['params and a fragment', { url: '/echo#there', params: { b: 2 } }],
  [
    'paramsSerializer',
    {
      url: '/echo',
      params: { a: 1 },
      paramsSerializer: { serialize: () => 'own=1' },
    },
  ],
  [
    'paramsSerializer with indexes',
    {
      url: '/echo',
      params: { a: [1, 2] },
      paramsSerializer: { indexes: null },
    },
  ],
  ['a path to be encoded', { url: '/echo?q=ä b' }],
  ['a relative URL without slash', { url: 'echo' }],
  [
    'headers',
    {
      url: '/echo',
      headers: { 'X-One': '1', accept: 'text/html', 'user-agent': 'me' },
    },
  ],
  [
    'a header that is switched off',
    { url: '/echo', headers: { Accept: null as never } },
  ],
  [
    'basic auth',
    {
      url: '/echo',
      auth: { username: 'jo', password: 'pä:ss' },
      headers: { authorization: 'x' },
    },
  ],
  [
    'POST of an object',
    { url: '/echo', method: 'post', data: { a: 1, b: 'ü' } },
  ],
  ['POST of a string', { url: '/echo', method: 'post', data: 'a=1' }],
  [
    'POST of a JSON string',
    {
      url: '/echo',
      method: 'post',
      data: '"x"',
      headers: { 'content-type': 'application/json' },
    },
  ],
  [
    'POST of URLSearchParams',
    { url: '/echo', method: 'post', data: new URLSearchParams({ a: 'b c' }) },
  ],
  [
    'POST of an object as a form',
    {
      url: '/echo',
      method: 'post',
      data: { a: [1, 2] },
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    },
  ],
  [
    'POST of a Buffer',
    { url: '/echo', method: 'post', data: Buffer.from('bytes') },
  ],
  [
    'POST of a Uint8Array',
    { url: '/echo', method: 'post', data: new Uint8Array([65, 66]) },
  ],
  [
    'POST of a Blob',
    () => ({
      url: '/echo',
      method: 'post',
      data: new Blob(['blob'], { type: 'text/x' }),
    }),
  ],
  [
    'POST of a stream',
    () => ({
      url: '/echo',
      method: 'post',
      data: Readable.from(['a', 'b']),
      headers: { 'content-type': 'text/plain' },
      maxRedirects: 0,
    }),
  ],
  ['POST without a body', { url: '/echo', method: 'post' }],
  ['PUT', { url: '/echo', method: 'put', data: { a: 1 } }],
  ['PATCH', { url: '/echo', method: 'patch', data: [1] }],
  ['DELETE', { url: '/echo', method: 'delete' }],
  ['DELETE with a body', { url: '/echo', method: 'delete', data: { a: 1 } }],
  ['OPTIONS', { url: '/echo', method: 'options' }],
  ['data that cannot be sent', { url: '/echo', method: 'post', data: 7 }],
  [
    'maxBodyLength',
    { url: '/echo', method: 'post', data: 'xxxx', maxBodyLength: 3 },
  ],
  [
    'a custom transformRequest',
    {
      url: '/echo',
      method: 'post',
      data: { a: 1 },
      transformRequest: () => 'own',
    },
  ],
  ['redirect 301', { url: '/moved-301' }],
  [
    'redirect 301 of a POST',
    { url: '/moved-301', method: 'post', data: { a: 1 } },
  ],
  [
    'redirect 302 of a PUT',
    { url: '/moved-302', method: 'put', data: { a: 1 } },
  ],
  ['redirect 303 of a DELETE', { url: '/moved-303', method: 'delete' }],
  [
    'redirect 307 of a POST',
    { url: '/moved-307', method: 'post', data: { a: 1 } },
  ],
  [
    'redirect 308 of a POST',
    { url: '/moved-308', method: 'post', data: 'text' },
  ],
  ['redirects that never end', { url: '/loop', maxRedirects: 2 }],
  ['maxRedirects 0', { url: '/moved-302', maxRedirects: 0 }],
  ['a redirect to nowhere', { url: '/no-location' }],
  ['a reset connection', { url: '/reset' }],
  ['a closed connection', { url: '/close' }],
  ['a connection reset midway', { url: '/reset-midway' }],
  ['allowAbsoluteUrls: false', { url: '/json', allowAbsoluteUrls: false }],
];

/** What the two must have in common. */
function summary(outcome: unknown): unknown {
  const error = outcome as Record<string, unknown> & {
    response?: AxiosResponse;
  };
  if (error instanceof Error)
    return {
      // follow-redirects has its own way with names.
      name: error['code'] === 'ERR_FR_TOO_MANY_REDIRECTS' ? '' : error.name,
      code: error['code'],
      message: COMPARED_MESSAGES.test(error.message)
        ? error.message
        : '(other)',
      status: error['status'],
      isAxiosError: axios.isAxiosError(error),
      response: error.response && answer(error.response),
    };
  return answer(outcome as AxiosResponse);
}

const COMPARED_MESSAGES = /^(?:Request|max|timeout|stream has)/;
const HOP_BY_HOP = ['date', 'connection', 'keep-alive', 'transfer-encoding'];

function answer(response: AxiosResponse): unknown {
  const headers = Object.assign({}, response.headers) as Record<
    string,
    unknown
  >;
  for (const name of HOP_BY_HOP) delete headers[name];
  return {
    status: response.status,
    statusText: response.statusText,
    data: response.data,
    headers,
    url: response.config.url,
    method: response.config.method,
    path: response.request.path,
  };
}

async function outcomeOf(promise: Promise<unknown>): Promise<unknown> {
  return summary(await promise.catch((error: unknown) => error));
}

describe('Our transport, beside the node adapter of axios', () => {
  let upstream: Upstream;
  let transport: HttpTransport;
  const scope = () => new FakeScope(upstream.origin);

  beforeAll(async () => {
    upstream = await Upstream.start((request, response) => {
      const route = routes[new URL(request.url as string, 'http://x').pathname];
      if (route === undefined) response.writeHead(404).end();
      else route(request, response);
    });
    transport = transportFor([upstream.origin]);
  });

  afterAll(async () => {
    await transport.destroy();
    await upstream.stop();
  });

  const configOf = (config: Case[1]) =>
    typeof config === 'function' ? config() : { ...config };

  const plain = (config: Case[1]) =>
    axios
      .create({ baseURL: upstream.origin, adapter: 'http', proxy: false })
      .request(configOf(config));

  it.each(cases)(
    'answers alike through the Http face: %s',
    async (_name, config) => {
      const expected = await outcomeOf(plain(config));
      const actual = await outcomeOf(
        transport.httpFor(scope()).request(configOf(config)),
      );
      expect(actual).toEqual(expected);
    },
  );

  it.each(cases)('answers alike as an adapter: %s', async (_name, config) => {
    const expected = await outcomeOf(plain(config));
    const ours = axios.create({
      baseURL: upstream.origin,
      adapter: transport.adapterFor(scope()),
    });
    const actual = await outcomeOf(ours.request(configOf(config)));
    expect(actual).toEqual(expected);
  });
});
