import { once } from 'node:events';
import {
  createServer as createHttp,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttps } from 'node:https';
import {
  createServer as createTcp,
  type AddressInfo,
  type Socket,
} from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import {
  createDependency,
  type Dependency,
  type DependencyOptions,
  type HostInput,
  type HostSource,
} from '../../lib/core.js';
import { cert, key } from '../support/dns-tls.js';
import { until, Upstream } from '../support/http-upstream.js';

const upstreams: Upstream[] = [];
const dependencies: Dependency[] = [];

afterEach(async () => {
  await Promise.all(dependencies.splice(0).map((each) => each.close()));
  await Promise.all(upstreams.splice(0).map((each) => each.stop()));
});

/** A registry that pushes its lists. */
class Registry implements HostSource {
  now: readonly HostInput[] = [];
  private change: (hosts: readonly HostInput[]) => void = () => {};

  async hosts(): Promise<readonly HostInput[]> {
    return this.now;
  }

  watch(onChange: (hosts: readonly HostInput[]) => void): () => void {
    this.change = onChange;
    return () => {};
  }

  list(...hosts: HostInput[]): void {
    this.now = hosts;
    this.change(hosts);
  }
}

function dependencyAt(
  registry: Registry,
  options: DependencyOptions = {},
): Dependency {
  const dependency = createDependency('payments', {
    hosts: registry,
    ...options,
  });
  dependencies.push(dependency);
  return dependency;
}

