import { describe, expect, it } from 'vitest';
import { takeIn } from '../../../lib/balancing/answered.js';
import { Host } from '../../../lib/balancing/host.js';
import { HostSet } from '../../../lib/balancing/host-set.js';
import { Permits } from '../../../lib/limits/permits.js';

const hostOf = (netloc: string): Host =>
  new Host(
    { netloc, protocol: 'http', baseUrl: `http://${netloc}`, weight: 1 },
    new Permits(10, 10),
  );

function answeredHosts(count: number) {
  const hosts = new HostSet(
    {
      random: () => 0.5,
      maxOutRatio: 1,
      circuit: undefined,
      hostChanged: () => {},
      hostMoved: () => {},
    },
    'round-robin',
  );
  hosts.setHosts(Array.from({ length: count }, (_, n) => hostOf(`h${n}:80`)));
  const netlocs = (): string[] => hosts.all.map(({ netloc }) => netloc);
  return { hosts, netlocs };
}

describe('A netloc that a balancer function answers', () => {
  it('is a host from then on, after those that are known', () => {
    const { hosts, netlocs } = answeredHosts(2);
    expect(takeIn(hosts, hostOf('new:80'))).toBe(true);
    expect(netlocs()).toEqual(['h0:80', 'h1:80', 'new:80']);
  });

  it('is the thousandth without taking anybody’s place', () => {
    const { hosts, netlocs } = answeredHosts(999);
    expect(takeIn(hosts, hostOf('new:80'))).toBe(true);
    expect(netlocs()).toHaveLength(1_000);
    expect(netlocs()[0]).toBe('h0:80');
  });

  it('takes the place of the first idle one of a thousand', () => {
    const { hosts, netlocs } = answeredHosts(1_000);
    hosts.all[0]!.inFlight = 1;
    expect(takeIn(hosts, hostOf('new:80'))).toBe(true);
    expect(netlocs()).toHaveLength(1_000);
    expect([netlocs()[0], netlocs()[1]]).toEqual(['h0:80', 'h2:80']);
    expect(netlocs().at(-1)).toBe('new:80');
  });

  it.each([0, 1, 2])(
    'takes the place of the one that is reached there in another way: %i',
    (index) => {
      const { hosts, netlocs } = answeredHosts(3);
      const before = netlocs();
      const host = hostOf(`h${index}:80`);
      expect(takeIn(hosts, host)).toBe(true);
      expect(netlocs()).toEqual(before);
      expect(hosts.all[index]).toBe(host);
    },
  );

  it('is no host where a thousand are busy', () => {
    const { hosts, netlocs } = answeredHosts(1_000);
    for (const host of hosts.all) host.permits.tryAcquire();
    const before = netlocs();
    expect(takeIn(hosts, hostOf('new:80'))).toBe(false);
    expect(netlocs()).toEqual(before);
  });
});
