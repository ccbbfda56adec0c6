import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { firstValueFrom, Observable, of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import {
  Call,
  DaceCall,
  DaceRegistry,
  FaultTolerant,
  firstFailure,
} from 'nestjs-dace';
import {
  DaceTestingModule,
  ManualClock,
  unprotected,
} from 'nestjs-dace/testing';
import { errorOf, hang, watch } from '../support/core-toolkit.js';

@Injectable()
class Invoices {
  runs = 0;
  readonly #secret = 'private';

  @FaultTolerant('payments', { fallback: () => 'spare', retry: { on: 'any' } })
  async fails(): Promise<string> {
    this.runs += 1;
    throw new Error('as written');
  }

  @FaultTolerant('payments')
  async hangs(): Promise<string> {
    return hang();
  }

  @FaultTolerant('payments')
  async callsOthers(): Promise<string> {
    return `${await this.reads()} ${await this.helper()}`;
  }

  @FaultTolerant('search')
  async reads(): Promise<string> {
    return this.#secret;
  }

  async helper(): Promise<string> {
    return this.fails().catch((error: Error) => error.message);
  }

  @FaultTolerant('payments')
  stream(): Observable<string> {
    return of(this.#secret);
  }

  @FaultTolerant('payments')
  async attempt(@DaceCall() call: Call = Call.injected): Promise<number> {
    return call.attempt;
  }

  get secret(): string {
    return this.#secret;
  }
}

describe('DaceTestingModule.forRoot', () => {
  it('protects as the app does, on a clock in the hand of the test', async () => {
    const app = await Test.createTestingModule({
      imports: [
        DaceTestingModule.forRoot({
          payments: { timeoutMs: 100, circuit: { trip: firstFailure() } },
          search: {},
        }),
      ],
      providers: [Invoices],
    }).compile();
    await app.init();
    const invoices = app.get(Invoices);
    const clock = app.get(ManualClock);

    const call = watch(invoices.hangs());
    await clock.advance(99);
    expect(call.state).toBe('pending');
    await clock.advance(1);

    expect(call.error).toMatchObject({ code: 'DACE_TIMEOUT' });
    const state = () => app.get(DaceRegistry).get('payments').snapshot().state;
    expect(state()).toBe('open');
    await clock.advance(10_000);
    expect(state()).toBe('half-open');
    await app.close();
  });

  it('takes the options of the module, a clock of the test among them', async () => {
    const clock = new ManualClock();
    const app = await Test.createTestingModule({
      imports: [
        DaceTestingModule.forRoot(
          { payments: {} },
          { clock, defaults: { timeoutMs: 50 } },
        ),
      ],
      providers: [Invoices],
    }).compile();

    const call = watch(
      app
        .get(DaceRegistry)
        .get('payments')
        .execute(() => hang()),
    );
    await clock.advance(50);

    expect(app.get(ManualClock)).toBe(clock);
    expect(call.error).toMatchObject({ code: 'DACE_TIMEOUT' });
    await app.close();
  });
});

describe('DaceTestingModule.unprotected', () => {
  it('runs the work once, as it is written', async () => {
    const app = await Test.createTestingModule({
      imports: [DaceTestingModule.unprotected(['payments', 'search'])],
      providers: [Invoices],
    }).compile();
    await app.init();
    const invoices = app.get(Invoices);

    expect(await errorOf(invoices.fails())).toMatchObject({
      message: 'as written',
    });
    expect(invoices.runs).toBe(1);
    expect(await invoices.attempt()).toBe(1);
    expect(await firstValueFrom(invoices.stream())).toBe('private');
    const { totals } = app.get(DaceRegistry).get('payments').snapshot();
    expect(totals.started).toBe(0);
    await app.close();
  });
});

describe('unprotected(instance)', () => {
  it('runs methods as they are written, without an app', async () => {
    const invoices = new Invoices();
    const bare = unprotected(invoices);

    expect(await errorOf(bare.fails())).toMatchObject({
      message: 'as written',
    });
    expect(bare.runs).toBe(1);
    bare.runs = 5;
    expect(invoices.runs).toBe(5);
    expect(bare).toBeInstanceOf(Invoices);
  });

  it('holds for the methods they call, with native private members', async () => {
    const bare = unprotected(new Invoices());

    expect(await bare.callsOthers()).toBe('private as written');
    expect(bare.secret).toBe('private');
    expect(await firstValueFrom(bare.stream())).toBe('private');
  });

  it('leaves the instance itself as it is', async () => {
    const invoices = new Invoices();
    await unprotected(invoices).reads();

    expect(await errorOf(invoices.reads())).toMatchObject({
      code: 'DACE_CONFIGURATION',
    });
  });

  it('says what is missing where a method uses its call', async () => {
    const bare = unprotected(new Invoices());

    expect((await errorOf(bare.attempt())).message).toContain(
      'Call.injected is only a placeholder',
    );
    const call = { attempt: 7 } as Call;
    expect(await bare.attempt(call)).toBe(7);
  });
});
