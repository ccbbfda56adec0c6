import { once } from 'node:events';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { request } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HttpTransport } from '../../../lib/http/transport.js';
import { FakeScope, transportFor } from '../../support/http-scope.js';
import { cert, key } from '../../support/http-tls.js';

let server: Server;
let origin: string;
let transport: HttpTransport | undefined;

beforeEach(async () => {
  server = createServer(
    { key, cert, ca: cert, requestCert: true, rejectUnauthorized: false },
    (asked, response) => {
      const { subject } = (asked.socket as TLSSocket).getPeerCertificate();
      response.end(JSON.stringify({ client: subject?.CN ?? null }));
    },
  ).listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  await transport?.destroy();
  server.closeAllConnections();
  server.close();
});

const client = { key, cert, ca: cert };

describe('TLS', () => {
  it('is refused where nobody trusts the certificate', async () => {
    transport = transportFor([origin]);
    const sent = transport.httpFor(new FakeScope(origin)).get('/x');
    await expect(sent).rejects.toMatchObject({
      code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
      isAxiosError: true,
    });
  });

  it('takes the options of the dependency, its client certificate too', async () => {
    transport = transportFor([origin], { tls: client });
    const scope = new FakeScope(origin);
    const { data } = await transport.httpFor(scope).get('/x');
    expect(data).toEqual({ client: 'dace test' });

    const dispatcher = transport.agentFor(scope);
    const { body } = await request(`${origin}/x`, { dispatcher });
    expect(await body.json()).toEqual({ client: 'dace test' });
  });

  it('shows no client certificate to a foreign host', async () => {
    transport = transportFor(['http://own.example'], {
      tls: client,
      allowOtherHosts: true,
    });
    const scope = new FakeScope('http://own.example');
    const { data } = await transport.httpFor(scope).get(`${origin}/x`);
    expect(data).toEqual({ client: null });
  });

  it('uses new options once they are set', async () => {
    transport = transportFor([origin]);
    const http = transport.httpFor(new FakeScope(origin));
    await expect(http.get('/x')).rejects.toThrow();

    transport.configure({
      http: { ...transport.http, tls: { ca: cert } },
      hosts: [{ baseUrl: origin }],
    });

    expect((await http.get('/x')).data).toEqual({ client: null });
  });
});
