import { inspect } from 'node:util';
import axios from 'axios';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createDependency,
  type Call,
  type DaceEvent,
  type Dependency,
} from '../../lib/core.js';
import { Upstream } from '../support/http-upstream.js';

const CALLS = 1_000;
const AT_ONCE = 100;
const SECRETS = {
  authorization: 'Bearer tkn-authorization-51',
  cookie: 'session=tkn-cookie-52',
  'x-api-key': 'tkn-own-header-53',
  'x-tenant-key': 'tkn-default-header-54',
};
const PASSWORD = 'tkn-password-55';
const TOKENS = [
  ...Object.values(SECRETS),
  PASSWORD,
  Buffer.from(`user:${PASSWORD}`).toString('base64'),
];
/** What no text may hold: `tkn-` begins every secret. */
const isLeak = (text: string): boolean =>
  text.includes('tkn-') || TOKENS.some((token) => text.includes(token));

const json = (thing: unknown): string => {
  try {
    return JSON.stringify(thing) ?? '';
  } catch (error) {
    return (error as Error).message; // Circular: whoever logs it gets no text.
  }
};

/** Every way in which a thing ends up in a log. */
function textsOf(thing: unknown): string[] {
  const texts = [inspect(thing, { depth: 10 }), String(thing), json(thing)];
  if (thing instanceof Error) {
    texts.push(thing.stack ?? '', thing.message);
    if (thing.cause !== undefined) texts.push(...textsOf(thing.cause));
  }
  return texts;
}

describe('After a thousand failing calls with credentials', () => {
  let upstream: Upstream;
  let payments: Dependency;
  let lines: string[];
  let events: DaceEvent[];

  beforeEach(async () => {
    lines = [];
    events = [];
    upstream = await Upstream.start((request, response) => {
      const { pathname } = new URL(request.url!, 'http://here');
      if (pathname === '/reset') request.socket.destroy();
      else if (pathname === '/broken') {
        response.statusCode = 500;
        response.end('broken');
      }
      // Else it never answers.
    });
    const say = (line: string): void => void lines.push(line);
    payments = createDependency(
      'payments',
      {
        hosts: [upstream.origin],
        timeoutMs: 5_000,
        attemptTimeoutMs: 300,
        maxOpenPerNetloc: AT_ONCE,
        abandonAfterMs: 1_000,
        shutdownGraceMs: 0,
        retry: { onTimeout: true },
        http: {
          poolSize: AT_ONCE,
          headers: { 'x-tenant-key': () => SECRETS['x-tenant-key'] },
          secretHeaders: ['X-Api-Key', 'x-tenant-key'],
        },
      },
      {
        logger: { log: say, warn: say, error: say, debug: say },
        onEvent: (event) => void events.push(event),
      },
    );
    payments.control('metrics-only');
  });

  afterEach(async () => {
    await payments.close();
    await upstream.stop();
  });

  const headers = {
    Authorization: SECRETS.authorization,
    Cookie: SECRETS.cookie,
    'X-API-Key': SECRETS['x-api-key'],
  };
  const kinds = ['/broken', '/reset', '/hang'] as const;
  const faces = [
    (url: string) => payments.http.get(url, { headers }),
    (url: string) => payments.http.post(url, { a: 1 }, { headers }),
    (url: string) =>
      payments.http.get(url, {
        headers: { Cookie: SECRETS.cookie, 'x-api-key': SECRETS['x-api-key'] },
        auth: { username: 'user', password: PASSWORD },
      }),
    (url: string) =>
      payments.execute((call: Call) => call.http.get(url, { headers })),
    (url: string) =>
      payments.execute((call: Call) =>
        call.http.get(url, { headers }).catch((error) => call.retry(error)),
      ),
  ];

  async function failAll(): Promise<unknown[]> {
    const errors: unknown[] = [];
    for (let i = 0; i < CALLS; i += AT_ONCE) {
      const calls = Array.from({ length: AT_ONCE }, (_, j) =>
        faces[j % faces.length]!(kinds[j % kinds.length]!),
      );
      for (const end of await Promise.allSettled(calls))
        if (end.status === 'rejected') errors.push(end.reason);
    }
    return errors;
  }

  it('no error, log line or event holds a token', async () => {
    const errors = await failAll();

    expect(errors).toHaveLength(CALLS);
    const sent = upstream.requests.map((request) => request.headers);
    expect(sent.some((h) => h.authorization === SECRETS.authorization)).toBe(
      true,
    );
    expect(sent.some((h) => h.authorization?.startsWith('Basic '))).toBe(true);
    for (const name of ['cookie', 'x-api-key', 'x-tenant-key'] as const)
      expect(sent.every((h) => h[name] === SECRETS[name])).toBe(true);

    const leaks = (things: readonly unknown[]): string[] =>
      things.flatMap(textsOf).filter(isLeak).slice(0, 1);
    expect(leaks(errors)).toEqual([]);
    expect(leaks(events)).toEqual([]);
    expect(leaks(lines)).toEqual([]);
    expect(leaks([payments.snapshot()])).toEqual([]);
    expect(lines).not.toEqual([]);
    expect(new Set(events.map(({ type }) => type))).toContain(
      'retry.scheduled',
    );
    const names = new Set(errors.map((error) => (error as Error).name));
    expect(names).toContain('DaceTimeoutError');
    expect(names).toContain('DaceRetryExhaustedError');
    expect(names).toContain('AxiosError');
  }, 20_000);

  it('an error of axios alone would have shown one', async () => {
    const error: unknown = await axios
      .get(`${upstream.origin}/broken`, { headers })
      .catch((reason: unknown) => reason);

    expect(textsOf(error).some(isLeak)).toBe(true);
  });
});
