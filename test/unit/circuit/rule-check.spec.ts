import { describe, expect, it } from 'vitest';
import { RuleCheck } from '../../../lib/circuit/rule-check.js';
import { DaceConfigurationError } from '../../../lib/core/errors.js';

const check = new RuleCheck('ramp');

/** The message of what `make` throws, undefined if it throws nothing. */
function complaint(make: () => void): string | undefined {
  try {
    make();
  } catch (error) {
    expect(error).toBeInstanceOf(DaceConfigurationError);
    return (error as Error).message;
  }
  return undefined;
}

describe('The check of a rule', () => {
  it('tells of a wrong value with factory, option, value and range, and as data', () => {
    try {
      check.ratio('ratio', 2);
      expect.fail('accepted');
    } catch (error) {
      expect(error).toMatchObject({
        message: 'ramp({ ratio }) is 2: expected a number in (0, 1]',
        dependencyId: 'ramp',
        problems: [{ option: 'ratio', message: 'expected a number in (0, 1]' }],
      });
    }
  });

  it.each([
    ['a text', '3', '"3"'],
    ['an object', { ratio: 1 }, 'an object'],
    ['a list', [1], 'an array'],
    ['null', null, 'null'],
    ['nothing', undefined, 'undefined'],
    ['a function', () => 1, 'a function'],
    ['a symbol', Symbol('3'), 'a symbol'],
    ['no number', NaN, 'NaN'],
    ['a truth', true, 'true'],
    ['a big number', 3n, '3'],
  ])('shows %s', (_, value, shown) => {
    expect(complaint(() => check.count('calls', value, 1))).toBe(
      `ramp({ calls }) is ${shown}: expected a whole number of at least 1`,
    );
    expect(complaint(() => check.ratio('ratio', value))).toContain(
      value === true ? 'is true' : ` is ${shown}: `,
    );
  });

  it.each([
    [58, `"${'x'.repeat(58)}"`],
    [59, `"${'x'.repeat(59)}…"`],
  ])('shows %i letters of a text and no more', (letters, shown) => {
    expect(
      complaint(() => check.ratio('ratio', 'x'.repeat(letters))),
    ).toContain(` is ${shown}: `);
  });

  it.each([
    [0, false],
    [Number.MIN_VALUE, true],
    [1, true],
    [1.000001, false],
    [-0.5, false],
    [Infinity, false],
  ])('finds a ratio of %d sound: %s', (value, isSound) => {
    expect(complaint(() => check.ratio('ratio', value)) === undefined).toBe(
      isSound,
    );
  });

  it.each([
    [1, 1, 5, true],
    [0, 1, 5, false],
    [5, 1, 5, true],
    [6, 1, 5, false],
    [2.5, 1, 5, false],
    [1e15, 1, undefined, true],
    [Infinity, 1, undefined, false],
  ])(
    'finds a count of %d from %i to %s sound: %s',
    (value, least, most, isSound) => {
      const told = complaint(() => check.count('calls', value, least, most));

      expect(told === undefined).toBe(isSound);
    },
  );

  it('tells the end of a count that has one', () => {
    expect(complaint(() => check.count('calls', 9, 1, 5))).toBe(
      'ramp({ calls }) is 9: expected a whole number of at least 1, at most 5',
    );
  });

  it.each([
    [0, 0, true],
    [-1, 0, false],
    [0.5, 1, false],
    [1, 1, true],
    [2_147_483_647, 1, true],
    [2_147_483_648, 1, false],
  ] as const)(
    'finds a time of %d from %i sound: %s',
    (value, least, isSound) => {
      const told = complaint(() => check.time('graceMs', value, least));

      expect(told).toBe(
        isSound
          ? undefined
          : `ramp({ graceMs }) is ${value}: expected a number of milliseconds from ${least} to 2,147,483,647`,
      );
    },
  );

  it.each([
    [{}, undefined],
    [{ ratio: undefined }, undefined],
    [
      { ratios: 1 },
      'ramp({ ratios }): unknown option: known are ratio, minimumCalls',
    ],
    [null, 'ramp(…) is null: expected an object of ratio, minimumCalls'],
    ['ratio', 'ramp(…) is "ratio": expected an object of ratio, minimumCalls'],
  ])('takes %j for its options: %s', (options, told) => {
    const known = ['ratio', 'minimumCalls'];

    expect(complaint(() => check.names(options, known))).toBe(told);
  });
});
