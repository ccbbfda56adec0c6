/** Answers of every kind: statuses, types, codings, limits, and what is no HTTP at all. */
import * as zlib from 'node:zlib';
import type { AxiosRequestConfig } from 'axios';
import type { Route } from './http-upstream.js';
import { parityCase, type Difference, type ParityCase } from './parity.js';

const JSON_TYPE = { 'content-type': 'application/json' };
const TEXT = '{"name":"Ada","sign":"ü€😀"}';

const answer =
  (
    data: Buffer | string,
    headers: Record<string, string | string[]> = JSON_TYPE,
    status = 200,
  ): Route =>
  (_request, response) => {
    response.writeHead(status, headers).end(data);
  };
/** Writes what it is given, then ends the connection. */
const raw =
  (...texts: (string | Buffer)[]): Route =>
  ({ socket }) => {
    for (const text of texts) socket.write(text);
    socket.end();
  };
const packed = (coding: string, data: Buffer): Route =>
  answer(data, { ...JSON_TYPE, 'content-encoding': coding });

/** Only where this Node has it. */
const pack = (zlib as { zstdCompressSync?: (data: string) => Buffer })
  .zstdCompressSync;

export const answerRoutes: Record<string, Route> = {
  json: answer(TEXT),
  html: answer('<p>', { 'content-type': 'text/html' }),
  number: answer('42'),
  true: answer('true'),
  null: answer('null'),
  quoted: answer('"x"'),
  broken: answer('{"name":'),
  bom: answer('\ufeff{"a":1}'),
  latin: answer(Buffer.from('grün', 'latin1'), { 'content-type': 'text/x' }),
  utf16: answer(Buffer.from('grün', 'utf16le'), { 'content-type': 'text/x' }),
  binary: answer(Buffer.from([0, 1, 254, 255]), {}),
  empty: answer('', {}),
  blank: answer(' ', JSON_TYPE),
  gzip: packed('gzip', zlib.gzipSync(TEXT)),
  'x-gzip': packed('x-gzip', zlib.gzipSync(TEXT)),
  'GZIP-in-capitals': packed('GZIP', zlib.gzipSync(TEXT)),
  compress: packed('compress', zlib.gzipSync(TEXT)),
  deflate: packed('deflate', zlib.deflateSync(TEXT)),
  'deflate-without-header': packed('deflate', zlib.deflateRawSync(TEXT)),
  br: packed('br', zlib.brotliCompressSync(TEXT)),
  ...(pack && {
    zstd: packed('zstd', pack(TEXT)),
    'cut-zstd': packed('zstd', pack(TEXT).subarray(0, -3)),
    'not-zstd': packed('zstd', Buffer.from('not packed')),
    'empty-zstd': packed('zstd', Buffer.alloc(0)),
  }),
  twice: packed('gzip, gzip', zlib.gzipSync(zlib.gzipSync(TEXT))),
  identity: packed('identity', Buffer.from(TEXT)),
  'two-members': packed(
    'gzip',
    Buffer.concat([zlib.gzipSync('{"a":'), zlib.gzipSync('1}')]),
  ),
  'gzip-and-rubbish': packed(
    'gzip',
    Buffer.concat([zlib.gzipSync(TEXT), Buffer.from('rubbish')]),
  ),
  'cut-gzip': packed('gzip', zlib.gzipSync(TEXT).subarray(0, -10)),
  'cut-br': packed('br', zlib.brotliCompressSync(TEXT).subarray(0, -3)),
  'not-gzip': packed('gzip', Buffer.from('not packed')),
  'not-br': packed('br', Buffer.from('not packed')),
  'not-deflate': packed('deflate', Buffer.from('not packed')),
  'empty-gzip': packed('gzip', Buffer.alloc(0)),
  'empty-br': packed('br', Buffer.alloc(0)),
  bomb: packed('gzip', zlib.gzipSync(Buffer.alloc(200_000, 'x'))),
  long: answer('x'.repeat(200_000), { 'content-type': 'text/x' }),
  five: answer('12345', { 'content-type': 'text/x' }),
  chunked: (_request, response) => {
    response.writeHead(200, JSON_TYPE);
    response.write('{"a":');
    response.end('1}');
  },
  trailers: (_request, response) => {
    response.writeHead(200, { ...JSON_TYPE, trailer: 'x-sum' });
    response.write('{}');
    response.addTrailers({ 'x-sum': '7' });
    response.end();
  },
  early: (_request, response) => {
    response.writeEarlyHints({ link: '</a.css>; rel=preload' });
    response.writeProcessing();
    answer(TEXT)(_request, response);
  },
  continued: (_request, response) => {
    response.writeContinue();
    answer(TEXT)(_request, response);
  },
  fields: answer('{}', {
    ...JSON_TYPE,
    'set-cookie': ['a=1', 'b=2'],
    'X-Many': ['1', '2'],
    'x-latin': 'grün',
    etag: '"1"',
    vary: ['a', 'b'],
  }),
  'one-cookie': answer('{}', { ...JSON_TYPE, 'set-cookie': 'a=1' }),
  'own-words': (_request, response) => {
    response.writeHead(200, 'Fine By Me', JSON_TYPE).end(TEXT);
  },
  'no-words': raw('HTTP/1.1 200 \r\ncontent-length: 2\r\n\r\n{}'),
  'http-1.0': raw('HTTP/1.0 200 OK\r\ncontent-type: text/x\r\n\r\nold'),
  'no-length': raw('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nuntil the end'),
  'large-fields': answer('{}', { ...JSON_TYPE, 'x-large': 'x'.repeat(12_000) }),
  'larger-fields': raw(
    `HTTP/1.1 200 OK\r\nx-large: ${'x'.repeat(20_000)}\r\n\r\n`,
  ),
  'too-short': raw('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf'),
  'too-short-chunk': raw(
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nhalf',
  ),
  'wrong-chunk': raw(
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nhalf\r\n',
  ),
  'wrong-length': raw('HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\nhalf'),
  'two-lengths': raw(
    'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}x',
  ),
  'no-http': raw('220 mail.example ESMTP\r\n'),
  'half-a-head': raw('HTTP/1.1 200 OK\r\ncontent-ty'),
  'nul-in-head': raw('HTTP/1.1 200 OK\r\nx-a: b\0c\r\n\r\n'),
  nothing: raw(),
  reset: ({ socket }) => socket.resetAndDestroy(),
  'reset-midway': ({ socket }) => {
    // A reset that comes before the head has been read takes it along, and then there was none.
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf', () =>
      setTimeout(() => socket.resetAndDestroy(), 50),
    );
  },
};
const statuses = [
  201, 202, 203, 204, 205, 206, 207, 300, 304, 400, 401, 402, 403, 404, 405,
  406, 408, 409, 410, 413, 418, 422, 425, 429, 451, 500, 501, 502, 503, 504,
  511, 599,
];
for (const status of statuses)
  answerRoutes[status] = answer(
    [204, 304].includes(status) ? '' : '{"message":"so it is"}',
    { ...JSON_TYPE, 'retry-after': '3' },
    status,
  );

