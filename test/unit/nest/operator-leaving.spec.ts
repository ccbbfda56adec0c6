import { Subject, takeUntil } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { faultTolerant } from 'nestjs-dace';
import {
  expectRest,
  refusedConnection,
  subject,
  unhandledDuring,
} from '../../support/core-toolkit.js';
import { ColdSource, noting } from '../../support/streams.js';

describe('A fault-tolerant stream that is left', () => {
  const left = { abandoned: 0, totals: { cancelled: 1, failed: 0 } };

  it('cancels its operation and lets the source go', async () => {
    const { dependency, clock } = subject();
    const source = new ColdSource();
    const { notes, subscription } = noting(
      source.stream.pipe(faultTolerant(dependency)),
    );

    const unhandled = await unhandledDuring(async () =>
      subscription.unsubscribe(),
    );

    expect([source.left, notes, unhandled]).toEqual([1, [], []]);
    expect(dependency.snapshot()).toMatchObject(left);
    expectRest({ dependency, clock });
  });

  it('by takeUntil is left all the same', async () => {
    const { dependency, clock } = subject();
    const source = new ColdSource();
    const stop = new Subject<void>();
    noting(source.stream.pipe(faultTolerant(dependency), takeUntil(stop)));

    stop.next();
    await clock.advance(0);

    expect(source.left).toBe(1);
    expect(dependency.snapshot()).toMatchObject(left);
    expectRest({ dependency, clock });
  });

  it('while it waits for a permit never subscribes the source', async () => {
    const { dependency, clock } = subject({ maxOpenPerNetloc: 1 });
    const permit = dependency.acquire();
    const source = new ColdSource();
    const { subscription } = noting(
      source.stream.pipe(faultTolerant(dependency)),
    );

    subscription.unsubscribe();
    permit.success();
    await clock.advance(0);

    expect(source.subscribed).toBe(0);
    expect(dependency.snapshot()).toMatchObject({ queued: 0, ...left });
  });

  it('while it waits for another attempt has none', async () => {
    const { dependency, clock } = subject({
      retry: { backoff: { delayMs: 100 } },
    });
    const source = new ColdSource();
    const { subscription } = noting(
      source.stream.pipe(faultTolerant(dependency)),
    );
    source.last.error(refusedConnection());
    await clock.advance(50);

    subscription.unsubscribe();
    await clock.advance(1_000);

    expect(source.subscribed).toBe(1);
    expect(dependency.snapshot()).toMatchObject(left);
    expectRest({ dependency, clock });
  });

  it('after its first value is no longer anybody’s operation', async () => {
    const { dependency } = subject();
    const source = new ColdSource<string>();
    const { subscription } = noting(
      source.stream.pipe(faultTolerant(dependency)),
    );
    source.last.next('a');

    subscription.unsubscribe();

    expect(source.left).toBe(1);
    expect(dependency.snapshot().totals).toMatchObject({
      succeeded: 1,
      cancelled: 0,
    });
  });

  it('by a signal is told its reason', async () => {
    const { dependency } = subject();
    const source = new ColdSource();
    const controller = new AbortController();
    const { signal } = controller;
    const fallback = 'not for who has gone';
    const stream = source.stream.pipe(
      faultTolerant(dependency, { signal, fallback }),
    );
    const first = noting(stream);

    controller.abort(new Error('enough'));
    const second = noting(stream);
    await Promise.resolve();

    expect([first.notes, second.notes]).toEqual([['enough'], ['enough']]);
    expect([source.subscribed, source.left]).toEqual([1, 1]);
    expect(dependency.snapshot().totals.cancelled).toBe(2);
  });
});
