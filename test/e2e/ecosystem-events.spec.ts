import {
  Controller,
  Inject,
  Injectable,
  Logger,
  Scope,
  type Type,
} from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import {
  EventEmitter2,
  EventEmitterModule,
  OnEvent,
} from '@nestjs/event-emitter';
import { afterEach, describe, expect, it } from 'vitest';
import { DaceRegistry, FaultTolerant } from 'nestjs-dace';
import { errorOf, unhandledDuring } from '../support/core-toolkit.js';
import { Ledger, tally, times, twins } from './instances-apps.js';
import { platforms, until, type Platform, type serve } from './nest-app.js';

interface Order {
  readonly id: number;
}

@Injectable()
class Listener {
  constructor(protected readonly ledger: Ledger) {}

  @OnEvent('above')
  @FaultTolerant('payments')
  async above({ id }: Order): Promise<string> {
    return this.ledger.enter(`above ${id}`);
  }
  @FaultTolerant('payments')
  @OnEvent('below')
  async below({ id }: Order): Promise<string> {
    return this.ledger.enter(`below ${id}`);
  }
  @OnEvent('first')
  @FaultTolerant('payments')
  @OnEvent('second')
  async both({ id }: Order, extra?: string): Promise<string> {
    return this.ledger.enter(`both ${id}${extra ?? ''}`);
  }
  @OnEvent('later', { async: true, promisify: true })
  @FaultTolerant('payments')
  async later({ id }: Order): Promise<string> {
    return this.ledger.enter(`later ${id}`);
  }
  @OnEvent('order.*')
  @FaultTolerant('payments')
  async anyOrder({ id }: Order): Promise<string> {
    return this.ledger.enter(`any ${id}`);
  }
  @OnEvent('order.**')
  @FaultTolerant('payments')
  async anyPart({ id }: Order): Promise<string> {
    return this.ledger.enter(`any part ${id}`);
  }
  @OnEvent('strict', { suppressErrors: false })
  @FaultTolerant('payments')
  async strict(): Promise<string> {
    return this.ledger.enter('strict');
  }
}

@Controller()
class ListeningController {
  constructor(private readonly ledger: Ledger) {}
  @OnEvent('above')
  @FaultTolerant('payments')
  async above({ id }: Order): Promise<string> {
    return this.ledger.enter(`controller ${id}`);
  }
}

@Injectable({ scope: Scope.REQUEST })
class ScopedListener {
  constructor(
    private readonly ledger: Ledger,
    @Inject(REQUEST) private readonly order: Order,
  ) {}
  @OnEvent('above')
  @FaultTolerant('payments', { fallback: 'spare' })
  async above({ id }: Order): Promise<string> {
    this.ledger.enter(`scoped ${id} of ${this.order.id}`);
    throw new Error('down');
  }
  spare({ id }: Order): string {
    return `spare ${id} of ${this.order.id}`;
  }
}

type App = Awaited<ReturnType<typeof serve>>['app'];
const linesOf = (app: App): string[] => app.get(Ledger).lines;
const emitterOf = (app: App): EventEmitter2 => app.get(EventEmitter2);
const listening = (platform?: Platform, ...providers: Type[]) =>
  twins(
    {
      imports: [EventEmitterModule.forRoot({ wildcard: true })],
      providers: providers.length === 0 ? [Listener] : providers,
    },
    platform,
  );

afterEach(() => Logger.overrideLogger(false));

describe.each(platforms)('A protected listener on $platform', (platform) => {
  it('runs once for each event, in the app that emits it', async () => {
    const [one, other] = await listening(platform);

    emitterOf(one.app).emit('above', { id: 1 });
    emitterOf(one.app).emit('below', { id: 2 });
    emitterOf(other.app).emit('above', { id: 3 });
    await until(
      () => tally(one.app).succeeded + tally(other.app).succeeded === 3,
    );

    expect(linesOf(one.app)).toEqual(['above 1', 'below 2']);
    expect(linesOf(other.app)).toEqual(['above 3']);
    expect(tally(one.app)).toEqual(times(2));
    expect(tally(other.app)).toEqual(times(1));
  });

  it('answers emitAsync, also of a controller and of a request scope', async () => {
    const [{ app }, other] = await twins(
      {
        imports: [EventEmitterModule.forRoot()],
        providers: [Listener, ScopedListener],
        controllers: [ListeningController],
      },
      platform,
    );

    const answers = await emitterOf(app).emitAsync('above', { id: 1 });

    expect((answers as string[]).toSorted()).toEqual([
      'above 1',
      'controller 1',
      'spare 1 of 1',
    ]);
    expect(linesOf(app).toSorted()).toEqual([
      'above 1',
      'controller 1',
      'scoped 1 of 1',
    ]);
    expect(tally(app)).toMatchObject({ started: 3, attempts: 3, succeeded: 2 });
    expect(tally(other.app)).toEqual(times(0));
  });
});

