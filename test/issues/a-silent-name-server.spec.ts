import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Compiled } from '../support/child.js';

let compiled: Compiled;
let server: Socket;

beforeAll(async () => {
  compiled = Compiled.make();
  server = createSocket('udp4');
  server.bind(0, '127.0.0.1');
  await once(server, 'listening');
}, 120_000);

afterAll(async () => {
  compiled.remove();
  server.close();
  await once(server, 'close');
});

/** A process whose name server, which is silent, is asked by `hosts`. */
const asking = (hosts: string): string => `
  import dns from 'node:dns/promises';
  import { syncBuiltinESMExports } from 'node:module';
  import { setTimeout } from 'node:timers/promises';
  const { Resolver } = dns;
  dns.Resolver = class extends Resolver {
    constructor(options) {
      super(options);
      this.setServers(['127.0.0.1:${server.address().port}']);
    }
  };
  syncBuiltinESMExports();
  const dependency = createDependency('payments', {
    hosts: core.dnsHosts(${hosts}),
  });
  await setTimeout(50);
`;

// It would be given up after two tries, of 2 s and of up to 4 s.
describe('A process whose name server is silent', () => {
  it.each(['A', 'SRV'])(
    'ends when its dependency is closed, and not when the question for %s is given up',
    async (type) => {
      const hosts = JSON.stringify({ name: '_http._tcp.a.internal', type });
      const script = `${asking(hosts)}
        await dependency.close();
        const closedMs = performance.now();
        process.on('exit', () => {
          console.log(Math.round(performance.now() - closedMs));
        });`;
      const { code, out, err } = await compiled.run(script, 30_000);
      expect({ code, err }).toEqual({ code: 0, err: '' });
      expect(Number(out)).toBeLessThan(1_000);
    },
    60_000,
  );
});
