import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Compiled } from '../support/child.js';

const MOST_BYTES = 2 * 1024 * 1024;
let compiled: Compiled;

beforeAll(() => {
  compiled = Compiled.make();
});

afterAll(() => compiled.remove());

/** Bytes by which the heap has grown over a million calls, after a hundred thousand. */
const measure = (options: string): string => `
  const search = createDependency('search', ${options});
  const answer = async () => 'hit';
  const many = async (count) => {
    for (let done = 0; done < count; done += 10)
      await Promise.all(Array.from({ length: 10 }, () => search.execute(answer)));
  };
  const heap = async () => {
    for (let i = 0; i < 5; i += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      gc();
    }
    return process.memoryUsage().heapUsed;
  };
  await many(100_000);
  const before = await heap();
  await many(1_000_000);
  const grown = (await heap()) - before;
  const { totals } = search.snapshot();
  console.log(JSON.stringify({ grown, succeeded: totals.succeeded }));
`;

describe('A million calls', () => {
  it.each([
    { name: 'without hosts', options: '{}' },
    {
      name: 'with three hosts',
      options: "{ hosts: ['http://a:1', 'http://b:1', 'http://c:1'] }",
    },
  ])(
    'leave the heap as it was, $name',
    async ({ options }) => {
      const ended = await compiled.run(measure(options), 50_000, [
        '--expose-gc',
      ]);

      expect(ended).toMatchObject({ code: 0, err: '' });
      const { grown, succeeded } = JSON.parse(ended.out) as {
        grown: number;
        succeeded: number;
      };
      expect(succeeded).toBe(1_100_000);
      expect(grown).toBeLessThan(MOST_BYTES);
    },
    60_000,
  );
});
