import { firstValueFrom, take } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { errorOf } from '../support/core-toolkit.js';
import type { Route } from '../support/http-upstream.js';
import { failing, start, upstream } from './http-service-app.js';
import { until } from './nest-app.js';

/** More than the buffers between the two hold. */
const BIG = 'x'.repeat(1_000_000);
/** Goes on for as long as somebody is there. */
const endless =
  (status = 200): Route =>
  (_request, response) => {
    response.writeHead(status);
    const more = (): void => {
      while (response.write(BIG));
    };
    response.on('drain', more);
    more();
  };

describe('A streamed answer of the drop-in', () => {
  it('is read on after its Observable has completed', async () => {
    upstream.answer((_request, response) => void response.end(BIG));
    const { http, payments } = await start();

    const { data } = await firstValueFrom(
      http
        .get<AsyncIterable<Buffer>>('/a', { responseType: 'stream' })
        .pipe(take(1)),
    );
    expect(payments.snapshot().totals).toMatchObject({ succeeded: 1 });
    let bytes = 0;
    for await (const chunk of data) bytes += chunk.length;

    expect(bytes).toBe(BIG.length);
    expect(payments.snapshot().totals).toMatchObject({ cancelled: 0 });
  });

  it('holds its permit until it has been destroyed', async () => {
    upstream.answer(endless());
    const { http, payments } = await start({ maxOpenPerNetloc: 1 });
    const stream = { responseType: 'stream' } as const;
    const { data } = await firstValueFrom(http.get('/a', stream));
    const next = firstValueFrom(http.get('/b', stream));
    expect(payments.snapshot().queued).toBe(1);

    data.destroy();

    expect((await next).status).toBe(200);
    (await next).data.destroy();
  });

  it('of a try that is repeated does not keep the next one from its permit', async () => {
    upstream.answer((request, response) =>
      endless(upstream.requests.length < 3 ? 503 : 200)(request, response),
    );
    const { http, totals } = await start({ maxOpenPerNetloc: 1 });

    const { status, data } = await firstValueFrom(
      http.get('/a', { responseType: 'stream' }),
    );
    data.destroy();

    expect(status).toBe(200);
    expect(totals()).toMatchObject({ succeeded: 1, attempts: 3 });
    await until(() => upstream.cut === 3);
  });

  it('of the last try is there to be read', async () => {
    upstream.answer(failing(503));
    const { http } = await start();

    const { response } = await errorOf(
      firstValueFrom(http.get('/a', { responseType: 'stream' })),
    );
    let text = '';
    for await (const chunk of response.data) text += String(chunk);

    expect(text).toBe('no');
  });

  it('ends with the caller’s signal', async () => {
    upstream.answer(endless());
    const { http } = await start();
    const caller = new AbortController();
    const { data } = await firstValueFrom(
      http.get('/a', { responseType: 'stream', signal: caller.signal }),
    );

    caller.abort();

    await until(() => data.destroyed);
    await until(() => upstream.cut === 1);
  });
});
