import { describe, expect, it } from 'vitest';
import { Host } from '../../../lib/balancing/host.js';
import { HostSet } from '../../../lib/balancing/host-set.js';
import {
  consecutiveFailures,
  failureRatio,
} from '../../../lib/circuit/trip-rules.js';
import {
  createDependency,
  type Dependency,
} from '../../../lib/dependency/dependency.js';
import type { CircuitOptions } from '../../../lib/dependency/options.js';
import { Permits } from '../../../lib/limits/permits.js';
import { HandClock } from '../../support/hand-clock.js';

const netlocOf = (host: number): string => `h${host}:80`;

/** A dependency of `count` hosts, asked in turn. */
function fleet(count: number, circuit: CircuitOptions = {}) {
  const clock = new HandClock();
  const heard: string[] = [];
  const dependency = createDependency(
    'payments',
    {
      hosts: Array.from({ length: count }, (_, each) => `http://h${each}:80`),
      loadBalancer: 'round-robin',
      circuit: { trip: consecutiveFailures(2), ...circuit },
    },
    {
      clock,
      onEvent: ({ type, netloc }) => {
        if (/^(host|circuit)\./.test(type))
          heard.push(`${type} ${netloc ?? ''}`.trim());
      },
    },
  );
  /** Has `host` fail or succeed, pinned, so often. */
  const answer = (
    host: number,
    verdict: 'success' | 'failure',
    times: number,
  ): void => {
    for (let each = 0; each < times; each++)
      dependency.acquire({ netloc: netlocOf(host) })[verdict]();
  };
  return { clock, dependency, heard, answer };
}

const outOf = (dependency: Dependency): string[] =>
  dependency
    .snapshot()
    .hosts.filter((host) => !host.inService)
    .map((host) => host.netloc);

const asked = (dependency: Dependency, times: number): string[] =>
  Array.from({ length: times }, () => {
    const permit = dependency.acquire();
    permit.success();
    return permit.netloc!;
  });

describe('A host whose circuit opens', () => {
  it('is passed by', () => {
    const { dependency, answer } = fleet(3);

    answer(1, 'failure', 2);

    expect(outOf(dependency)).toEqual(['h1:80']);
    expect(new Set(asked(dependency, 20))).toEqual(new Set(['h0:80', 'h2:80']));
  });

  it('takes its counts with it, and comes back empty', () => {
    const { dependency, answer, clock } = fleet(3);
    answer(0, 'success', 3);
    answer(1, 'success', 4);
    answer(1, 'failure', 2);
    expect(dependency.snapshot().window).toMatchObject({
      calls: 3,
      failures: 0,
    });

    clock.timeMs = 10_000;
    answer(1, 'success', 1);
    answer(1, 'success', 1);

    expect(outOf(dependency)).toEqual([]);
    expect(dependency.snapshot().window.calls).toBe(1);
  });

  it('is the next unpinned pick once its time is up, once', () => {
    const { dependency, answer, clock } = fleet(4);
    answer(2, 'failure', 2);
    clock.timeMs = 10_000;

    const [first, ...others] = [1, 2, 3, 4].map(() => dependency.acquire());

    expect(first!.netloc).toBe('h2:80');
    expect(others.map((permit) => permit.netloc)).not.toContain('h2:80');
  });

  it('is not probed while it is full', () => {
    const { dependency, answer, clock } = fleet(3);
    dependency.acquire({ netloc: netlocOf(2) });
    answer(2, 'failure', 2);
    dependency.configure({ maxOpenPerNetloc: 1 });
    clock.timeMs = 10_000;

    expect(asked(dependency, 6)).not.toContain('h2:80');
  });

  it('is probed by probes of an open dependency, by turns with those in service', () => {
    const { dependency, answer, clock } = fleet(3, {
      trip: failureRatio({ minimumCalls: 2 }),
    });
    answer(0, 'failure', 2);
    answer(1, 'failure', 2);
    clock.timeMs = 5_000;
    answer(2, 'failure', 2);
    expect(dependency.snapshot().state).toBe('open');

    const probed = Array.from({ length: 4 }, (_, each) => {
      clock.timeMs = 15_000 + each * 10_000;
      const probe = dependency.acquire();
      probe.failure();
      return probe.netloc;
    });

    expect(probed).toEqual(['h0:80', 'h2:80', 'h1:80', 'h2:80']);
  });

  it('says so: out, half-open, back', () => {
    const { answer, clock, heard } = fleet(3);

    answer(1, 'failure', 2);
    clock.timeMs = 10_000;
    answer(1, 'success', 1);

    expect(heard).toEqual([
      'circuit.opened h1:80',
      'host.out h1:80',
      'circuit.half-opened h1:80',
      'circuit.closed h1:80',
      'host.back h1:80',
    ]);
  });
});