const get = (
  path: string,
  config: AxiosRequestConfig = {},
  differs?: Difference,
): ParityCase =>
  parityCase(`${path}${told(config)}`, { url: `/${path}`, ...config }, differs);
const told = (config: AxiosRequestConfig): string => {
  const words = Object.entries(config).map(
    ([name, value]) =>
      `${name} ${typeof value === 'object' ? JSON.stringify(value) : String(value).replace(/\s+/g, ' ')}`,
  );
  return words.length === 0 ? '' : `, with ${words.join(', ')}`;
};

const CODINGS = Object.keys(answerRoutes).filter((path) =>
  /gzip|deflate|br$|^zstd|compress|twice|identity|members/i.test(path),
);
const CUT_SHORT = ['too-short', 'too-short-chunk', 'reset-midway'];
const NO_ANSWERS = [
  'no-http',
  'half-a-head',
  'nul-in-head',
  'nothing',
  'reset',
  'wrong-length',
  'two-lengths',
];
const TYPES = ['json', 'text', 'arraybuffer', 'blob', 'stream'] as const;

export const answerCases: readonly ParityCase[] = [
  ...statuses.map((status) => get(String(status))),
  get('404', { validateStatus: (status) => status < 500 }),
  get('500', { validateStatus: null }),
  get('json', { validateStatus: () => false }),
  get('404', { responseType: 'stream' }),
  get('404', { responseType: 'arraybuffer' }),
  ...['json', 'html', 'number', 'true', 'null', 'quoted', 'empty', 'blank'].map(
    (path) => get(path),
  ),
  ...['bom', 'latin', 'binary', 'broken'].map((path) => get(path)),
  get('latin', { responseEncoding: 'latin1' }),
  get('utf16', { responseEncoding: 'utf16le' }),
  get('bom', { responseType: 'text' }),
  ...TYPES.flatMap((responseType) => [
    get('json', { responseType }),
    get('binary', { responseType }),
    get('empty', { responseType }),
    get('gzip', { responseType }),
    get('broken', { responseType }),
  ]),
  get('broken', {
    responseType: 'json',
    transitional: { silentJSONParsing: false },
  }),
  get('broken', { transitional: { silentJSONParsing: false } }),
  get('json', { transitional: { forcedJSONParsing: false } }),
  get('json', {
    responseType: 'text',
    transitional: { forcedJSONParsing: false },
  }),
  get('json', { transformResponse: (data: string) => data.length }),
  get('json', { transformResponse: [] }),
  get('404', {
    transformResponse: (data: string, headers, status) =>
      `${data.length} ${headers['retry-after']} ${status}`,
  }),
  get('json', {
    transformResponse: () => {
      throw new TypeError('of the transform');
    },
  }),
  get('json', {
    parseReviver: (_key: string, value: unknown) => value,
  } as never),
  ...CODINGS.map((path) => get(path)),
  ...['gzip', 'br', 'deflate', 'deflate-without-header', 'cut-gzip'].map(
    (path) => get(path, { responseType: 'stream' }),
  ),
  get('not-gzip', { responseType: 'stream' }),
  ...(pack
    ? [
        get('zstd', { responseType: 'stream' }),
        get('cut-zstd'),
        get('not-zstd'),
        get('empty-zstd'),
        get('zstd', { maxContentLength: 4 }),
      ]
    : []),
  get('gzip', { decompress: false, responseType: 'arraybuffer' }),
  get('gzip', { decompress: false, responseType: 'stream' }),
  get(
    'gzip',
    { method: 'head' },
    {
      row: 'the connection after `HEAD`',
      axios: { seen: [{ headers: { connection: 'keep-alive' } }] },
      ours: {
        outcome: { status: 200 },
        seen: [{ headers: { connection: 'close' } }],
      },
    },
  ),
  get('five', { maxContentLength: 5 }),
  get('five', { maxContentLength: 4 }),
  get('five', { maxContentLength: 0 }),
  get('empty', { maxContentLength: 0 }),
  get('long', { maxContentLength: 1_000 }),
  get('bomb', { maxContentLength: 1_000 }),
  get('bomb', { maxContentLength: 200_000 }),
  get('500', { maxContentLength: 4 }),
  get('five', { maxContentLength: 4, responseType: 'stream' }),
  get('five', { maxContentLength: 5, responseType: 'stream' }),
  get('five', { maxContentLength: 4, responseType: 'arraybuffer' }),
  get('chunked'),
  get('trailers'),
  get('early'),
  get(
    'continued',
    {},
    {
      row: '`100 Continue` that nobody asked for',
      axios: { outcome: { status: 200 } },
      ours: { outcome: { class: 'AxiosError', code: 'ECONNRESET' } },
    },
  ),
  get('fields'),
  get('one-cookie'),
  get('own-words'),
  get('no-words'),
  get('http-1.0'),
  get('no-length'),
  get('large-fields'),
  get('larger-fields'),
  ...CUT_SHORT.map((path) => get(path)),
  ...CUT_SHORT.map((path) =>
    get(
      path,
      { responseType: 'stream' },
      {
        row: 'a streamed body that breaks off',
        axios: { outcome: { data: { brokenAfter: 'half', class: 'Error' } } },
        ours: {
          outcome: { data: { brokenAfter: 'half', class: 'AxiosError' } },
        },
      },
    ),
  ),
  get(
    'wrong-chunk',
    {},
    {
      row: 'a body in chunks that are none',
      axios: {
        outcome: { code: 'HPE_INVALID_CHUNK_SIZE', response: undefined },
      },
      ours: {
        outcome: { code: 'ERR_BAD_RESPONSE', response: { status: 200 } },
      },
    },
  ),
  ...NO_ANSWERS.map((path) => get(path)),
];
