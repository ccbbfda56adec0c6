import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fetch, interceptors, request } from 'undici';
import {
  createDependency,
  type Call,
  type Dependency,
  type DependencyOptions,
} from '../../lib/core.js';
import { ManualClock } from '../../lib/testing/manual-clock.js';
import { echo, until, Upstream } from '../support/http-upstream.js';

const HEADER = 'x-request-timeout-ms';

let upstream: Upstream;
let other: Upstream;
let clock: ManualClock;
let made: Dependency[] = [];

beforeEach(async () => {
  clock = new ManualClock();
  made = [];
  [upstream, other] = await Promise.all([
    Upstream.start(echo),
    Upstream.start(echo),
  ]);
});
afterEach(async () => {
  await Promise.all(made.map((dependency) => dependency.close()));
  await Promise.all([upstream.stop(), other.stop()]);
});

function payments(options: DependencyOptions = {}): Dependency {
  const dependency = createDependency(
    'payments',
    {
      hosts: [upstream.origin],
      propagateDeadline: true,
      timeoutMs: 4_000,
      ...options,
    },
    { clock, random: () => 0.5 },
  );
  made.push(dependency);
  return dependency;
}

/** What each request of an upstream said of the time it has, oldest first. */
const told = ({ requests }: Upstream, header = HEADER): unknown[] =>
  requests.map(({ headers }) => headers[header]);

const ways: Record<string, (call: Call) => Promise<unknown>> = {
  'call.http': (call) => call.http.get('/'),
  'call.http with a body': (call) => call.http.post('/', { a: 1 }),
  'fetch over call.agent': async (call) =>
    (await fetch(`${call.baseUrl}/`, { dispatcher: call.agent })).text(),
  'request over call.agent': async (call) =>
    (
      await request(`${call.baseUrl}/`, {
        dispatcher: call.agent,
        headers: { accept: '*/*' },
      })
    ).body.text(),
};

