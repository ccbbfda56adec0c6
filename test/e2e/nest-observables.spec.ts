import {
  Controller,
  Get,
  Injectable,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  concat,
  EMPTY,
  firstValueFrom,
  from,
  lastValueFrom,
  NEVER,
  Observable,
  of,
  Subject,
  throwError,
  timeout,
  toArray,
} from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  Call,
  DaceCall,
  DaceModule,
  DaceRegistry,
  FaultTolerant,
} from 'nestjs-dace';
import { DaceTestingModule, ManualClock } from 'nestjs-dace/testing';
import { errorOf, watch } from '../support/core-toolkit.js';
import { serve, until } from './nest-app.js';

/** A source that says who listens; each subscription gets a Subject of its own. */
class Source {
  subscribed = 0;
  unsubscribed = 0;
  readonly subjects: Subject<string>[] = [];
  readonly values = new Observable<string>((to) => {
    this.subscribed += 1;
    const subject = new Subject<string>();
    this.subjects.push(subject);
    const subscription = subject.subscribe(to);
    return () => {
      this.unsubscribed += 1;
      subscription.unsubscribe();
    };
  });
  get last(): Subject<string> {
    return this.subjects.at(-1)!;
  }
}

let source: Source;
let calls: Call[];
let inner: () => Promise<unknown>;

@Injectable()
class Feeds {
  @FaultTolerant('feed')
  typed(@DaceCall() call: Call = Call.injected): Observable<string> {
    calls.push(call);
    return source.values;
  }

  @FaultTolerant('feed', { observable: true })
  flagged() {
    return source.values;
  }

  @FaultTolerant('feed', { retry: { on: 'any', attempts: 3 } })
  repeated(): Observable<string> {
    return source.values;
  }

  @FaultTolerant('feed', {
    attemptTimeoutMs: 100,
    retry: { onTimeout: true, attempts: 2 },
  })
  patient(): Observable<string> {
    return source.values;
  }

  @FaultTolerant('feed', { fallback: 'spare' })
  withFallback(): Observable<string> {
    return source.values;
  }
  spare(error: Error): Observable<string> {
    return of(`instead of ${error.message}`, 'and more');
  }

  @FaultTolerant('feed')
  finite(): Observable<number> {
    return from([1, 2, 3]);
  }

  @FaultTolerant('feed')
  empty(): Observable<never> {
    return EMPTY;
  }

  @FaultTolerant('feed')
  throwing(): Observable<never> {
    throw new Error('before there is a stream');
  }

  @FaultTolerant('feed')
  async promised(): Promise<unknown> {
    return of(1);
  }

  @FaultTolerant('feed')
  unsaid(): Promise<unknown> {
    return of(1) as unknown as Promise<unknown>;
  }

  @FaultTolerant('feed', { observable: true })
  async promisedAndSaid(): Promise<unknown> {
    return of('first', 'second');
  }

  @FaultTolerant('feed')
  outer(): Observable<unknown> {
    return from(inner());
  }

  @FaultTolerant('feed')
  async joined(@DaceCall() call: Call = Call.injected): Promise<Call> {
    return call;
  }

  @FaultTolerant('feed')
  joinedStream(@DaceCall() call: Call = Call.injected): Observable<Call> {
    return of(call);
  }
}

