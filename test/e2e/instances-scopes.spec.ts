import {
  Controller,
  Get,
  Inject,
  Injectable,
  Param,
  Scope,
} from '@nestjs/common';
import { ContextIdFactory, INQUIRER, ModuleRef, REQUEST } from '@nestjs/core';
import { describe, expect, it } from 'vitest';
import { FaultTolerant } from 'nestjs-dace';
import { Ledger, tally, times, twins } from './instances-apps.js';
import { platforms } from './nest-app.js';

let made = 0;

@Injectable()
class Payer {
  readonly serial = ++made;
  constructor(private readonly ledger: Ledger) {}
  @FaultTolerant('payments')
  async pay(): Promise<string> {
    return this.ledger.enter(`#${this.serial}`);
  }
}

const { DEFAULT, REQUEST: PER_REQUEST, TRANSIENT } = Scope;

describe.each(platforms)('A protected service on $platform', (platform) => {
  it.each([
    { name: 'a singleton', scope: DEFAULT, distinct: 1 },
    { name: 'request-scoped', scope: PER_REQUEST, distinct: 3 },
    { name: 'transient', scope: TRANSIENT, distinct: 1 },
  ])(
    'that is $name runs once a request, in its own app',
    async ({ scope, distinct }) => {
      @Controller()
      class Shop {
        constructor(private readonly payer: Payer) {}
        @Get()
        pay() {
          return this.payer.pay();
        }
      }
      const providers = [{ provide: Payer, useClass: Payer, scope }];
      const [one, other] = await twins(
        { controllers: [Shop], providers },
        platform,
      );

      const texts = [
        await (await one.get('/')).text(),
        await (await one.get('/')).text(),
        await (await one.get('/')).text(),
      ];
      await other.get('/');

      expect(new Set(texts).size).toBe(distinct);
      expect(one.app.get(Ledger).lines).toEqual(texts);
      expect(tally(one.app)).toEqual(times(3));
      expect(tally(other.app)).toEqual(times(1));
    },
  );

  it('that is transient is one for each that injects it, also inside a transient one', async () => {
    @Injectable({ scope: TRANSIENT })
    class Inner {
      constructor(
        @Inject(INQUIRER) private readonly owner: object,
        private readonly ledger: Ledger,
      ) {}
      @FaultTolerant('payments')
      async call(): Promise<string> {
        return this.ledger.enter(`inner of ${this.owner.constructor.name}`);
      }
    }
    @Injectable({ scope: TRANSIENT })
    class Outer {
      constructor(
        @Inject(INQUIRER) private readonly owner: object,
        readonly inner: Inner,
        private readonly ledger: Ledger,
      ) {}
      @FaultTolerant('payments')
      async call(): Promise<string> {
        return this.ledger.enter(`outer of ${this.owner.constructor.name}`);
      }
    }
    @Injectable()
    class Left {
      constructor(
        readonly outer: Outer,
        readonly inner: Inner,
      ) {}
    }
    @Controller()
    class Right {
      constructor(
        readonly outer: Outer,
        readonly inner: Inner,
        readonly left: Left,
      ) {}
      @Get()
      async all() {
        const { left, outer, inner } = this;
        const each = [left.outer, left.outer.inner, left.inner];
        for (const one of [...each, outer, outer.inner, inner])
          await one.call();
      }
    }
    const [one, other] = await twins(
      { controllers: [Right], providers: [Left, Outer, Inner] },
      platform,
    );

    await other.get('/');

    const { left, outer, inner } = other.app.get(Right);
    const instances = [left.outer, left.outer.inner, left.inner];
    instances.push(outer, outer.inner, inner);
    expect(new Set(instances).size).toBe(6);
    expect(other.app.get(Ledger).lines).toEqual([
      'outer of Left',
      'inner of Left',
      'inner of Left',
      'outer of Right',
      'inner of Right',
      'inner of Right',
    ]);
    expect(tally(other.app)).toEqual(times(6));
    expect(tally(one.app)).toEqual(times(0));
  });

  it('that a handler resolves or creates runs once each time', async () => {
    @Injectable({ scope: PER_REQUEST })
    class Scoped extends Payer {}
    @Controller()
    class Shop {
      constructor(private readonly modules: ModuleRef) {}
      @Get('resolved')
      async resolved() {
        return (await this.modules.resolve(Scoped)).pay();
      }
      @Get('shared')
      async shared() {
        const context = ContextIdFactory.create();
        this.modules.registerRequestByContextId({ url: 'none' }, context);
        const first = await this.modules.resolve(Scoped, context);
        const second = await this.modules.resolve(Scoped, context);
        return [await first.pay(), await second.pay()];
      }
      @Get('created')
      async created() {
        return (await this.modules.create(Payer)).pay();
      }
    }
    const [one, other] = await twins(
      { controllers: [Shop], providers: [Scoped] },
      platform,
    );

    const resolved = await (await one.get('/resolved')).text();
    const shared = (await (await one.get('/shared')).json()) as string[];
    const created = await (await one.get('/created')).text();

    expect(new Set([resolved, ...shared, created]).size).toBe(3);
    expect(tally(one.app)).toEqual(times(4));
    expect(tally(other.app)).toEqual(times(0));
  });
});

