import { setTimeout as sleep } from 'node:timers/promises';

/** Whether it becomes true before `patienceMs` are over. */
export async function within(
  patienceMs: number,
  isTrue: () => boolean,
): Promise<boolean> {
  const endMs = performance.now() + patienceMs;
  while (!isTrue() && performance.now() < endMs) await sleep(5);
  return isTrue();
}
