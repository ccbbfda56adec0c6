import { describe, expect, it } from 'vitest';
import {
  DaceCircuitOpenError,
  DaceConfigurationError,
  firstFailure,
  type Call,
} from '../../lib/core.js';
import {
  errorOf,
  eventsOf,
  expectRest,
  fail,
  hang,
  refusedConnection,
  subject,
  throwing,
  watch,
} from '../support/core-toolkit.js';

const FRAGILE = { circuit: { trip: firstFailure(), resetTimeoutMs: 1_000 } };

const netlocOf = (call: Call): string | undefined => call.netloc;

describe('A call pinned to a peer', () => {
  it('goes there', async () => {
    const { dependency } = subject();
    const seen = await dependency.execute(
      ({ netloc, protocol, baseUrl }) => ({ netloc, protocol, baseUrl }),
      { netloc: 'Peer.Example:443' },
    );
    expect(seen).toEqual({
      netloc: 'peer.example:443',
      protocol: 'https',
      baseUrl: 'https://peer.example',
    });
  });

  it('always has a port', async () => {
    const { dependency } = subject();
    expect(await dependency.execute(netlocOf, { netloc: 'peer' })).toBe(
      'peer:80',
    );
  });

  it('is judged by the peer’s own circuit alone', async () => {
    const rig = subject(FRAGILE);
    const { dependency } = rig;
    await fail(dependency, 1, undefined, { netloc: 'bad' });
    const error = await errorOf(
      dependency.execute(() => '', { netloc: 'bad' }),
    );
    expect(error).toBeInstanceOf(DaceCircuitOpenError);
    expect(error).toMatchObject({ netloc: 'bad:80', retryAfterMs: 1_000 });
    expect(await dependency.execute(() => 'ok', { netloc: 'good' })).toBe('ok');
    expect(await dependency.execute(() => 'ok')).toBe('ok');
    expect(dependency.snapshot()).toMatchObject({
      state: 'closed',
      window: { calls: 1, failures: 0 },
    });
    expectRest(rig);
  });

  it('is not judged by the dependency’s circuit', async () => {
    const { dependency } = subject(FRAGILE);
    await fail(dependency, 1);
    expect(dependency.snapshot().state).toBe('open');
    expect(await dependency.execute(() => 'ok', { netloc: 'good' })).toBe('ok');
  });

  it('recovers by a probe of its own', async () => {
    const { clock, dependency } = subject(FRAGILE);
    await fail(dependency, 1, undefined, { netloc: 'bad' });
    await clock.advance(1_000);
    const probe = watch(dependency.execute(hang, { netloc: 'bad' }));
    expect(
      await errorOf(dependency.execute(() => '', { netloc: 'bad' })),
    ).toBeInstanceOf(DaceCircuitOpenError);
    expect(probe.state).toBe('pending');
  });

  it('is shown as pinned, and its transitions carry its netloc', async () => {
    const { dependency } = subject(FRAGILE);
    const events = eventsOf(dependency);
    await fail(dependency, 1, undefined, { netloc: 'bad' });
    expect(dependency.snapshot().hosts).toMatchObject([
      { netloc: 'bad:80', pinned: true, state: 'open' },
    ]);
    expect(
      events.find((event) => event.type === 'circuit.opened'),
    ).toMatchObject({ netloc: 'bad:80' });
  });

  it('is retried there', async () => {
    const { dependency } = subject({
      hosts: ['http://a', 'http://b'],
      retry: { attempts: 3 },
    });
    const seen: unknown[] = [];
    await errorOf(
      dependency.execute(
        (call) => {
          seen.push(call.netloc);
          throw refusedConnection();
        },
        { netloc: 'b' },
      ),
    );
    expect(seen).toEqual(['b:80', 'b:80', 'b:80']);
  });

  it('shares the limits: permits of the netloc, rate and budget', async () => {
    const { clock, dependency } = subject({
      maxOpenPerNetloc: 1,
      maxQueuedPerNetloc: 0,
      rateLimit: { limit: 2, intervalMs: 1_000 },
    });
    void dependency.execute(hang, { netloc: 'x' }).catch(() => {});
    expect(
      await errorOf(dependency.execute(() => '', { netloc: 'x' })),
    ).toMatchObject({ code: 'DACE_RATE_LIMITED', netloc: 'x:80' });
    expect(await dependency.execute(() => 'ok', { netloc: 'y' })).toBe('ok');
    expect(
      await errorOf(dependency.execute(() => '', { netloc: 'z' })),
    ).toMatchObject({ code: 'DACE_RATE_LIMITED' });
    await clock.advance(500);
    expect(await dependency.execute(() => 'ok', { netloc: 'z' })).toBe('ok');
  });

  it('may be pinned by a key that is no netloc', async () => {
    const { dependency } = subject(FRAGILE);
    const key = 'tenant 42 / eu';
    expect(await dependency.execute(netlocOf, { netloc: key })).toBe(key);
    await fail(dependency, 1, undefined, { netloc: key });
    expect(
      await errorOf(dependency.execute(() => '', { netloc: key })),
    ).toBeInstanceOf(DaceCircuitOpenError);
    expect(
      await dependency.execute(() => 'ok', { netloc: 'tenant 43 / eu' }),
    ).toBe('ok');
  });

  it('takes keys of up to 255 characters', async () => {
    const { dependency } = subject();
    const key = '#'.repeat(255);
    expect(await dependency.execute(netlocOf, { netloc: key })).toBe(key);
    for (const netloc of [`${key}#`, ''])
      expect(
        await errorOf(dependency.execute(netlocOf, { netloc })),
      ).toBeInstanceOf(DaceConfigurationError);
    expect(() => dependency.acquire({ netloc: `${key}#` })).toThrow(
      DaceConfigurationError,
    );
  });

  it.each(['__proto__', 'constructor', 'toString'])(
    'takes %s for a name like any other',
    async (netloc) => {
      const { dependency } = subject(FRAGILE);
      expect(await dependency.execute(() => 'ok', { netloc })).toBe('ok');
    },
  );
});

