import axios, { type AxiosRequestConfig } from 'axios';
import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
} from 'node:http';
import * as https from 'node:https';
import { connect, type AddressInfo, type ListenOptions } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDependency, type DependencyOptions } from 'nestjs-dace/core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { cert, key } from '../../support/http-tls.js';
import { echo } from '../../support/http-upstream.js';
import { FACES, faces, outcomeOf, type Face } from '../../support/parity.js';

const servers: (Server | https.Server)[] = [];
const closing: (() => Promise<void>)[] = [];

afterEach(async () => {
  vi.unstubAllEnvs();
  for (const close of closing.splice(0)) await close();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function listening<S extends Server | https.Server>(
  server: S,
  where: ListenOptions = { port: 0, host: '127.0.0.1' },
): Promise<S> {
  servers.push(server);
  server.listen(where);
  await once(server, 'listening');
  return server;
}
const portOf = (server: Server | https.Server): number =>
  (server.address() as AddressInfo).port;

/** A proxy that notes what it is asked; it tunnels for CONNECT. */
async function proxy(): Promise<{ port: number; asked: IncomingMessage[] }> {
  const asked: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    asked.push(request);
    echo(request, response);
  });
  server.on('connect', (request, socket) => {
    asked.push(request);
    const [host, port] = (request.url as string).split(':');
    const onward = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    onward.on('error', () => socket.destroy());
    socket.on('error', () => onward.destroy());
  });
  await listening(server);
  return { port: portOf(server), asked };
}

const secure = (listener: RequestListener, options: object = {}) =>
  listening(https.createServer({ key, cert, ...options }, listener));

const ours = (
  face: Face,
  origin: string,
  config: AxiosRequestConfig,
  options: DependencyOptions = {},
): Promise<unknown> => {
  const dependency = createDependency('payments', {
    hosts: [origin],
    retry: false,
    ...options,
  });
  closing.push(() => dependency.close());
  return outcomeOf(faces(dependency)[face](config));
};
const plain = (baseURL: string, config: AxiosRequestConfig): Promise<unknown> =>
  outcomeOf(
    axios.create({ baseURL, adapter: 'http', proxy: false }).request(config),
  );
const X = { url: '/x' };
const noted = ({ method, url, headers }: IncomingMessage) => ({
  method,
  url,
  host: headers.host,
  credentials: headers['proxy-authorization'],
  many: headers['x-many'],
});