describe('Of many hosts', () => {
  it.each([
    [2, 0.5, 1],
    [3, 0.5, 2],
    [4, 0.5, 2],
    [5, 0.5, 3],
    [4, 0.01, 1],
    [4, 1, 3],
    [10, 0.3, 3],
    // 0.07 × 100 is 7.000000000000001 in doubles.
    [100, 0.07, 7],
  ])(
    'of %i, with maxOutRatio %d, at most %i are out',
    (count, maxOutRatio, most) => {
      const { dependency, answer } = fleet(count, { maxOutRatio });
      answer(count - 1, 'success', 1);

      for (let host = 0; host < count - 1; host++) answer(host, 'failure', 2);

      expect(outOf(dependency)).toHaveLength(Math.min(most, count - 1));
      expect(dependency.snapshot().state).toBe('closed');
    },
  );

  it('one that trips beyond the limit stays in service, marked', () => {
    const { dependency, answer } = fleet(4);
    answer(3, 'success', 1);
    for (const host of [0, 1, 2]) answer(host, 'failure', 2);

    expect(dependency.snapshot().hosts[2]).toMatchObject({
      state: 'closed',
      inService: true,
      tripped: 'consecutiveFailures',
    });
    expect(asked(dependency, 10)).toContain('h2:80');
  });

  it('it goes out when there is room and its rule still holds', () => {
    const { dependency, answer, clock } = fleet(4);
    answer(3, 'success', 1);
    for (const host of [0, 1, 2]) answer(host, 'failure', 2);
    clock.timeMs = 10_000;

    answer(0, 'success', 1);

    expect(outOf(dependency)).toEqual(['h1:80', 'h2:80']);
  });

  it('it stays where its rule no longer holds', () => {
    const { dependency, answer, clock } = fleet(4);
    answer(3, 'success', 1);
    for (const host of [0, 1, 2]) answer(host, 'failure', 2);
    answer(2, 'success', 1);
    clock.timeMs = 10_000;

    answer(0, 'success', 1);

    expect(outOf(dependency)).toEqual(['h1:80']);
    expect(dependency.snapshot().hosts[2]!.tripped).toBeUndefined();
  });
});

describe('The dependency above its hosts', () => {
  it('counts the sum over the hosts in service', () => {
    const { dependency, answer } = fleet(3, { trip: consecutiveFailures(5) });

    answer(0, 'success', 3);
    answer(1, 'failure', 4);
    answer(2, 'success', 1);

    expect(dependency.snapshot().window).toMatchObject({
      calls: 8,
      failures: 4,
    });
  });

  it('opens by a rule of failures in a row only if it holds for every host in service', () => {
    const { dependency, answer } = fleet(4, { maxOutRatio: 0.01 });
    answer(0, 'failure', 2);
    answer(1, 'failure', 9);
    answer(2, 'failure', 9);
    expect(dependency.snapshot().state).toBe('closed');

    answer(3, 'failure', 2);

    expect(dependency.snapshot().state).toBe('open');
    expect(outOf(dependency)).toEqual(['h0:80']);
  });

  it('starts its hosts afresh when it closes', () => {
    const { dependency, answer, clock } = fleet(2);
    answer(0, 'failure', 2);
    answer(1, 'failure', 2);
    expect(dependency.snapshot().state).toBe('open');
    clock.timeMs = 10_000;
    dependency.acquire().failure();
    clock.timeMs = 20_000;

    dependency.acquire().success();

    const { state, window, hosts } = dependency.snapshot();
    expect(state).toBe('closed');
    expect(window.calls).toBe(0);
    expect(hosts[1]).toMatchObject({ inService: true, window: { calls: 0 } });
  });

  it('closes by a host that was out, beside those in service, which start afresh', () => {
    const { dependency, answer, clock } = fleet(2);
    answer(0, 'failure', 2);
    answer(1, 'failure', 2);
    clock.timeMs = 10_000;

    dependency.acquire().success();

    const { state, hosts } = dependency.snapshot();
    expect(state).toBe('closed');
    expect(hosts).toMatchObject([
      { inService: true, window: { calls: 0 } },
      { inService: true, window: { calls: 0 } },
    ]);
  });
});

