import {
  createDependency,
  DaceForeignHostError,
  type Dependency,
  type DependencyOptions,
} from 'nestjs-dace/core';
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { fetch, interceptors, request } from 'undici';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Attacker } from '../../support/attacker.js';
import { cert, key } from '../../support/http-tls.js';
import { Upstream, echo } from '../../support/http-upstream.js';
import { AXIOS_WAYS, waysTo, type Way } from '../../support/ways.js';

const SECRETS = {
  authorization: 'Bearer t0ken',
  cookie: 'sid=1',
  'x-api-key': 'k3y',
};

let own: Upstream;
let secure: Server;
let secureOrigin: string;
let attacker: Attacker;
let location = '';
let status = 302;

beforeAll(async () => {
  own = await Upstream.start((asked, response) => {
    if (asked.url !== '/v1/from') return echo(asked, response);
    response.writeHead(status, { location }).end('moved');
  });
  secure = createServer({ key, cert }, (asked, response) => {
    asked.resume();
    response.writeHead(302, { location }).end();
  }).listen(0, '127.0.0.1');
  await once(secure, 'listening');
  const { port } = secure.address() as AddressInfo;
  secureOrigin = `https://127.0.0.1:${port}`;
  attacker = await Attacker.start();
});
beforeEach(() => {
  own.requests.length = 0;
  status = 302;
});
afterAll(async () => {
  await own.stop();
  secure.closeAllConnections();
  secure.close();
  expect(await attacker.spoils()).toEqual({ connections: 0, bytes: 0 });
  await attacker.stop();
});

const withDependency = async (
  options: DependencyOptions,
  use: (dependency: Dependency) => Promise<void>,
): Promise<void> => {
  const dependency = createDependency('payments', {
    hosts: [`${own.origin}/v1`],
    circuit: false,
    retry: { on: 'any' },
    ...options,
    http: {
      headers: { 'x-default': 's3cret' },
      secretHeaders: ['x-api-key'],
      ...options.http,
    },
  });
  try {
    await use(dependency);
  } finally {
    await dependency.close();
  }
};

const PLACES: Record<string, (port: number) => string> = {
  'another server': (port) => `http://127.0.0.1:${port}/x`,
  'another server by a name without scheme': (port) => `//127.0.0.1:${port}/x`,
  'another server by backslashes': (port) => `\\\\127.0.0.1:${port}\\x`,
  'another server by slash and backslash': (port) => `/\\127.0.0.1:${port}/x`,
  'another server behind a tab': (port) => `\thttp://127.0.0.1:${port}/x`,
  'another server with a tab in its scheme': (port) =>
    `ht\ttp://127.0.0.1:${port}/x`,
  'another server by one number': (port) => `http://2130706433:${port}/x`,
  'another server in capitals': (port) => `HTTP://127.0.0.1:${port}/x`,
  'its own host as a user': (port) => `http://127.0.0.1:1@127.0.0.1:${port}/x`,
  'another server over TLS': (port) => `https://127.0.0.1:${port}/x`,
  'another address': (port) => `http://127.0.0.2:${port}/x`,
  'a file': () => 'file:///etc/passwd',
  'another scheme': (port) => `ftp://127.0.0.1:${port}/x`,
  'something that is no URL': () => 'http://[',
};

