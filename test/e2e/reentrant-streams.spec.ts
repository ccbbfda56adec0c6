import { Injectable } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  concat,
  EMPTY,
  NEVER,
  Observable,
  of,
  retry,
  Subject,
  tap,
  throwError,
  type Subscription,
} from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  DaceModule,
  DaceRegistry,
  FaultTolerant,
  type Dependency,
  type DependencyOptions,
} from 'nestjs-dace';
import { ManualClock } from 'nestjs-dace/testing';

/** Subscribing, reading and finalizing are code of the user's: it may do there what it likes. */
let source: Observable<unknown>;
let module: TestingModule;
let dependency: Dependency;
let clock: ManualClock;
let unhandled: unknown[] = [];
const note = (error: unknown): void => void unhandled.push(error);

@Injectable()
class Feed {
  @FaultTolerant('feed', { observable: true })
  read(): Observable<unknown> {
    return source;
  }
}

const open = async (options: DependencyOptions = {}): Promise<Feed> => {
  clock = new ManualClock();
  module = await Test.createTestingModule({
    imports: [
      DaceModule.forRoot(
        {
          feed: {
            maxOpenPerNetloc: 1,
            timeoutMs: 1_000,
            abandonAfterMs: 60_000,
            retry: false,
            circuit: false,
            shutdownGraceMs: 0,
            ...options,
          },
        },
        { clock, logger: false },
      ),
    ],
    providers: [Feed],
  }).compile();
  await module.init();
  dependency = module.get(DaceRegistry).get('feed');
  return module.get(Feed);
};

beforeEach(() => {
  unhandled = [];
  process.on('unhandledRejection', note);
  process.on('uncaughtException', note);
});
afterEach(async () => {
  await module.close();
  process.off('unhandledRejection', note);
  process.off('uncaughtException', note);
});

const nothingIsLeft = (): void => {
  const { inFlight, abandoned, queued, totals } = dependency.snapshot();
  const { started, succeeded, failed, refused, cancelled } = totals;
  expect({ inFlight, abandoned, queued }).toEqual({
    inFlight: 0,
    abandoned: 0,
    queued: 0,
  });
  expect(started).toBe(succeeded + failed + refused + cancelled);
};

/** What a subscriber is told; `act` acts on each value. */
const heard = (
  stream: Observable<unknown>,
  act: (value: unknown, subscription: () => Subscription) => void = () => {},
) => {
  const told: unknown[] = [];
  const subscription = stream.subscribe({
    next: (value) => {
      told.push(value);
      act(value, () => subscription);
    },
    error: (error: unknown) =>
      told.push((error as { code?: string }).code ?? String(error)),
    complete: () => told.push('complete'),
  });
  return { told, subscription };
};

const settle = async (): Promise<void> => {
  await clock.advance(0);
  await new Promise((resolve) => setImmediate(resolve));
};

const throwing = (): never => {
  throw new Error('of the finalizer');
};

/** What a finalizer does. */
const FINALIZERS: Record<string, () => void> = {
  throws: throwing,
  'closes the dependency': () => void dependency.close(),
  'changes the dependency': () => dependency.configure({ timeoutMs: 500 }),
  'calls the dependency': () => void dependency.execute(() => 1).catch(() => 0),
  'subscribes again': () =>
    void module
      .get(Feed)
      .read()
      .subscribe({ error: () => 0 }),
};

describe.each(Object.entries(FINALIZERS))(
  'A finalizer that %s',
  (name, act) => {
    let times = 0;
    const once = (): void => {
      times += 1;
      if (times === 1) act();
    };
    beforeEach(() => {
      times = 0;
    });

    it('does not keep the attempt from ending with its time', async () => {
      const feed = await open();
      source = new Observable(() => once);
      const { told } = heard(feed.read());
      await settle();
      await clock.advance(1_000);
      await settle();
      expect(told).toHaveLength(1);
      expect(told[0]).toMatch(/DACE_(TIMEOUT|SHUTDOWN)/);
      source = EMPTY;
      await clock.advance(1_000);
      await settle();
      nothingIsLeft();
      expect(unhandled).toEqual([]);
    });

    it('does not keep who unsubscribes from cancelling', async () => {
      const feed = await open();
      source = new Observable(() => once);
      const { told, subscription } = heard(feed.read());
      await settle();
      source = EMPTY;
      try {
        subscription.unsubscribe();
      } catch {
        // As everywhere in rxjs.
      }
      await settle();
      expect(told).toEqual([]);
      nothingIsLeft();
      expect(dependency.snapshot().totals.cancelled).toBe(1);
      expect(unhandled).toEqual([]);
    });

    it('does not keep the next attempt from its turn', async () => {
      const feed = await open({
        retry: {
          attempts: 2,
          onTimeout: true,
          budget: false,
          backoff: { delayMs: 0 },
        },
        attemptTimeoutMs: 100,
      });
      let subscribed = 0;
      source = new Observable((subscriber) => {
        subscribed += 1;
        if (subscribed > 1) subscriber.next('second');
        return once;
      });
      const { told, subscription } = heard(feed.read());
      await settle();
      await clock.advance(100);
      await settle();
      if (name === 'closes the dependency')
        expect(told).toEqual(['DACE_TIMEOUT']);
      else expect(told[0]).toBe('second');
      subscription.unsubscribe();
      source = EMPTY;
      await clock.advance(1_000);
      await settle();
      nothingIsLeft();
    });
  },
);

