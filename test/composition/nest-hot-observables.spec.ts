import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  BehaviorSubject,
  firstValueFrom,
  lastValueFrom,
  merge,
  Observable,
  of,
  ReplaySubject,
  shareReplay,
  Subject,
  take,
  takeUntil,
} from 'rxjs';
import { describe, expect, it } from 'vitest';
import { DaceRegistry, FaultTolerant } from 'nestjs-dace';
import { DaceTestingModule, ManualClock } from 'nestjs-dace/testing';
import { ColdSource, endless, noting } from '../support/streams.js';

/** What the decorated methods answer; set by each test. */
let source: Observable<unknown>;
let runs: number;

@Injectable()
class Prices {
  @FaultTolerant('prices')
  declared(): Observable<unknown> {
    runs += 1;
    return source;
  }

  @FaultTolerant('prices', { observable: true })
  flagged() {
    runs += 1;
    return source;
  }

  @FaultTolerant('prices', { observable: true })
  async promised(): Promise<unknown> {
    runs += 1;
    return source;
  }

  @FaultTolerant('prices', { observable: true })
  plain() {
    runs += 1;
    return Promise.resolve('one answer');
  }
}

async function start(prices = {}) {
  runs = 0;
  const app = await Test.createTestingModule({
    imports: [DaceTestingModule.forRoot({ prices })],
    providers: [Prices],
  }).compile();
  await app.init();
  const dependency = app.get(DaceRegistry).get('prices');
  return {
    clock: app.get(ManualClock),
    prices: app.get(Prices),
    dependency,
    totals: () => dependency.snapshot().totals,
  };
}

describe.each(['declared', 'flagged'] as const)(
  'A decorated method that answers a stream (%s)',
  (method) => {
    it('answers in the very tick in which a hot source does', async () => {
      const { prices, totals } = await start();
      const hot = new Subject<number>();
      source = hot;
      const { notes } = noting(prices[method]());

      hot.next(1);
      expect(notes).toEqual([1]);
      hot.next(2);

      expect(notes).toEqual([1, 2]);
      expect(totals()).toMatchObject({ started: 1, succeeded: 1 });
    });

    it('answers with what a source keeps', async () => {
      const { prices } = await start();
      const replayed = new ReplaySubject<number>();
      replayed.next(1);
      replayed.next(2);

      source = replayed;
      const late = noting(prices[method]());
      source = new BehaviorSubject('now');
      const current = noting(prices[method]());

      expect([late.notes, current.notes]).toEqual([[1, 2], ['now']]);
    });

    it('runs once for each subscriber, though its source is shared', async () => {
      const { prices, totals } = await start();
      const cold = new ColdSource<number>();
      source = cold.stream.pipe(shareReplay({ bufferSize: 1, refCount: true }));
      const stream = prices[method]();

      const { notes, subscription } = noting(merge(stream, stream));
      cold.last.next(1);

      expect(notes).toEqual([1, 1]);
      expect([runs, cold.subscribed, totals().succeeded]).toEqual([2, 1, 2]);
      subscription.unsubscribe();
      expect(cold.left).toBe(1);
    });

    it('runs once for all who share its answer', async () => {
      const { prices, totals } = await start();
      const cold = new ColdSource<number>();
      source = cold.stream;
      const shared = prices[method]().pipe(shareReplay(1));

      const first = noting(shared);
      cold.last.next(1);
      const second = noting(shared);
      cold.last.error(new Error('later'));

      expect([first.notes, second.notes]).toEqual([
        [1, 'later'],
        [1, 'later'],
      ]);
      expect([runs, totals().started, totals().failed]).toEqual([1, 1, 0]);
    });

    it('stops a source that never pauses when nobody listens any more', async () => {
      const { prices, totals } = await start();
      const { stream, emitted } = endless();
      source = stream;

      expect(await firstValueFrom(prices[method]())).toBe(1);
      expect(await lastValueFrom(prices[method]().pipe(take(2)))).toBe(3);

      expect(emitted()).toBe(3);
      expect(totals()).toMatchObject({ succeeded: 2, cancelled: 0 });
    });

    it('is left by takeUntil, before and after its first value', async () => {
      const { prices, totals, clock } = await start();
      const cold = new ColdSource<number>();
      source = cold.stream;
      const stop = new Subject<void>();
      const early = noting(prices[method]().pipe(takeUntil(stop)));
      stop.next();
      const late = noting(prices[method]().pipe(takeUntil(stop)));
      cold.last.next(1);
      stop.next();
      await clock.advance(0);

      expect([early.notes, late.notes]).toEqual([['|'], [1, '|']]);
      expect(cold.left).toBe(2);
      expect(totals()).toMatchObject({ cancelled: 1, succeeded: 1 });
      expect(clock.pending).toBe(0);
    });

    it('has only its first value bounded', async () => {
      const { prices, clock } = await start({ timeoutMs: 100 });
      const hot = new Subject<number>();
      source = hot;
      const { notes } = noting(prices[method]());

      await clock.advance(99);
      hot.next(1);
      await clock.advance(500);
      hot.next(2);
      const late = noting(prices[method]());
      await clock.advance(100);
      hot.next(3);

      expect(notes).toEqual([1, 2, 3]);
      expect(late.notes).toEqual([
        'The call to "prices" took longer than 100 ms',
      ]);
    });
  },
);

describe('A method marked as one that answers a stream', () => {
  it('may promise it', async () => {
    const { prices, totals } = await start();
    source = of(1, 2);

    const { notes } = noting(prices.promised() as unknown as typeof source);
    await new Promise((resolve) => setImmediate(resolve));

    expect(notes).toEqual([1, 2, '|']);
    expect([runs, totals().succeeded]).toEqual([1, 1]);
  });

  it('may answer a promise: a stream of one value', async () => {
    const { prices, totals } = await start();

    const stream = prices.plain() as unknown as Observable<string>;

    expect(await lastValueFrom(stream)).toBe('one answer');
    expect([runs, totals().succeeded]).toEqual([1, 1]);
  });
});
