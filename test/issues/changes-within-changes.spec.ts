import { describe, expect, it } from 'vitest';
import { consecutiveFailures, type DaceEvent } from '../../lib/core.js';
import {
  eventsOf,
  expectRest,
  gate,
  hang,
  subject,
  watch,
} from '../support/core-toolkit.js';

const [A, B, C] = ['http://a', 'http://b', 'http://c'] as const;

describe('A list of hosts that is changed by who hears of another', () => {
  /** Hears of host a while `[a, b, c]` takes the place of `[a]`, and lists `[b, c]`. */
  async function changedWithin() {
    const rig = subject({ hosts: [A, B, C], maxOpenPerNetloc: 1 });
    const { dependency } = rig;
    dependency.control('forced-open', 'a');
    dependency.configure({ hosts: [A] });
    const off = dependency.on(({ type, netloc }) => {
      if (type !== 'circuit.opened' || netloc !== 'a:80') return;
      off();
      dependency.configure({ hosts: [B, C] });
    });
    dependency.configure({ hosts: [A, B, C] });
    dependency.control('auto', 'a');
    return rig;
  }

  it('is the one that was asked for last', async () => {
    const { dependency } = await changedWithin();
    const hosts = dependency.snapshot().hosts.filter(({ pinned }) => !pinned);
    expect(hosts.map(({ netloc }) => netloc)).toEqual(['b:80', 'c:80']);
    expect(hosts.every(({ inService }) => inService)).toBe(true);
  });

  it('serves those who wait for a permit, and does not turn in circles', async () => {
    const { dependency, clock } = await changedWithin();
    // Listed anew, it is a host like any.
    dependency.configure({ hosts: [A] });
    const first = gate();
    const calls = [
      watch(dependency.execute(() => first.promise)),
      watch(dependency.execute(() => 'second')),
      watch(dependency.execute(() => 'third')),
    ];
    first.resolve('first');
    await clock.advance(0);
    expect(calls.map(({ value }) => value)).toEqual([
      'first',
      'second',
      'third',
    ]);
    expectRest({ dependency, clock });
  });
});

describe('Options that are changed by who hears of another change', () => {
  it('are merged with those, whichever came first', async () => {
    const { dependency, clock } = subject({ circuit: {} });
    dependency.control('forced-open');
    const off = dependency.on(() => {
      off();
      dependency.configure({ timeoutMs: 7 });
    });
    // Its circuit is made anew, in the operator's mode, which is told.
    dependency.configure({ circuit: false });
    dependency.configure({ circuit: {}, retry: { attempts: 2 } });
    dependency.control('auto');
    dependency.configure({ expectedInMs: 5 });
    const call = watch(dependency.execute(hang));
    await clock.advance(7);
    expect(call.error).toMatchObject({ code: 'DACE_TIMEOUT', timeoutMs: 7 });
  });

  it('are dropped with a warning where each leads to the next without an end', () => {
    const { dependency } = subject();
    const events = eventsOf(dependency);
    let isOpen = false;
    dependency.on(({ type }: DaceEvent) => {
      if (!type.startsWith('circuit.')) return;
      isOpen = !isOpen;
      dependency.control(isOpen ? 'auto' : 'forced-open');
    });
    dependency.control('forced-open');
    const warnings = events.filter(({ type }) => type === 'warning');
    expect(warnings).toEqual([
      expect.objectContaining({
        message: expect.stringContaining('led to 1000 others'),
      }),
    ]);
    expect(events.length).toBeLessThan(1_100);
  });

  it('come too late where what is asked for first closes it', async () => {
    const { dependency } = subject({ hosts: [A, B] });
    let closing: Promise<void> | undefined;
    dependency.on(() => {
      closing ??= dependency.close();
      dependency.configure({ hosts: [C] });
    });
    dependency.control('forced-open');
    await closing;
    expect(dependency.snapshot().hosts.map(({ netloc }) => netloc)).toEqual([
      'a:80',
      'b:80',
    ]);
  });
});

describe('A caller who gives up', () => {
  it('while the timeout of its call is judged ends it once', async () => {
    const caller = new AbortController();
    const { dependency, clock } = subject({
      timeoutMs: 10,
      classify: () => {
        caller.abort('enough');
        return undefined;
      },
    });
    const call = watch(dependency.execute(hang, { signal: caller.signal }));
    await clock.advance(10);
    expect(call).toMatchObject({ state: 'rejected', error: 'enough' });
    expect(dependency.snapshot()).toMatchObject({ inFlight: 0, abandoned: 1 });
    expect(dependency.snapshot().totals).toMatchObject({
      cancelled: 1,
      failed: 0,
    });
    await clock.advance(30_000);
    expectRest({ dependency, clock });
  });
});

describe('A dependency that is closed', () => {
  it('by its own classify lets the call that is judged end as it would', async () => {
    let closing: Promise<void> | undefined;
    const { dependency, clock } = subject({
      classify: () => void (closing ??= dependency.close()),
      retry: { on: 'any', backoff: { delayMs: 5 } },
    });
    const call = watch(dependency.execute(() => 'fine'));
    await clock.advance(0);
    expect(call).toMatchObject({ state: 'fulfilled', value: 'fine' });
    await closing;
    expect(dependency.snapshot().totals).toMatchObject({
      succeeded: 1,
      refused: 0,
      attempts: 1,
    });
    expectRest({ dependency, clock });
  });

  it('by the work of a call that its caller has left ends that call once', async () => {
    const caller = new AbortController();
    let closing: Promise<void> | undefined;
    const { dependency, clock } = subject();
    const call = watch(
      dependency.execute(
        ({ signal }) => {
          signal.addEventListener('abort', () => {
            closing = dependency.close();
          });
          return hang();
        },
        { signal: caller.signal },
      ),
    );
    caller.abort('left');
    await clock.advance(0);
    expect(call.error).toBe('left');
    expect(dependency.snapshot().totals).toMatchObject({
      cancelled: 1,
      refused: 0,
    });
    await closing;
  });

  it('by who hears of a retry repeats nothing', async () => {
    let closing: Promise<void> | undefined;
    const { dependency, clock } = subject({
      retry: { on: 'any', backoff: { delayMs: 5 } },
      circuit: { trip: consecutiveFailures(99) },
    });
    dependency.on(({ type }) => {
      if (type === 'retry.scheduled') closing = dependency.close();
    });
    const call = watch(
      dependency.execute(() => {
        throw new Error('boom');
      }),
    );
    await clock.advance(10);
    expect(call.error).toMatchObject({ message: 'boom' });
    await closing;
    expect(dependency.snapshot().totals).toMatchObject({
      failed: 1,
      attempts: 1,
    });
    expectRest({ dependency, clock });
  });
});
