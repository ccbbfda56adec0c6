import {
  Controller,
  forwardRef,
  Get,
  Inject,
  Injectable,
  Module,
  Scope,
} from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { DaceModule, FaultTolerant } from 'nestjs-dace';
import { Ledger, tally, times, twins } from './instances-apps.js';
import { platforms } from './nest-app.js';

interface Talker {
  readonly partner: Talker;
  speak(rounds: number): Promise<string>;
}

/** Two services that ask each other, each protected by a dependency of its own module. */
function pair(scope: Scope) {
  @Injectable({ scope })
  class First implements Talker {
    constructor(
      @Inject(forwardRef(() => Second)) readonly partner: Talker,
      private readonly ledger: Ledger,
    ) {}
    @FaultTolerant('first')
    async speak(rounds: number): Promise<string> {
      this.ledger.enter('first');
      return rounds === 0 ? '1' : `1${await this.partner.speak(rounds - 1)}`;
    }
  }
  @Injectable({ scope })
  class Second implements Talker {
    @Inject(forwardRef(() => First)) readonly partner!: Talker;
    constructor(private readonly ledger: Ledger) {}
    @FaultTolerant('second')
    async speak(rounds: number): Promise<string> {
      this.ledger.enter('second');
      return rounds === 0 ? '2' : `2${await this.partner.speak(rounds - 1)}`;
    }
  }
  @Module({
    imports: [
      forwardRef(() => SecondModule),
      DaceModule.forFeature({ first: {} }),
    ],
    providers: [First],
    exports: [First],
  })
  class FirstModule {}
  @Module({
    imports: [
      forwardRef(() => FirstModule),
      DaceModule.forFeature({ second: {} }),
    ],
    providers: [Second],
    exports: [Second],
  })
  class SecondModule {}
  @Controller()
  class Talk {
    constructor(
      private readonly first: First,
      private readonly second: Second,
    ) {}
    @Get()
    async both() {
      return [await this.first.speak(3), await this.second.speak(0)];
    }
  }
  return { imports: [FirstModule, SecondModule], controllers: [Talk] };
}

describe.each(platforms)('A circle on $platform', (platform) => {
  it.each([
    ['singletons', Scope.DEFAULT],
    ['request-scoped services', Scope.REQUEST],
  ])(
    'of %s in a circle of modules runs each method once a call, in its own app',
    async (_, scope) => {
      const [one, other] = await twins(pair(scope), platform);

      expect(await (await one.get('/')).json()).toEqual(['1212', '2']);

      expect(one.app.get(Ledger).lines).toEqual([
        'first',
        'second',
        'first',
        'second',
        'second',
      ]);
      // The inner call of each is part of its outer one.
      expect(tally(one.app, 'first')).toEqual({ ...times(1), bodies: 5 });
      expect(tally(one.app, 'second')).toEqual({ ...times(2), bodies: 5 });
      for (const id of ['first', 'second'])
        expect(tally(other.app, id)).toEqual(times(0));
    },
  );
});