async function upstreamsOf(
  count: number,
  route: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Upstream[]> {
  for (let n = 0; n < count; n++) upstreams.push(await Upstream.start(route));
  return upstreams;
}

/** Seeded, so that a run can be had again. */
function drawing(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
}

describe('A list that changes two hundred times a second under load', () => {
  it('loses no request, sends none to a host that has gone, and lets go of every connection', async () => {
    const waiting: (() => void)[] = [];
    const all = await upstreamsOf(5, (request, response) => {
      const answer = (): void => {
        response.end(request.url);
      };
      // Some answers take until the list has changed a few times.
      if (request.url!.endsWith('7')) waiting.push(answer);
      else answer();
    });
    const draw = drawing(11);
    const registry = new Registry();
    registry.list(...all.map(({ origin }) => origin));
    const dependency = dependencyAt(registry, {
      retry: false,
      maxOpenPerNetloc: 3,
      timeoutMs: 20_000,
    });
    let isOver = false;
    let changes = 0;
    const strays: string[] = [];
    const calls: Promise<string>[] = [];
    let sent = 0;
    const send = async (): Promise<string> => {
      const path = `/${sent++}`;
      return dependency.execute(async (call) => {
        // Chosen just now: whatever is not listed at this moment is a stray.
        const isListed = registry.now.some(
          (each) => String(each) === call.baseUrl,
        );
        if (!isListed) strays.push(call.baseUrl!);
        return (await call.http.get<string>(path)).data;
      });
    };
    const startMs = performance.now();
    while (!isOver) {
      const count = 1 + draw(4);
      const first = draw(5);
      registry.list(
        ...Array.from(
          { length: count },
          (_, n) => all[(first + n) % 5]!.origin,
        ),
      );
      changes += 1;
      for (let n = 0; n < 3; n++) calls.push(send());
      for (const answer of waiting.splice(0, draw(4))) answer();
      await new Promise((resolve) => setTimeout(resolve, 1));
      const isLong = performance.now() - startMs > 8_000;
      isOver = changes >= (isLong ? 200 : 400);
    }
    const drain = setInterval(() => {
      for (const answer of waiting.splice(0)) answer();
    }, 1);
    const answers = await Promise.all(calls);
    clearInterval(drain);

    expect(changes).toBeGreaterThanOrEqual(200);
    expect(answers.map(String)).toEqual(calls.map((_, n) => `/${n}`));
    expect(strays).toEqual([]);
    expect(all.map(({ cut }) => cut)).toEqual([0, 0, 0, 0, 0]);
    expect(dependency.snapshot()).toMatchObject({
      inFlight: 0,
      queued: 0,
      abandoned: 0,
      totals: { succeeded: calls.length, failed: 0, refused: 0 },
    });

    registry.list(all[0]!.origin);
    for (const gone of all.slice(1))
      await until(async () => (await gone.connections()) === 0);
    registry.list();
    await until(async () => (await all[0]!.connections()) === 0);
  }, 60_000);

  it('keeps the connections of hosts that stay', async () => {
    const all = await upstreamsOf(3, (_request, response) => {
      response.end('ok');
    });
    const [stays, ...others] = all.map(({ origin }) => origin);
    const registry = new Registry();
    registry.list(stays!, others[0]!);
    const dependency = dependencyAt(registry);
    const sockets = new Set<Socket>();
    const ask = async (): Promise<void> => {
      await dependency.http.get(`${stays}/`);
      sockets.add(all[0]!.requests.at(-1)!.socket);
    };
    for (let n = 0; n < 10; n++) await ask();
    const before = sockets.size;
    for (let n = 0; n < 50; n++) {
      registry.list(...(n % 3 === 0 ? [stays!] : [others[n % 2]!, stays!]));
      await ask();
    }
    expect(sockets.size).toBe(before);
    expect(await all[0]!.connections()).toBe(before);
  });
});

describe('A host that takes another protocol at the same address', () => {
  /** One port that speaks both, told apart by the first byte. */
  async function both(
    route: (request: IncomingMessage, response: ServerResponse) => void,
  ): Promise<{
    readonly port: number;
    readonly plain: Set<Socket>;
    readonly secure: Set<Socket>;
    stop(): Promise<void>;
  }> {
    const http: Server = createHttp(route);
    const https: Server = createHttps({ key, cert }, route);
    for (const server of [http, https]) server.keepAliveTimeout = 60_000;
    const plain = new Set<Socket>();
    const secure = new Set<Socket>();
    const tcp = createTcp((socket) => {
      socket.on('error', () => {});
      socket.once('readable', () => {
        const first = socket.read(1) as Buffer | null;
        if (first === null) return;
        socket.unshift(first);
        const isTls = first[0] === 22;
        const open = isTls ? secure : plain;
        open.add(socket);
        socket.once('close', () => open.delete(socket));
        (isTls ? https : http).emit('connection', socket);
      });
    });
    tcp.listen(0, '127.0.0.1');
    await once(tcp, 'listening');
    return {
      port: (tcp.address() as AddressInfo).port,
      plain,
      secure,
      stop: async () => {
        tcp.close();
        for (const socket of [...plain, ...secure]) socket.destroy();
        await once(tcp, 'close');
      },
    };
  }

  it('answers what it was asked the old way, is asked the new way, and the old connections close', async () => {
    let release: (() => void) | undefined;
    const server = await both((request, response) => {
      if (request.url === '/slow') release = () => response.end('late');
      else response.end('ok');
    });
    const at = (protocol: string): HostInput => ({
      url: `${protocol}://127.0.0.1:${server.port}`,
      name: 'payments.internal',
    });
    const registry = new Registry();
    registry.list(at('http'));
    const dependency = dependencyAt(registry, {
      http: { tls: { ca: cert } },
    });
    const slow = dependency.http.get<string>('/slow');
    await until(() => release !== undefined);
    registry.list(at('https'));
    expect((await dependency.http.get('/')).data).toBe('ok');
    expect([server.plain.size, server.secure.size]).toEqual([1, 1]);
    release!();
    expect((await slow).data).toBe('late');
    await until(() => server.plain.size === 0);
    expect((await dependency.http.get('/')).data).toBe('ok');
    expect(server.secure.size).toBe(1);
    await dependency.close();
    await server.stop();
  });
});
