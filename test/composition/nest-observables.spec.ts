import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  concat,
  EMPTY,
  firstValueFrom,
  lastValueFrom,
  mergeMap,
  NEVER,
  Observable,
  of,
  Subject,
  take,
  throwError,
  toArray,
} from 'rxjs';
import { describe, expect, it } from 'vitest';
import {
  Call,
  DaceCall,
  DaceModule,
  DaceRegistry,
  FaultTolerant,
} from 'nestjs-dace';
import { ManualClock } from 'nestjs-dace/testing';

/** What the decorated method answers; set by each test. */
let source: (call: Call) => Observable<unknown>;

@Injectable()
class Service {
  @FaultTolerant('payments')
  stream(@DaceCall() call: Call = Call.injected): Observable<unknown> {
    return source(call);
  }

  @FaultTolerant('payments', { fallback: 'spare' })
  guarded(@DaceCall() call: Call = Call.injected): Observable<unknown> {
    return source(call);
  }
  spare(error: Error) {
    return of('spare', error.message);
  }

  @FaultTolerant('payments', { observable: true })
  marked() {
    return of('marked');
  }

  @FaultTolerant('payments')
  async promised(): Promise<unknown> {
    return 'promised';
  }

  @FaultTolerant('payments')
  misdeclared() {
    return of('oops');
  }
}

async function start(payments = {}) {
  const clock = new ManualClock();
  const module = await Test.createTestingModule({
    imports: [DaceModule.forRoot({ payments }, { logger: false, clock })],
    providers: [Service],
  }).compile();
  await module.init();
  const dependency = module.get(DaceRegistry).get('payments');
  return {
    clock,
    service: module.get(Service),
    dependency,
    totals: () => dependency.snapshot().totals,
  };
}

/** Subscribes and notes all that comes. */
function noting(stream: Observable<unknown>) {
  const notes: unknown[] = [];
  const subscription = stream.subscribe({
    next: (value) => notes.push(value),
    error: (error: Error) => notes.push(error.message),
    complete: () => notes.push('|'),
  });
  return { notes, subscription };
}

