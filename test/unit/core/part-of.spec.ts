import { describe, expect, it } from 'vitest';
import { partOf } from '../../../lib/core/part-of.js';

describe('A part of what others have made', () => {
  it.each([
    [{ code: 5 }, 5],
    [{ code: undefined }, undefined],
    [{}, undefined],
    [null, undefined],
    [undefined, undefined],
    ['text', undefined],
    [Object.create({ code: 'inherited' }), 'inherited'],
  ])('of %o is %o', (value, part) => {
    expect(partOf(value, 'code')).toBe(part);
  });

  it('is nothing where it cannot be read', () => {
    const thrower = {
      get code(): never {
        throw new Error('not for you');
      },
    };
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();

    expect(partOf(thrower, 'code')).toBeUndefined();
    expect(partOf(proxy, 'code')).toBeUndefined();
  });
});