describe.each(FACES)('As with axios, %s', (face) => {
  it('reaches a server by IPv6', async () => {
    const server = await listening(createServer(echo), {
      port: 0,
      host: '::1',
    });
    const origin = `http://[::1]:${portOf(server)}`;
    const outcome = await ours(face, origin, X);
    expect(outcome).toMatchObject({ status: 200, path: '/x' });
    const { data } = outcome as { data: { headers: { host: string } } };
    expect(data.headers.host).toBe(`[::1]:${portOf(server)}`);
  });

  it('says that nobody listens', async () => {
    const server = await listening(createServer());
    const origin = `http://127.0.0.1:${portOf(server)}`;
    server.close();
    const outcome = await ours(face, origin, X);
    expect(outcome).toEqual(await plain(origin, X));
    expect(outcome).toMatchObject({ code: 'ECONNREFUSED', hasRequest: true });
  });

  it('says that a name is nobody’s', async () => {
    const origin = 'http://nobody.invalid';
    const outcome = await ours(face, origin, X, {
      http: { connectTimeoutMs: 9_000 },
      timeoutMs: 9_000,
    });
    expect(outcome).toEqual(await plain(origin, X));
  });

  it('trusts no certificate of nobody', async () => {
    const origin = `https://127.0.0.1:${portOf(await secure(echo))}`;
    const outcome = await ours(face, origin, X);
    expect(outcome).toEqual(await plain(origin, X));
    expect(outcome).toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
  });

  it('trusts no certificate of another name', async () => {
    const origin = `https://127.0.0.1:${portOf(await secure(echo))}`;
    const tls = { ca: cert, servername: 'other.example' };
    const httpsAgent = new https.Agent(tls);
    const outcome = await ours(face, origin, X, { http: { tls } });
    expect(outcome).toEqual(await plain(origin, { ...X, httpsAgent }));
    expect(outcome).toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  });

  it('shows a client certificate, under a name of its own', async () => {
    const server = await secure(
      ({ socket }, response) => {
        const { servername, authorized } = socket as never as {
          servername: string;
          authorized: boolean;
        };
        response.end(`${servername} ${authorized}`);
      },
      { ca: cert, requestCert: true },
    );
    const origin = `https://127.0.0.1:${portOf(server)}`;
    const tls = { ca: cert, cert, key, servername: 'localhost' };
    const httpsAgent = new https.Agent(tls);
    const outcome = await ours(face, origin, X, { http: { tls } });
    expect(outcome).toEqual(await plain(origin, { ...X, httpsAgent }));
    expect(outcome).toMatchObject({ data: 'localhost true' });
  });

  it('times out while it waits for a connection', async () => {
    const server = await listening(createServer(() => {}));
    const origin = `http://127.0.0.1:${portOf(server)}`;
    const dependency = createDependency('payments', {
      hosts: [origin],
      retry: false,
      http: { poolSize: 1 },
    });
    closing.push(() => dependency.close());
    const send = faces(dependency)[face];
    const first = send({ ...X, timeout: 300 }).catch(() => {});
    const outcome = await outcomeOf(send({ ...X, timeout: 50 }));
    await first;
    expect(outcome).toMatchObject({
      code: 'ECONNABORTED',
      message: 'timeout of 50ms exceeded',
      hasRequest: true,
    });
  });

  it('asks a proxy for the whole URL, with its credentials', async () => {
    const server = await proxy();
    const config = { ...X, headers: { 'x-many': ['1', '2'] } };
    const origin = 'http://own.example:81';
    await plain(origin, {
      ...config,
      proxy: {
        protocol: 'http',
        host: '127.0.0.1',
        port: server.port,
        auth: { username: 'jo', password: 'p w' },
      },
    });
    await ours(face, origin, config, {
      http: { proxy: `http://jo:p%20w@127.0.0.1:${server.port}` },
    });
    const [expected, actual] = server.asked.map(noted);
    expect(actual).toEqual(expected);
    expect(actual).toMatchObject({ url: 'http://own.example:81/x' });
    expect(actual).toMatchObject({ many: '1, 2' });
  });

  it('tunnels https through a proxy, which sees neither path nor headers', async () => {
    const server = await proxy();
    const origin = `https://127.0.0.1:${portOf(await secure(echo))}`;
    const httpsAgent = new https.Agent({ ca: cert });
    const config = { ...X, headers: { authorization: 'Bearer t' } };
    const expected = await plain(origin, {
      ...config,
      httpsAgent,
      proxy: { protocol: 'http', host: '127.0.0.1', port: server.port },
    });
    const outcome = await ours(face, origin, config, {
      http: { tls: { ca: cert }, proxy: `http://127.0.0.1:${server.port}` },
    });
    expect(outcome).toMatchObject({ status: 200 });
    expect(expected).toMatchObject({ status: 200 });
    expect(server.asked).toHaveLength(2);
    for (const { method, url, headers } of server.asked) {
      expect(`${method} https://${url}`).toBe(`CONNECT ${origin}`);
      expect(headers).not.toHaveProperty('authorization');
    }
  });

  it('takes the proxy of the environment, but for NO_PROXY', async () => {
    const server = await proxy();
    const direct = await listening(createServer(echo));
    vi.stubEnv('http_proxy', `http://127.0.0.1:${server.port}`);
    vi.stubEnv('HTTP_PROXY', `http://127.0.0.1:${server.port}`);
    vi.stubEnv('no_proxy', '127.0.0.1');
    vi.stubEnv('NO_PROXY', '127.0.0.1');
    const http = { proxy: true };
    const origin = `http://127.0.0.1:${portOf(direct)}`;
    expect(await ours(face, origin, X, { http })).toMatchObject({
      status: 200,
    });
    expect(server.asked).toHaveLength(0);
    await ours(face, 'http://own.example', X, { http });
    expect(server.asked.map(noted)).toMatchObject([
      { url: 'http://own.example/x' },
    ]);
  });
});

describe.each(FACES)('Otherwise than axios, %s', (face) => {
  it('does not let a request choose its connection', async () => {
    const socketPath = join(
      tmpdir(),
      `dace-${process.pid}-${face.length}.sock`,
    );
    const unix = await listening(
      createServer((_request, response) => response.end('unix')),
      { path: socketPath },
    );
    const tcp = await listening(
      createServer((_request, response) => response.end('tcp')),
    );
    const origin = `http://127.0.0.1:${portOf(tcp)}`;
    expect(unix.listening).toBe(true);
    const config = {
      ...X,
      socketPath,
      proxy: { host: '127.0.0.1', port: 1 },
      maxRate: 1,
      insecureHTTPParser: true,
    };
    expect(await plain(origin, { ...X, socketPath })).toMatchObject({
      data: 'unix',
    });
    expect(await ours(face, origin, config)).toMatchObject({ data: 'tcp' });
  });
});
