import { describe, expect, it } from 'vitest';
import { Host } from '../../../lib/balancing/host.js';
import { HostChoice } from '../../../lib/balancing/host-choice.js';
import type { BalancerContext } from '../../../lib/balancing/load-balancer.js';
import { Permits } from '../../../lib/limits/permits.js';

const hostOf = (name: string, weight = 1): Host =>
  new Host(
    {
      netloc: `${name}:80`,
      protocol: 'http',
      baseUrl: `http://${name}`,
      weight,
    },
    new Permits(1, 1),
  );

function rig() {
  const handed: { hosts: readonly Host[]; context: BalancerContext }[] = [];
  const choice = new HostChoice(() => 0.5, {
    pick: (hosts, context) => {
      handed.push({
        hosts: hosts as unknown as readonly Host[],
        context,
      });
      return hosts[0]!;
    },
  });
  const hosts = [hostOf('a'), hostOf('b'), hostOf('c')] as const;
  choice.offer(hosts);
  const pick = (nowMs = 0, tried?: readonly Host[]): Host =>
    choice.among(choice.offered(nowMs, tried), nowMs);
  return { choice, hosts, handed, pick };
}

describe('The choice among hosts', () => {
  it('hands out one frozen list and one context, pick for pick', () => {
    const { handed, pick } = rig();
    pick(1);
    pick(2);

    const [one, other] = handed;
    expect(one!.hosts).toBe(other!.hosts);
    expect(one!.context).toBe(other!.context);
    expect(other!.context).toMatchObject({ nowMs: 2 });
    expect(other!.context.random()).toBe(0.5);
    expect(Object.isFrozen(one!.hosts)).toBe(true);
  });

  it('keeps apart from the list it was given', () => {
    const { choice, handed, pick } = rig();
    const given = [hostOf('x'), hostOf('y')];
    choice.offer(given);
    given.length = 0;
    pick();

    expect(handed[0]!.hosts.map(({ netloc }) => netloc)).toEqual([
      'x:80',
      'y:80',
    ]);
  });

  it('freezes what is left of it as well', () => {
    const { hosts, handed, pick } = rig();
    pick(0, [hosts[0]]);
    hosts[0].permits.tryAcquire();
    pick(0);

    expect(handed.map((each) => each.hosts.length)).toEqual([2, 3, 2]);
    for (const each of handed) expect(Object.isFrozen(each.hosts)).toBe(true);
  });

  it('takes all where all were tried, or none of them', () => {
    const { choice, hosts } = rig();

    expect(choice.offered(0, hosts)).toHaveLength(3);
    expect(choice.offered(0, [hostOf('z')])).toBe(choice.offered(0, undefined));
  });

  it('gives hosts that start slowly their weight in steps of 100 ms, each with a new list', () => {
    const { choice, hosts } = rig();
    hosts[1].returned(1_000);
    choice.offer(hosts);
    const at = (nowMs: number) => {
      const list = choice.offered(nowMs, undefined);
      return { list, weight: hosts[1].weight };
    };

    const steps = [1_000, 1_099, 3_000, 3_099, 3_100, 6_000, 7_000].map(at);

    expect(steps.map(({ weight }) => weight)).toEqual([
      0.1, 0.1, 0.4, 0.4, 0.42, 1, 1,
    ]);
    const changes = steps.map(
      ({ list }, each) => each > 0 && list !== steps[each - 1]!.list,
    );
    expect(changes).toEqual([false, false, true, false, true, true, false]);
  });
});
