import { createDependency, type Call } from 'nestjs-dace/core';
import { expect, it } from 'vitest';
import { answer } from '../../lib/dependency/attempt.js';
import { ManualClock } from '../../lib/testing/manual-clock.js';
import { expectRest, hang, watch } from '../support/core-toolkit.js';

it('a call that is given up, and then answered, while its timeout is judged ends once', async () => {
  const clock = new ManualClock();
  const caller = new AbortController();
  const ends: string[] = [];
  let running: Call | undefined;
  const dependency = createDependency(
    'payments',
    {
      timeoutMs: 10,
      classify: () => {
        caller.abort('left');
        if (running !== undefined) answer(running, 'early');
        return undefined;
      },
    },
    {
      clock,
      onEvent: ({ type }) => {
        if (/^operation\.(?!started)/.test(type)) ends.push(type);
      },
    },
  );
  const call = watch(
    dependency.execute(
      (each) => {
        running = each;
        return hang();
      },
      { signal: caller.signal },
    ),
  );

  await clock.advance(10);

  expect(call).toMatchObject({ state: 'rejected', error: 'left' });
  expect(ends).toEqual(['operation.cancelled']);
  await clock.advance(60_000);
  expectRest({ clock, dependency });
});
