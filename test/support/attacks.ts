/** What a user's data may hold where a program expects a path. */
import type { AxiosRequestConfig } from 'axios';

/** Ports of the dependency's own server and of somebody else's. */
export interface Ports {
  readonly own: number;
  readonly evil: number;
}

export interface Attack {
  readonly name: string;
  readonly config: (ports: Ports) => AxiosRequestConfig;
  /** What the own server is asked for, or nothing as the request is refused. */
  readonly reaches?: string | RegExp;
  /** It may be refused by whoever reads it first, before the gate does. */
  readonly isNoRequest?: true;
}

const by =
  (template: string) =>
  ({ own, evil }: Ports): string =>
    template.replaceAll('OWN', String(own)).replaceAll('EVIL', String(evil));
/** A URL that must be refused. */
const url = (name: string, template: string): Attack => ({
  name,
  config: (ports) => ({ url: by(template)(ports) }),
});
/** A URL that means the own server, however odd it looks. */
const odd = (name: string, template: string, reaches: string): Attack => ({
  name,
  config: (ports) => ({ url: by(template)(ports) }),
  reaches,
});

const HOST = '127.0.0.1:EVIL';

export const foreignUrls: readonly Attack[] = [
  url('an absolute URL', `http://${HOST}/x`),
  url('a scheme in capitals', `HTTP://${HOST}/x`),
  url('a scheme in both cases', `hTtP://${HOST}/x`),
  url('https', `https://${HOST}/x`),
  url('https at its own port', 'https://127.0.0.1:OWN/x'),
  url('no scheme', `//${HOST}/x`),
  url('three slashes', `///${HOST}/x`),
  url('four slashes', `////${HOST}/x`),
  url('a scheme and three slashes', `http:///${HOST}/x`),
  url('a scheme and one slash', `http:/${HOST}/x`),
  url('a scheme and no slash', `http:${HOST}/x`),
  url('a slash and a backslash', `/\\${HOST}/x`),
  url('a backslash and a slash', `\\/${HOST}/x`),
  url('two backslashes', `\\\\${HOST}/x`),
  url('backslashes after the scheme', `http:\\\\${HOST}/x`),
  url('slash, backslash, slash', `/\\/${HOST}/x`),
  url('its own host as a user', `http://127.0.0.1:OWN@${HOST}/x`),
  url('its own host as user and password', `http://127.0.0.1:x@${HOST}/x`),
  url('a backslash before the @', `http://127.0.0.1:OWN\\@${HOST}/x`),
  url('its own host in the fragment', `http://${HOST}#@127.0.0.1:OWN/x`),
  url('its own host in the query', `http://${HOST}?@127.0.0.1:OWN/x`),
  url('its own host in the path', `http://${HOST}/@127.0.0.1:OWN/x`),
  url('a host that begins with its own', 'http://127.0.0.1.nip.io:EVIL/x'),
  url('a tab in the host', 'http://127.0.0\t.1:EVIL/x'),
  url('a tab between the slashes', `/\t/${HOST}/x`),
  url('a line break in the scheme', `ht\ntp://${HOST}/x`),
  url('a line break before it', `\nhttp://${HOST}/x`),
  url('a carriage return between the slashes', `/\r/${HOST}/x`),
  url('NUL before it', `\0http://${HOST}/x`),
  url('hexadecimal numbers', 'http://0x7f.0.0.1:EVIL/x'),
  url('one hexadecimal number', 'http://0x7f000001:EVIL/x'),
  url('one number', 'http://2130706433:EVIL/x'),
  url('octal numbers', 'http://0177.0.0.1:EVIL/x'),
  url('one octal number', 'http://017700000001:EVIL/x'),
  url('two numbers', 'http://127.1:EVIL/x'),
  url('three numbers', 'http://127.0.1:EVIL/x'),
  url('a dot after the address', 'http://127.0.0.1.:EVIL/x'),
  url('all addresses', 'http://0.0.0.0:EVIL/x'),
  url('zero', 'http://0:EVIL/x'),
  url('another address of the loopback', 'http://127.0.0.2:OWN/x'),
  url('wide digits', 'http://１２７.０.０.１:EVIL/x'),
  url('digits in circles', 'http://①②⑦.⓪.⓪.①:EVIL/x'),
  url('ideographic dots', 'http://127。0。0。1:EVIL/x'),
  url('encoded digits', 'http://%31%32%37.0.0.1:EVIL/x'),
  url('a name for its address', 'http://localhost:OWN/x'),
  url('a name with a dot after it', 'http://localhost.:OWN/x'),
  url('letters that look alike', 'http://lоcalhost:EVIL/x'),
  url('IPv6', 'http://[::1]:EVIL/x'),
  url('IPv6 at its own port', 'http://[::1]:OWN/x'),
  url('IPv6 in full', 'http://[0:0:0:0:0:0:0:1]:EVIL/x'),
  url('IPv4 within IPv6', 'http://[::ffff:127.0.0.1]:EVIL/x'),
  url('IPv4 within IPv6 in hex', 'http://[::ffff:7f00:1]:OWN/x'),
  url('IPv6 with a zone', 'http://[::1%25lo]:EVIL/x'),
  url('the usual port', 'http://127.0.0.1/x'),
  url('the usual port, written', 'http://127.0.0.1:80/x'),
  url('a port out of range', 'http://127.0.0.1:99999/x'),
  ...[
    'file:///etc/passwd',
    'javascript:alert(1)',
    'data:text/plain,x',
    `ftp://${HOST}/x`,
    `ws://${HOST}/x`,
    `gopher://${HOST}/x`,
    'blob:http://127.0.0.1:OWN/x',
    'unix:/var/run/docker.sock:/x',
    'http+unix://%2Fvar%2Frun%2Fdocker.sock/x',
  ].map((text) => url(text.slice(0, text.indexOf(':') + 1), text)),
];

