import {
  Controller,
  Get,
  Injectable,
  Module,
  Scope,
  type NestMiddleware,
} from '@nestjs/common';
import { ContextIdFactory, ModuleRef } from '@nestjs/core';
import { describe, expect, it } from 'vitest';
import { DaceModule, FaultTolerant } from 'nestjs-dace';
import { Ledger, LedgerModule, tally, times } from './instances-apps.js';
import { platforms, serve } from './nest-app.js';

@Injectable()
class Payer {
  constructor(protected readonly ledger: Ledger) {}
  @FaultTolerant('payments')
  async pay(): Promise<string> {
    return this.ledger.enter('paid');
  }
}
@Injectable()
class Singleton extends Payer {}
@Injectable({ scope: Scope.REQUEST })
class PerRequest extends Singleton {}
@Injectable({ scope: Scope.TRANSIENT })
class Each extends Singleton {}

@Injectable()
class Watching implements NestMiddleware {
  constructor(private readonly payer: Singleton) {}
  @FaultTolerant('payments')
  async use(_: unknown, __: unknown, next: () => void): Promise<void> {
    await this.payer.pay();
    next();
  }
}

@Controller({ scope: Scope.REQUEST })
class Shop {
  constructor(
    private readonly modules: ModuleRef,
    private readonly singleton: Singleton,
    private readonly perRequest: PerRequest,
    private readonly each: Each,
  ) {}
  @Get('all')
  async all() {
    const id = ContextIdFactory.create();
    const payers = [
      this.singleton,
      this.perRequest,
      this.each,
      await this.modules.create(PerRequest),
      await this.modules.resolve(PerRequest, id),
    ];
    for (const payer of payers) await payer.pay();
  }
  @Get('watched')
  watched() {}
}

/** Knows nothing of DaceModule: protected methods need no import. */
@Module({ providers: [Singleton, PerRequest, Each], controllers: [Shop] })
class NotImporting {
  configure(consumer: {
    apply(type: typeof Watching): { forRoutes(path: string): void };
  }) {
    consumer.apply(Watching).forRoutes('/watched');
  }
}
@Module({
  imports: [
    DaceModule.forRoot({ payments: {} }, { logger: false, isGlobal: false }),
  ],
})
class Importing {}

describe.each(platforms)(
  'A module on $platform that does not import a DaceModule which is not global',
  (platform) => {
    const start = () =>
      serve(
        { imports: [NotImporting, LedgerModule, Importing] },
        undefined,
        platform,
      );

    it('is protected, whatever the scope of its classes', async () => {
      const [one, other] = [await start(), await start()];

      expect((await one.get('/all')).status).toBe(200);

      expect(tally(one.app)).toEqual(times(5));
      expect(tally(other.app)).toEqual(times(0));
    });

    it('is protected in its middleware', async () => {
      const [one, other] = [await start(), await start()];

      expect((await other.get('/watched')).status).toBe(200);

      expect(tally(other.app)).toEqual(times(1));
      expect(tally(one.app)).toEqual(times(0));
    });
  },
);
