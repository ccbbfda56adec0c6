import {
  Controller,
  Get,
  Inject,
  Injectable,
  Module,
  Param,
  Scope,
  type Provider,
} from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { describe, expect, it } from 'vitest';
import { FaultTolerant } from 'nestjs-dace';
import { counting, Ledger, tally, times } from './instances-apps.js';
import {
  deferred,
  platforms,
  serve,
  until,
  type Platform,
} from './nest-app.js';

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Its body lets others run in between. */
@Injectable()
class Payer {
  constructor(private readonly ledger: Ledger) {}
  @FaultTolerant('payments')
  async pay(id: string): Promise<string> {
    await turn();
    this.ledger.enter(id);
    await turn();
    return id;
  }
}
@Injectable({ scope: Scope.REQUEST })
class PayerPerRequest extends Payer {}
@Injectable({ scope: Scope.TRANSIENT })
class PayerEach extends Payer {}
const makes: Provider = {
  provide: 'made',
  inject: [Ledger],
  useFactory: (ledger: Ledger) => new Payer(ledger),
};

/** A value that every app shares: it answers where it is part of a protected call. */
class Shared {
  @FaultTolerant('payments')
  async tell(ledger: Ledger, id: string): Promise<string> {
    await turn();
    return ledger.enter(id);
  }
}

@Controller()
class Shop {
  constructor(
    private readonly modules: ModuleRef,
    private readonly ledger: Ledger,
    private readonly singleton: Payer,
    private readonly each: PayerEach,
    @Inject('made') private readonly made: Payer,
    @Inject('shared') private readonly value: Shared,
  ) {}
  @Get('route/:id')
  @FaultTolerant('payments')
  async route(@Param('id') id: string): Promise<string> {
    await turn();
    return this.ledger.enter(id);
  }
  @Get('shared/:id')
  @FaultTolerant('payments')
  async sharedOne(@Param('id') id: string): Promise<string> {
    await turn();
    return this.value.tell(this.ledger, id);
  }
  @Get('singleton/:id')
  single(@Param('id') id: string) {
    return this.singleton.pay(id);
  }
  @Get('transient/:id')
  transient(@Param('id') id: string) {
    return this.each.pay(id);
  }
  @Get('factory/:id')
  factory(@Param('id') id: string) {
    return this.made.pay(id);
  }
  @Get('created/:id')
  async created(@Param('id') id: string) {
    return (await this.modules.create(Payer)).pay(id);
  }
}
@Controller('scoped')
class ScopedShop {
  constructor(private readonly payer: PayerPerRequest) {}
  @Get(':id')
  pay(@Param('id') id: string) {
    return this.payer.pay(id);
  }
}

/** One class for all apps, with one forRoot in it. */
@Module({
  imports: counting(),
  controllers: [Shop, ScopedShop],
  providers: [
    Payer,
    PayerPerRequest,
    PayerEach,
    makes,
    { provide: 'shared', useValue: new Shared() },
  ],
})
class App {}

const ways = [
  'route',
  'shared',
  'singleton',
  'transient',
  'factory',
  'created',
  'scoped',
];

describe.each([
  ['Express and Express', platforms[0]!, platforms[0]!],
  ['Fastify and Fastify', platforms[1]!, platforms[1]!],
  ['Express and Fastify', platforms[0]!, platforms[1]!],
])('Two apps of one class, on %s', (_, first: Platform, second: Platform) => {
  const start = async () =>
    Promise.all([
      serve({ imports: [App] }, undefined, first),
      serve({ imports: [App] }, undefined, second),
    ]);

  /** Every way, `rounds` times, all at once; answers what was asked for. */
  async function load(
    get: (path: string) => Promise<Response>,
    rounds: number,
  ) {
    const ids: string[] = [];
    const answers: Promise<string>[] = [];
    for (let round = 0; round < rounds; round += 1)
      for (const way of ways) {
        const id = `${way}-${round}`;
        ids.push(id);
        answers.push(get(`/${way}/${id}`).then((answer) => answer.text()));
      }
    expect(await Promise.all(answers)).toEqual(ids);
    return ids;
  }

  it('keep each call to themselves, however many run at once', async () => {
    const [one, other] = await start();

    const [asked, askedOther] = await Promise.all([
      load(one.get, 6),
      load(other.get, 4),
    ]);

    expect(one.app.get(Ledger).lines.toSorted()).toEqual(asked.toSorted());
    expect(other.app.get(Ledger).lines.toSorted()).toEqual(
      askedOther.toSorted(),
    );
    expect(tally(one.app)).toEqual(times(asked.length));
    expect(tally(other.app)).toEqual(times(askedOther.length));
  });

  it('do not notice each other close', async () => {
    const [one, other] = await start();
    await load(one.get, 1);
    const closed = deferred();
    const going = (async () => {
      const before = await load(other.get, 3);
      await closed.promise;
      return [...before, ...(await load(other.get, 3))];
    })();
    await until(() => other.app.get(Ledger).lines.length > 0);

    await one.app.close();
    closed.resolve();
    const asked = await going;

    expect(other.app.get(Ledger).lines.toSorted()).toEqual(asked.toSorted());
    expect(tally(other.app)).toEqual(times(asked.length));
    expect(tally(one.app)).toEqual(times(ways.length));
  });
});
