import { expect, it } from 'vitest';
import { realRandom } from '../../../lib/core/random.js';

it('The process’ own chance draws from [0, 1), another number each time', () => {
  const drawn = Array.from({ length: 1_000 }, realRandom);

  for (const each of drawn) {
    expect(each).toBeGreaterThanOrEqual(0);
    expect(each).toBeLessThan(1);
  }
  expect(new Set(drawn).size).toBeGreaterThan(900);
});
