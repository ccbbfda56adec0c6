import axios from 'axios';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { withParams } from '../../../lib/http/query.js';

const plain = (params: unknown, path = '/x') =>
  axios.getUri({ url: path, params });

describe('The query of a request', () => {
  it('is what axios would write, whatever the params', () => {
    const value = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.double({ noNaN: true }),
      fc.boolean(),
      fc.constantFrom(null, undefined),
      fc.array(fc.string(), { maxLength: 2 }),
      fc.date({ noInvalidDate: true }),
    );
    fc.assert(
      fc.property(fc.dictionary(fc.string(), value), (params) => {
        expect(withParams('/x', { params })).toBe(plain(params));
      }),
    );
  });

  it.each([undefined, null, {}, { a: undefined }])(
    'is left as it is for %j',
    (params) => {
      expect(withParams('/x?a=1', { params })).toBe('/x?a=1');
    },
  );

  it('reads params of a class by axios', () => {
    class Search {
      q = 'a b';
    }
    expect(withParams('/x', { params: new Search() })).toBe(
      plain(new Search()),
    );
  });
});
