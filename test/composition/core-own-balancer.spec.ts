import { describe, expect, it } from 'vitest';
import {
  createDependency,
  DaceConfigurationError,
  firstFailure,
  type BalancerContext,
  type DependencyOptions,
  type HostView,
  type LoadBalancer,
} from '../../lib/core.js';
import {
  errorOf,
  eventsOf,
  expectRest,
  fail,
  refusedConnection,
  subject,
} from '../support/core-toolkit.js';

const HOSTS = ['http://a', 'http://b', 'http://c'];

const of = (loadBalancer: unknown, options: DependencyOptions = {}) =>
  subject({
    hosts: HOSTS,
    loadBalancer: loadBalancer as LoadBalancer,
    ...options,
  });

const picking = (pick: (hosts: readonly HostView[]) => unknown): LoadBalancer =>
  ({ pick }) as LoadBalancer;

/** The last of those that may be asked, with a memory of what it was handed. */
class Last implements LoadBalancer {
  readonly handed: (readonly HostView[])[] = [];

  pick<H extends HostView>(hosts: readonly H[]): H {
    this.handed.push(hosts);
    return hosts.at(-1)!;
  }

  get netlocs(): string[] {
    return this.handed.map((hosts) =>
      hosts.map(({ netloc }) => netloc[0]).join(''),
    );
  }
}

describe('A balancer of the user’s own', () => {
  it('chooses, as an object or an instance of a class', async () => {
    for (const balancer of [new Last(), picking((hosts) => hosts[2])]) {
      const rig = of(balancer);
      expect(await rig.dependency.execute((call) => call.netloc)).toBe('c:80');
      expectRest(rig);
    }
  });

  it('sees no host that is out', async () => {
    const balancer = new Last();
    const { dependency } = of(balancer, { circuit: { trip: firstFailure() } });
    await fail(dependency, 1);
    await dependency.execute(() => 'ok');

    expect(balancer.netlocs).toEqual(['abc', 'ab']);
  });

  it('sees no host that was tried, and is not asked where one is left', async () => {
    const balancer = new Last();
    const { dependency } = of(balancer, {
      circuit: false,
      retry: { attempts: 3, budget: false },
    });
    const seen: unknown[] = [];
    await errorOf(
      dependency.execute(({ netloc }) => {
        seen.push(netloc);
        throw refusedConnection();
      }),
    );

    expect(seen).toEqual(['c:80', 'b:80', 'a:80']);
    expect(balancer.netlocs).toEqual(['abc', 'ab']);
  });

  it('is asked again without the full ones, if it chose one of them', () => {
    const balancer = new Last();
    const { dependency } = of(balancer, { maxOpenPerNetloc: 1 });
    const netlocs = [1, 2, 3].map(() => dependency.acquire().netloc);

    expect(netlocs).toEqual(['c:80', 'b:80', 'a:80']);
    expect(balancer.netlocs).toEqual(['abc', 'abc', 'ab', 'abc']);
  });

  it('is handed the same list until hosts or weights change', async () => {
    const balancer = new Last();
    const { dependency, clock } = of(balancer, {
      circuit: { trip: firstFailure(), resetTimeoutMs: 1_000 },
    });
    const call = () => dependency.execute(() => 'ok');
    await call();
    await call();
    await fail(dependency, 1);
    await call();
    await call();
    await clock.advance(1_000);
    await call();
    await call();
    await clock.advance(99);
    await call();
    await clock.advance(1_000);
    await call();
    const { handed } = balancer;
    const places = handed.map((hosts) => handed.indexOf(hosts));

    // The call after the second reset is the probe and asks nobody.
    expect(balancer.netlocs.join(' ')).toBe('abc abc abc ab ab abc abc abc');
    expect(places).toEqual([0, 0, 0, 3, 3, 5, 5, 7]);
  });

  it('cannot disturb the order of hosts, and is told so', async () => {
    const rig = of(
      picking((hosts) =>
        (hosts as HostView[]).sort((a, b) => a.weight - b.weight).at(0),
      ),
    );
    const error = await errorOf(rig.dependency.execute(() => 'ok'));

    expect(error).toBeInstanceOf(DaceConfigurationError);
    expect(error.message).toMatch(
      /^Dependency "payments", loadBalancer: pick threw TypeError: Cannot assign to read only property/,
    );
    rig.dependency.configure({ loadBalancer: picking((hosts) => hosts[0]) });
    expect(await rig.dependency.execute((call) => call.netloc)).toBe('a:80');
  });

  it('may keep a copy in any order', async () => {
    const { dependency } = of(
      picking((hosts) =>
        [...hosts].sort((a, b) => b.netloc.localeCompare(a.netloc)).at(0),
      ),
    );

    expect(await dependency.execute((call) => call.netloc)).toBe('c:80');
  });

  it('may serve several dependencies, and sees the hosts of each', async () => {
    const balancer = new Last();
    const one = of(balancer).dependency;
    const other = of(balancer, { hosts: ['http://x', 'http://y'] }).dependency;
    for (const dependency of [one, other, one])
      await dependency.execute(() => 'ok');

    expect(balancer.netlocs).toEqual(['abc', 'xy', 'abc']);
  });

  it('is told the time and draws its chance from the dependency’s', async () => {
    const seen: BalancerContext[] = [];
    const { dependency, clock } = subject(
      {
        hosts: HOSTS,
        loadBalancer: {
          pick: (hosts, context) => {
            seen.push({ ...context });
            return hosts[Math.floor(context.random() * hosts.length)]!;
          },
        },
      },
      { random: () => 0.4 },
    );
    await clock.advance(7);
    const startMs = clock.nowMs();

    expect(await dependency.execute((call) => call.netloc)).toBe('b:80');
    expect(seen[0]!.nowMs).toBe(startMs);
  });
});

