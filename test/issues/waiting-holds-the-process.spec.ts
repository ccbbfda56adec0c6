import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Compiled } from '../support/child.js';

const WITHIN_MS = 25_000;
let compiled: Compiled;

beforeAll(() => {
  compiled = Compiled.make();
});

afterAll(() => compiled.remove());

describe('A process that waits for nothing but', () => {
  it('a deadline lives until it is over', async () => {
    const ended = await compiled.run(
      `
      const search = createDependency('search');
      try {
        await search.execute(() => new Promise(() => {}), { timeoutMs: 300 });
      } catch (error) {
        console.log(error.code);
      }
      `,
      WITHIN_MS,
    );

    expect(ended).toMatchObject({ code: 0, out: 'DACE_TIMEOUT\n', err: '' });
    expect(ended.tookMs).toBeGreaterThan(300);
    // What was given up still has its permit; nobody waits for that.
    expect(ended.tookMs).toBeLessThan(5_000);
  });

  it('the pause before a retry lives until the retry', async () => {
    const ended = await compiled.run(
      `
      const search = createDependency('search', {
        retry: { backoff: { delayMs: 600 } },
      });
      const found = await search.execute(({ attempt }) => {
        if (attempt === 1)
          throw Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
        return 'found at try ' + attempt;
      });
      console.log(found);
      `,
      WITHIN_MS,
    );

    expect(ended).toMatchObject({
      code: 0,
      out: 'found at try 2\n',
      err: '',
    });
    expect(ended.tookMs).toBeGreaterThan(600);
  });

  it('a place in a queue lives until it is given or time is up', async () => {
    const ended = await compiled.run(
      `
      const search = createDependency('search', {
        maxOpenPerNetloc: 1,
        timeoutMs: false,
        queueTimeoutMs: 400,
      });
      search.execute(() => new Promise(() => {}));
      try {
        await search.execute(() => 'never');
      } catch (error) {
        console.log(error.code, error.kind);
      }
      process.exitCode = 0;
      `,
      WITHIN_MS,
    );

    expect(ended).toMatchObject({
      code: 0,
      out: 'DACE_TIMEOUT queue\n',
      err: '',
    });
  });
});

describe('A process whose calls are over', () => {
  it('ends at once, though their deadlines are far away', async () => {
    const ended = await compiled.run(
      `
      const search = createDependency('search', { timeoutMs: 600_000 });
      console.log(await search.execute(async () => 'found'));
      `,
      WITHIN_MS,
    );

    expect(ended).toMatchObject({ code: 0, out: 'found\n', err: '' });
  });
});
