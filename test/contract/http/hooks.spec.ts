import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { inspect } from 'node:util';
import {
  createDependency,
  type Dependency,
  type DependencyOptions,
} from 'nestjs-dace/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../lib/testing/manual-clock.js';
import { cert, key } from '../../support/http-tls.js';
import { Upstream, echo, until } from '../../support/http-upstream.js';
import { FACES, faces } from '../../support/parity.js';

let upstream: Upstream;
let dependency: Dependency;
let clock: ManualClock;

beforeEach(async () => {
  upstream = await Upstream.start(echo);
});
afterEach(async () => {
  await dependency.close();
  await upstream.stop();
});

type Http = NonNullable<DependencyOptions['http']>;

const withHttp = (http: Http, options: DependencyOptions = {}): void => {
  clock = new ManualClock();
  dependency = createDependency(
    'payments',
    {
      hosts: [upstream.origin],
      retry: false,
      attemptTimeoutMs: 700,
      shutdownGraceMs: 0,
      http,
      ...options,
    },
    { clock },
  );
};
const never = (): Promise<never> => new Promise(() => {});

const HOOKS: Record<string, (hook: () => never | Promise<never>) => Http> = {
  'a function for a header': (hook) => ({ headers: { 'x-token': hook } }),
  onRequest: (hook) => ({ onRequest: hook }),
  onResponse: (hook) => ({ onResponse: hook }),
};

describe.each(Object.entries(HOOKS))('%s', (_hook, options) => {
  describe.each(FACES)('of %s', (face) => {
    const send = () => faces(dependency)[face]({ url: '/x' });

    it('ends the request with what it throws', async () => {
      const error = new TypeError('of the hook');
      withHttp(
        options(() => {
          throw error;
        }),
      );
      await expect(send()).rejects.toBe(error);
    });

    it('ends the request with what it rejects with', async () => {
      const error = new TypeError('of the hook');
      withHttp(options(() => Promise.reject(error)));
      await expect(send()).rejects.toBe(error);
    });

    it('ends the request after the attempt’s time where it hangs', async () => {
      let isAsked = false;
      withHttp(
        options(() => {
          isAsked = true;
          return never();
        }),
      );
      let isDone = false;
      const outcome = send()
        .catch((error: unknown) => error)
        .finally(() => (isDone = true));
      await until(() => isAsked);
      await clock.advance(699);
      expect(isDone).toBe(false);
      await clock.advance(1);
      expect(await outcome).toMatchObject({
        code: 'DACE_TIMEOUT',
        kind: 'attempt',
        timeoutMs: 700,
      });
      expect(dependency.snapshot().inFlight).toBe(0);
    });
  });
});

describe.each(FACES)('Headers of a dependency, through %s', (face) => {
  it('are values and functions, asked for at each try', async () => {
    let asked = 0;
    withHttp(
      {
        headers: {
          'x-value': 'v',
          'x-function': () => `f${(asked += 1)}`,
          'x-async': async () => 'a',
          'x-none': () => undefined,
          'x-none-async': async () => undefined,
        },
      },
      { retry: { attempts: 2 } },
    );
    upstream.answer((request, response) => {
      if (upstream.requests.length > 1) return echo(request, response);
      response.writeHead(503).end();
    });
    // A call is the unit of retry: its own GET is safe to repeat as well.
    await faces(dependency)[face]({ url: '/x', headers: { 'x-mine': 'm' } });
    const sent = upstream.requests.map(({ headers }) => headers);
    expect(sent.map((headers) => headers['x-function'])).toEqual(['f1', 'f2']);
    expect(sent[1]).toMatchObject({
      'x-value': 'v',
      'x-async': 'a',
      'x-mine': 'm',
    });
    expect(sent[1]).not.toHaveProperty('x-none');
    expect(sent[1]).not.toHaveProperty('x-none-async');
  });

  it('that are secret are not shown by errors', async () => {
    withHttp({
      headers: { 'x-api-key': async () => 'k3y-0f-mine' },
      secretHeaders: ['X-Api-Key'],
    });
    upstream.answer((_request, response) => {
      response.writeHead(401, { 'set-cookie': 's1d-0f-mine' }).end('no');
    });
    const sent = faces(dependency)[face]({ url: '/x' });
    const error: unknown = await sent.catch((reason: unknown) => reason);
    expect(error).toMatchObject({ response: { status: 401 } });
    for (const text of [
      inspect(error, { depth: 9 }),
      JSON.stringify(error),
      String(error),
    ])
      expect(text).not.toMatch(/0f-mine/);
  });
});

describe('A new tls of a dependency', () => {
  let server: Server;
  let answer: (() => void) | undefined;

  beforeEach(async () => {
    server = createServer(
      { key, cert, ca: cert, requestCert: true, rejectUnauthorized: false },
      ({ socket, url }, response) => {
        const { subject } = (socket as TLSSocket).getPeerCertificate();
        const end = () => response.end(subject?.CN ?? 'nobody');
        if (url === '/slow') answer = end;
        else end();
      },
    ).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });
  const open = (): Promise<number> =>
    new Promise((resolve) =>
      server.getConnections((_error, count) => resolve(count)),
    );

  it('holds for new requests; the old connection ends with its last answer', async () => {
    const { port } = server.address() as AddressInfo;
    withHttp({ tls: { ca: cert } }, { hosts: [`https://127.0.0.1:${port}`] });
    const slow = dependency.http.get('/slow');
    await until(() => answer !== undefined);

    dependency.configure({ http: { tls: { ca: cert, cert, key } } });

    expect((await dependency.http.get('/x')).data).toBe('dace test');
    expect(await open()).toBe(2);
    answer?.();
    expect((await slow).data).toBe('nobody');
    await until(async () => (await open()) === 1);
    expect((await dependency.http.get('/x')).data).toBe('dace test');
  });

  it('that is wrong changes nothing', async () => {
    const { port } = server.address() as AddressInfo;
    withHttp({ tls: { ca: cert } }, { hosts: [`https://127.0.0.1:${port}`] });
    expect((await dependency.http.get('/x')).data).toBe('nobody');
    expect(() =>
      dependency.configure({ http: { tls: 'no' as never } }),
    ).toThrow(/tls/);
    expect((await dependency.http.get('/x')).data).toBe('nobody');
  });
});
