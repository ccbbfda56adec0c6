import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { consecutiveFailures, type Call } from '../../lib/core.js';
import {
  errorOf,
  expectRest,
  fail,
  hang,
  subject,
  watch,
  type Watched,
} from '../support/core-toolkit.js';

const FRAGILE = { trip: consecutiveFailures(1), resetTimeoutMs: 5 };

describe('A dependency that is closed while it closes', () => {
  it('closes once, and both who asked hear of the end', async () => {
    const { dependency, clock } = subject({
      maxOpenPerNetloc: 1,
      shutdownGraceMs: 10,
    });
    let inner: Watched<void> | undefined;
    dependency.on(({ type }) => {
      if (type === 'operation.refused') inner ??= watch(dependency.close());
    });
    const running = watch(dependency.execute(hang));
    const queued = watch(dependency.execute(() => 'never'));

    const outer = watch(dependency.close());
    await clock.advance(10);

    expect([outer.state, inner?.state]).toEqual(['fulfilled', 'fulfilled']);
    for (const call of [running, queued])
      expect(call.error).toMatchObject({ code: 'DACE_SHUTDOWN' });
    expect(dependency.snapshot()).toMatchObject({
      inFlight: 0,
      totals: { started: 2, failed: 1, refused: 1 },
    });
    expect(clock.pending).toBe(0);
  });
});

describe('A guard', () => {
  it('is refused where who hears of its circuit closes the dependency', async () => {
    const { dependency, clock } = subject({ circuit: FRAGILE });
    await fail(dependency, 1);
    await clock.advance(5);
    dependency.on(({ type }) => {
      if (type === 'circuit.half-opened') void dependency.close();
    });

    expect(() => dependency.acquire()).toThrow(
      expect.objectContaining({ code: 'DACE_SHUTDOWN' }),
    );

    expectRest({ dependency, clock });
  });
});

describe('A call of a dependency that is switched off', () => {
  it('does not run where it is closed while the first list is waited for', async () => {
    const { dependency, clock } = subject({
      enabled: false,
      hosts: { hosts: hang },
    });
    let runs = 0;
    const call = watch(dependency.execute(() => (runs += 1)));
    await clock.advance(0);

    await dependency.close();
    await clock.advance(0);

    expect(runs).toBe(0);
    expect(call.error).toMatchObject({ code: 'DACE_SHUTDOWN' });
  });
});

describe('A source of hosts', () => {
  it('that a closed dependency has begun to use is left alone', async () => {
    const { dependency, clock } = subject({ circuit: false });
    dependency.control('forced-open');
    let asked = 0;
    dependency.on(() => void dependency.close());

    dependency.configure({
      circuit: {},
      hosts: {
        refreshMs: 10,
        hosts: async () => {
          asked += 1;
          return Promise.resolve(['http://a']);
        },
      },
    });
    await clock.advance(1_000);

    // The question that was on its way.
    expect(asked).toBeLessThan(2);
    expect(clock.pending).toBe(0);
  });
});

describe('The fallback of a call that a closed dependency refuses', () => {
  const ends: (() => void)[] = [];
  afterEach(() => {
    for (const end of ends.splice(0)) end();
  });

  it('opens no connection', async () => {
    let connections = 0;
    const server = createServer((_request, response) => response.end('here'));
    server.on('connection', () => (connections += 1));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    ends.push(() => {
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    const { dependency } = subject({ hosts: [`http://127.0.0.1:${port}`] });
    await dependency.close();

    const error = await errorOf(
      dependency.execute(() => 'never', {
        fallback: (_error: unknown, call: Call) =>
          call.http.get(`http://127.0.0.1:${port}/`),
      }),
    );

    expect(error).toBeInstanceOf(Error);
    expect(connections).toBe(0);
  });
});