export const ownUrls: readonly Attack[] = [
  odd('its own URL', 'http://127.0.0.1:OWN/v1/x', '/v1/x'),
  odd('its own URL in capitals', 'HTTP://127.0.0.1:OWN/v1/x', '/v1/x'),
  odd('its own address as one number', 'http://2130706433:OWN/x', '/x'),
  odd('its own address in hex', 'http://0x7f.1:OWN/x', '/x'),
  odd('its own address in wide digits', 'http://１２７.1:OWN/x', '/x'),
];

/** Relative URLs: an agent is not asked for these. */
export const paths: readonly Attack[] = [
  url('..', '..'),
  url('../', '../admin'),
  url('/..', '/../admin'),
  url('.. in the middle', '/a/../../admin'),
  url('./..', './../admin'),
  url('encoded dots', '/%2e%2e/admin'),
  url('half encoded dots', '/.%2E/admin'),
  url('the other half', '/%2e./admin'),
  url('an encoded slash', '/..%2fadmin'),
  url('an encoded backslash', '/..%5cadmin'),
  url('a backslash', '/..\\admin'),
  url('dots and a parameter', '/..;/admin'),
  url('dots and a parameter with a value', '/a/..;x=1/..;y/admin'),
  url('encoded dots and a parameter', '/%2e%2e;/admin'),
  url('an encoded semicolon', '/..%3b/admin'),
  url('CRLF and a Host', `/x\r\nHost: ${HOST}\r\n\r\n`),
  url('CRLF and a second request', `/x HTTP/1.1\r\n\r\nGET /admin`),
  url('NUL', '/x\0.html'),
  odd(
    'a blank before a URL',
    ` http://${HOST}/x`,
    '/v1/%20http://127.0.0.1:EVIL/x',
  ),
  odd('an @', `@${HOST}/x`, '/v1/@127.0.0.1:EVIL/x'),
  odd('a dot and a host', `.${HOST}/x`, '/v1/.127.0.0.1:EVIL/x'),
  odd(
    'letters that are cut to CRLF',
    '/x\u010d\u010aHost:evil',
    '/v1/x%C4%8D%C4%8AHost:evil',
  ),
  odd('encoded CRLF', '/x%0d%0aHost:evil', '/v1/x%0d%0aHost:evil'),
  odd('a port alone', ':EVIL/x', '/v1/:EVIL/x'),
];