describe.each(platforms)('A protected route on $platform', (platform) => {
  it.each([
    { name: 'per request', scope: PER_REQUEST },
    { name: 'once', scope: DEFAULT },
  ])(
    'of a controller made $name runs once, on that controller',
    async ({ scope }) => {
      @Controller({ path: 'pay', scope })
      class Shop {
        readonly serial = ++made;
        constructor(private readonly ledger: Ledger) {}
        @Get(':account')
        @FaultTolerant('payments')
        async pay(@Param('account') account: string): Promise<string> {
          return this.ledger.enter(`${account} #${this.serial}`);
        }
      }
      const [one, other] = await twins({ controllers: [Shop] }, platform);

      const texts = await Promise.all(
        ['/pay/a', '/pay/b'].map(async (path) => (await one.get(path)).text()),
      );
      await other.get('/pay/c');

      const lines = one.app.get(Ledger).lines;
      expect([...lines].sort()).toEqual([...texts].sort());
      expect(texts.map((text) => text[0])).toEqual(['a', 'b']);
      const serials = new Set(texts.map((text) => text.slice(2)));
      expect(serials.size).toBe(scope === DEFAULT ? 1 : 2);
      expect(tally(one.app)).toEqual(times(2));
      expect(tally(other.app)).toEqual(times(1));
    },
  );

  it('of a controller that depends on the request sees that request, and runs once', async () => {
    @Injectable()
    class Who {
      constructor(
        @Inject(REQUEST) private readonly request: { url: string },
        private readonly ledger: Ledger,
      ) {}
      @FaultTolerant('payments')
      async asks(): Promise<string> {
        return this.ledger.enter(this.request.url);
      }
    }
    @Controller()
    class Shop {
      constructor(
        private readonly who: Who,
        private readonly ledger: Ledger,
      ) {}
      @Get('plain')
      plain() {
        return this.who.asks();
      }
      @Get('joined')
      @FaultTolerant('payments')
      async joined(): Promise<string> {
        this.ledger.enter('handler');
        return this.who.asks();
      }
    }
    const [one, other] = await twins(
      { controllers: [Shop], providers: [Who] },
      platform,
    );

    expect(await (await other.get('/plain?a')).text()).toBe('/plain?a');
    expect(tally(other.app)).toEqual(times(1));
    expect(await (await other.get('/joined?b')).text()).toBe('/joined?b');
    expect(other.app.get(Ledger).lines.slice(1)).toEqual([
      'handler',
      '/joined?b',
    ]);
    expect(tally(other.app)).toEqual({ ...times(2), bodies: 3 });
    expect(tally(one.app)).toEqual(times(0));
  });
});