/** What a reader does with the first value. */
const READERS: Record<string, (subscription: () => Subscription) => void> = {
  'closes the dependency': () => void dependency.close(),
  'changes the dependency': () => dependency.configure({ timeoutMs: 500 }),
  'calls the dependency': () => void dependency.execute(() => 1).catch(() => 0),
  'subscribes again': () => void module.get(Feed).read().subscribe(),
  'goes away': (subscription) =>
    setImmediate(() => subscription().unsubscribe()),
};

describe.each(Object.entries(READERS))('A reader that %s', (_reader, act) => {
  it.each([
    ['at once', () => of('a', 'b', 'c')],
    ['later', () => concat(of('a'), Promise.resolve('b'), ['c'])],
    ['never all', () => concat(of('a'), Promise.resolve('b'), ['c'], NEVER)],
  ])('gets what comes %s', async (_name, make) => {
    const feed = await open();
    source = make();
    let times = 0;
    const { told } = heard(feed.read(), (_value, subscription) => {
      times += 1;
      if (times === 1) act(subscription);
    });
    await settle();
    await settle();
    expect(told.slice(0, 3)).toEqual(['a', 'b', 'c']);
    nothingIsLeft();
    expect(unhandled).toEqual([]);
  });
});

describe('A stream', () => {
  it('that feeds itself is read in its order', async () => {
    const feed = await open();
    const subject = new Subject<number>();
    source = subject;
    const { told } = heard(feed.read(), (value) => {
      if ((value as number) < 50) subject.next((value as number) + 1);
    });
    await settle();
    subject.next(1);
    await settle();
    expect(told).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
    nothingIsLeft();
  });

  it('that is asked for again for each error gives way to the process', async () => {
    const feed = await open();
    let asked = 0;
    source = new Observable((subscriber) => {
      asked += 1;
      subscriber.error(new Error('no'));
    });
    const { subscription } = heard(feed.read().pipe(retry(2_000)));
    await settle();
    subscription.unsubscribe();
    await settle();
    expect(asked).toBeGreaterThan(1);
    nothingIsLeft();
  });

  it('that closes its dependency as it is subscribed to is refused or read', async () => {
    const feed = await open();
    source = new Observable((subscriber) => {
      void dependency.close();
      subscriber.next('a');
      subscriber.complete();
    });
    const { told } = heard(feed.read());
    await settle();
    expect(['a', 'DACE_SHUTDOWN']).toContain(told[0]);
    nothingIsLeft();
    expect(unhandled).toEqual([]);
  });

  it.each([null, 'text', new Error('of the source')])(
    'that throws %s ends so',
    async (thrown) => {
      const feed = await open();
      source = throwError(() => thrown);
      const told = await new Promise((resolve) =>
        feed.read().subscribe({ error: resolve }),
      );
      expect(told).toBe(thrown);
      nothingIsLeft();
    },
  );

  it('whose values are promises that fail ends the process of nobody', async () => {
    const feed = await open();
    const refused = Promise.reject(new Error('a value'));
    refused.catch(() => {});
    source = of(refused);
    const { told } = heard(feed.read());
    await settle();
    expect(told).toEqual([refused, 'complete']);
    nothingIsLeft();
    expect(unhandled).toEqual([]);
  });
});

describe('Who listens to all events', () => {
  it('may subscribe, unsubscribe, change and call at each', async () => {
    const feed = await open();
    const { events$ } = module.get(DaceRegistry);
    let events = 0;
    const inner: Subscription[] = [];
    const outer = events$
      .pipe(
        tap(() => {
          events += 1;
          if (events > 50) return;
          inner.push(events$.subscribe(() => (events += 1)));
          inner.shift()?.unsubscribe();
          dependency.configure({ timeoutMs: 1_000 + events });
          void dependency.execute(() => 1).catch(() => 0);
        }),
      )
      .subscribe();
    source = of('a');
    heard(feed.read());
    await settle();
    await settle();
    outer.unsubscribe();
    for (const one of inner) one.unsubscribe();
    expect(events).toBeGreaterThan(50);
    await settle();
    nothingIsLeft();
    expect(unhandled).toEqual([]);
  });
});
