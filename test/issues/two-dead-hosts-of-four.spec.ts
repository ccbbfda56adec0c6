import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createDependency,
  type Dependency,
  type RetryOptions,
} from '../../lib/core.js';
import { Upstream } from '../support/http-upstream.js';

/** Where nobody listens, and no other test can: a freed port might be somebody else's by then. */
const dead = ['http://127.0.0.1:1', 'http://127.0.0.1:2'];

describe('Two closed ports of four hosts', () => {
  let alive: Upstream[];
  let search: Dependency | undefined;

  beforeEach(async () => {
    const start = () =>
      Upstream.start((_request, response) => response.end('hit'));
    alive = [await start(), await start()];
  });

  afterEach(async () => {
    await search?.close();
    for (const upstream of alive) await upstream.stop();
  });

  function searching(
    retry?: RetryOptions,
    loadBalancer?: 'round-robin',
  ): Dependency {
    const [first, second] = alive.map(({ origin }) => origin);
    search = createDependency('search', {
      hosts: [dead[0]!, first!, dead[1]!, second!],
      retry,
      loadBalancer,
    });
    return search;
  }

  /** How the calls of a burst of forty ended: what came, or the error's code. */
  async function burst(on: Dependency): Promise<string[]> {
    const calls = Array.from({ length: 40 }, () => on.http.get('/find'));
    const ends = await Promise.allSettled(calls);
    return ends.map((end) =>
      end.status === 'fulfilled'
        ? (end.value.data as string)
        : String((end.reason as { code?: string }).code),
    );
  }

  it('fail none of forty concurrent requests that no budget keeps from going on', async () => {
    const answers = await burst(searching({ budget: false }));

    expect(answers).toEqual(Array(40).fill('hit'));
  });

  it('fail no more of them than the retry budget leaves on the defaults', async () => {
    // In turn, so that chance does not decide how many find a live host.
    const on = searching(undefined, 'round-robin');

    const answers = await burst(on);

    const hits = answers.filter((answer) => answer === 'hit').length;
    // A fifth of forty operations may be tried again; half of them found a live host at once.
    expect(on.snapshot().totals).toMatchObject({ succeeded: hits, retries: 8 });
    expect(hits).toBeGreaterThan(20);
    expect(new Set(answers)).toEqual(new Set(['hit', 'ECONNREFUSED']));
  });

  it('go out, and the dependency stays closed', async () => {
    const on = searching();

    await burst(on);

    const { state, hosts } = on.snapshot();
    expect(state).toBe('closed');
    expect(hosts.map((host) => host.inService)).toEqual([
      false,
      true,
      false,
      true,
    ]);
  });

  it('cost later requests nothing', async () => {
    const on = searching();
    await burst(on);
    const { retries } = on.snapshot().totals;

    expect(await burst(on)).toEqual(Array(40).fill('hit'));
    expect(on.snapshot().totals.retries).toBe(retries);
  });

  it('fail none of forty requests that come one after another, likewise', async () => {
    const on = searching({ budget: false });

    const answers: unknown[] = [];
    for (let i = 0; i < 40; i += 1)
      answers.push((await on.http.get('/find')).data);

    expect(answers).toEqual(Array(40).fill('hit'));
    expect(on.snapshot().state).toBe('closed');
  });
});
