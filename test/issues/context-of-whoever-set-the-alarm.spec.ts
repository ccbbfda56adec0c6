import { AsyncLocalStorage } from 'node:async_hooks';
import { createDependency } from 'nestjs-dace/core';
import { expect, it } from 'vitest';
import { realClock } from '../../lib/core/clock.js';

/** Of the user's own middleware: who is served. */
const served = new AsyncLocalStorage<string>();
const hang = (): Promise<never> => new Promise(() => {});

it('an alarm of the real clock rings in the context of nobody', async () => {
  const seen = await new Promise((resolve) => {
    const alarm = realClock.alarm(() => resolve(served.getStore()));
    served.run('who has set it', () => alarm.set(realClock.nowMs() + 1));
  });
  expect(seen).toBeUndefined();
});

it('who hears of a timeout, and who judges it, sees no other caller', async () => {
  const seen: unknown[] = [];
  const note = (): undefined => void seen.push(served.getStore());
  const others = createDependency('search', { timeoutMs: 5 });
  const dependency = createDependency('payments', {
    timeoutMs: 10,
    classify: note,
  });
  const timeouts = [
    served.run('somebody else', () => others.execute(hang)),
    served.run('me', () => dependency.execute(hang)),
  ];
  dependency.on(note);
  await Promise.allSettled(timeouts);
  expect(seen.length).toBeGreaterThan(1);
  expect(seen).not.toContain('somebody else');
  await Promise.all([others.close(), dependency.close()]);
});
