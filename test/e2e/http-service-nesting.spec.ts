import { HttpService } from '@nestjs/axios';
import { Injectable } from '@nestjs/common';
import { firstValueFrom, map, Observable } from 'rxjs';
import { describe, expect, it } from 'vitest';
import {
  DaceModule,
  DaceRegistry,
  FaultTolerant,
  InjectDependency,
  InjectHttpService,
  type Clock,
  type Dependency,
  type DependencyOptions,
} from 'nestjs-dace';
import { ManualClock } from 'nestjs-dace/testing';
import { errorOf } from '../support/core-toolkit.js';
import { failing, hanging, started, upstream } from './http-service-app.js';
import { until } from './nest-app.js';

@Injectable()
class Shop {
  /** Set by a test: whatever it wants to do with what was begun. */
  later: Observable<unknown> | undefined;

  constructor(
    @InjectHttpService('payments') readonly http: HttpService,
    @InjectHttpService('search') readonly searches: HttpService,
    @InjectDependency('payments') readonly payments: Dependency,
  ) {}

  @FaultTolerant('payments')
  async balance(): Promise<unknown> {
    return (await firstValueFrom(this.http.get('/balance'))).data;
  }

  @FaultTolerant('payments')
  watch(): Observable<unknown> {
    return this.http.get('/balance').pipe(map(({ data }) => data));
  }

  @FaultTolerant('payments')
  async both(): Promise<unknown[]> {
    const one = await firstValueFrom(this.http.get('/one'));
    const two = await this.http.axiosRef.get('/two');
    return [one.data.url, two.data.url];
  }

  @FaultTolerant('payments')
  async charge(): Promise<unknown> {
    await firstValueFrom(this.http.post('/charge'));
    return (await firstValueFrom(this.http.get('/receipt'))).data;
  }

  @FaultTolerant('payments')
  async find(): Promise<unknown> {
    return (await firstValueFrom(this.searches.get('/find'))).data;
  }

  @FaultTolerant('payments', { fallback: 'spare' })
  async spared(): Promise<unknown> {
    return (await firstValueFrom(this.http.get('/balance'))).data;
  }
  spare(): string {
    return 'spare';
  }

  @FaultTolerant('payments')
  async begin(): Promise<void> {
    this.later = this.http.get('/later');
  }
}

async function shop(options: DependencyOptions = {}, clock?: Clock) {
  const hosts = [upstream.origin];
  const app = await started({
    imports: [
      DaceModule.forRoot(
        { payments: { hosts, ...options }, search: { hosts } },
        { logger: false, clock },
      ),
    ],
    providers: [Shop],
  });
  const registry = app.get(DaceRegistry);
  return {
    shop: app.get(Shop),
    totals: (id: string) => registry.get(id).snapshot().totals,
    payments: registry.get('payments'),
  };
}

describe('A request of the drop-in in a protected method of its dependency', () => {
  it.each<[string, (of: Shop) => Promise<unknown>]>([
    ['a Promise', (of) => of.balance()],
    ['an Observable', (of) => firstValueFrom(of.watch())],
  ])('is part of its attempt: one of %s', async (_kind, call) => {
    upstream.answer(failing(503));
    const { shop: of, totals } = await shop();

    await errorOf(call(of));

    expect(upstream.requests).toHaveLength(3);
    expect(totals('payments')).toMatchObject({
      started: 1,
      failed: 1,
      attempts: 3,
    });
  });

  it('needs no permit of its own', async () => {
    const { shop: of, totals } = await shop({ maxOpenPerNetloc: 1 });

    expect(await of.both()).toEqual(['/one', '/two']);
    expect(totals('payments')).toMatchObject({ started: 1, attempts: 1 });
  });

  it('keeps the attempt from being repeated when it was a POST', async () => {
    upstream.answer(failing(503));
    const { shop: of, totals } = await shop();

    expect(await errorOf(of.charge())).toMatchObject({
      response: { status: 503 },
    });
    expect(totals('payments')).toMatchObject({ failed: 1, attempts: 1 });
    expect(upstream.requests).toHaveLength(1);
  });

  it('ends with the attempt', async () => {
    upstream.answer(hanging);
    const clock = new ManualClock();
    const { shop: of, totals } = await shop({ timeoutMs: 50 }, clock);

    const error = errorOf(of.balance());
    await until(() => upstream.requests.length === 1);
    await clock.advance(50);
    expect(await error).toMatchObject({ code: 'DACE_TIMEOUT' });

    await until(() => upstream.cut === 1);
    expect(totals('payments')).toMatchObject({ started: 1, failed: 1 });
  });

  it('is served by the method’s fallback', async () => {
    upstream.answer(failing(503));
    const { shop: of, totals } = await shop();

    expect(await of.spared()).toBe('spare');
    expect(totals('payments')).toMatchObject({ started: 1, fallbacks: 1 });
  });

  it('is an operation of its own when it is begun after that', async () => {
    const { shop: of, totals } = await shop();
    await of.begin();

    await firstValueFrom(of.later!);

    expect(totals('payments')).toMatchObject({ started: 2, succeeded: 2 });
  });

  it('runs the interceptors once for each attempt', async () => {
    upstream.answer(failing(503, 2));
    const { shop: of } = await shop();
    let runs = 0;
    of.http.axiosRef.interceptors.request.use((config) => {
      runs += 1;
      return config;
    });

    await of.balance();

    expect(runs).toBe(3);
  });
});

describe('A request of the drop-in elsewhere', () => {
  it('in a protected method of another dependency is an operation of its own', async () => {
    upstream.answer(failing(503));
    const { shop: of, totals } = await shop();

    await errorOf(of.find());

    expect(totals('search')).toMatchObject({ started: 1, attempts: 3 });
    expect(totals('payments')).toMatchObject({ started: 1, failed: 1 });
    expect(upstream.requests).toHaveLength(3);
  });

  it('in an execute of its dependency is part of its attempt as well', async () => {
    upstream.answer(failing(503));
    const { shop: of, totals } = await shop();

    await errorOf(
      of.payments.execute(() => firstValueFrom(of.http.get('/balance'))),
    );

    expect(totals('payments')).toMatchObject({ started: 1, attempts: 3 });
    expect(upstream.requests).toHaveLength(3);
  });

  it('in a protected method of another app is an operation of its own', async () => {
    const [one, other] = [await shop(), await shop()];

    await one.payments.execute(() =>
      firstValueFrom(other.shop.http.get('/balance')),
    );

    expect(one.totals('payments')).toMatchObject({ started: 1, succeeded: 1 });
    expect(other.totals('payments')).toMatchObject({ started: 1, attempts: 1 });
  });
});