describe('A call pinned to a listed host', () => {
  it('counts for the host and for the dependency', async () => {
    const { dependency } = subject({ hosts: ['http://a', 'http://b'] });
    await fail(dependency, 2, undefined, { netloc: 'b' });
    const { hosts, window } = dependency.snapshot();
    expect(window).toMatchObject({ calls: 2, failures: 2 });
    expect(hosts.map((host) => host.window.failures)).toEqual([0, 2]);
    expect(hosts.some((host) => host.pinned)).toBe(false);
  });

  it('is refused while the host is out, not sent elsewhere', async () => {
    const { dependency } = subject({
      ...FRAGILE,
      hosts: ['http://a', 'http://b'],
    });
    await fail(dependency, 1, undefined, { netloc: 'b' });
    expect(dependency.snapshot().hosts[1]).toMatchObject({ inService: false });
    const error = await errorOf(dependency.execute(netlocOf, { netloc: 'b' }));
    expect(error).toBeInstanceOf(DaceCircuitOpenError);
    expect(error.netloc).toBe('b:80');
    expect(await dependency.execute(netlocOf)).toBe('a:80');
  });

  it('is admitted by the host though the dependency is open', async () => {
    const { dependency } = subject({
      hosts: ['http://a', 'http://b', 'http://c', 'http://d'],
      loadBalancer: 'round-robin',
      circuit: {
        trip: (counts) => counts.failures >= 4,
        resetTimeoutMs: 1_000,
      },
      retry: false,
    });
    await fail(dependency, 4);
    expect(dependency.snapshot().state).toBe('open');
    expect(await dependency.execute(netlocOf, { netloc: 'c' })).toBe('c:80');
    expect(await errorOf(dependency.execute(netlocOf))).toBeInstanceOf(
      DaceCircuitOpenError,
    );
  });

  it('that is the only one is judged by the dependency’s circuit, which is the host’s', async () => {
    const { dependency } = subject({ ...FRAGILE, hosts: ['http://a'] });
    await fail(dependency, 1, undefined, { netloc: 'a' });
    expect(dependency.snapshot()).toMatchObject({
      state: 'open',
      hosts: [{ netloc: 'a:80', state: 'open' }],
    });
    expect(
      await errorOf(dependency.execute(netlocOf, { netloc: 'a' })),
    ).toBeInstanceOf(DaceCircuitOpenError);
  });
});