describe.each(AXIOS_WAYS)('A redirect of %s', (name) => {
  const refused = async (send: (way: Way) => Promise<unknown>) =>
    withDependency({}, async (dependency) => {
      const way = waysTo(dependency, own.origin)[name];
      await expect(send(way)).rejects.toBeInstanceOf(DaceForeignHostError);
      expect(own.requests).toHaveLength(1);
      expect(attacker.connections).toBe(0);
    });

  it.each(Object.entries(PLACES))('to %s is refused', async (_place, where) => {
    location = where(attacker.port);
    await refused((way) => way({ url: '/from', headers: SECRETS }));
  });

  it.each([300, 301, 302, 303, 307, 308])(
    'of a POST by %i to another server is refused',
    async (code) => {
      status = code;
      location = `http://127.0.0.1:${attacker.port}/x`;
      await refused((way) =>
        way({
          url: '/from',
          method: 'post',
          data: { card: 4111 },
          headers: SECRETS,
          auth: { username: 'jo', password: 'pw' },
        }),
      );
    },
  );

  it('cannot be sent elsewhere by beforeRedirect', async () => {
    location = '/v1/to';
    await withDependency({}, async (dependency) => {
      await waysTo(dependency, own.origin)[name]({
        url: '/from',
        beforeRedirect: (options) => {
          options['hostname'] = '127.0.0.1';
          options['host'] = options['hostname'];
          options['port'] = attacker.port;
          options['href'] = `http://127.0.0.1:${attacker.port}/x`;
          options['path'] = '/elsewhere';
        },
      });
      expect(own.requests.map(({ url }) => url)).toEqual([
        '/v1/from',
        '/v1/to',
      ]);
      expect(attacker.connections).toBe(0);
    });
  });

  it('from https to http is refused', async () => {
    const options = {
      hosts: [secureOrigin],
      http: { tls: { ca: cert } },
    };
    location = `${secureOrigin.replace('https', 'http')}/x`;
    await withDependency(options, async (dependency) => {
      const way = waysTo(dependency, secureOrigin)[name];
      await expect(
        way({ url: '/from', headers: SECRETS }),
      ).rejects.toBeInstanceOf(DaceForeignHostError);
    });
  });
});

describe('A redirect that call.agent follows', () => {
  it.each(Object.entries(PLACES).slice(0, 11))(
    'to %s is refused, by fetch',
    async (_place, where) => {
      location = where(attacker.port).replaceAll('\t', '%09');
      await withDependency({ retry: false }, async (dependency) => {
        const sent = dependency.execute((call) =>
          fetch(`${own.origin}/v1/from`, {
            dispatcher: call.agent,
            headers: SECRETS,
          }).then((response) => response.text()),
        );
        await sent.catch(() => {});
        expect(own.requests.map(({ url }) => url).slice(1)).toEqual(
          // Read as a path where it begins with what is no scheme.
          location.includes('%09') ? [expect.stringContaining('%09')] : [],
        );
        expect(attacker.connections).toBe(0);
      });
    },
  );

  it.each([301, 302, 303, 307, 308])(
    'by %i to another server is refused, by an interceptor',
    async (code) => {
      status = code;
      location = `http://127.0.0.1:${attacker.port}/x`;
      await withDependency({ retry: false }, async (dependency) => {
        const sent = dependency.execute(async (call) => {
          const dispatcher = call.agent.compose(
            interceptors.redirect({ maxRedirections: 3 }),
          );
          const { body } = await request(`${own.origin}/v1/from`, {
            dispatcher,
            headers: SECRETS,
          });
          await body.dump();
        });
        await expect(sent).rejects.toBeInstanceOf(DaceForeignHostError);
        expect(attacker.connections).toBe(0);
      });
    },
  );

  it('is not followed for an option of the dispatcher', async () => {
    location = `http://127.0.0.1:${attacker.port}/x`;
    await withDependency({ retry: false }, async (dependency) => {
      const sent = dependency.execute(async (call) => {
        const { body } = await request(`${own.origin}/v1/from`, {
          dispatcher: call.agent,
          maxRedirections: 3,
        } as never);
        await body.dump();
      });
      await sent.catch(() => {});
      expect(attacker.connections).toBe(0);
    });
  });
});

describe('A redirect to another of its own hosts', () => {
  it.each(AXIOS_WAYS)('leaves every secret behind: %s', async (name) => {
    const other = await Upstream.start(echo);
    location = `${other.origin}/to`;
    const options = {
      hosts: [`${own.origin}/v1`, other.origin],
      loadBalancer: () => ['http', `127.0.0.1:${own.port}`] as never,
    };
    await withDependency(options, async (dependency) => {
      await waysTo(dependency, own.origin)[name]({
        url: '/from',
        headers: { ...SECRETS, 'x-mine': 'm1ne', 'x-harmless': 'yes' },
        sensitiveHeaders: ['X-Mine'],
      });
    });
    const { headers } = other.requests[0]!;
    await other.stop();
    expect(headers).toMatchObject({
      'x-harmless': 'yes',
      'x-default': 's3cret',
    });
    for (const secret of [...Object.keys(SECRETS), 'x-mine'])
      expect(headers).not.toHaveProperty(secret);
  });
});
