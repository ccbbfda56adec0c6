import { Inject, Injectable, Scope, type Type } from '@nestjs/common';
import {
  AggregateRoot,
  AsyncContext,
  Command,
  CommandBus,
  CommandHandler,
  CqrsModule,
  EventBus,
  EventPublisher,
  EventsHandler,
  Query,
  QueryBus,
  QueryHandler,
  Saga,
  UnhandledExceptionBus,
  type ICommandHandler,
  type IEventHandler,
  type IQueryHandler,
} from '@nestjs/cqrs';
import { REQUEST } from '@nestjs/core';
import { filter, from, map, mergeMap, Observable } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { DaceRegistry, FaultTolerant } from 'nestjs-dace';
import { DaceTestingModule, ManualClock } from 'nestjs-dace/testing';
import { errorOf, unhandledDuring } from '../support/core-toolkit.js';
import { Ledger, tally, times, twins } from './instances-apps.js';
import { platforms, serve, until, type Platform } from './nest-app.js';

class Pay extends Command<string> {
  constructor(readonly id: number) {
    super();
  }
}
class Notify extends Command<string> {
  constructor(readonly text: string) {
    super();
  }
}
class Balance extends Query<string> {
  constructor(readonly id: number) {
    super();
  }
}
class Paid {
  constructor(readonly id: number) {}
}
class Account extends AggregateRoot {}

@CommandHandler(Pay)
class PayHandler implements ICommandHandler<Pay> {
  constructor(
    private readonly ledger: Ledger,
    private readonly publisher: EventPublisher,
  ) {}
  @FaultTolerant('payments', { fallback: 'spare' })
  async execute({ id }: Pay): Promise<string> {
    if (id < 0) throw new Error('down');
    const account = this.publisher.mergeObjectContext(new Account());
    account.apply(new Paid(id));
    const line = this.ledger.enter(`paid ${id}`);
    // Whoever hears of it is no part of this call.
    setImmediate(() => account.commit());
    return line;
  }
  spare({ id }: Pay, error: Error): string {
    return this.ledger.enter(`spare for ${id}: ${error.message}`);
  }
}

@QueryHandler(Balance)
class BalanceHandler implements IQueryHandler<Balance> {
  constructor(private readonly ledger: Ledger) {}
  @FaultTolerant('payments')
  async execute({ id }: Balance): Promise<string> {
    return this.ledger.enter(`balance ${id}`);
  }
}

@EventsHandler(Paid)
class PaidHandler implements IEventHandler<Paid> {
  constructor(private readonly ledger: Ledger) {}
  @FaultTolerant('payments')
  async handle({ id }: Paid): Promise<void> {
    this.ledger.enter(`heard of ${id}`);
  }
}

@Injectable()
class Mailer {
  constructor(private readonly ledger: Ledger) {}
  @FaultTolerant('payments')
  async letterFor(id: number): Promise<string> {
    return this.ledger.enter(`letter ${id}`);
  }
}
@Injectable()
class Sagas {
  constructor(private readonly mailer: Mailer) {}
  @Saga()
  onPaid = (events$: Observable<unknown>): Observable<Notify> =>
    events$.pipe(
      filter((event) => event instanceof Paid),
      mergeMap(({ id }) => from(this.mailer.letterFor(id))),
      map((letter) => new Notify(letter)),
    );
}
@CommandHandler(Notify)
class NotifyHandler implements ICommandHandler<Notify> {
  constructor(private readonly ledger: Ledger) {}
  @FaultTolerant('payments')
  async execute({ text }: Notify): Promise<string> {
    return this.ledger.enter(`sent ${text}`);
  }
}

@CommandHandler(Pay, { scope: Scope.REQUEST })
class ScopedPayHandler implements ICommandHandler<Pay> {
  constructor(
    private readonly ledger: Ledger,
    @Inject(REQUEST) private readonly request: { of: string },
  ) {}
  @FaultTolerant('payments')
  async execute({ id }: Pay): Promise<string> {
    return this.ledger.enter(`paid ${id} for ${this.request.of}`);
  }
}
@EventsHandler(Paid, { scope: Scope.REQUEST })
class ScopedPaidHandler implements IEventHandler<Paid> {
  constructor(private readonly ledger: Ledger) {}
  @FaultTolerant('payments')
  async handle({ id }: Paid): Promise<void> {
    this.ledger.enter(`heard of ${id}`);
  }
}

type App = Awaited<ReturnType<typeof serve>>['app'];
const linesOf = (app: App): string[] => app.get(Ledger).lines;
const handling = (providers: Type[], platform?: Platform) =>
  twins({ imports: [CqrsModule.forRoot()], providers }, platform);