describe('A request, with propagateDeadline', () => {
  it.each(Object.entries(ways))(
    'says in whole milliseconds what is left of its attempt: %s',
    async (_name, send) => {
      const dependency = payments({ attemptTimeoutMs: 1_500.75 });
      await dependency.execute(send);
      await dependency.execute(async (call) => {
        await clock.advance(500);
        return send(call);
      });
      expect(told(upstream)).toEqual(['1500', '1000']);
    },
  );

  it('says it for dependency.http too', async () => {
    await payments().http.get('/');
    expect(told(upstream)).toEqual(['4000']);
  });

  it('never says less than 1', async () => {
    await payments({ timeoutMs: 1.5 }).execute(async (call) => {
      await clock.advance(1);
      return call.http.get('/');
    });
    expect(told(upstream)).toEqual(['1']);
  });

  it('says it anew at each try', async () => {
    upstream.answer((_request, response) => {
      response.statusCode = upstream.requests.length < 3 ? 503 : 200;
      response.end();
    });
    const dependency = payments({ retry: { backoff: { delayMs: 100 } } });
    const answer = dependency.http.get('/');
    for (const tries of [1, 2]) {
      await until(
        () => clock.pending > 0 && upstream.requests.length === tries,
      );
      await until(() => dependency.snapshot().inFlight === 0);
      await clock.advance(tries * 100);
    }
    await answer;
    expect(told(upstream)).toEqual(['4000', '3900', '3700']);
  });

  it('says what is left of the deadline that its call inherits', async () => {
    const outer = createDependency(
      'outer',
      { propagateDeadline: true, timeoutMs: 700 },
      { clock },
    );
    const inner = payments();
    await outer.execute(() => inner.http.get('/'));
    expect(told(upstream)).toEqual(['700']);
  });

  it('says its own timeout where that is earlier', async () => {
    await payments().http.get('/', { timeout: 250 });
    await payments({ timeoutMs: false }).http.get('/', { timeout: 9_000 });
    await payments().http.get('/', { timeout: 9_000 });
    expect(told(upstream)).toEqual(['250', '9000', '4000']);
  });

  it('says nothing where nothing bounds it', async () => {
    await payments({ timeoutMs: false }).http.get('/');
    await payments({ enabled: false }).execute((call) => call.http.get('/'));
    await payments().execute(
      () => {
        throw new Error('down');
      },
      { fallback: (_error: unknown, call) => call.http.get('/') },
    );
    await payments({ propagateDeadline: false }).http.get('/');
    expect(told(upstream)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('takes the header that the dependency names', async () => {
    const dependency = payments({
      propagateDeadline: { header: 'X-Envoy-Expected-Rq-Timeout-Ms' },
    });
    await dependency.http.get('/');
    dependency.configure({ propagateDeadline: { header: 'x-other' } });
    await dependency.http.get('/');
    dependency.configure({ propagateDeadline: false });
    await dependency.http.get('/');
    expect(told(upstream, 'x-envoy-expected-rq-timeout-ms')).toEqual([
      '4000',
      undefined,
      undefined,
    ]);
    expect(told(upstream, 'x-other')).toEqual([undefined, '4000', undefined]);
  });
});

describe('The deadline header', () => {
  it('is the caller’s own where he set it, in any case and on any way', async () => {
    const headers = { 'X-Request-Timeout-MS': '77' };
    const dependency = payments();
    await dependency.http.get('/', { headers });
    await dependency.execute((call) =>
      fetch(`${call.baseUrl}/`, { dispatcher: call.agent, headers }).then((a) =>
        a.text(),
      ),
    );
    await payments({ http: { headers } }).http.get('/');
    await payments({
      http: {
        onRequest: (config) => {
          config.headers.set(HEADER, '77');
        },
      },
    }).http.get('/');
    expect(told(upstream)).toEqual(['77', '77', '77', '77']);
  });

  it('can be switched off for one request, as any header of axios', async () => {
    await payments().http.get('/', { headers: { [HEADER]: false } });
    expect(told(upstream)).toEqual([undefined]);
  });

  it('is told anew after a redirect within the dependency', async () => {
    upstream.answer((incoming, response) => {
      if (incoming.url === '/end') {
        response.end();
        return;
      }
      void clock.advance(300).then(() => {
        response.writeHead(302, { location: '/end' });
        response.end();
      });
    });
    await payments().http.get('/');
    await payments().http.get('/', { timeout: 1_000 });
    expect(told(upstream)).toEqual(['4000', '3700', '1000', '700']);
  });

  it('goes along to another host of the dependency', async () => {
    upstream.answer((_request, response) => {
      response.writeHead(302, { location: other.origin });
      response.end();
    });
    const dependency = payments({ hosts: [upstream.origin, other.origin] });
    await dependency.execute((call) => call.http.get(upstream.origin));
    expect(told(other)).toEqual(['4000']);
  });

  it('stays behind when a redirect leads to somebody else', async () => {
    upstream.answer((_request, response) => {
      response.writeHead(307, { location: other.origin });
      response.end();
    });
    const dependency = payments({ http: { allowOtherHosts: true } });
    await dependency.http.get('/');
    await dependency.execute((call) =>
      request(call.baseUrl!, {
        dispatcher: call.agent.compose(
          interceptors.redirect({ maxRedirections: 2 }),
        ),
      }).then(({ body }) => body.text()),
    );
    await dependency.execute((call) =>
      fetch(call.baseUrl!, { dispatcher: call.agent }).then((a) => a.text()),
    );
    expect(told(upstream)).toEqual(['4000', '4000', '4000']);
    expect(told(other)).toEqual([undefined, undefined, undefined]);
  });

  it('is sent to nobody else, nor by a dependency that has no hosts', async () => {
    await payments({ http: { allowOtherHosts: true } }).http.get(other.origin);
    await payments({ hosts: undefined }).http.get(other.origin);
    expect(told(other)).toEqual([undefined, undefined]);
  });
});
