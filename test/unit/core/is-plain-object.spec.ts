import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { isPlainObject } from '../../../lib/core/is-plain-object.js';

class Settings {}

describe('A plain object', () => {
  it.each<[string, unknown]>([
    ['a literal', { a: 1 }],
    ['one without a prototype', Object.create(null)],
    ['a literal of another realm', runInNewContext('({ a: 1 })')],
  ])('is %s', (_what, value) => {
    expect(isPlainObject(value)).toBe(true);
  });

  it.each<[string, unknown]>([
    ['an array', []],
    ['an array of another realm', runInNewContext('[]')],
    ['null', null],
    ['undefined', undefined],
    ['a text', 'a'],
    ['a function', () => {}],
    ['an instance of a class', new Settings()],
    ['what inherits from a literal', Object.create({})],
    ['a date', new Date(0)],
    ['a map', new Map()],
  ])('is not %s', (_what, value) => {
    expect(isPlainObject(value)).toBe(false);
  });

  it('is not an array that has forgotten what it is', () => {
    expect(isPlainObject(Object.setPrototypeOf([], null))).toBe(false);
    expect(isPlainObject(Object.setPrototypeOf([], Object.prototype))).toBe(
      false,
    );
  });

  it('is not a function that has forgotten what it is', () => {
    expect(isPlainObject(Object.setPrototypeOf(() => {}, null))).toBe(false);
  });
});