describe('A pick', () => {
  const setOf = (count: number, limit = 1, maxQueued = 2) => {
    const hosts = Array.from(
      { length: count },
      (_, each) =>
        new Host(
          {
            netloc: netlocOf(each),
            protocol: 'http',
            baseUrl: `http://h${each}`,
            weight: 1,
          },
          new Permits(limit, maxQueued),
        ),
    );
    const set = new HostSet(
      {
        random: () => 0,
        maxOutRatio: 0.5,
        circuit: undefined,
        hostChanged: () => {},
        hostMoved: () => {},
      },
      'round-robin',
    );
    set.setHosts(hosts);
    const queue = (host: number, length: number): void => {
      for (let each = 0; each < length; each++)
        hosts[host]!.permits.enqueue({ granted: () => {} });
    };
    return { hosts, set, queue };
  };
  const fill = (hosts: readonly Host[]): void => {
    for (const host of hosts) host.permits.tryAcquire();
  };

  it('prefers hosts that were not tried', () => {
    const { hosts, set } = setOf(3);
    const tried = [hosts[0]!, hosts[2]!];

    expect([1, 2, 3].map(() => set.pick(0, tried, true))).toEqual([
      hosts[1],
      hosts[1],
      hosts[1],
    ]);
    expect(set.hasUntried(tried)).toBe(true);
  });

  it('takes a tried host where no other is left', () => {
    const { hosts, set } = setOf(2);

    expect(hosts).toContain(set.pick(0, hosts, true));
    expect(set.hasUntried(hosts)).toBe(false);
  });

  it('passes a full host by', () => {
    const { hosts, set } = setOf(3);
    fill([hosts[0]!, hosts[2]!]);

    const picked = [1, 2, 3, 4].map(() => set.pick(0, undefined, true));

    expect(new Set(picked)).toEqual(new Set([hosts[1]]));
  });

  it.each([
    ['the shortest queue', [2, 1, 3], 5, 1],
    ['the shortest queue with room', [2, 2, 1], 2, 2],
    ['any, where no queue has room', [2, 2, 2], 2, 0],
  ])('of full hosts takes %s', (_, queued, maxQueued, expected) => {
    const { hosts, set, queue } = setOf(3, 1, maxQueued);
    fill(hosts);
    queued.forEach((length, host) => queue(host, length));

    expect(set.pick(0, undefined, true)).toBe(hosts[expected]);
  });

  it('finds nobody where there is nobody', () => {
    expect(setOf(0).set.pick(0, undefined, true)).toBeUndefined();
  });

  it('knows the only host there is', () => {
    const { hosts, set } = setOf(1);

    expect(set.only).toBe(hosts[0]);
    expect(setOf(2).set.only).toBeUndefined();
    expect(set.find('h0:80')).toBe(hosts[0]);
  });
});

describe('A host that came back', () => {
  it('starts slowly, with a tenth of its weight and no estimate', () => {
    const host = new Host(
      { netloc: 'a:80', protocol: 'http', baseUrl: 'http://a', weight: 4 },
      new Permits(1, 1),
    );
    host.latency.succeeded(10, 0);
    expect(host.weight).toBe(4);

    host.returned(1_000);

    const weights = [1_000, 1_400, 3_500, 6_000, 60_000].map((atMs) => {
      host.gainWeight(atMs);
      return host.weight;
    });
    expect(weights).toEqual([0.4, 0.4, 2, 4, 4]);
    expect(host.latencyMs).toBeUndefined();
  });
});
