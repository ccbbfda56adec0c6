import { HttpException } from '@nestjs/common';
import { AxiosError, AxiosHeaders, CanceledError } from 'axios';
import { errors } from 'undici';
import { describe, expect, it } from 'vitest';
import {
  DaceCircuitOpenError,
  DaceForeignHostError,
  DaceTimeoutError,
} from '../../../lib/core/errors.js';
import { judgeDefault } from '../../../lib/http/response-verdict.js';

const config = { headers: new AxiosHeaders() };
const axiosResponse = (status: number, headers = {}) => ({
  status,
  statusText: '',
  headers: new AxiosHeaders(headers),
  config,
  data: '',
});
const axiosError = (status: number, headers = {}) =>
  new AxiosError('x', undefined, config, {}, axiosResponse(status, headers));
const undiciResponse = (status: number, headers = {}) => ({
  statusCode: status,
  headers,
  body: {},
});
const undiciError = (status: number, headers: Record<string, string> = {}) =>
  new errors.ResponseError('x', status, { headers, body: null });
const fetchResponse = (status: number, headers = {}) =>
  new Response(null, { status, headers });
const fetchError = (status: number, headers = {}) =>
  Object.assign(new Error('x'), { response: fetchResponse(status, headers) });
const nestError = (status: number) => new HttpException('x', status);
const nodeError = (code: string, more = {}) =>
  Object.assign(new Error(code), { code, ...more });

const STATUSES = [
  [400, 'ignored', false],
  [401, 'ignored', false],
  [404, 'ignored', false],
  [408, 'failure', true],
  [409, 'ignored', false],
  [425, 'failure', true],
  [429, 'throttled', false],
  [500, 'failure', true],
  [502, 'failure', true],
  [503, 'failure', true],
  [504, 'failure', true],
] as const;

describe.each([
  ['an axios error', axiosError],
  ['an undici error', undiciError],
  ['an error with a fetch response', fetchError],
  ['a Nest exception', nestError],
])('The default verdict on %s', (_name, make) => {
  it.each(STATUSES)('%i is %s', (status, verdict, isCircuitFailure) => {
    expect(judgeDefault(make(status), true)).toMatchObject({
      verdict,
      isCircuitFailure,
      status,
    });
  });
});

describe.each([
  ['AxiosResponse', axiosResponse],
  ['undici response', undiciResponse],
  ['fetch Response', fetchResponse],
])('The default verdict on a returned %s', (_name, make) => {
  it.each([
    [200, 'success', false],
    [204, 'success', false],
    [304, 'success', false],
    ...STATUSES,
  ] as const)('%i is %s', (status, verdict, isCircuitFailure) => {
    expect(judgeDefault(make(status), false)).toMatchObject({
      verdict,
      isCircuitFailure,
    });
  });
});

describe.each([
  ['axios', axiosError, true],
  ['undici', undiciError, true],
  ['fetch', fetchError, true],
  ['returned axios', axiosResponse, false],
  ['returned undici', undiciResponse, false],
  ['returned fetch', fetchResponse, false],
] as const)('Retry-After of %s', (_name, make, isError) => {
  it('makes 503 throttled, and a failure for circuits', () => {
    expect(judgeDefault(make(503, { 'retry-after': '7' }), isError)).toEqual({
      verdict: 'throttled',
      isCircuitFailure: true,
      status: 503,
      retryAfter: '7',
    });
  });

  it('changes nothing where nobody can read it', () => {
    expect(
      judgeDefault(make(503, { 'retry-after': 'soon' }), isError),
    ).toMatchObject({ verdict: 'failure' });
  });

  it('comes with 429', () => {
    expect(
      judgeDefault(make(429, { 'retry-after': '7' }), isError),
    ).toMatchObject({ retryAfter: '7' });
  });
});

