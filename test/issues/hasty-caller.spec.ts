import { describe, expect, it } from 'vitest';
import { createDependency, type Dependency } from '../../lib/core.js';
import { ManualClock } from '../../lib/testing/manual-clock.js';

const hang = (): Promise<never> => new Promise(() => {});

/** `count` calls one after another, each cut by a deadline of `timeoutMs`. */
async function callHastily(
  search: Dependency,
  clock: ManualClock,
  count: number,
  timeoutMs: number,
  work: () => Promise<unknown>,
): Promise<string[]> {
  const codes: string[] = [];
  for (let i = 0; i < count; i += 1) {
    const call = search.execute(work, { timeoutMs });
    const end = call.then(
      () => 'answered',
      (error: { code: string }) => error.code,
    );
    await clock.advance(timeoutMs);
    codes.push(await end);
    // What was cut answers in the end and gives its permit back.
    await clock.advance(20);
  }
  return codes;
}

describe.each([
  { name: 'without hosts', hosts: undefined },
  { name: 'with one host', hosts: ['http://10.0.0.1:8080'] },
  { name: 'with two hosts', hosts: ['http://10.0.0.1:80', 'http://b:80'] },
])('A dependency that usually answers in 20 ms, $name', ({ hosts }) => {
  /** The dependency after some usual answers, and work that answers as usual. */
  async function usual() {
    const clock = new ManualClock();
    const search = createDependency('search', { hosts }, { clock });
    const answer = (): Promise<string> =>
      new Promise((resolve) => {
        clock.alarm(() => resolve('hit')).set(clock.nowMs() + 20);
      });
    for (let i = 0; i < 6; i += 1) {
      const call = search.execute(answer);
      await clock.advance(20);
      await expect(call).resolves.toBe('hit');
    }
    return { clock, search, answer };
  }

  it('stays closed for all when somebody gives it 1 ms', async () => {
    const { clock, search, answer } = await usual();

    const codes = await callHastily(search, clock, 100, 1, answer);

    expect(new Set(codes)).toEqual(new Set(['DACE_TIMEOUT']));
    expect(search.snapshot()).toMatchObject({
      state: 'closed',
      window: { failures: 0 },
    });
    expect(search.snapshot().hosts.every((host) => host.inService)).toBe(true);
    await expect(search.execute(() => 'hit')).resolves.toBe('hit');
  });

  it('is opened by deadlines of 300 ms once it hangs', async () => {
    const { clock, search } = await usual();

    const codes = await callHastily(search, clock, 100, 300, hang);

    expect(codes.slice(0, 5)).toEqual(Array(5).fill('DACE_TIMEOUT'));
    expect(codes).toContain('DACE_CIRCUIT_OPEN');
    expect(codes).not.toContain('answered');
  });
});
