import {
  EMPTY,
  firstValueFrom,
  lastValueFrom,
  Observable,
  of,
  retry,
  throwError,
  toArray,
} from 'rxjs';
import { describe, expect, it } from 'vitest';
import { faultTolerant } from 'nestjs-dace';
import {
  errorOf,
  expectRest,
  refusedConnection,
  subject,
} from '../../support/core-toolkit.js';
import { ColdSource, noting } from '../../support/streams.js';

/** A source that is refused a connection until its n-th subscription, which answers n. */
function connectingAt(n: number): Observable<number> {
  let subscribed = 0;
  return new Observable((to) => {
    subscribed += 1;
    if (subscribed < n) to.error(refusedConnection());
    else to.next(subscribed);
  });
}

describe('A fault-tolerant stream', () => {
  it('is one operation for each subscription, and none before', async () => {
    const { dependency } = subject();
    const source = new ColdSource();

    const stream = source.stream.pipe(faultTolerant(dependency));
    expect(source.subscribed).toBe(0);
    noting(stream);
    noting(stream);

    expect(source.subscribed).toBe(2);
    expect(dependency.snapshot()).toMatchObject({
      inFlight: 2,
      totals: { started: 2 },
    });
  });

  it('ends its operation at the first value and goes on unbounded', async () => {
    const { dependency, clock } = subject({ timeoutMs: 100 });
    const source = new ColdSource<string>();
    const { notes } = noting(source.stream.pipe(faultTolerant(dependency)));

    source.last.next('a');
    expect(notes).toEqual(['a']);
    expectRest({ dependency, clock });

    await clock.advance(1_000);
    source.last.next('b');
    source.last.complete();
    expect(notes).toEqual(['a', 'b', '|']);
    expect(dependency.snapshot().totals).toMatchObject({
      started: 1,
      attempts: 1,
      succeeded: 1,
    });
  });

  it('gives its permit back at the first value', async () => {
    const { dependency } = subject({ maxOpenPerNetloc: 1 });
    const source = new ColdSource<string>();
    const stream = source.stream.pipe(faultTolerant(dependency));
    const first = noting(stream);
    const second = noting(stream);
    expect([source.subscribed, dependency.snapshot().queued]).toEqual([1, 1]);

    source.last.next('a');
    await Promise.resolve();
    source.last.next('b');

    expect([first.notes, second.notes]).toEqual([['a'], ['b']]);
  });

  it('passes on an error after the first value uncounted', () => {
    const { dependency } = subject();
    const source = new ColdSource<string>();
    const { notes } = noting(source.stream.pipe(faultTolerant(dependency)));

    source.last.next('a');
    source.last.error(new Error('later'));

    expect(notes).toEqual(['a', 'later']);
    expect(dependency.snapshot()).toMatchObject({
      window: { failures: 0 },
      totals: { succeeded: 1, failed: 0 },
    });
  });

  it('succeeds where an empty source ends', () => {
    const { dependency } = subject();

    const { notes } = noting(EMPTY.pipe(faultTolerant(dependency)));

    expect(notes).toEqual(['|']);
    expect(dependency.snapshot().totals.succeeded).toBe(1);
  });

  it('answers at once where its source does', () => {
    const { dependency } = subject();

    const { notes } = noting(of(1, 2).pipe(faultTolerant(dependency)));

    expect(notes).toEqual([1, 2, '|']);
  });

  it('is an answer to promises of its first and last value', async () => {
    const { dependency } = subject();
    const stream = of(1, 2, 3).pipe(faultTolerant(dependency));

    expect(await firstValueFrom(stream)).toBe(1);
    expect(await lastValueFrom(stream)).toBe(3);
    expect(
      await errorOf(firstValueFrom(EMPTY.pipe(faultTolerant(dependency)))),
    ).toMatchObject({ name: 'EmptyError' });
    expect(dependency.snapshot().totals).toMatchObject({
      started: 3,
      succeeded: 3,
    });
  });

  it('subscribes the source anew for each attempt, until the first value', async () => {
    const { dependency } = subject();

    const stream = connectingAt(3).pipe(faultTolerant(dependency));

    expect(await firstValueFrom(stream)).toBe(3);
    expect(dependency.snapshot().totals).toMatchObject({
      started: 1,
      attempts: 3,
      retries: 2,
      succeeded: 1,
    });
  });

  it('is no more than one operation to a retry outside', async () => {
    const { dependency } = subject({ retry: false });

    const stream = connectingAt(3).pipe(faultTolerant(dependency), retry(2));

    expect(await firstValueFrom(stream)).toBe(3);
    expect(dependency.snapshot().totals).toMatchObject({
      started: 3,
      failed: 2,
      succeeded: 1,
    });
  });

  it('lets the source of a timed-out attempt go and hears no more of it', async () => {
    const { dependency, clock } = subject();
    const source = new ColdSource<string>();
    const { notes } = noting(
      source.stream.pipe(
        faultTolerant(dependency, {
          attemptTimeoutMs: 100,
          retry: { onTimeout: true, attempts: 2 },
        }),
      ),
    );

    await clock.advance(100);
    expect([source.subscribed, source.left]).toEqual([2, 1]);
    source.feeds[0]!.next('of the first');
    source.feeds[1]!.next('of the second');

    expect(notes).toEqual(['of the second']);
    expectRest({ dependency, clock });
  });

  it('ends where its first value does not come in time', async () => {
    const { dependency, clock } = subject({ timeoutMs: 1_000 });
    const source = new ColdSource();
    const { notes } = noting(
      source.stream.pipe(faultTolerant(dependency, { timeoutMs: 100 })),
    );

    await clock.advance(99);
    expect(notes).toEqual([]);
    await clock.advance(1);

    expect(notes).toEqual(['The call to "payments" took longer than 100 ms']);
    expect(source.left).toBe(1);
    expectRest({ dependency, clock });
  });

  it('tells errors that are no Errors as they are, and counts them', async () => {
    const { dependency } = subject();
    const error = { status: 'error', message: 'Internal server error' };

    const stream = throwError(() => error).pipe(faultTolerant(dependency));

    expect(await errorOf(firstValueFrom(stream))).toBe(error);
    expect(dependency.snapshot().window.failures).toBe(1);
  });

  it('tells what they say where tries are used up', async () => {
    const { dependency } = subject({ retry: { on: 'any', attempts: 2 } });
    const error = { status: 'error', message: 'Internal server error' };

    const stream = throwError(() => error).pipe(faultTolerant(dependency));

    expect(await errorOf(firstValueFrom(stream))).toMatchObject({
      message: '2 attempts at "payments" failed: Internal server error',
      cause: error,
    });
  });

  it('ends with a refusal where the dependency is closed', async () => {
    const { dependency } = subject();
    await dependency.close();

    const stream = of(1).pipe(faultTolerant(dependency));

    expect(await errorOf(firstValueFrom(stream))).toMatchObject({
      code: 'DACE_SHUTDOWN',
    });
  });

  it('leaves the rest of a stream alone when the dependency closes', async () => {
    const { dependency } = subject();
    const source = new ColdSource<string>();
    const { notes } = noting(source.stream.pipe(faultTolerant(dependency)));
    source.last.next('a');

    await dependency.close();
    source.last.next('b');

    expect(notes).toEqual(['a', 'b']);
  });

  it('is bare where protection is switched off', async () => {
    const { dependency } = subject({ enabled: false });

    const { notes } = noting(of(1, 2).pipe(faultTolerant(dependency)));

    expect(notes).toEqual([1, 2, '|']);
    expect(dependency.snapshot().totals.started).toBe(0);
  });

  it('takes what can execute for a dependency', async () => {
    const standIn = {
      execute: (work: (call: object) => unknown) => Promise.resolve(work({})),
    };

    const stream = of(1, 2).pipe(faultTolerant(standIn as never), toArray());

    expect(await lastValueFrom(stream)).toEqual([1, 2]);
  });
});