describe('A protected listener', () => {
  it('of several events hears each, whichever side their decorators are on', async () => {
    const [{ app }] = await listening();

    const answers = [
      await emitterOf(app).emitAsync('first', { id: 1 }),
      await emitterOf(app).emitAsync('second', { id: 2 }, ' and more'),
      await emitterOf(app).emitAsync('later', { id: 3 }),
    ];

    expect(answers).toEqual([['both 1'], ['both 2 and more'], ['later 3']]);
    expect(tally(app)).toEqual(times(3));
  });

  it('of wildcards hears what fits', async () => {
    const [{ app }] = await listening();

    await emitterOf(app).emitAsync('order.made', { id: 1 });
    await emitterOf(app).emitAsync('order.made.twice', { id: 2 });

    expect(linesOf(app).toSorted()).toEqual([
      'any 1',
      'any part 1',
      'any part 2',
    ]);
    expect(tally(app)).toEqual(times(3));
  });

  it('is one of each instance of a request scope', async () => {
    const [{ app }] = await listening(undefined, ScopedListener);

    const answers = await Promise.all([
      emitterOf(app).emitAsync('above', { id: 1 }),
      emitterOf(app).emitAsync('above', { id: 2 }),
    ]);

    expect(answers).toEqual([['spare 1 of 1'], ['spare 2 of 2']]);
    expect(tally(app)).toMatchObject({ bodies: 2, started: 2, attempts: 2 });
  });

  it('that is refused is told to the log, and nothing else happens', async () => {
    const logged: unknown[] = [];
    const [{ app }] = await listening();
    Logger.overrideLogger({
      log: () => {},
      warn: () => {},
      error: (message: unknown) => logged.push(message),
    });
    app.get(DaceRegistry).get('payments').control('forced-open');

    const unhandled = await unhandledDuring(async () => {
      emitterOf(app).emit('above', { id: 1 });
      await until(() => logged.length > 0);
    });

    expect(unhandled).toEqual([]);
    expect(logged).toEqual(['Circuit of "payments" is forced-open']);
    expect(linesOf(app)).toEqual([]);
    expect(tally(app)).toMatchObject({ started: 1, attempts: 0 });
  });

  it('with suppressErrors: false gives its refusal to emitAsync', async () => {
    const [{ app }] = await listening();
    app.get(DaceRegistry).get('payments').control('forced-open');

    const error = await errorOf(emitterOf(app).emitAsync('strict'));

    expect(error).toMatchObject({ code: 'DACE_CIRCUIT_OPEN' });
    expect(linesOf(app)).toEqual([]);
  });

  it('with suppressErrors: false gives plain emit what an unprotected one would: nobody who listens', async () => {
    @Injectable()
    class Unprotected {
      @OnEvent('strict', { suppressErrors: false })
      async strict(): Promise<void> {
        throw new Error('unprotected');
      }
    }
    const [{ app }] = await listening(undefined, Listener, Unprotected);
    app.get(DaceRegistry).get('payments').control('forced-open');

    const unhandled = await unhandledDuring(async () => {
      emitterOf(app).emit('strict');
      await until(() => tally(app).started === 1);
    });

    expect(unhandled.map(String).toSorted()).toEqual([
      'DaceCircuitOpenError: Circuit of "payments" is forced-open',
      'Error: unprotected',
    ]);
  });

  it('of what a protected call emits is part of that call while it runs', async () => {
    @Injectable()
    class Shop {
      constructor(
        private readonly emitter: EventEmitter2,
        private readonly ledger: Ledger,
      ) {}
      @FaultTolerant('payments')
      async sell(): Promise<unknown[]> {
        this.ledger.enter('sold');
        return this.emitter.emitAsync('above', { id: 1 });
      }
    }
    const [{ app }] = await listening(undefined, Listener, Shop);

    expect(await app.get(Shop).sell()).toEqual(['above 1']);

    expect(linesOf(app)).toEqual(['sold', 'above 1']);
    expect(tally(app)).toEqual({ ...times(1), bodies: 2 });
  });
});