describe('Operator modes and pinned calls', () => {
  it('forced-open of the dependency refuses them', async () => {
    const { dependency } = subject({ hosts: ['http://a', 'http://b'] });
    dependency.control('forced-open');
    for (const netloc of ['a', 'elsewhere'])
      expect(
        await errorOf(dependency.execute(() => '', { netloc })),
      ).toMatchObject({ code: 'DACE_CIRCUIT_OPEN' });
    dependency.control('auto');
    for (const netloc of ['a', 'elsewhere'])
      expect(await dependency.execute(() => 'ok', { netloc })).toBe('ok');
  });

  it.each(['metrics-only', 'disabled'] as const)(
    '%s of the dependency lets them pass, also to peers not seen before',
    async (mode) => {
      const { dependency } = subject(FRAGILE);
      dependency.control(mode);
      await fail(dependency, 3, undefined, { netloc: 'bad' });
      expect(await dependency.execute(() => 'ok', { netloc: 'bad' })).toBe(
        'ok',
      );
    },
  );

  it('forced-open of one peer refuses only those pinned to it', async () => {
    const { dependency } = subject();
    dependency.control('forced-open', 'Bad');
    expect(
      await errorOf(dependency.execute(() => '', { netloc: 'bad:80' })),
    ).toMatchObject({ code: 'DACE_CIRCUIT_OPEN', netloc: 'bad:80' });
    expect(await dependency.execute(() => 'ok', { netloc: 'good' })).toBe('ok');
  });
});

describe('The number of peers', () => {
  it('is bounded: idle closed ones make room, without a word', async () => {
    const { dependency } = subject();
    const events = eventsOf(dependency);
    for (let n = 0; n < 1_500; n++)
      await dependency.execute(() => '', { netloc: `peer-${n}` });
    expect(dependency.snapshot().hosts).toHaveLength(1_000);
    expect(events.some((event) => event.type === 'warning')).toBe(false);
  });

  it('never drops an open one', async () => {
    const { dependency } = subject(FRAGILE);
    await fail(dependency, 1, undefined, { netloc: 'bad' });
    for (let n = 0; n < 1_500; n++)
      await dependency.execute(() => '', { netloc: `peer-${n}` });
    expect(
      await errorOf(dependency.execute(() => '', { netloc: 'bad' })),
    ).toBeInstanceOf(DaceCircuitOpenError);
  });

  it('beyond 1,000 open ones leaves new peers without a circuit, with one warning', async () => {
    const { clock, dependency } = subject(FRAGILE);
    for (let n = 0; n < 1_000; n++)
      await fail(dependency, 1, undefined, { netloc: `bad-${n}` });
    const events = eventsOf(dependency);
    for (const netloc of ['one', 'two', 'one'])
      await fail(dependency, 2, undefined, { netloc });
    expect(await dependency.execute(() => 'ok', { netloc: 'one' })).toBe('ok');
    expect(events.filter((event) => event.type === 'warning')).toHaveLength(1);
    expect(
      await errorOf(dependency.execute(() => '', { netloc: 'bad-0' })),
    ).toBeInstanceOf(DaceCircuitOpenError);
    expectRest({ clock, dependency });
  });

  it('never drops a busy one', async () => {
    const { clock, dependency } = subject({
      maxOpenPerNetloc: 1,
      maxQueuedPerNetloc: 0,
      abandonAfterMs: 0,
    });
    const busy = watch(dependency.execute(hang, { netloc: 'busy' }));
    for (let n = 0; n < 1_500; n++)
      await dependency.execute(() => '', { netloc: `peer-${n}` });
    expect(
      await errorOf(dependency.execute(() => '', { netloc: 'busy' })),
    ).toMatchObject({ code: 'DACE_RATE_LIMITED' });
    await clock.advance(5_000);
    expect(busy.state).toBe('rejected');
    await clock.advance(0);
    expectRest({ clock, dependency });
  });
});

describe('An unlisted peer of a dependency without hosts', () => {
  it('leaves the unpinned calls their own netloc', async () => {
    const { dependency } = subject({
      maxOpenPerNetloc: 1,
      maxQueuedPerNetloc: 0,
    });
    void dependency.execute(hang, { netloc: 'x' }).catch(() => {});
    expect(await dependency.execute(netlocOf)).toBeUndefined();
    expect(
      await errorOf(dependency.execute(throwing(), { netloc: 'y' })),
    ).toMatchObject({ message: 'boom' });
  });
});
