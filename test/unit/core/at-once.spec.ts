import { describe, expect, it } from 'vitest';
import { atOnce } from '../../../lib/core/at-once.js';
import { thenable, unhandledDuring } from '../../support/core-toolkit.js';

describe('What is answered at once', () => {
  it.each<[string, unknown]>([
    ['true', true],
    ['a text', 'then'],
    ['undefined', undefined],
    ['null', null],
    ['an object', {}],
    // oxlint-disable-next-line unicorn/no-thenable -- that is what it is for
    ['an object with a word for then', { then: 'later' }],
    [
      'a function with a then',
      // oxlint-disable-next-line unicorn/no-thenable -- that is what it is for
      Object.assign(() => {}, { then: () => {} }),
    ],
  ])('stays what it is: %s', (_what, answer) => {
    expect(atOnce(answer)).toBe(answer);
  });
});

describe('What is answered later', () => {
  it.each<[string, () => PromiseLike<unknown>]>([
    ['a promise', () => Promise.resolve(true)],
    ['one of another make', () => thenable(() => undefined as never)],
  ])('is refused: %s', (_what, make) => {
    expect(() => atOnce(make())).toThrow(
      new TypeError('it answered a promise, and must answer at once'),
    );
  });

  it('is heard, so that its rejection does not end the process', async () => {
    const unhandled = await unhandledDuring(async () => {
      expect(() => atOnce(Promise.reject(new Error('late')))).toThrow(
        TypeError,
      );
    });
    expect(unhandled).toEqual([]);
  });
});
