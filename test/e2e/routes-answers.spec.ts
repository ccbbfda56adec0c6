import {
  Controller,
  Get,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import {
  concat,
  EMPTY,
  generate,
  interval,
  NEVER,
  Observable,
  of,
  ReplaySubject,
  take,
  throwError,
  toArray,
} from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { DaceModule, FaultTolerant, type DependencyOptions } from 'nestjs-dace';
import { thenable } from '../support/core-toolkit.js';
import { platforms, serve, startRequest, until } from './nest-app.js';

let made = 0;
let subscribed = 0;
let unsubscribed = 0;
const noted = <T>(source: Observable<T>): Observable<T> =>
  new Observable((subscriber) => {
    subscribed += 1;
    const subscription = source.subscribe(subscriber);
    return () => {
      unsubscribed += 1;
      subscription.unsubscribe();
    };
  });
const endless = (): Observable<number> =>
  generate({ initialState: 0, iterate: (n) => n + 1 });
const hot = new ReplaySubject<string>();
hot.next('kept');
hot.complete();

class TakingThree implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler) {
    return next.handle().pipe(take(3), toArray());
  }
}

/** What a handler may answer, and what becomes of it in any Nest app. */
const answers: Record<string, () => unknown> = {
  'a promise of a text': async () => 'text',
  'a promise of an object': async () => ({ a: 1 }),
  'a promise of null': async () => null,
  'a promise of nothing': async () => {},
  'a promise of a number': async () => 7,
  'a promise of an array': async () => [1, 2],
  'a text': () => 'text',
  nothing: () => undefined,
  'a thenable': () =>
    thenable<string>((done) => Promise.resolve(done!('then'))),
  'a cold Observable': () => of('cold'),
  'a promise of one': async () => of('cold'),
  'one of several values': () => of('first', 'last'),
  'a promise of one of several values': async () => of('first', 'last'),
  'an empty one': () => EMPTY,
  'a promise of an empty one': async () => EMPTY,
  'a hot one': () => hot,
  'one that takes its time': () => interval(1).pipe(take(3)),
  'one that fails': () => throwError(() => new Error('down')),
  'one that fails later': () =>
    concat(
      of(1),
      throwError(() => new Error('down')),
    ),
  'an iterator': () => [1, 2].values(),
};

/** The same route twice: as it is, and protected. */
function routesOf(answer: () => unknown) {
  const open = (): unknown => {
    made += 1;
    const result = answer();
    return result instanceof Observable ? noted(result) : result;
  };
  @Controller()
  class Routes {
    @Get('plain')
    plain(): any {
      return open();
    }

    @Get('protected')
    @FaultTolerant('payments', { retry: false })
    protected(): any {
      return open();
    }

    @Get('protected-stream')
    @FaultTolerant('payments', { retry: false, observable: true })
    stream(): any {
      return open();
    }

    @Get('three-of-plain')
    @UseInterceptors(TakingThree)
    threeOfPlain(): any {
      return open();
    }

    @Get('three-of-protected')
    @UseInterceptors(TakingThree)
    @FaultTolerant('payments')
    three(): any {
      return open();
    }

    @Get('three-of-protected-stream')
    @UseInterceptors(TakingThree)
    @FaultTolerant('payments', { observable: true })
    threeOfStream(): any {
      return open();
    }
  }
  return Routes;
}

describe.each(platforms)('On $platform, a protected route', (platform) => {
  const start = (answer: () => unknown, options: DependencyOptions = {}) =>
    serve(
      {
        imports: [DaceModule.forRoot({ payments: options }, { logger: false })],
        controllers: [routesOf(answer)],
      },
      () => {},
      platform,
    );
  beforeEach(() => {
    made = subscribed = unsubscribed = 0;
  });

  const textOf = async (response: Response) => ({
    status: response.status,
    type: response.headers.get('content-type'),
    text: await response.text(),
  });

  it.each(Object.entries(answers))(
    'that returns %s answers what a plain one does',
    async (_what, answer) => {
      const { get, snapshot } = await start(answer);
      const plain = await textOf(await get('/plain'));
      const plainSubscribed = subscribed;

      expect(await textOf(await get('/protected'))).toEqual(plain);
      expect(await textOf(await get('/protected-stream'))).toEqual(plain);

      expect(made).toBe(3);
      expect(subscribed).toBe(3 * plainSubscribed);
      expect(unsubscribed).toBe(subscribed);
      expect(snapshot('payments')).toMatchObject({
        inFlight: 0,
        totals: { started: 2, attempts: 2 },
      });
    },
  );

  it.each(Object.entries(answers))(
    'of a dependency that is switched off, and returns %s, answers what a plain one does',
    async (_what, answer) => {
      const { get, snapshot } = await start(answer, { enabled: false });
      const plain = await textOf(await get('/plain'));

      expect(await textOf(await get('/protected'))).toEqual(plain);
      expect(await textOf(await get('/protected-stream'))).toEqual(plain);

      expect(made).toBe(3);
      expect(unsubscribed).toBe(subscribed);
      expect(snapshot('payments').totals.started).toBe(0);
    },
  );

  it.each([
    ['synchronous', () => endless()],
    ['promised', async () => endless()],
    ['slow', () => interval(1)],
  ])(
    'that answers for ever (%s) ends with who takes enough of it',
    async (_what, answer) => {
      const { get, snapshot } = await start(answer);

      for (const kind of ['plain', 'protected', 'protected-stream'])
        expect(await (await get(`/three-of-${kind}`)).json()).toEqual([
          0, 1, 2,
        ]);

      expect(unsubscribed).toBe(subscribed);
      expect(snapshot('payments').totals).toMatchObject({
        started: 2,
        succeeded: 2,
      });
    },
  );

  it('that answers too much at once to be read says so', async () => {
    const { get, snapshot } = await start(() => endless());

    expect((await get('/protected')).status).toBe(500);

    expect(unsubscribed).toBe(subscribed);
    expect(snapshot('payments').window.failures).toBe(0);
  });

  it('whose Observable never answers is cancelled by its client, once', async () => {
    const { url, snapshot } = await start(() => NEVER);
    for (const path of ['protected', 'protected-stream']) {
      const before = snapshot('payments').totals.cancelled;
      const client = startRequest(`${url}/${path}`);
      await until(() => subscribed > unsubscribed);

      client.destroy();

      await until(() => subscribed === unsubscribed);
      await until(() => snapshot('payments').inFlight === 0);
      expect(snapshot('payments').totals.cancelled).toBe(before + 1);
    }
    expect(subscribed).toBe(2);
  });
});
