import { HttpService } from '@nestjs/axios';
import type { AxiosInstance, AxiosStatic } from 'axios';
import { describe, expect, it } from 'vitest';
import { DropInHttpService } from '../../../lib/nest/drop-in-http-service.js';
import { getHttpServiceToken } from '../../../lib/nest/http-service.js';

/** What is given to the function that sends, and hands to settle it. */
function sending() {
  const asked: any[] = [];
  const answers: ((answer: unknown) => void)[] = [];
  const get = (url: string, config: object) => {
    asked.push([url, config]);
    return new Promise((resolve) => answers.push(resolve));
  };
  let made = 0;
  const service = new DropInHttpService(() => {
    made += 1;
    return { get } as unknown as AxiosInstance;
  });
  return { service, asked, answers, made: () => made };
}

const library = new HttpService().axiosRef as unknown as AxiosStatic;
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('The token of an HttpService', () => {
  it('reads well where Nest prints it', () => {
    expect(getHttpServiceToken('payments')).toBe('DaceHttpService:payments');
  });
});

describe('A drop-in HttpService', () => {
  it('is an HttpService, whose instance is made once, when asked for', () => {
    const { service, made } = sending();

    expect(service).toBeInstanceOf(HttpService);
    expect(made()).toBe(0);
    expect(service.axiosRef).toBe(service.axiosRef);
    expect(made()).toBe(1);
  });

  it('is given the axios that @nestjs/axios uses', () => {
    let given: AxiosStatic | undefined;
    const service = new DropInHttpService((own) => {
      given = own;
      return own.create();
    });

    expect(service.axiosRef).toBeTypeOf('function');
    expect(given).toBe(library);
  });

  it('sends nothing before it is subscribed to', () => {
    const { service, asked } = sending();

    service.get('/a');

    expect(asked).toEqual([]);
  });

  it('leaves the caller’s config as it is', () => {
    const { service, asked } = sending();
    const config = Object.freeze({ timeout: 5 });

    service.get('/a', config).subscribe();
    service.get('/a', config).subscribe();

    expect(asked.map(([url, { timeout }]) => [url, timeout])).toEqual([
      ['/a', 5],
      ['/a', 5],
    ]);
    expect(asked[0][1].cancelToken).not.toBe(asked[1][1].cancelToken);
  });

  it('cancels the one that is unsubscribed from, and no other', async () => {
    const { service, asked } = sending();
    const requests = service.get('/a');
    const first = requests.subscribe();
    requests.subscribe();

    first.unsubscribe();

    expect(asked[0][1].cancelToken.reason).toBeDefined();
    expect(asked[1][1].cancelToken.reason).toBeUndefined();
  });

  it('cancels nothing that has been answered', async () => {
    const { service, asked, answers } = sending();
    const seen: unknown[] = [];
    service.get('/a').subscribe({
      next: (answer) => seen.push(answer),
      complete: () => seen.push('complete'),
    });

    answers[0]?.('answer');
    await settled();

    expect(seen).toEqual(['answer', 'complete']);
    expect(asked[0][1].cancelToken.reason).toBeUndefined();
  });

  it('cancels beside the caller’s own means, which stays', () => {
    const { service, asked } = sending();
    const { token: cancelToken } = library.CancelToken.source();
    const caller = new AbortController();

    service
      .get('/a', { cancelToken, signal: caller.signal })
      .subscribe()
      .unsubscribe();

    expect(asked[0][1]).toMatchObject({
      cancelToken,
      signal: { aborted: true },
    });
    expect(caller.signal.aborted).toBe(false);
  });
});
