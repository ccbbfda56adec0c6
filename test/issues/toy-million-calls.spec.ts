import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Compiled } from '../support/child.js';

let compiled: Compiled;
beforeAll(() => {
  compiled = Compiled.make();
});
afterAll(() => compiled.remove());

const heapAfter = (setup: string, call: string): Promise<any> =>
  compiled.run(
    `
    ${setup}
    const calls = async (count) => {
      for (let n = 0; n < count; n += 100) {
        const batch = [];
        for (let each = 0; each < 100; each++) batch.push(${call});
        await Promise.all(batch);
      }
    };
    const heap = async () => {
      for (let n = 0; n < 5; n++) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        gc();
      }
      return process.memoryUsage().heapUsed;
    };
    await calls(50_000);
    const before = await heap();
    await calls(1_000_000);
    const grown = await heap() - before;
    console.log(JSON.stringify({ grown, totals: payments.snapshot().totals }));
    `,
    20_000,
    ['--expose-gc'],
  );

describe('A million calls', () => {
  it.each([
    [
      'that succeed',
      `const payments = createDependency('payments', { hosts: ['http://a', 'http://b'], maxOpenPerNetloc: 100 });
       const work = async () => 1;`,
      'payments.execute(work)',
    ],
    [
      'of every kind: ignored, refused, cancelled, fallen back, pinned',
      `const payments = createDependency('payments', { maxOpenPerNetloc: 40, maxQueuedPerNetloc: 20, circuit: { resetTimeoutMs: 1 } });
       let n = 0;
       const gone = AbortSignal.abort('gone');
       const signal = new AbortController().signal;
       const kinds = [
         () => payments.execute(async () => 1, { signal, fallback: 0 }),
         () => payments.execute(() => { throw new Error('x'); }, { fallback: null }),
         () => payments.execute(async () => { throw new Error('x'); }, { fallback: () => 2 }),
         () => payments.execute(() => 1, { signal: gone }).catch(() => 0),
         () => payments.execute(() => 1, { netloc: 'peer-' + n % 3_000, fallback: 0 }),
       ];
       const next = () => kinds[n++ % kinds.length]();`,
      'next()',
    ],
  ])(
    '%s leave the heap within 2 MB',
    async (_kind, setup, call) => {
      const ended = await heapAfter(setup, call);
      expect(ended).toMatchObject({ code: 0, err: '' });
      const { grown, totals } = JSON.parse(ended.out);
      expect(totals.started).toBe(1_050_000);
      expect(
        totals.succeeded + totals.failed + totals.refused + totals.cancelled,
      ).toBe(totals.started);
      expect(grown).toBeLessThan(2 * 1024 * 1024);
    },
    40_000,
  );
});
