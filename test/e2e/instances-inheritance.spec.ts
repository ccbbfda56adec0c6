import {
  Controller,
  Get,
  Inject,
  Injectable,
  mixin,
  type Type,
} from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { DaceModule, FaultTolerant } from 'nestjs-dace';
import { Ledger, tally, times, twins } from './instances-apps.js';
import { platforms } from './nest-app.js';

const searching = DaceModule.forFeature({ search: {} });
const both = { imports: [searching] };

describe.each(platforms)('A controller on $platform', (platform) => {
  /** Three levels: what each overrides, and how, is in the names. */
  @Injectable()
  abstract class Top {
    constructor(protected readonly ledger: Ledger) {}
    protected abstract name(): string;

    @Get('inherited')
    @FaultTolerant('payments')
    async inherited(): Promise<string> {
      return this.ledger.enter(`top of ${this.name()}`);
    }
    @Get('redecorated')
    @FaultTolerant('payments')
    async redecorated(): Promise<string> {
      return this.ledger.enter('top');
    }
    @Get('bared')
    @FaultTolerant('payments')
    async bared(): Promise<string> {
      return this.ledger.enter('top');
    }
    @Get('raised')
    async raised(): Promise<string> {
      return this.ledger.enter('top');
    }
  }
  abstract class Middle extends Top {
    @Get('redecorated')
    @FaultTolerant('payments')
    override async redecorated(): Promise<string> {
      return `middle ${await super.redecorated()}`;
    }
    @Get('bared')
    override async bared(): Promise<string> {
      return `middle ${await super.bared()}`;
    }
  }
  @Controller('bottom')
  class Bottom extends Middle {
    protected name() {
      return 'bottom';
    }
    @Get('redecorated')
    @FaultTolerant('search')
    override async redecorated(): Promise<string> {
      return `bottom ${await super.redecorated()}`;
    }
    @Get('raised')
    @FaultTolerant('payments')
    override async raised(): Promise<string> {
      return `bottom ${await super.raised()}`;
    }
  }
  @Controller('sister')
  class Sister extends Middle {
    protected name() {
      return 'sister';
    }
    @Get('bared')
    override bared(): Promise<string> {
      this.ledger.enter('sister');
      return super.bared();
    }
  }

  it.each([
    ['/bottom/inherited', 'top of bottom', 1, 0],
    ['/sister/inherited', 'top of sister', 1, 0],
    // Its own operation of "search", with one of "payments" inside, which the middle one's joins.
    ['/bottom/redecorated', 'bottom middle top', 1, 1],
    ['/sister/redecorated', 'middle top', 1, 0],
    ['/bottom/bared', 'middle top', 1, 0],
    ['/sister/bared', 'middle top', 1, 0],
    ['/bottom/raised', 'bottom top', 1, 0],
    ['/sister/raised', 'top', 0, 0],
  ])(
    'of three levels answers %s with %s',
    async (path, text, payments, searches) => {
      const [one, other] = await twins(
        { ...both, controllers: [Bottom, Sister] },
        platform,
      );

      expect(await (await one.get(path)).text()).toBe(text);

      const bodies = path === '/sister/bared' ? 2 : 1;
      expect(tally(one.app)).toEqual({ ...times(payments), bodies });
      expect(tally(one.app, 'search')).toEqual({ ...times(searches), bodies });
      expect(tally(other.app)).toEqual(times(0));
      expect(tally(other.app, 'search')).toEqual(times(0));
    },
  );

  it('made of mixins is protected in each part, by the id it was made with', async () => {
    const Paying = <T extends Type<{ ledger: Ledger }>>(Base: T) => {
      class WithPay extends Base {
        @FaultTolerant('payments')
        async pay(): Promise<string> {
          return this.ledger.enter('paid');
        }
      }
      return WithPay;
    };
    const ClientOf = (id: string): Type<{ ask(): Promise<string> }> => {
      @Injectable()
      class Client {
        constructor(private readonly ledger: Ledger) {}
        @FaultTolerant(id as 'payments')
        async ask(): Promise<string> {
          return this.ledger.enter(`asked ${id}`);
        }
      }
      return mixin(Client);
    };
    const [Payments, Search] = [ClientOf('payments'), ClientOf('search')];
    class Plain {
      constructor(readonly ledger: Ledger) {}
    }
    @Controller()
    class Mixed extends Paying(Plain) {
      constructor(
        ledger: Ledger,
        @Inject(Payments) private readonly payments: { ask(): unknown },
        @Inject(Search) private readonly search: { ask(): unknown },
      ) {
        super(ledger);
      }
      @Get()
      async all() {
        return [
          await this.pay(),
          await this.payments.ask(),
          await this.search.ask(),
        ];
      }
    }
    const [one, other] = await twins(
      { ...both, controllers: [Mixed], providers: [Payments, Search] },
      platform,
    );

    const lines: unknown = await (await one.get('/')).json();

    expect(lines).toEqual(['paid', 'asked payments', 'asked search']);
    expect(one.app.get(Ledger).lines).toEqual(lines);
    expect(tally(one.app)).toEqual({ ...times(2), bodies: 3 });
    expect(tally(one.app, 'search')).toEqual({ ...times(1), bodies: 3 });
    expect(tally(other.app)).toEqual(times(0));
  });
});
