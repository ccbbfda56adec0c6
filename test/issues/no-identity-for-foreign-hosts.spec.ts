import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createSecureContext, type TLSSocket } from 'node:tls';
import { createDependency, type Dependency } from 'nestjs-dace/core';
import { request } from 'undici';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { cert, key } from '../support/http-tls.js';

/**
 * `allowOtherHosts` lifts the gate without the client certificate. One that was given as a secure
 * context went along all the same, and so did the name under which own hosts are checked.
 */
let server: Server;
let origin: string;
let dependency: Dependency | undefined;

beforeEach(async () => {
  server = createServer(
    { key, cert, ca: cert, requestCert: true, rejectUnauthorized: false },
    ({ socket }, response) => {
      const { subject } = (socket as TLSSocket).getPeerCertificate();
      const { servername } = socket as TLSSocket & { servername: unknown };
      response.end(JSON.stringify({ client: subject?.CN ?? null, servername }));
    },
  ).listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  await dependency?.close();
  server.closeAllConnections();
  server.close();
});

const secureContext = createSecureContext({ key, cert, ca: cert });
const identities = {
  'a certificate': { key, cert },
  'a secure context': { secureContext },
  'a name': { servername: 'own.example' },
  'a socket path': { path: '/nowhere.sock' },
};

it.each(Object.entries(identities))(
  'a foreign host is shown none of %s',
  async (_name, identity) => {
    dependency = createDependency('payments', {
      hosts: ['http://own.example'],
      http: { allowOtherHosts: true, tls: { ca: cert, ...identity } },
    });
    const { data } = await dependency.http.get(`${origin}/x`);
    expect(data).toEqual({ client: null, servername: false });
    await dependency.execute(async ({ agent }) => {
      const { body } = await request(`${origin}/x`, { dispatcher: agent });
      expect(await body.json()).toEqual(data);
    });
  },
);

it('a host of its own is shown the secure context', async () => {
  dependency = createDependency('payments', {
    hosts: [origin],
    http: { tls: { secureContext } },
  });
  const { data } = await dependency.http.get('/x');
  expect(data).toEqual({ client: 'dace test', servername: false });
});
