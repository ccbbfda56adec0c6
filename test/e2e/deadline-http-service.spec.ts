import { firstValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { withDeadline } from 'nestjs-dace';
import { ManualClock } from 'nestjs-dace/testing';
import { start, upstream } from './http-service-app.js';

const HEADER = 'x-request-timeout-ms';
const told = (): unknown[] =>
  upstream.requests.map(({ headers }) => headers[HEADER]);
const handedOn = (timeoutMs: number | false = 4_000) =>
  start(
    { propagateDeadline: true, timeoutMs },
    {},
    { clock: new ManualClock() },
  );

describe('The drop-in HttpService, with propagateDeadline', () => {
  it('says what is left of each of its requests', async () => {
    const { http } = await handedOn();
    await firstValueFrom(http.get('/a'));
    await http.axiosRef.post('/b', { amount: 5 });
    expect(told()).toEqual(['4000', '4000']);
  });

  it('says it anew at each try, and writes it into no config', async () => {
    const clock = new ManualClock();
    upstream.answer((_request, response) => {
      response.statusCode = upstream.requests.length === 1 ? 503 : 200;
      void clock.advance(250).then(() => response.end());
    });
    const { http } = await start(
      { propagateDeadline: true, timeoutMs: 4_000 },
      {},
      { clock },
    );
    const answer = await firstValueFrom(http.get('/'));
    expect(told()).toEqual(['4000', '3750']);
    expect(answer.config.headers.has(HEADER)).toBe(false);

    await http.axiosRef.request(answer.config);
    expect(told()).toEqual(['4000', '3750', '4000']);
  });

  it('leaves a header of an interceptor as it is', async () => {
    const { http } = await handedOn();
    http.axiosRef.interceptors.request.use((config) => {
      config.headers.set(HEADER, '77');
      return config;
    });
    await firstValueFrom(http.get('/'));
    expect(told()).toEqual(['77']);
  });

  it('says nothing where nothing bounds it, and refuses where no time is left', async () => {
    const { http, totals } = await handedOn(false);
    await firstValueFrom(http.get('/'));
    expect(told()).toEqual([undefined]);

    const late = withDeadline(0, () => firstValueFrom(http.get('/')));
    await expect(late).rejects.toMatchObject({ code: 'DACE_TIMEOUT' });
    expect(told()).toEqual([undefined]);
    expect(totals()).toMatchObject({ refused: 1, attempts: 1 });
  });
});
