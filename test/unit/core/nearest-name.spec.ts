import { describe, expect, it } from 'vitest';
import { nearestName, plainName } from '../../../lib/core/nearest-name.js';

describe('The name that somebody meant', () => {
  it.each<[string, readonly string[], string | undefined]>([
    ['resetTimoutMs', ['resetTimeoutMs', 'leaseMs'], 'resetTimeoutMs'],
    ['reset_timeout_ms', ['leaseMs', 'resetTimeoutMs'], 'resetTimeoutMs'],
    ['RESET TIMEOUT-MS', ['resetTimeoutMs'], 'resetTimeoutMs'],
    ['jiter', ['jitter', 'filter'], 'jitter'],
    ['jiter', ['filter', 'jitter'], 'jitter'],
    // Of the same number of slips the first.
    ['cat', ['bat', 'rat'], 'bat'],
    // One slip in a short name, one in three letters of a longer one.
    ['xn', ['on'], 'on'],
    ['xy', ['on'], undefined],
    ['abcxyz', ['abcdef'], undefined],
    ['abcdxy', ['abcdef'], 'abcdef'],
    ['abxy', ['abcd'], undefined],
    ['abcx', ['abcd'], 'abcd'],
    ['timeout', [], undefined],
  ])('%s of %j is %s', (name, known, meant) => {
    expect(nearestName(name, known)).toBe(meant);
  });

  it('is compared without case and separators', () => {
    expect(plainName('Max_open-Per.Netloc now')).toBe('maxopenpernetlocnow');
  });
});