const stranger = {
  netloc: 'z:80',
  weight: 1,
  inFlight: 0,
  askedMs: 0,
  pendingAt: () => 0,
};

describe.each<[string, (hosts: readonly HostView[]) => unknown, string]>([
  ['nothing', () => undefined, 'answered undefined'],
  ['null', () => null, 'answered null'],
  ['a number', () => 1, 'answered 1'],
  ['a netloc', (hosts) => hosts[0]!.netloc, 'answered "a:80"'],
  ['a stranger', () => stranger, 'answered an object with the netloc "z:80"'],
  [
    'a copy',
    (hosts) => ({ ...hosts[0]!, netloc: 'a:80' }),
    'answered an object with the netloc "a:80"',
  ],
  ['an object', () => ({}), 'answered an object'],
  [
    'what cannot be read',
    () =>
      new Proxy(
        {},
        {
          get: () => {
            throw new Error('no');
          },
        },
      ),
    'answered something that cannot be read',
  ],
  [
    'a promise',
    async (hosts) => hosts[0],
    'answered a Promise: a balancer that has to wait is a function, () => [protocol, netloc]',
  ],
])('A balancer that answers %s', (_, pick, told) => {
  const message = `Dependency "payments", loadBalancer: pick must answer one of the hosts it is given, and ${told}`;

  it('is told so, and nothing is kept', async () => {
    const rig = of(picking(pick), { maxOpenPerNetloc: 1 });
    for (let each = 0; each < 3; each++) {
      const error = await errorOf(rig.dependency.execute(() => 'ok'));
      expect(error).toBeInstanceOf(DaceConfigurationError);
      expect(error.message).toBe(message);
      expect(error.problems).toEqual([
        {
          option: 'loadBalancer',
          message: message.slice(message.indexOf('pick')),
        },
      ]);
    }
    expectRest(rig);
    rig.dependency.configure({ loadBalancer: 'round-robin' });
    for (let each = 0; each < 3; each++) rig.dependency.acquire();
  });

  it('gives no permit, which is told so', () => {
    const rig = of(picking(pick));

    expect(() => rig.dependency.acquire()).toThrow(message);
    expectRest(rig);
  });
});

describe('A balancer that throws', () => {
  const broken = picking(() => {
    throw new RangeError('out of hosts');
  });

  it('is told so, with its error as cause', async () => {
    const rig = of(broken);
    const error = await errorOf(rig.dependency.execute(() => 'ok'));

    expect(error).toBeInstanceOf(DaceConfigurationError);
    expect(error.message).toBe(
      'Dependency "payments", loadBalancer: pick threw RangeError: out of hosts',
    );
    expect(error.cause).toBeInstanceOf(RangeError);
    expectRest(rig);
  });

  it('gives back the lease of a dependency that it was to probe', async () => {
    const rig = of(broken, {
      circuit: {
        trip: firstFailure(),
        resetTimeoutMs: 1_000,
        maxOutRatio: 0.1,
      },
    });
    // Nobody but the balancer is asked where the probe goes: who is out is not due.
    rig.dependency.control('forced-open', 'a');
    for (const netloc of ['b', 'c'])
      await fail(rig.dependency, 1, undefined, { netloc });
    expect(rig.dependency.snapshot().state).toBe('open');
    await rig.clock.advance(1_000);
    await errorOf(rig.dependency.execute(() => 'ok'));
    rig.dependency.configure({ loadBalancer: 'round-robin' });

    expect(await rig.dependency.execute(() => 'ok')).toBe('ok');
  });

  it('at a later attempt leaves the error of the one before, and a warning', async () => {
    let asked = 0;
    const rig = of(
      picking((hosts) => {
        asked += 1;
        if (asked === 2) throw new Error('broken');
        return hosts[0];
      }),
    );
    const events = eventsOf(rig.dependency);
    const error = await errorOf(
      rig.dependency.execute(() => {
        throw refusedConnection();
      }),
    );

    expect(error.message).toContain('ECONNREFUSED');
    expect(events).toContainEqual(
      expect.objectContaining({
        type: 'warning',
        message:
          'Dependency "payments", loadBalancer: pick threw Error: broken',
      }),
    );
    expectRest(rig);
  });
});

describe('A class in place of a balancer', () => {
  class Closest extends Last {}
  class Bound {
    pick = (hosts: readonly HostView[]): HostView => hosts[0]!;
  }
  abstract class Chooser implements LoadBalancer {
    abstract pick<H extends HostView>(hosts: readonly H[]): H;
  }

  it.each<[string, unknown]>([
    ['Closest', Closest],
    ['Bound', Bound],
    ['Chooser', Chooser],
  ])('is refused, with the cure: %s', (name, type) => {
    expect(() =>
      createDependency('payments', {
        hosts: HOSTS,
        loadBalancer: type as never,
      }),
    ).toThrow(`new ${name}(…)`);
  });
});
