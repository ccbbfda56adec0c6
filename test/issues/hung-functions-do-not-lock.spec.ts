import { describe, expect, it } from 'vitest';
import { createDependency, type Dependency } from '../../lib/core.js';
import { ManualClock } from '../../lib/testing/manual-clock.js';

const TIMEOUT_MS = 5_000;
const ABANDON_AFTER_MS = 30_000;
const hang = (): Promise<never> => new Promise(() => {});

/** Ten calls on the defaults whose functions never settle, seen until all have timed out. */
async function hangTen(search: Dependency, clock: ManualClock): Promise<void> {
  const calls = Array.from({ length: 10 }, () => search.execute(hang));
  const ends = Promise.allSettled(calls);
  expect(search.snapshot()).toMatchObject({ inFlight: 10, abandoned: 0 });
  await clock.advance(TIMEOUT_MS);
  for (const end of await ends)
    expect(end).toMatchObject({ reason: { code: 'DACE_TIMEOUT' } });
}

describe.each([
  { name: 'without hosts', hosts: undefined },
  { name: 'with one host', hosts: ['http://10.0.0.1:8080'] },
])('Ten functions that never settle, $name', ({ hosts }) => {
  it('hold their permits as abandoned, not as in flight', async () => {
    const clock = new ManualClock();
    const search = createDependency('search', { hosts }, { clock });

    await hangTen(search, clock);

    expect(search.snapshot()).toMatchObject({ inFlight: 0, abandoned: 10 });
    await clock.advance(ABANDON_AFTER_MS - 1);
    expect(search.snapshot()).toMatchObject({ inFlight: 0, abandoned: 10 });
    await clock.advance(1);
    expect(search.snapshot()).toMatchObject({ inFlight: 0, abandoned: 0 });
  });

  it('do not lock the dependency for ever', async () => {
    const clock = new ManualClock();
    const search = createDependency('search', { hosts }, { clock });
    await hangTen(search, clock);
    await clock.advance(ABANDON_AFTER_MS);

    const answers = [];
    for (let i = 0; i < 20; i += 1)
      answers.push(await search.execute(() => Promise.resolve(i)));

    expect(answers).toHaveLength(20);
    expect(search.snapshot()).toMatchObject({ state: 'closed', inFlight: 0 });
    expect(clock.pending).toBe(0);
  });

  it('do not lock it where nothing but permits stands in the way', async () => {
    const clock = new ManualClock();
    const search = createDependency(
      'search',
      { hosts, circuit: false },
      { clock },
    );
    await hangTen(search, clock);

    const tooEarly = search.execute(() => 'a permit', { timeoutMs: 1_000 });
    const refused = expect(tooEarly).rejects.toMatchObject({
      code: 'DACE_TIMEOUT',
      kind: 'operation',
    });
    await clock.advance(ABANDON_AFTER_MS - 1_000);
    await refused;
    const waiting = search.execute(() => 'a permit');
    expect(search.snapshot()).toMatchObject({ queued: 1, abandoned: 10 });
    await clock.advance(1_000);

    await expect(waiting).resolves.toBe('a permit');
    expect(search.snapshot()).toMatchObject({ queued: 0, abandoned: 0 });
  });

  it('do not lock it however often it is asked meanwhile', async () => {
    const clock = new ManualClock();
    const search = createDependency('search', { hosts }, { clock });
    await hangTen(search, clock);

    for (let second = 0; second < ABANDON_AFTER_MS / 1_000; second += 1) {
      await expect(search.execute(() => 'early')).rejects.toMatchObject({
        name: expect.stringMatching(/^Dace(CircuitOpen|RateLimited)Error$/),
      });
      await clock.advance(1_000);
    }

    await expect(search.execute(() => 'in time')).resolves.toBe('in time');
    expect(search.snapshot()).toMatchObject({ state: 'closed', inFlight: 0 });
  });
});
