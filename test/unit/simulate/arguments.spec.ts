import { describe, expect, it } from 'vitest';
import { helpText, parseCommandLine } from '../../../lib/simulate/arguments.js';

const problem = (...argv: string[]): string => {
  try {
    parseCommandLine(argv);
  } catch (error) {
    return (error as Error).message;
  }
  return '';
};

describe('The command line', () => {
  it('takes a scenario and what to do with it, in any order', () => {
    expect(
      parseCommandLine([
        '--seed=7',
        'blip',
        '-o',
        'x.html',
        '--compare',
        'b.json',
        '--json',
        'x.json',
      ]),
    ).toEqual({
      kind: 'simulate',
      args: {
        scenario: 'blip',
        compare: 'b.json',
        out: 'x.html',
        json: 'x.json',
        seed: 7,
      },
    });
  });

  it.each(['-h', '--help'])(
    'explains itself on %s, whatever else is there',
    (flag) => {
      expect(parseCommandLine(['blip', flag])).toEqual({ kind: 'help' });
    },
  );

  it('takes what stands after -- as it is', () => {
    expect(parseCommandLine(['--', '-odd.json'])).toEqual({
      kind: 'simulate',
      args: { scenario: '-odd.json' },
    });
  });

  it.each([
    [
      ['blip', '--copmare', 'x'],
      'Unknown flag --copmare. Did you mean "--compare"? See dace-simulate --help.',
    ],
    [
      ['blip', '--Out', 'x'],
      'Unknown flag --Out. Did you mean "--out"? See dace-simulate --help.',
    ],
    [
      ['blip', '--verbose'],
      'Unknown flag --verbose. See dace-simulate --help.',
    ],
    [[], 'Which scenario? Give a file or the name of a shipped one.'],
    [
      ['a', 'b'],
      'One scenario at a time, but also got "b". To see two beside each other: --compare b.',
    ],
    [['blip', '--out'], '--out needs a value.'],
    [['blip', '--out', '--json', 'x'], '--out needs a value.'],
    [['blip', '--out='], '--out needs a value.'],
    [['blip', '--help=yes'], '--help takes no value, but got "yes".'],
    [['blip', '--seed', '1', '--seed', '2'], '--seed is given twice.'],
    [
      ['blip', '--seed', '1.5'],
      '--seed is "1.5": expected a whole number from 0 to 4294967295.',
    ],
    [
      ['blip', '--seed', '4294967296'],
      '--seed is "4294967296": expected a whole number from 0 to 4294967295.',
    ],
    [
      ['blip', '--seed', 'NaN'],
      '--seed is "NaN": expected a whole number from 0 to 4294967295.',
    ],
  ])('%j: %s', (argv, message) => {
    expect(problem(...argv)).toBe(message);
  });

  it('names the shipped scenarios in its help', () => {
    expect(helpText(['blip', 'flapping'])).toContain('blip, flapping');
  });
});
