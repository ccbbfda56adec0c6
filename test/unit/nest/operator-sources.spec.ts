import {
  BehaviorSubject,
  firstValueFrom,
  from,
  lastValueFrom,
  merge,
  of,
  repeat,
  ReplaySubject,
  shareReplay,
  Subject,
  take,
  toArray,
} from 'rxjs';
import { describe, expect, it } from 'vitest';
import { faultTolerant } from 'nestjs-dace';
import { expectRest, subject } from '../../support/core-toolkit.js';
import { ColdSource, endless, noting } from '../../support/streams.js';

describe('A fault-tolerant stream of a source that never pauses', () => {
  it.each([1, 3])('is stopped by take(%i)', async (count) => {
    const { dependency, clock } = subject();
    const { stream, emitted } = endless();

    const { notes } = noting(
      stream.pipe(faultTolerant(dependency), take(count)),
    );

    expect(notes).toEqual([1, 2, 3].slice(0, count).concat('|' as never));
    expect(emitted()).toBe(count);
    await clock.advance(0);
    expectRest({ dependency, clock });
  });

  it('is stopped where protection is switched off', () => {
    const { dependency } = subject({ enabled: false });
    const { stream, emitted } = endless();

    noting(stream.pipe(faultTolerant(dependency), take(2)));

    expect(emitted()).toBe(2);
  });

  it('is stopped where its first value asks for another attempt', async () => {
    const { dependency } = subject({
      retry: { on: (value) => value === 1 },
    });
    const { stream, emitted } = endless();

    const value = firstValueFrom(stream.pipe(faultTolerant(dependency)));

    expect(emitted()).toBe(1);
    expect(await value).toBe(2);
    expect(dependency.snapshot().totals).toMatchObject({ retries: 1 });
  });

  it('is stopped after a wait', async () => {
    const { dependency } = subject({ maxOpenPerNetloc: 1 });
    const permit = dependency.acquire();
    const { stream, emitted } = endless();
    const value = firstValueFrom(stream.pipe(faultTolerant(dependency)));

    permit.success();

    expect([await value, emitted()]).toEqual([1, 1]);
  });
});

describe('A fault-tolerant stream whose first value asks for another attempt', () => {
  const again = (value: unknown): boolean => value === 'again';

  it('lets that source go', async () => {
    const { dependency, clock } = subject({ retry: { on: again } });
    const source = new ColdSource<string>();
    const { notes } = noting(source.stream.pipe(faultTolerant(dependency)));

    source.last.next('again');
    expect(source.left).toBe(1);
    await clock.advance(0);
    source.last.next('now');

    expect(notes).toEqual(['now']);
  });

  it('has it when tries are used up, with what follows', async () => {
    const { dependency } = subject({ retry: { on: again, attempts: 2 } });

    const stream = of('again', 'and', 'more').pipe(
      faultTolerant(dependency),
      toArray(),
    );

    expect(await lastValueFrom(stream)).toEqual(['again', 'and', 'more']);
  });

  it('has it, and ends, when the other attempt is refused', async () => {
    const { dependency, clock } = subject({
      retry: { on: again, backoff: { delayMs: 100 } },
    });
    const source = new ColdSource<string>();
    const { notes } = noting(source.stream.pipe(faultTolerant(dependency)));
    source.last.next('again');

    dependency.control('forced-open');
    await clock.advance(100);

    expect(notes).toEqual(['again', '|']);
    expectRest({ dependency, clock });
  });
});

describe('A fault-tolerant stream of a hot source', () => {
  it('is answered by what came before, where the source keeps it', () => {
    const { dependency } = subject();
    const replayed = new ReplaySubject<number>(2);
    for (const value of [1, 2, 3]) replayed.next(value);
    const current = new BehaviorSubject('now');

    const of2 = noting(replayed.pipe(faultTolerant(dependency)));
    const of1 = noting(current.pipe(faultTolerant(dependency)));
    replayed.next(4);
    current.next('then');

    expect([of2.notes, of1.notes]).toEqual([
      [2, 3, 4],
      ['now', 'then'],
    ]);
    expect(dependency.snapshot().totals.succeeded).toBe(2);
  });

  it('is one operation for each of its subscribers', () => {
    const { dependency } = subject();
    const source = new Subject<number>();
    const stream = source.pipe(faultTolerant(dependency));

    const { notes } = noting(merge(stream, stream));
    source.next(1);

    expect(notes).toEqual([1, 1]);
    expect(dependency.snapshot().totals).toMatchObject({
      started: 2,
      succeeded: 2,
    });
  });

  it('is one operation for all subscribers that share it', () => {
    const { dependency } = subject();
    const source = new ColdSource<number>();
    const shared = source.stream.pipe(
      faultTolerant(dependency),
      shareReplay({ bufferSize: 1, refCount: true }),
    );

    const first = noting(shared);
    const second = noting(shared);
    source.last.next(1);
    const third = noting(shared);

    expect([first.notes, second.notes, third.notes]).toEqual([[1], [1], [1]]);
    expect(source.subscribed).toBe(1);
    expect(dependency.snapshot().totals.started).toBe(1);
    for (const { subscription } of [first, second, third])
      subscription.unsubscribe();
    expect(source.left).toBe(1);
  });

  it('is a new operation for each round of a repeated one', () => {
    const { dependency } = subject();

    const { notes } = noting(
      from(['a', 'b']).pipe(faultTolerant(dependency), repeat(2)),
    );

    expect(notes).toEqual(['a', 'b', 'a', 'b', '|']);
    expect(dependency.snapshot().totals.started).toBe(2);
  });
});
