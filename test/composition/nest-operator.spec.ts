import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { AsyncLocalStorage } from 'node:async_hooks';
import {
  defer,
  firstValueFrom,
  lastValueFrom,
  map,
  mergeMap,
  Observable,
  of,
  Subject,
  throwError,
  toArray,
} from 'rxjs';
import { describe, expect, it } from 'vitest';
import {
  DaceRegistry,
  FaultTolerant,
  faultTolerant,
  getDependencyToken,
  InjectDependency,
  type Dependency,
} from 'nestjs-dace';
import { DaceTestingModule, ManualClock } from 'nestjs-dace/testing';
import { errorOf, refusedConnection } from '../support/core-toolkit.js';
import { ColdSource, noting } from '../support/streams.js';

const request = new AsyncLocalStorage<string>();

/** What the service asks; set by each test. */
let source: Observable<unknown>;

@Injectable()
class Stocks {
  readonly ofField: Observable<unknown>;

  constructor(
    @InjectDependency('inventory') private readonly inventory: Dependency,
    @InjectDependency('audit') private readonly audit: Dependency,
  ) {
    this.ofField = defer(() => source).pipe(faultTolerant(inventory));
  }

  left(): Observable<unknown> {
    return source.pipe(faultTolerant(this.inventory));
  }

  leftOrNull(): Observable<unknown> {
    return source.pipe(
      faultTolerant(this.inventory, { fallback: () => request.getStore() }),
    );
  }

  audited(): Observable<unknown> {
    return this.left().pipe(faultTolerant(this.audit));
  }

  @FaultTolerant('inventory')
  decorated(): Observable<unknown> {
    return source;
  }

  @FaultTolerant('inventory')
  async joining(): Promise<string> {
    return 'joined?';
  }
}

async function start(inventory = {}) {
  const app = await Test.createTestingModule({
    imports: [DaceTestingModule.forRoot({ inventory, audit: {} })],
    providers: [Stocks],
  }).compile();
  await app.init();
  const registry = app.get(DaceRegistry);
  return {
    app,
    clock: app.get(ManualClock),
    stocks: app.get(Stocks),
    inventory: registry.get('inventory'),
    totals: (id = 'inventory') => registry.get(id).snapshot().totals,
  };
}

describe('A stream that a service of Nest makes fault-tolerant', () => {
  it('is protected by the dependency that Nest has injected', async () => {
    const { stocks, totals } = await start();
    source = of(1, 2);

    expect(await lastValueFrom(stocks.left().pipe(toArray()))).toEqual([1, 2]);
    expect(await firstValueFrom(stocks.ofField)).toBe(1);

    expect(totals()).toMatchObject({ started: 2, succeeded: 2 });
  });

  it('is counted together with decorated methods', async () => {
    const { stocks, inventory } = await start({ maxOpenPerNetloc: 1 });
    const cold = new ColdSource<string>();
    source = cold.stream;
    const first = noting(stocks.decorated());
    const second = noting(stocks.left());
    expect(inventory.snapshot()).toMatchObject({ inFlight: 1, queued: 1 });

    cold.last.next('a');
    await Promise.resolve();
    cold.last.next('b');

    expect([first.notes, second.notes]).toEqual([['a'], ['b']]);
  });

  it('may be protected once more, by another dependency', async () => {
    const { stocks, totals } = await start();
    source = of(1);

    expect(await firstValueFrom(stocks.audited())).toBe(1);
    expect([totals().succeeded, totals('audit').succeeded]).toEqual([1, 1]);
  });

  it('has decorated calls of its source join it, and none downstream', async () => {
    const { stocks, totals } = await start();
    source = defer(() => stocks.joining());

    const stream = stocks.left().pipe(mergeMap(() => stocks.joining()));
    await firstValueFrom(stream);

    expect(totals()).toMatchObject({ started: 2, succeeded: 2 });
  });

  it('is an operation of its own inside a decorated method', async () => {
    const { stocks, totals } = await start();
    source = of(1);
    source = stocks.left();

    expect(await firstValueFrom(stocks.decorated())).toBe(1);
    expect(totals().started).toBe(2);
  });

  it('passes the overriding stand-in of a test', async () => {
    const app = await Test.createTestingModule({
      imports: [DaceTestingModule.forRoot({ inventory: {}, audit: {} })],
      providers: [Stocks],
    })
      .overrideProvider(getDependencyToken('inventory'))
      .useValue({ execute: async () => 'canned' })
      .compile();
    source = throwError(() => new Error('never asked'));

    expect(await firstValueFrom(app.get(Stocks).left())).toBe('canned');
  });

  it('is refused once the app is shut down', async () => {
    const { app, stocks } = await start();
    source = of(1);
    await app.close();

    expect(await errorOf(firstValueFrom(stocks.left()))).toMatchObject({
      code: 'DACE_SHUTDOWN',
    });
  });
});

describe('What a fault-tolerant stream sees of its subscriber', () => {
  const inRequest = <T>(run: () => T): T => request.run('mine', run);
  const elsewhere = <T>(run: () => T): T => request.run('other', run);

  /** A source that notes in whose context it is subscribed; fails until its n-th time. */
  function seeing(failures: number): unknown[] {
    const seen: unknown[] = [];
    source = defer(() => {
      seen.push(request.getStore());
      return seen.length > failures
        ? of('answer')
        : throwError(refusedConnection);
    });
    return seen;
  }

  it('is its async context, at each attempt', async () => {
    const { stocks, clock } = await start({
      retry: { attempts: 3, backoff: { delayMs: 100 } },
    });
    const seen = seeing(2);
    const answer = inRequest(() => firstValueFrom(stocks.left()));

    await elsewhere(() => clock.advance(300));

    expect(await answer).toBe('answer');
    expect(seen).toEqual(['mine', 'mine', 'mine']);
  });

  it('is its async context, after a wait for a permit', async () => {
    const { stocks, inventory } = await start({ maxOpenPerNetloc: 1 });
    const permit = inventory.acquire();
    const seen = seeing(0);
    const answer = inRequest(() => firstValueFrom(stocks.left()));

    elsewhere(() => permit.success());

    expect(await answer).toBe('answer');
    expect(seen).toEqual(['mine']);
  });

  it('is its async context, also in the fallback of a stream that timed out', async () => {
    const { stocks, clock } = await start({ timeoutMs: 100 });
    source = new Subject();
    const answer = inRequest(() => firstValueFrom(stocks.leftOrNull()));

    await elsewhere(() => clock.advance(100));

    expect(await answer).toBe('mine');
  });

  it('is its async context, though somebody else feeds the source', async () => {
    const { stocks } = await start({
      retry: { on: (value: unknown) => value === 'again' },
    });
    const hot = new Subject<string>();
    const seen: unknown[] = [];
    source = defer(() => {
      seen.push(request.getStore());
      return hot;
    });
    const answer = inRequest(() => firstValueFrom(stocks.left()));

    await elsewhere(async () => hot.next('again'));
    hot.next('now');

    expect(await answer).toBe('now');
    expect(seen).toEqual(['mine', 'mine']);
  });

  it('is not shared: each of two has its own', async () => {
    const { stocks } = await start();
    source = defer(() => of(request.getStore())).pipe(
      map((store) => `for ${store}`),
    );

    const answers = [inRequest, elsewhere].map((inside) =>
      inside(() => firstValueFrom(stocks.left())),
    );

    expect(await Promise.all(answers)).toEqual(['for mine', 'for other']);
  });
});
