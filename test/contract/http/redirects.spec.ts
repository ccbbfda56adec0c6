import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DaceForeignHostError } from '../../../lib/core/errors.js';
import type { HttpSettings } from '../../../lib/http/http-options.js';
import type { HttpTransport } from '../../../lib/http/transport.js';
import { FakeScope, transportFor } from '../../support/http-scope.js';
import { Upstream, echo } from '../../support/http-upstream.js';

interface Echo {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: string;
}

const SECRETS = {
  Authorization: 'Bearer t0ken',
  Cookie: 'sid=1',
  'Proxy-Authorization': 'Basic x',
  'X-Api-Key': 'k3y',
  'X-Harmless': 'yes',
};

let first: Upstream;
let second: Upstream;
let transport: HttpTransport | undefined;

const http = (
  hosts: readonly string[],
  changes: Partial<HttpSettings> = {},
) => {
  transport = transportFor(hosts, { secretHeaders: ['x-api-key'], ...changes });
  return transport.httpFor(new FakeScope(first.origin));
};

beforeEach(async () => {
  first = await Upstream.start(echo);
  second = await Upstream.start(echo);
});

afterEach(async () => {
  await transport?.destroy();
  await first.stop();
  await second.stop();
});

const redirectTo = (location: string, status = 302) =>
  first.answer((request, response) => {
    if (request.url === '/from')
      response.writeHead(status, { location }).end('moved');
    else echo(request, response);
  });

describe('A redirect', () => {
  it('stays at the same origin with everything it had', async () => {
    redirectTo('/to');
    const { data, request } = await http([first.origin]).get<Echo>('/from', {
      headers: SECRETS,
    });

    expect(data.headers).toMatchObject({
      authorization: 'Bearer t0ken',
      cookie: 'sid=1',
      'x-api-key': 'k3y',
    });
    expect(request.res.responseUrl).toBe(`${first.origin}/to`);
  });

  it('drops credentials and secrets at another of its own hosts, and keeps the rest', async () => {
    redirectTo(`${second.origin}/to`);
    const { data } = await http([first.origin, second.origin], {
      headers: { 'X-Api-Key': 'default', 'X-Tenant': '7' },
    }).get<Echo>('/from', { headers: SECRETS });

    expect(data.headers).toMatchObject({
      'x-harmless': 'yes',
      'x-tenant': '7',
    });
    expect(Object.keys(data.headers)).not.toEqual(
      expect.arrayContaining([
        expect.stringMatching(/authorization|cookie|api-key/),
      ]),
    );
  });

  it('to a foreign host is refused', async () => {
    redirectTo(`${second.origin}/to`);
    await expect(http([first.origin]).get('/from')).rejects.toBeInstanceOf(
      DaceForeignHostError,
    );
    expect(second.requests).toHaveLength(0);
  });

  it('to a foreign host that is allowed carries no default header', async () => {
    redirectTo(`${second.origin}/to`);
    const { data } = await http([first.origin], {
      allowOtherHosts: true,
      headers: { 'X-Tenant': '7' },
    }).get<Echo>('/from', { headers: { 'X-Harmless': 'yes' } });

    expect(data.headers['x-tenant']).toBeUndefined();
    expect(data.headers['x-harmless']).toBe('yes');
    expect(data.headers['host']).toBe(`127.0.0.1:${second.port}`);
  });

  it('drops a basic auth as well', async () => {
    redirectTo(`${second.origin}/to`);
    const { data } = await http([first.origin, second.origin]).get<Echo>(
      '/from',
      {
        auth: { username: 'jo', password: 'x' },
      },
    );
    expect(data.headers['authorization']).toBeUndefined();
  });

  it('is followed at most five times', async () => {
    let asked = 0;
    first.answer((_request, response) => {
      asked += 1;
      response.writeHead(302, { location: '/again' }).end();
    });
    await expect(http([first.origin]).get('/x')).rejects.toMatchObject({
      code: 'ERR_FR_TOO_MANY_REDIRECTS',
    });
    expect(asked).toBe(6);
  });

  it('with a body without end is cut and followed', async () => {
    first.answer((request, response) => {
      if (request.url === '/to') return echo(request, response);
      response.writeHead(302, { location: '/to' });
      response.write(Buffer.alloc(200_000));
    });
    expect((await http([first.origin]).get<Echo>('/from')).data.url).toBe(
      '/to',
    );
  });

  it('asks beforeRedirect, which may add a header', async () => {
    redirectTo('/to');
    const seen: unknown[] = [];
    const { data } = await http([first.origin]).get<Echo>('/from', {
      beforeRedirect: (options, answer, request) => {
        seen.push(
          options['href'],
          answer.statusCode,
          answer.headers['location'],
          request.url,
          request.method,
        );
        (options['headers'] as Record<string, string>)['x-added'] = '1';
      },
    });
    expect(seen).toEqual([
      `${first.origin}/to`,
      302,
      '/to',
      `${first.origin}/from`,
      'GET',
    ]);
    expect(data.headers['x-added']).toBe('1');
  });

  it('ends with what beforeRedirect throws', async () => {
    redirectTo('/to');
    const refusal = new Error('no further');
    const sent = http([first.origin]).get('/from', {
      beforeRedirect: () => {
        throw refusal;
      },
    });
    await expect(sent).rejects.toBe(refusal);
  });
});
