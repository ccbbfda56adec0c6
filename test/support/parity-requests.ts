/** What a request says before its body: method, URL, query, headers, credentials. */
import { AxiosHeaders, type AxiosRequestConfig } from 'axios';
import { expect } from 'vitest';
import { OWN_FACES, parityCase, type ParityCase } from './parity.js';

const get = (url: string, config: AxiosRequestConfig = {}) => ({
  url,
  ...config,
});
const headers = (given: Record<string, unknown>) =>
  get('/x', { headers: given as never });

/** Where an answer came from is told alike, but for the password. */
const NO_PASSWORD = {
  row: '`response.request`',
  axios: { outcome: { from: expect.stringContaining('//jo:') } },
  ours: { outcome: { from: expect.stringMatching(/^http:\/\/127/) } },
};

export const requestCases: readonly ParityCase[] = [
  ...['get', 'GET', 'delete', 'options', 'post', 'PUT', 'patch', 'QUERY'].map(
    (method) => parityCase(`the method ${method}`, { url: '/x', method }),
  ),
  parityCase('the method PROPFIND', { url: '/x', method: 'propfind' }),
  ...['head', 'HEAD'].map((method) =>
    parityCase(
      `the method ${method}`,
      { url: '/x', method },
      {
        row: 'the connection after `HEAD`',
        axios: { seen: [{ headers: { connection: 'keep-alive' } }] },
        ours: { seen: [{ headers: { connection: 'close' } }] },
      },
    ),
  ),
  ...['PURGE', 'link'].map((method) =>
    parityCase(
      `the method ${method}`,
      { url: '/x', method },
      {
        row: '`Content-Length: 0` of `PURGE`, `LINK` and other methods without a body',
        axios: { seen: [{ headers: { 'content-length': '0' } }] },
        ours: { seen: [{ headers: { connection: 'keep-alive' } }] },
      },
    ),
  ),
  parityCase(
    'a method with a line break in it',
    { url: '/x', method: 'GET / HTTP/1.1\r\nx: y' },
    {
      row: 'a method or the name of a header that is none',
      axios: { outcome: { class: 'TypeError' }, seen: [] },
      ours: {
        outcome: { class: 'AxiosError', code: 'ERR_BAD_REQUEST' },
        seen: [],
      },
    },
  ),
  parityCase('no URL', {}),
  parityCase('a URL without slash', get('x')),
  parityCase('a URL with a query', get('x?a=1&b=%20')),
  parityCase('a query alone', get('?a=1')),
  parityCase('a fragment', get('/x#part')),
  parityCase('signs that a path may hold', get("/a;b=1,c/@d:e!$&'()*+")),
  parityCase('letters that no path may hold', get('/ä/ö b/"<>')),
  parityCase('a percent sign that means nothing', get('/100%/x')),
  parityCase('a dot segment that stays inside', get('/a/./b/../x')),
  parityCase('an empty segment', get('/a//x')),
  parityCase('an absolute URL', (origin) => get(`${origin}/v1/x`)),
  parityCase('an absolute URL in capitals', (origin) =>
    get(`${origin.toUpperCase()}/v1/x`),
  ),
  parityCase('a base of the request', (origin) =>
    get('x', { baseURL: `${origin}/v1/deep/` }),
  ),
  parityCase(
    'a base with a query',
    (origin) => get('x', { baseURL: `${origin}/v1/deep?key=1` }),
    {
      row: 'a query in `baseURL`',
      axios: { seen: [{ url: '/v1/deep?key=1/x' }] },
      ours: { seen: [{ url: '/v1/deep/x' }] },
    },
  ),
  parityCase('an absolute URL as a path', (origin) =>
    get(`${origin}/x`, { allowAbsoluteUrls: false }),
  ),
  parityCase('params', get('/x', { params: { a: 1, b: 'x y', c: true } })),
  parityCase('params that are nothing', {
    url: '/x',
    params: { a: null, b: undefined, c: '', d: 0, e: false, f: Number.NaN },
  }),
  parityCase('a list as params', get('/x', { params: { a: [1, 'b', null] } })),
  parityCase('nested params', get('/x', { params: { a: { b: { c: 1 } } } })),
  parityCase('a list of objects as params', {
    url: '/x',
    params: { a: [{ b: 1 }, { b: 2 }] },
  }),
  parityCase('a date as params', get('/x', { params: { at: new Date(0) } })),
  parityCase('signs in params', {
    url: '/x',
    params: { q: "a:b$c,d[e] f+g&h=i/j?k#l%m'n(o)*", ü: 'ß€😀' },
  }),
  parityCase('half a letter in params', {
    url: '/x',
    params: { q: '\ud800' },
  }),
  parityCase('names of params that need care', {
    url: '/x',
    params: { 'a[]': [1, 2], 'b.c': 3, 'd e': 4, '': 5 },
  }),
  parityCase('URLSearchParams', {
    url: '/x',
    params: new URLSearchParams([
      ['a', '1'],
      ['a', 'x y'],
    ]),
  }),
  parityCase('params after a query', get('/x?a=1', { params: { b: 2 } })),
  parityCase('params and a fragment', get('/x?a=1#p', { params: { b: 2 } })),
  parityCase('a question mark', get('/x?')),
  parityCase('params after a question mark', get('/x?', { params: { b: 2 } })),
  ...[true, false, null].map((indexes) =>
    parityCase(`lists with indexes: ${indexes}`, {
      url: '/x',
      params: { a: [1, 2], b: [{ c: 3 }] },
      paramsSerializer: { indexes },
    }),
  ),
  parityCase('dots for nested params', {
    url: '/x',
    params: { a: { b: 1 } },
    paramsSerializer: { dots: true },
  }),
  parityCase('an own encoding of params', {
    url: '/x',
    params: { a: 'b' },
    paramsSerializer: { encode: (text) => `<${text}>`.length.toString() },
  }),
  parityCase('an own serializer', {
    url: '/x',
    params: { a: 'b' },
    paramsSerializer: {
      serialize: (given) => JSON.stringify(given).length + '',
    },
  }),
  parityCase('a function for a serializer', {
    url: '/x',
    params: { a: 'b' },
    paramsSerializer: () => 'own=1',
  }),
  parityCase('a serializer that throws', {
    url: '/x',
    params: { a: 'b' },
    paramsSerializer: () => {
      throw new TypeError('of the serializer');
    },
  }),
  parityCase(
    'headers, in the case they were given in',
    headers({ 'X-One': '1', 'x-two': '2', 'X-THREE': '3', aCCept: 'text/x' }),
  ),
  parityCase('a header given twice', headers({ 'x-a': '1', 'X-A': '2' })),
  parityCase('a list for a header', headers({ 'x-many': ['1', '2'] })),
  parityCase('cookies', headers({ cookie: 'a=1; b=2' })),
  parityCase('a number for a header', headers({ 'x-n': 0, 'x-y': true })),
  parityCase(
    'headers that are nothing',
    headers({ 'x-a': null, 'x-b': undefined, 'x-c': false, 'x-d': '' }),
  ),
  parityCase(
    'headers that axios adds, switched off',
    headers({ Accept: null, 'User-Agent': false, 'Accept-Encoding': null }),
  ),
  parityCase(
    'headers that axios adds, in own words',
    headers({ accept: 'a/b', 'user-agent': 'me', 'accept-encoding': 'br' }),
  ),
  parityCase('blanks around a header', headers({ 'x-a': '  b \t' })),
  parityCase('letters of Latin-1 in a header', headers({ 'x-a': 'grün' })),
  parityCase('letters no header can hold', headers({ 'x-a': 'a€b😀c' })),
  parityCase(
    'AxiosHeaders',
    get('/x', { headers: new AxiosHeaders({ 'X-A': '1', 'x-b': '2' }) }),
  ),
  ...Object.entries({
    'a Map': () => new Map([['x-a', '1']]),
    Headers: () => new Headers({ 'x-a': '1' }),
  }).map(([kind, make]) =>
    parityCase(
      `headers as ${kind}`,
      () => ({ url: '/x', headers: make() as never }),
      {
        row: '`headers` as a `Map` or as `Headers`',
        axios: {},
        ours: {
          seen: [
            {
              headers: {
                Accept: 'application/json, text/plain, */*',
                'x-a': '1',
              },
            },
          ],
        },
        faces: OWN_FACES,
      },
    ),
  ),
  parityCase('a Host of one’s own', headers({ Host: 'tenant.example' })),
  parityCase('a name no header can have', headers({ 'x a': '1' }), {
    row: 'a method or the name of a header that is none',
    axios: { outcome: { class: 'TypeError' }, seen: [] },
    ours: {
      outcome: { class: 'AxiosError', code: 'ERR_BAD_REQUEST' },
      seen: [],
    },
  }),
  parityCase('a line break in a header', headers({ 'x-a': 'b\r\nx-c: d' }), {
    row: 'a line break or NUL in a header',
    axios: {
      outcome: { status: 200 },
      seen: [{ headers: { 'x-a': 'bx-c: d' } }],
    },
    ours: {
      outcome: { class: 'AxiosError', code: 'ERR_BAD_REQUEST' },
      seen: [],
    },
    faces: OWN_FACES,
  }),
  parityCase('headers of all requests and of one method', {
    url: '/x',
    headers: { common: { 'x-common': '1' }, get: { 'x-get': '1' } } as never,
  }),
  parityCase('an Upgrade', headers({ connection: 'upgrade', upgrade: 'x' }), {
    row: '`Upgrade`, `Expect`, `Transfer-Encoding`, `Keep-Alive`',
    axios: { outcome: { status: 200 } },
    ours: {
      outcome: { class: 'AxiosError', code: 'ERR_BAD_REQUEST' },
      seen: [],
    },
  }),
  parityCase(
    'basic auth',
    {
      url: '/x',
      auth: { username: 'jo', password: 'pä:ss' },
    },
    NO_PASSWORD,
  ),
  parityCase(
    'basic auth without password',
    {
      url: '/x',
      auth: { username: 'jo' } as never,
    },
    NO_PASSWORD,
  ),
  parityCase(
    'basic auth beside an Authorization',
    {
      url: '/x',
      auth: { username: 'jo', password: 'x' },
      headers: { authorization: 'Bearer t' },
    },
    NO_PASSWORD,
  ),
  parityCase('a bearer token', headers({ Authorization: 'Bearer t' })),
  parityCase(
    'credentials in the URL',
    (origin) => get(`${origin.replace('//', '//jo:pw@')}/v1/x`),
    {
      row: 'user and password in a URL',
      axios: {
        outcome: { status: 200 },
        seen: [{ headers: { Authorization: 'Basic am86cHc=' } }],
      },
      ours: { outcome: { class: 'DaceForeignHostError' }, seen: [] },
    },
  ),
  parityCase('a zstd that is asked for', {
    url: '/x',
    transitional: { advertiseZstdAcceptEncoding: true },
  }),
  parityCase(
    'a `data:` URL',
    get('data:text/plain,hello', { baseURL: '', responseType: 'text' }),
    {
      row: '`data:` URLs',
      axios: { outcome: { status: 200, data: 'hello' } },
      ours: { outcome: { class: 'DaceForeignHostError' } },
    },
  ),
  parityCase('another scheme', get('ftp://a.example/x', { baseURL: '' }), {
    row: 'a URL of somebody else',
    axios: { outcome: { class: 'AxiosError', code: 'ERR_BAD_REQUEST' } },
    ours: { outcome: { class: 'DaceForeignHostError' } },
  }),
];
