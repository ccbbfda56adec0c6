/** Bodies of requests, of every kind that axios takes. */
import { Readable } from 'node:stream';
import type { AxiosRequestConfig } from 'axios';
import { expect } from 'vitest';
import { OWN_FACES, parityCase, type ParityCase } from './parity.js';
import { pieces } from './parity-server.js';

const post = (
  name: string,
  data: () => unknown,
  config: AxiosRequestConfig = {},
  differs?: ParityCase['differs'],
): ParityCase =>
  parityCase(
    name,
    () => ({ url: '/x', method: 'post', data: data(), ...config }),
    differs,
  );
const type = (value: string): AxiosRequestConfig => ({
  headers: { 'Content-Type': value },
});

const formOf = (): FormData => {
  const form = new FormData();
  form.append('a', '1');
  form.append('a', 'ü\n"quoted"');
  form.append('file', new Blob(['bytes'], { type: 'text/x' }), 'a.txt');
  return form;
};

class Model {
  id = 7;
  toJSON(): object {
    return { own: this.id };
  }
}

const FRAMED = '`Upgrade`, `Expect`, `Transfer-Encoding`, `Keep-Alive`';

export const bodyCases: readonly ParityCase[] = [
  post('an object', () => ({ a: 1, b: [null, 'ü'], c: undefined })),
  post('a list', () => [1, { a: 2 }]),
  post('an object with toJSON', () => new Model()),
  post('a Date', () => new Date(0)),
  post('null', () => null),
  post('undefined', () => undefined),
  post('an empty text', () => ''),
  post('a text', () => 'a=1&b=ü'),
  post('a text as JSON', () => 'text', type('application/json')),
  post('JSON as JSON', () => '{"a":1}', type('application/json')),
  post('null as JSON', () => null, type('application/json')),
  post('a number', () => 7),
  post('a number as JSON', () => 7, type('application/json')),
  post('zero', () => 0),
  post('zero as JSON', () => 0, type('application/json')),
  post('false', () => false),
  post('true as JSON', () => true, type('application/json')),
  post('a BigInt', () => 7n),
  post('a function', () => () => 7),
  post('a Map', () => new Map([['a', 1]])),
  post(
    'an object with a circle',
    () => {
      const circle: Record<string, unknown> = {};
      circle['self'] = circle;
      return circle;
    },
    {},
    {
      row: 'a body that refers to itself',
      axios: { outcome: { class: 'RangeError' }, seen: [] },
      ours: { outcome: { class: 'TypeError' }, seen: [] },
      faces: OWN_FACES,
    },
  ),
  post(
    'an object for a vendor type',
    () => ({ a: 1 }),
    type('application/x+json'),
  ),
  post('a text of another type', () => '<a/>', type('application/xml')),
  post('URLSearchParams', () => new URLSearchParams({ a: 'b c', ü: 'ß' })),
  post('empty URLSearchParams', () => new URLSearchParams()),
  post(
    'an object as a form',
    () => ({ a: [1, 2], b: { c: 'd e' } }),
    type('application/x-www-form-urlencoded'),
  ),
  post(
    'an object as a multipart form',
    () => ({ a: [1, 2], b: { c: 'd' } }),
    type('multipart/form-data'),
  ),
  post('a FormData', formOf),
  post('an empty FormData', () => new FormData()),
  post('a FormData as JSON', formOf, type('application/json')),
  post('a FormData with a given boundary', formOf, {
    ...type('multipart/form-data; boundary=----1234567890'),
  }),
  post('a Blob', () => new Blob(['blob'], { type: 'text/x' })),
  post('a Blob without type', () => new Blob(['blob'])),
  post('an empty Blob', () => new Blob([])),
  post('a File', () => new File(['file'], 'a.txt', { type: 'text/x' })),
  post('a Buffer', () => Buffer.from([0, 1, 254, 255])),
  post('an empty Buffer', () => Buffer.alloc(0)),
  post('a part of a Buffer', () => Buffer.from('0123456789').subarray(2, 5)),
  post('an ArrayBuffer', () => new Uint8Array([0, 1, 255]).buffer),
  post('a Uint8Array', () => new Uint8Array([65, 66])),
  post('a part of a Uint8Array', () =>
    new Uint8Array([65, 66, 67, 68]).subarray(1, 3),
  ),
  post('a Uint16Array', () => new Uint16Array([1, 256])),
  post('a DataView', () => new DataView(new Uint8Array([1, 2]).buffer)),
  post('a stream', () => pieces('a', 'bc')),
  post('a stream of texts', () => Readable.from(['a', 'bc'])),
  post('an empty stream', () => Readable.from([])),
  post('a stream of known length', () => pieces('abc'), {
    headers: { 'content-length': '3', 'content-type': 'text/x' },
  }),
  post('a stream that breaks', () =>
    Readable.from(
      (async function* () {
        yield Buffer.from('a');
        throw new Error('of the stream');
      })(),
    ),
  ),
  post(
    'a stream and no redirects',
    () => pieces('abc'),
    { maxRedirects: 0 },
    {
      row: '`response.request`',
      axios: { outcome: { from: undefined }, seen: [{ body: 'abc' }] },
      ours: {
        outcome: { from: expect.stringMatching(/\/v1\/x$/) },
        seen: [{ body: 'abc' }],
      },
    },
  ),
  post(
    'a ReadableStream',
    () => new Blob(['abc']).stream(),
    {},
    {
      row: '`ReadableStream` as a body',
      axios: { outcome: { class: 'AxiosError', code: 'ERR_BAD_REQUEST' } },
      ours: { outcome: { status: 200 }, seen: [{ body: 'abc' }] },
    },
  ),
  ...['get', 'delete', 'put', 'patch', 'options', 'QUERY'].map((method) =>
    parityCase(`a body of ${method}`, { url: '/x', method, data: { a: 1 } }),
  ),
  post('a text of the largest length', () => 'üxx', { maxBodyLength: 4 }),
  post('a text that is too long', () => 'üxxx', { maxBodyLength: 4 }),
  post('an object that is too long', () => ({ a: 1 }), { maxBodyLength: 4 }),
  post('a Buffer that is too long', () => Buffer.alloc(5), {
    maxBodyLength: 4,
  }),
  post('a body of nothing', () => '', { maxBodyLength: 0 }),
  post('a stream that is too long', () => pieces('abc', 'def'), {
    maxBodyLength: 4,
    maxRedirects: 0,
  }),
  post('a Blob that is too long', () => new Blob(['abcdef']), {
    maxBodyLength: 4,
    maxRedirects: 0,
  }),
  post('a FormData that is too long', formOf, {
    maxBodyLength: 4,
    maxRedirects: 0,
  }),
  post('a stream that is too long, with redirects', () => pieces('abcdef'), {
    maxBodyLength: 4,
  }),
  post(
    'a Content-Length that is too short',
    () => 'abcdef',
    { headers: { 'content-length': '3' } },
    {
      row: 'a `Content-Length` that is wrong',
      axios: { seen: [{ body: 'abc' }] },
      ours: {
        outcome: { class: 'AxiosError', code: 'ERR_BAD_REQUEST' },
        seen: [],
      },
    },
  ),
  post(
    'a transfer coding of one’s own',
    () => 'abc',
    { headers: { 'transfer-encoding': 'chunked' } },
    {
      row: FRAMED,
      axios: { outcome: { status: 400 }, seen: [] },
      ours: { seen: [{ headers: { 'content-length': '3' }, body: 'abc' }] },
    },
  ),
  post(
    'an Expect',
    () => 'abc',
    { headers: { expect: '100-continue' } },
    {
      row: FRAMED,
      axios: { seen: [{ headers: { expect: '100-continue' } }] },
      ours: { outcome: { status: 200 }, seen: [{ body: 'abc' }] },
    },
  ),
  post('transformRequest', () => ({ a: 1 }), {
    transformRequest: (data, sent) => {
      sent.set('X-Transformed', 'yes');
      return `own ${JSON.stringify(data)}`;
    },
  }),
  post('several transforms', () => 1, {
    transformRequest: [(data) => data + 1, (data) => `now ${data}`],
  }),
  post('no transforms', () => 'text', { transformRequest: [] }),
  post('no transforms of an object', () => ({ a: 1 }), {
    transformRequest: [],
  }),
  post('a transform that throws', () => 1, {
    transformRequest: () => {
      throw new TypeError('of the transform');
    },
  }),
  post('a transform that answers a stream', () => 'a', {
    transformRequest: (data: string) => pieces(data, 'b'),
  }),
  post('an object as a form of own options', () => ({ a: [1, { b: 2 }] }), {
    ...type('multipart/form-data'),
    formSerializer: { indexes: null, dots: true },
  }),
];