describe('A decorated method that answers with an Observable', () => {
  it('does nothing until it is subscribed, and is one operation each time', async () => {
    const { service, totals } = await start();
    source = () => of(1, 2, 3);
    const stream = service.stream();
    expect(totals().started).toBe(0);

    expect(await lastValueFrom(stream.pipe(toArray()))).toEqual([1, 2, 3]);
    expect(await lastValueFrom(stream.pipe(toArray()))).toEqual([1, 2, 3]);

    expect(totals()).toMatchObject({ started: 2, succeeded: 2 });
  });

  it('ends its operation at the first value; later errors pass uncounted', async () => {
    const { service, dependency, clock } = await start();
    const values = new Subject<number>();
    source = () => values;
    const { notes } = noting(service.stream());
    expect(dependency.snapshot().inFlight).toBe(1);

    values.next(1);
    await clock.advance(60_000);
    expect(dependency.snapshot()).toMatchObject({ inFlight: 0, abandoned: 0 });
    values.next(2);
    values.error(new Error('later'));

    expect(notes).toEqual([1, 2, 'later']);
    expect(dependency.snapshot().totals).toMatchObject({
      succeeded: 1,
      failed: 0,
    });
  });

  it('keeps the order of what comes before the operation has ended', async () => {
    const { service, clock } = await start();
    source = () =>
      concat(
        of(1, 2),
        throwError(() => new Error('at once')),
      );
    const { notes } = noting(service.stream());

    await clock.advance(0);

    expect(notes).toEqual([1, 2, 'at once']);
  });

  it('ends its operation where an empty source ends', async () => {
    const { service, totals, clock } = await start();
    source = () => EMPTY;
    const { notes } = noting(service.stream());

    await clock.advance(0);

    expect(notes).toEqual(['|']);
    expect(totals().succeeded).toBe(1);
  });

  it('is subscribed anew by each retry, and the source before is let go', async () => {
    const { service, totals } = await start();
    let subscriptions = 0;
    source = () =>
      new Observable((to) => {
        subscriptions += 1;
        if (subscriptions < 3)
          to.error(Object.assign(new Error(), { code: 'ECONNREFUSED' }));
        else to.next(`from ${subscriptions}`);
      });

    expect(await firstValueFrom(service.stream())).toBe('from 3');
    expect(totals()).toMatchObject({ started: 1, retries: 2 });
  });

  it('is let go at a timeout, with its permit', async () => {
    const { service, dependency, clock } = await start({ timeoutMs: 100 });
    let isLetGo = false;
    source = () =>
      new Observable(() => () => {
        isLetGo = true;
      });
    const { notes } = noting(service.stream());

    await clock.advance(100);

    expect(notes).toEqual(['The call to "payments" took longer than 100 ms']);
    expect(isLetGo).toBe(true);
    expect(dependency.snapshot()).toMatchObject({ inFlight: 0, abandoned: 0 });
    expect(clock.pending).toBe(0);
  });

  it('is not bounded after its first value', async () => {
    const { service, clock } = await start({ timeoutMs: 100 });
    const values = new Subject<number>();
    source = () => values;
    const { notes } = noting(service.stream());
    values.next(1);

    await clock.advance(1_000);
    values.next(2);

    expect(notes).toEqual([1, 2]);
  });

  it('is cancelled by who unsubscribes', async () => {
    const { service, dependency, clock } = await start();
    let isLetGo = false;
    source = () =>
      new Observable(() => () => {
        isLetGo = true;
      });
    const { subscription } = noting(service.stream());

    subscription.unsubscribe();
    await clock.advance(0);

    expect(isLetGo).toBe(true);
    expect(dependency.snapshot()).toMatchObject({
      inFlight: 0,
      abandoned: 0,
      totals: { cancelled: 1, failed: 0 },
    });
  });

  it('is left by who unsubscribes at the first value, and later', async () => {
    const { service, totals } = await start();
    let letGo = 0;
    source = () =>
      new Observable((to) => {
        to.next(1);
        to.next(2);
        return () => {
          letGo += 1;
        };
      });

    await firstValueFrom(service.stream());
    await lastValueFrom(service.stream().pipe(take(2)));

    expect(letGo).toBe(2);
    expect(totals()).toMatchObject({ succeeded: 2, cancelled: 0 });
  });

  it('answers with its fallback, an Observable too', async () => {
    const { service, totals } = await start();
    source = () => throwError(() => new Error('down'));

    expect(await lastValueFrom(service.guarded().pipe(toArray()))).toEqual([
      'spare',
      'down',
    ]);
    expect(totals()).toMatchObject({ failed: 1, fallbacks: 1 });
  });

  it('is judged by its first value', async () => {
    const { service, dependency } = await start();
    const answer = { status: 500, headers: {}, config: {} };
    source = () => of(answer);

    expect(await firstValueFrom(service.stream())).toBe(answer);
    expect(dependency.snapshot().window.failures).toBe(1);
  });

  it('shows classify the first value', async () => {
    const seen: unknown[] = [];
    const { service } = await start({
      classify: (outcome: unknown) => void seen.push(outcome),
    });
    source = () => of('first', 'second');

    await lastValueFrom(service.stream());

    expect(seen).toEqual(['first']);
  });

  it('starts operations downstream that do not join its own', async () => {
    const { service, totals } = await start();
    source = () => of(1);

    const nested = service.stream().pipe(mergeMap(() => service.promised()));

    expect(await firstValueFrom(nested)).toBe('promised');
    expect(totals().started).toBe(2);
  });

  it('tells an error of the wiring where it tells all others', async () => {
    await start();
    await start();

    const { notes } = noting(new Service().stream());
    await new Promise((resolve) => setImmediate(resolve));

    expect(notes).toEqual([
      expect.stringContaining('its instance belongs to no running app'),
    ]);
  });

  it('never settles for a source that never does', async () => {
    const { service, clock } = await start({ timeoutMs: false });
    source = () => NEVER;
    const { notes } = noting(service.stream());

    await clock.advance(1_000_000);

    expect(notes).toEqual([]);
  });
});

describe('A decorated method that answers with an unannounced Observable', () => {
  it('is told to announce it', async () => {
    const { service } = await start();

    await expect(
      service.misdeclared() as unknown as Promise<unknown>,
    ).rejects.toThrow(
      /Service\.misdeclared returned an Observable .*Annotate its return type.*\{ observable: true \}/,
    );
  });

  it('is served when it has', async () => {
    const { service } = await start();

    expect(await firstValueFrom(service.marked())).toBe('marked');
  });
});