describe.each(platforms)('A protected handler on $platform', (platform) => {
  it('of a command or query answers once, in the app whose bus was asked', async () => {
    const [one, other] = await handling([PayHandler, BalanceHandler], platform);

    const answers = [
      await one.app.get(CommandBus).execute(new Pay(1)),
      await one.app.get(QueryBus).execute(new Balance(2)),
      await other.app.get(QueryBus).execute(new Balance(3)),
    ];

    expect(answers).toEqual(['paid 1', 'balance 2', 'balance 3']);
    expect(tally(one.app)).toEqual(times(2));
    expect(tally(other.app)).toEqual(times(1));
  });

  it('of an event, and what a saga calls, run once each in that app', async () => {
    const [one, other] = await handling(
      [PayHandler, PaidHandler, Mailer, Sagas, NotifyHandler],
      platform,
    );

    await one.app.get(CommandBus).execute(new Pay(1));
    await until(() => tally(one.app).succeeded === 4);

    expect(linesOf(one.app).toSorted()).toEqual([
      'heard of 1',
      'letter 1',
      'paid 1',
      'sent letter 1',
    ]);
    expect(tally(one.app)).toEqual(times(4));
    expect(tally(other.app)).toEqual(times(0));
  });
});

describe('A protected handler', () => {
  it('of a request scope sees its own request', async () => {
    const [{ app }] = await handling([ScopedPayHandler, ScopedPaidHandler]);
    const contexts = [{ of: 'Ann' }, { of: 'Bob' }].map((request) =>
      Object.assign(new AsyncContext(), request),
    );

    const answers = await Promise.all(
      contexts.map((context, index) =>
        app.get(CommandBus).execute(new Pay(index), context),
      ),
    );
    app.get(EventBus).publish(new Paid(3));
    await until(() => tally(app).succeeded === 3);

    expect(answers).toEqual(['paid 0 for Ann', 'paid 1 for Bob']);
    expect(linesOf(app)).toContain('heard of 3');
    expect(tally(app)).toEqual(times(3));
  });

  it('falls back on its own instance', async () => {
    const [{ app }] = await handling([PayHandler]);

    const answer = await app.get(CommandBus).execute(new Pay(-1));

    expect(answer).toBe('spare for -1: down');
  });

  it('of a command that is refused rejects', async () => {
    const [{ app }] = await handling([BalanceHandler]);
    app.get(DaceRegistry).get('payments').control('forced-open');

    const error = await errorOf(app.get(QueryBus).execute(new Balance(1)));

    expect(error).toMatchObject({ code: 'DACE_CIRCUIT_OPEN' });
    expect(linesOf(app)).toEqual([]);
  });

  it('of an event that is refused is told to the bus of unhandled errors, and hears the next', async () => {
    const [{ app }] = await handling([PaidHandler]);
    const payments = app.get(DaceRegistry).get('payments');
    const told: unknown[] = [];
    app.get(UnhandledExceptionBus).subscribe((info) => told.push(info));
    payments.control('forced-open');

    const unhandled = await unhandledDuring(async () => {
      app.get(EventBus).publish(new Paid(1));
      await until(() => told.length > 0);
    });
    payments.control('auto');
    app.get(EventBus).publish(new Paid(2));
    await until(() => linesOf(app).length > 0);

    expect(unhandled).toEqual([]);
    expect(told).toMatchObject([
      { cause: { id: 1 }, exception: { code: 'DACE_CIRCUIT_OPEN' } },
    ]);
    expect(linesOf(app)).toEqual(['heard of 2']);
  });
});

describe('A saga that is itself protected', () => {
  it('is over when no event has come in time, as any stream, and says so', async () => {
    @Injectable()
    class Protected {
      @Saga()
      @FaultTolerant('payments')
      onPaid(events$: Observable<unknown>): Observable<Notify> {
        return events$.pipe(
          filter((event) => event instanceof Paid),
          map(({ id }) => new Notify(`${id}`)),
        );
      }
    }
    const { app } = await serve({
      imports: [
        DaceTestingModule.forRoot({ payments: { timeoutMs: 100 } }),
        CqrsModule.forRoot(),
      ],
      providers: [Protected],
    });
    const told: unknown[] = [];
    app.get(UnhandledExceptionBus).subscribe((info) => told.push(info));

    await app.get(ManualClock).advance(100);

    expect(told).toMatchObject([
      { cause: 'onPaid', exception: { code: 'DACE_TIMEOUT' } },
    ]);
  });
});
