import {
  Controller,
  Global,
  Inject,
  Injectable,
  Module,
  type ModuleMetadata,
} from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { describe, expect, it } from 'vitest';
import { FaultTolerant } from 'nestjs-dace';
import {
  counting,
  Ledger,
  LedgerModule,
  tally,
  times,
} from './instances-apps.js';
import { platforms } from './nest-app.js';

const starting = ['onModuleInit', 'onApplicationBootstrap'];
const ending = [
  'onModuleDestroy',
  'beforeApplicationShutdown',
  'onApplicationShutdown',
];

@Injectable()
class Payer {
  constructor(private readonly ledger: Ledger) {}
  @FaultTolerant('payments')
  async pay(line: string): Promise<string> {
    return this.ledger.enter(line);
  }
}

/** Calls a protected method in every hook. */
@Injectable()
class Calling {
  constructor(private readonly payer: Payer) {}
  onModuleInit() {
    return this.payer.pay('onModuleInit');
  }
  onApplicationBootstrap() {
    return this.payer.pay('onApplicationBootstrap');
  }
  onModuleDestroy() {
    return this.payer.pay('onModuleDestroy');
  }
  beforeApplicationShutdown() {
    return this.payer.pay('beforeApplicationShutdown');
  }
  onApplicationShutdown() {
    return this.payer.pay('onApplicationShutdown');
  }
}

/** Every hook is protected itself. */
class Protected {
  @Inject() private readonly ledger!: Ledger;
  @FaultTolerant('payments')
  async onModuleInit(): Promise<void> {
    this.ledger.enter('onModuleInit');
  }
  @FaultTolerant('payments')
  async onApplicationBootstrap(): Promise<void> {
    this.ledger.enter('onApplicationBootstrap');
  }
  @FaultTolerant('payments')
  async onModuleDestroy(): Promise<void> {
    this.ledger.enter('onModuleDestroy');
  }
  @FaultTolerant('payments')
  async beforeApplicationShutdown(): Promise<void> {
    this.ledger.enter('beforeApplicationShutdown');
  }
  @FaultTolerant('payments')
  async onApplicationShutdown(): Promise<void> {
    this.ledger.enter('onApplicationShutdown');
  }
}

@Injectable()
class Service extends Protected {}
@Controller()
class Route extends Protected {}
@Module({})
class Hooked extends Protected {}

const hosts: [string, ModuleMetadata][] = [
  ['that calls a protected method', { providers: [Calling, Payer] }],
  ['that is protected, of a service', { providers: [Service] }],
  ['that is protected, of a controller', { controllers: [Route] }],
  ['that is protected, of a module', { imports: [Hooked] }],
];

describe.each(platforms)('A hook on $platform', (platform) => {
  async function start({ imports = [], ...rest }: ModuleMetadata) {
    const module = await Test.createTestingModule({
      imports: [...counting(), ...imports],
      ...rest,
    }).compile();
    const app = module.createNestApplication(platform.adapter(), {
      logger: false,
    });
    return app.init();
  }

  it.each(hosts)('%s runs once, in its own app', async (_, metadata) => {
    const [one, other] = [await start(metadata), await start(metadata)];
    expect(one.get(Ledger).lines).toEqual(starting);
    expect(tally(one)).toEqual(times(2));

    await one.close();

    expect(one.get(Ledger).lines).toEqual([...starting, ...ending]);
    expect(tally(one)).toEqual(times(5));
    expect(other.get(Ledger).lines).toEqual(starting);
    expect(tally(other)).toEqual(times(2));
    await other.close();
  });
});

describe('A hook of a global module', () => {
  @Global()
  @Module({ providers: [Calling, Payer] })
  class Everywhere {}

  it.each([
    ['before', [LedgerModule, Everywhere, ...counting()]],
    ['after', [...counting(), Everywhere]],
  ])(
    'imported %s DaceModule is served, at start and to the end',
    async (_, imports) => {
      const app = await Test.createTestingModule({ imports }).compile();
      await app.init();
      const ledger = app.get(Ledger);
      expect(tally(app)).toEqual(times(2));

      await app.close();

      expect(ledger.lines).toEqual([...starting, ...ending]);
      expect(tally(app)).toEqual(times(5));
    },
  );
});