describe('The default verdict on an error of the connection', () => {
  const fetchFailed = (cause: unknown) =>
    new TypeError('fetch failed', { cause });

  it.each([
    ['refused', nodeError('ECONNREFUSED')],
    ['no such name', nodeError('ENOTFOUND')],
    ['names out of order', nodeError('EAI_AGAIN')],
    ['no way to the host', nodeError('EHOSTUNREACH')],
    ['no way to the net', nodeError('ENETUNREACH')],
    ['timed out in the kernel', nodeError('ETIMEDOUT', { syscall: 'connect' })],
    ["undici's connect timeout", new errors.ConnectTimeoutError()],
    [
      'our connect timeout',
      new DaceTimeoutError({
        dependencyId: 'x',
        timeoutMs: 1,
        kind: 'connect',
      }),
    ],
    ['axios', AxiosError.from(nodeError('ECONNREFUSED'), 'ERR_NETWORK')],
    ['fetch', fetchFailed(nodeError('ECONNREFUSED'))],
    [
      'every address',
      fetchFailed(
        new AggregateError([
          nodeError('ECONNREFUSED'),
          nodeError('ENETUNREACH'),
        ]),
      ),
    ],
  ])('%s: a connection never made', (_name, error) => {
    expect(judgeDefault(error, true)).toMatchObject({
      verdict: 'failure',
      isCircuitFailure: true,
      isNetwork: true,
      isConnect: true,
    });
  });

  it.each(['ECONNREFUSED', 'ENOTFOUND'])(
    'a service that tells of its own %s: it was reached',
    (code) => {
      const told = { code, syscall: 'connect' };

      const verdict = judgeDefault(told, true);

      expect(verdict).toMatchObject({ verdict: 'failure', isOpaque: true });
      expect(verdict.isConnect).toBeUndefined();
    },
  );

  it.each([
    ['reset', nodeError('ECONNRESET')],
    ['broken pipe', nodeError('EPIPE')],
    ["axios' timeout", new AxiosError('x', 'ECONNABORTED', config)],
    ['undici, closed', new errors.SocketError('other side closed')],
    ['undici, headers timeout', new errors.HeadersTimeoutError()],
    ['fetch', fetchFailed(new errors.SocketError('other side closed'))],
    ['fetch without a cause', fetchFailed(undefined)],
    ['TLS', nodeError('CERT_HAS_EXPIRED')],
    [
      'cut midway',
      new AxiosError(
        'stream has been aborted',
        'ERR_BAD_RESPONSE',
        config,
        {},
        axiosResponse(200),
      ),
    ],
    ['AbortSignal.timeout()', new DOMException('x', 'TimeoutError')],
  ])('%s: made, and lost', (_name, error) => {
    const verdict = judgeDefault(error, true);
    expect(verdict).toMatchObject({ verdict: 'failure', isNetwork: true });
    expect(verdict.isConnect).toBeUndefined();
  });

  it('survives a cause that is its own', () => {
    const error = new Error('x');
    error.cause = error;
    expect(judgeDefault(error, true)).toMatchObject({
      verdict: 'failure',
      isOpaque: true,
    });
  });
});

describe('The default verdict on anything else thrown', () => {
  it.each([
    [new Error('x')],
    ['text'],
    [undefined],
    [null],
    [7],
    [{}],
    [Object.assign(new Error('x'), { status: 'bad' })],
  ])('takes %s as a failure that says nothing', (error) => {
    expect(judgeDefault(error, true)).toEqual({
      verdict: 'failure',
      isCircuitFailure: true,
      isOpaque: true,
    });
  });

  it.each([
    ['a cancelled axios request', new CanceledError()],
    ['an aborted fetch', new DOMException('x', 'AbortError')],
    [
      'a request that was wrong before it left',
      new AxiosError('x', 'ERR_BAD_REQUEST', config),
    ],
    ['a redirect that was not followed', axiosError(302)],
    [
      'a foreign host',
      new DaceForeignHostError({ dependencyId: 'x', reason: 'y' }),
    ],
    [
      "another dependency's refusal",
      new DaceCircuitOpenError({ dependencyId: 'x' }),
    ],
  ])('ignores %s', (_name, error) => {
    expect(judgeDefault(error, true)).toMatchObject({
      verdict: 'ignored',
      isCircuitFailure: false,
    });
  });

  it('takes a broken body as a failure', () => {
    const error = AxiosError.from(
      new SyntaxError('x'),
      'ERR_BAD_RESPONSE',
      config,
      {},
      axiosResponse(200),
    );
    expect(judgeDefault(error, true)).toEqual({
      verdict: 'failure',
      isCircuitFailure: true,
    });
  });
});

describe('The default verdict on anything else returned', () => {
  it.each([
    [undefined],
    [null],
    [0],
    [''],
    [false],
    [{}],
    [[]],
    [new Error('returned')],
    [{ status: 500 }],
    [{ status: 'failed', headers: {} }],
    [{ status: 500, headers: {} }],
    [{ statusCode: 500 }],
    [{ statusCode: 500, headers: {} }],
    [
      new Proxy(
        {},
        {
          get: () => {
            throw new Error('trap');
          },
        },
      ),
    ],
  ])('is success', (value) => {
    expect(judgeDefault(value, false)).toEqual({
      verdict: 'success',
      isCircuitFailure: false,
    });
  });
});