const config = (
  name: string,
  make: Attack['config'],
  reaches?: Attack['reaches'],
): Attack => ({
  name,
  config: make,
  ...(reaches !== undefined && { reaches }),
});
const evil = ({ evil: port }: Ports) => `http://127.0.0.1:${port}`;
const own = ({ own: port }: Ports) => `http://127.0.0.1:${port}`;

/** What axios would take as a hint where to. */
export const configs: readonly Attack[] = [
  config('a foreign base', (p) => ({ url: '/x', baseURL: evil(p) })),
  config('a base without scheme', (p) => ({
    url: '/x',
    baseURL: `//127.0.0.1:${p.evil}`,
  })),
  config('a base with a user', (p) => ({
    url: '/x',
    baseURL: `${own(p)}@127.0.0.1:${p.evil}`,
  })),
  config('a base with a backslash', (p) => ({
    url: '/x',
    baseURL: `/\\127.0.0.1:${p.evil}`,
  })),
  config('a base that climbs', () => ({ url: 'x', baseURL: '/../admin' })),
  config(
    'a base that ends before the host',
    (p) => ({
      url: `@127.0.0.1:${p.evil}/x`,
      baseURL: own(p),
    }),
    /^\/@127\.0\.0\.1:\d+\/x$/,
  ),
  config('a foreign URL and its own base', (p) => ({
    url: `//127.0.0.1:${p.evil}/x`,
    baseURL: own(p),
  })),
  config(
    'a foreign URL as a path',
    (p) => ({
      url: `${evil(p)}/x`,
      allowAbsoluteUrls: false,
    }),
    /^\/v1\/http:\/\/127/,
  ),
  config(
    'no scheme, as a path',
    (p) => ({
      url: `//127.0.0.1:${p.evil}/x`,
      allowAbsoluteUrls: false,
    }),
    /^\/v1\/127\.0\.0\.1:\d+\/x$/,
  ),
  config('a foreign base where absolute URLs are paths', (p) => ({
    url: '/x',
    baseURL: evil(p),
    allowAbsoluteUrls: false,
  })),
  config(
    'a proxy',
    (p) => ({
      url: '/x',
      proxy: { host: '127.0.0.1', port: p.evil },
    }),
    '/v1/x',
  ),
  config(
    'a lookup',
    () => ({
      url: '/x',
      lookup: () => ['127.0.0.2', 4] as never,
    }),
    '/v1/x',
  ),
  config(
    'a socket',
    () => ({ url: '/x', socketPath: '/nowhere.sock' }),
    '/v1/x',
  ),
  config('another adapter', () => ({ url: '/x', adapter: 'http' }), '/v1/x'),
  config(
    'a Host',
    (p) => ({
      url: '/x',
      headers: { Host: `127.0.0.1:${p.evil}` },
    }),
    '/v1/x',
  ),
  config(
    'a forwarded host',
    (p) => ({
      url: '/x',
      headers: { 'X-Forwarded-Host': `127.0.0.1:${p.evil}` },
    }),
    '/v1/x',
  ),
  config(
    'params that end the line',
    () => ({
      url: '/x',
      params: { a: '\r\nx-injected: 1' },
    }),
    '/v1/x?a=%0D%0Ax-injected:+1',
  ),
];

/** Refused by what a request may look like at all: nobody gets anything. */
export const noRequests: readonly Attack[] = [
  config('a query that ends the line', () => ({
    url: '/x',
    params: { a: 1 },
    paramsSerializer: () => 'a HTTP/1.1\r\nx-injected: 1\r\n\r\n',
  })),
  config('a method that ends the line', () => ({
    url: '/x',
    method: 'GET /admin HTTP/1.1\r\nx-injected: 1\r\n\r\nGET',
  })),
  config('CONNECT', () => ({ url: '/x', method: 'CONNECT' })),
  config('a Host that ends the line', () => ({
    url: '/x',
    headers: { Host: 'a\r\nx-injected: 1' },
  })),
  config('a name of a header that ends the line', () => ({
    url: '/x',
    headers: { 'x-a: 1\r\nx-injected': '1' },
  })),
];
