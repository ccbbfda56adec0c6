/** Redirects of every kind, within the one server: the gate has its own specs. */
import type { AxiosRequestConfig } from 'axios';
import { expect } from 'vitest';
import type { Route } from './http-upstream.js';
import { parityCase, type ParityCase } from './parity.js';
import { pieces } from './parity-server.js';

const to =
  (status: number, location: string | undefined, body = 'moved'): Route =>
  (_request, response) => {
    const headers = location === undefined ? {} : { location };
    response.writeHead(status, headers).end(body);
  };

const STATUSES = [300, 301, 302, 303, 304, 305, 307, 308, 399];
export const redirectRoutes: Record<string, Route> = {
  nowhere: to(302, undefined),
  empty: to(302, ''),
  relative: to(302, 'x'),
  up: to(302, '../y/x'),
  query: to(302, '/v1/x?a=1&b=%20'),
  'query-alone': (request, response) =>
    to(request.url?.endsWith('?to=1') ? 404 : 302, '?to=1')(request, response),
  fragment: to(302, '/v1/x#part'),
  letters: to(302, '/v1/ä b'),
  'no-scheme': (request, response) =>
    to(302, `//${request.headers.host}/v1/x`)(request, response),
  whole: (request, response) =>
    to(302, `http://${request.headers.host}/v1/x`)(request, response),
  twice: to(301, '/v1/relative'),
  loop: to(302, '/v1/loop'),
  missing: to(302, '/v1/404'),
  404: to(404, undefined, '{"message":"no"}'),
  'three-ways': to(302, '/v1/two-ways'),
  'two-ways': to(302, '/v1/one-way'),
  'one-way': to(302, '/v1/x'),
};
for (const status of STATUSES)
  redirectRoutes[status] = to(status, '/v1/x', status === 304 ? '' : 'moved');

const METHODS = ['get', 'head', 'post', 'put', 'patch', 'delete'] as const;
const HEAD = {
  row: 'the connection after `HEAD`',
  axios: { seen: [{ headers: { connection: 'keep-alive' } }] },
  ours: { seen: [{ headers: { connection: 'close' } }] },
};

const FROM = {
  row: '`response.request`',
  axios: { outcome: { from: expect.stringMatching(/x#part$/) } },
  ours: { outcome: { from: expect.stringMatching(/x$/) } },
};
const TOLD = { headers: { Authorization: 'Basic am86cHc=' } };

const moved = (status: number, method: string): ParityCase =>
  parityCase(
    `${status} of ${method}`,
    {
      url: `/${status}`,
      method,
      ...(method.startsWith('p') && { data: { a: 1 } }),
      headers: { 'x-own': '1', 'content-language': 'de' },
    },
    method !== 'head'
      ? undefined
      : {
          ...HEAD,
          axios: { seen: [...HEAD.axios.seen, ...HEAD.axios.seen] },
          ours: { seen: [...HEAD.ours.seen, ...HEAD.ours.seen] },
        },
  );
const get = (
  name: string,
  path: string,
  config: AxiosRequestConfig | (() => AxiosRequestConfig) = {},
  differs?: ParityCase['differs'],
): ParityCase =>
  parityCase(
    name,
    () => ({
      url: `/${path}`,
      ...(typeof config === 'function' ? config() : config),
    }),
    differs,
  );

export const redirectCases: readonly ParityCase[] = [
  ...STATUSES.flatMap((status) =>
    METHODS.map((method) => moved(status, method)),
  ),
  get('without Location', 'nowhere'),
  get('with an empty Location', 'empty'),
  ...[
    'relative',
    'up',
    'query',
    'query-alone',
    'no-scheme',
    'whole',
    'twice',
    'missing',
    'letters',
  ].map((path) => get(`to what is ${path}`, path)),
  get('to a fragment', 'fragment', {}, FROM),
  get('with params of the first alone', 'relative', { params: { a: 1 } }),
  get(
    'that is not followed',
    '302',
    { maxRedirects: 0 },
    {
      ...FROM,
      axios: { outcome: { response: { from: undefined } } },
      ours: { outcome: { response: { from: expect.stringMatching(/302$/) } } },
    },
  ),
  get(
    'that is not followed and is fine',
    '302',
    { maxRedirects: 0, validateStatus: () => true },
    {
      ...FROM,
      axios: { outcome: { from: undefined } },
      ours: { outcome: { from: expect.stringMatching(/302$/) } },
    },
  ),
  get('as often as it may be', 'three-ways', { maxRedirects: 3 }),
  get('more often than it may be', 'three-ways', { maxRedirects: 2 }),
  get('without end', 'loop', { maxRedirects: 4 }),
  get(
    'without end and without a bound',
    'loop',
    {},
    {
      row: '`maxRedirects`',
      axios: {
        outcome: { code: 'ERR_FR_TOO_MANY_REDIRECTS' },
        seen: { length: 22 },
      },
      ours: {
        outcome: { code: 'ERR_FR_TOO_MANY_REDIRECTS' },
        seen: { length: 6 },
      },
    },
  ),
  get('with an Authorization', 'relative', {
    headers: { Authorization: 'Bearer t', cookie: 'a=1' },
  }),
  get('with sensitive headers of its own, at home', 'relative', {
    headers: { 'x-key': 'k' },
    sensitiveHeaders: ['X-Key'],
  }),
  get(
    'with a Host of one’s own',
    'relative',
    { headers: { host: '127.0.0.1:1' } },
    {
      row: 'a `Host` header and a relative redirect',
      axios: { outcome: { code: 'ECONNREFUSED' } },
      ours: { outcome: { status: 200 }, seen: { length: 2 } },
    },
  ),
  get('with beforeRedirect', 'relative', () => ({
    beforeRedirect: (options, { statusCode, headers }, { method, url }) => {
      options['headers']['x-told'] = [
        options['path'],
        options['method'],
        statusCode,
        headers['location'],
        method,
        new URL(url).pathname,
      ].join(' ');
    },
  })),
  get('with beforeRedirect that takes a header away', 'relative', {
    headers: { 'X-Own': '1' },
    beforeRedirect: (options) => {
      delete options['headers']['X-Own'];
    },
  }),
  get('of a stream', '302', () => ({ method: 'post', data: pieces('abc') })),
  get(
    'of a stream that would have to be sent again',
    '307',
    () => ({ method: 'post', data: pieces('abc') }),
    {
      row: 'a streamed body and a redirect',
      axios: { seen: [{ body: 'abc' }, { body: 'abc' }] },
      ours: {
        outcome: { class: 'AxiosError', code: 'ERR_NOT_SUPPORT' },
        seen: [{ body: 'abc' }],
      },
    },
  ),
  get('of a Blob', '307', () => ({ method: 'post', data: new Blob(['abc']) })),
  get('of bytes', '308', () => ({ method: 'put', data: Buffer.from('abc') })),
  get('with a streamed answer', 'relative', { responseType: 'stream' }),
  get('with sensitive headers that are none', 'relative', {
    sensitiveHeaders: 'x-key' as never,
  }),
  get(
    'with basic auth',
    'relative',
    { auth: { username: 'jo', password: 'pw' } },
    {
      ...FROM,
      axios: {
        seen: [TOLD, TOLD],
        outcome: { from: expect.stringContaining('//jo:pw@') },
      },
      ours: {
        seen: [TOLD, TOLD],
        outcome: { from: expect.stringMatching(/:\/\/127.*\/x$/) },
      },
    },
  ),
];