describe('A method that answers an Observable', () => {
  let app: TestingModule;
  let clock: ManualClock;
  let feeds: Feeds;
  const snapshot = () => app.get(DaceRegistry).get('feed').snapshot();

  beforeEach(async () => {
    source = new Source();
    calls = [];
    app = await Test.createTestingModule({
      imports: [DaceTestingModule.forRoot({ feed: { timeoutMs: 1_000 } })],
      providers: [Feeds],
    }).compile();
    await app.init();
    clock = app.get(ManualClock);
    feeds = app.get(Feeds);
  });
  afterEach(() => app.close());

  it.each(['typed', 'flagged'] as const)(
    '(%s) ends its operation at the first value and passes on the others',
    async (method) => {
      const all = watch(lastValueFrom(feeds[method]().pipe(toArray())));
      expect(snapshot().inFlight).toBe(1);

      source.last.next('a');
      await clock.advance(0);
      expect(snapshot()).toMatchObject({
        inFlight: 0,
        totals: { succeeded: 1 },
      });
      expect(clock.pending).toBe(0);

      source.last.next('b');
      await clock.advance(5_000);
      source.last.next('c');
      source.last.complete();
      await clock.advance(0);
      expect(all.value).toEqual(['a', 'b', 'c']);
      expect(snapshot().totals).toMatchObject({ started: 1, failed: 0 });
    },
  );

  it('passes on each value when it comes, those that a value brings about too', () => {
    const seen: string[] = [];
    feeds.typed().subscribe((value) => {
      seen.push(value);
      if (value === 'a') source.last.next('c');
    });
    source.last.next('a');
    source.last.next('b');

    expect(seen).toEqual(['a', 'c', 'b']);
  });

  it('gives what it throws to the subscriber', async () => {
    const stream = feeds.throwing();

    expect(await errorOf(lastValueFrom(stream))).toMatchObject({
      message: 'before there is a stream',
    });
    expect(snapshot().totals.failed).toBe(1);
  });

  it('lets the source of a timed-out attempt go and hears no more of it', async () => {
    const seen: string[] = [];
    feeds.patient().subscribe((value) => seen.push(value));

    await clock.advance(100);
    expect([source.subscribed, source.unsubscribed]).toEqual([2, 1]);
    source.subjects[0]!.next('of the first');
    source.subjects[1]!.next('of the second');
    await clock.advance(0);

    expect(seen).toEqual(['of the second']);
  });

  it.each(['unsaid', 'promised'] as const)(
    'that is not said to do so (%s) gets an error that names it and the cure',
    async (method) => {
      const error = await errorOf(feeds[method]());

      expect(error).toMatchObject({ code: 'DACE_CONFIGURATION' });
      expect(error.message).toContain(`Feeds.${method}`);
      expect(error.message).toContain('{ observable: true }');
      expect(snapshot().window.failures).toBe(0);
    },
  );

  it('may be async if that is said', async () => {
    const stream = feeds.promisedAndSaid() as unknown as Observable<string>;

    expect(await lastValueFrom(stream.pipe(toArray()))).toEqual([
      'first',
      'second',
    ]);
  });

  it.each([
    ['a promise', () => feeds.joined()],
    ['a stream', () => firstValueFrom(feeds.joinedStream())],
  ])('has %s of the same dependency inside it join', async (_what, run) => {
    inner = run;

    expect(await firstValueFrom(feeds.outer())).toBeInstanceOf(Call);
    expect(snapshot().totals).toMatchObject({ started: 1, attempts: 1 });
  });
});

describe('A route that answers an Observable', () => {
  @Injectable()
  class GivingUp implements NestInterceptor {
    intercept(_context: ExecutionContext, next: CallHandler) {
      return next.handle().pipe(timeout({ each: 20 }));
    }
  }
  @Controller()
  class Routes {
    @Get('typed')
    @UseInterceptors(GivingUp)
    @FaultTolerant('feed')
    typed(): Observable<string> {
      return source.values;
    }

    @Get('bare')
    @UseInterceptors(GivingUp)
    @FaultTolerant('feed')
    bare() {
      return source.values;
    }

    @Get('late')
    @FaultTolerant('feed')
    late() {
      return concat(
        of('a'),
        throwError(() => new Error('late')),
      );
    }

    @Get('never')
    @FaultTolerant('feed', { timeoutMs: 20, fallback: () => 'in time' })
    never() {
      return NEVER;
    }
  }
  const start = () => {
    source = new Source();
    return serve({
      imports: [DaceModule.forRoot({ feed: {} }, { logger: false })],
      controllers: [Routes],
    });
  };

  it.each(['typed', 'bare'])(
    '(%s) is cancelled when an interceptor outside gives up',
    async (path) => {
      const { get, snapshot } = await start();

      expect((await get(`/${path}`)).status).toBe(500);

      await until(() => snapshot('feed').inFlight === 0);
      expect(source.unsubscribed).toBe(1);
      expect(snapshot('feed')).toMatchObject({
        abandoned: 0,
        window: { failures: 0 },
        totals: { started: 1, cancelled: 1, failed: 0 },
      });
    },
  );

  it('counts no error after its first value', async () => {
    const { get, snapshot } = await start();

    expect((await get('/late')).status).toBe(500);
    expect(snapshot('feed').totals).toMatchObject({ succeeded: 1, failed: 0 });
  });

  it('falls back when its first value does not come in time', async () => {
    const { get, snapshot } = await start();

    expect(await (await get('/never')).text()).toBe('in time');
    expect(snapshot('feed').totals).toMatchObject({ failed: 1, fallbacks: 1 });
  });
});
