import { HttpModule, HttpService } from '@nestjs/axios';
import { Controller, Get, Param } from '@nestjs/common';
import { map, Observable } from 'rxjs';
import { describe, expect, it } from 'vitest';
import {
  DaceModule,
  FaultTolerant,
  firstFailure,
  InjectHttpService,
  type DependencyOptions,
} from 'nestjs-dace';
import { failing, hanging, upstream } from './http-service-app.js';
import {
  platforms,
  serve,
  startRequest,
  until,
  type Platform,
} from './nest-app.js';

@Controller('plain')
class PlainRoutes {
  constructor(private readonly http: HttpService) {}

  @Get(':id')
  read(@Param('id') id: string): Observable<unknown> {
    return this.http
      .get(`/accounts/${id}`, {
        baseURL: `${upstream.origin}/v1`,
        proxy: false,
      })
      .pipe(map(({ data }) => data));
  }
}

@Controller()
class Routes {
  constructor(
    @InjectHttpService('payments') private readonly http: HttpService,
  ) {}

  @Get('ours/:id')
  read(@Param('id') id: string): Observable<unknown> {
    return this.http.get(`/accounts/${id}`).pipe(map(({ data }) => data));
  }

  @Get('protected/:id')
  @FaultTolerant('payments')
  readProtected(@Param('id') id: string): Observable<unknown> {
    return this.http.get(`/accounts/${id}`).pipe(map(({ data }) => data));
  }
}

const shop = (platform: Platform, options: DependencyOptions = {}) =>
  serve(
    {
      imports: [
        HttpModule,
        DaceModule.forRoot(
          { payments: { hosts: [`${upstream.origin}/v1`], ...options } },
          { logger: false, filter: true },
        ),
      ],
      controllers: [PlainRoutes, Routes],
    },
    undefined,
    platform,
  );

describe.each(platforms)('A route on $platform', (platform) => {
  it.each(['ours', 'protected'])(
    'answers the same through the drop-in: %s',
    async (kind) => {
      const { get, snapshot } = await shop(platform);
      const [plain, ours] = [await get('/plain/7'), await get(`/${kind}/7`)];

      expect(ours.status).toBe(plain.status);
      expect((await ours.json()) as object).toEqual(await plain.json());
      expect(snapshot('payments').totals).toMatchObject({
        started: 1,
        succeeded: 1,
        attempts: 1,
      });
    },
  );

  it.each(['ours', 'protected'])(
    'answers once what was tried three times: %s',
    async (kind) => {
      upstream.answer(failing(503, 2));
      const { get, snapshot } = await shop(platform);

      const answer = await get(`/${kind}/7`);

      expect(answer.status).toBe(200);
      expect(upstream.requests).toHaveLength(3);
      expect(snapshot('payments').totals).toMatchObject({
        started: 1,
        succeeded: 1,
        attempts: 3,
      });
    },
  );

  it('answers an error of the upstream as it does a plain one', async () => {
    upstream.answer(failing(422));
    const { get } = await shop(platform);
    const [plain, ours] = [await get('/plain/7'), await get('/ours/7')];

    expect(ours.status).toBe(plain.status);
    expect(await ours.json()).toEqual(await plain.json());
  });

  it('answers 503 and when to come again where the drop-in refuses', async () => {
    upstream.answer(failing(500));
    const { get } = await shop(platform, {
      retry: false,
      circuit: { trip: firstFailure() },
    });
    await get('/ours/7');

    const refused = await get('/ours/7');

    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(upstream.requests).toHaveLength(1);
  });

  it('ends the request of the drop-in when its client hangs up', async () => {
    upstream.answer(hanging);
    const { url, snapshot } = await shop(platform);
    const client = startRequest(`${url}/protected/7`);
    await until(() => upstream.requests.length === 1);

    client.destroy();

    await until(() => upstream.cut === 1);
    expect(snapshot('payments').totals).toMatchObject({
      started: 1,
      cancelled: 1,
    });
  });
});
