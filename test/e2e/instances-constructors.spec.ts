import {
  forwardRef,
  Inject,
  Injectable,
  Scope,
  type ModuleMetadata,
} from '@nestjs/common';
import { ContextIdFactory, ModuleRef } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { firstValueFrom, Observable, of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { FaultTolerant } from 'nestjs-dace';
import { errorOf } from '../support/core-toolkit.js';
import { counting, Ledger, tally, times } from './instances-apps.js';

async function start(metadata: ModuleMetadata) {
  const app = await Test.createTestingModule({
    imports: counting(),
    ...metadata,
  }).compile();
  return app.init();
}

describe('A protected method that is called in a constructor', () => {
  @Injectable()
  class Eager {
    readonly answer: Promise<string>;
    rate = 1;
    constructor(private readonly ledger: Ledger) {
      this.answer = this.load();
      this.rate = 2;
    }
    @FaultTolerant('payments')
    async load(): Promise<string> {
      return this.ledger.enter(`rate ${this.rate}`);
    }
  }

  it.each([
    ['a singleton', Scope.DEFAULT],
    ['request-scoped', Scope.REQUEST],
    ['transient', Scope.TRANSIENT],
  ])('of %s runs once the instance is bound', async (_, scope) => {
    @Injectable()
    class Own extends Eager {}
    const providers = [{ provide: Own, useClass: Own, scope }];
    const running = await start({ providers });
    const before = tally(running);
    const app = await start({ providers });
    const eager = await app.resolve(Own, ContextIdFactory.create());

    expect(await eager.answer).toBe('rate 2');
    expect(tally(app)).toEqual(times(1));
    expect(tally(running)).toEqual(before);
    await running.close();
    await app.close();
  });

  it('that ModuleRef.create calls runs once the instance is bound', async () => {
    @Injectable()
    class Own extends Eager {}
    const [running, app] = [await start({}), await start({})];

    const eager = await app.get(ModuleRef).create(Own);

    expect(await eager.answer).toBe('rate 2');
    expect(tally(app)).toEqual(times(1));
    expect(tally(running)).toEqual(times(0));
    await running.close();
    await app.close();
  });

  it('for an Observable runs at each subscription', async () => {
    @Injectable()
    class Prices {
      readonly all$ = this.stream();
      constructor(private readonly ledger: Ledger) {}
      @FaultTolerant('payments')
      stream(): Observable<string> {
        return of(this.ledger.enter('price'));
      }
    }
    const running = await start({});
    const app = await start({ providers: [Prices] });
    expect(tally(app)).toEqual(times(0));

    for (const _ of [1, 2])
      expect(await firstValueFrom(app.get(Prices).all$)).toBe('price');

    expect(tally(app)).toEqual(times(2));
    expect(tally(running)).toEqual(times(0));
    await running.close();
    await app.close();
  });

  it('in a circle of forwardRefs is refused: Nest does not keep the object that it constructs', async () => {
    const errors: Promise<Error>[] = [];
    @Injectable()
    class First {
      constructor(
        @Inject(forwardRef(() => Second)) readonly second: object,
        private readonly ledger: Ledger,
      ) {
        errors.push(errorOf(this.load()));
      }
      @FaultTolerant('payments')
      async load(): Promise<string> {
        return this.ledger.enter('first');
      }
    }
    @Injectable()
    class Second {
      constructor(@Inject(forwardRef(() => First)) readonly first: object) {}
    }
    const app = await start({
      imports: counting(),
      providers: [First, Second],
    });

    const [error] = await Promise.all(errors);

    expect(error!.message).toContain('First.load');
    expect(error!.message).toContain('onModuleInit');
    expect(await app.get(First).load()).toBe('first');
    expect(tally(app)).toEqual(times(1));
    await app.close();
  });
});
