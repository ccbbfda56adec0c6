import { describe, expect, it } from 'vitest';
import { HostSet } from '../../../lib/balancing/host-set.js';
import { Host } from '../../../lib/balancing/host.js';
import { LateBalancer } from '../../../lib/balancing/late-balancer.js';
import type { LoadBalancer } from '../../../lib/balancing/load-balancer.js';
import {
  BalancerFault,
  OwnBalancer,
} from '../../../lib/balancing/own-balancer.js';
import { Permits } from '../../../lib/limits/permits.js';
import { thenable } from '../../support/core-toolkit.js';

const hostOf = (netloc: string): Host =>
  new Host(
    { netloc, protocol: 'http', baseUrl: `http://${netloc}`, weight: 1 },
    new Permits(10, 10),
  );
const hosts = [hostOf('a:80'), hostOf('b:80')];
const context = { nowMs: 7, random: () => 0.5 };

const answering = (answer: unknown): LoadBalancer => ({
  pick: () => answer as never,
});
const throwing = (cause: unknown): LoadBalancer => ({
  pick: () => {
    throw cause;
  },
});

function faultOf(own: LoadBalancer): Error {
  try {
    new OwnBalancer(own).pick(hosts, context);
  } catch (error) {
    return error as Error;
  }
  throw new Error('it chose');
}

describe('The user’s own balancer', () => {
  it('is asked with the hosts and the context as they are, and its choice is taken', () => {
    const asked: unknown[] = [];
    const own = new OwnBalancer({
      pick: (...given) => {
        asked.push(...given);
        return given[0][1]!;
      },
    });
    expect(own.pick(hosts, context)).toBe(hosts[1]);
    expect(asked[0]).toBe(hosts);
    expect(asked[1]).toBe(context);
  });

  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'undefined'],
    ['null', null, 'null'],
    ['a text', 'a:80', '"a:80"'],
    ['a number', 0, '0'],
    ['a function', () => hosts[0], 'a function'],
    ['an object', {}, 'an object'],
    ['an object whose netloc is no text', { netloc: 80 }, 'an object'],
    [
      'a host of another list',
      hostOf('c:80'),
      'an object with the netloc "c:80"',
    ],
    [
      'a promise',
      Promise.resolve(hosts[0]),
      'a Promise: a balancer that has to wait is a function, () => [protocol, netloc]',
    ],
    [
      'a promise of another make',
      thenable(() => undefined as never),
      'a Promise: a balancer that has to wait is a function, () => [protocol, netloc]',
    ],
    ['an error', new TypeError('no host'), 'TypeError: no host'],
    [
      'what nobody may look at',
      new Proxy(
        {},
        {
          get: () => {
            throw new Error('secret');
          },
        },
      ),
      'something that cannot be read',
    ],
  ])('is told of that it answered %s', (_what, answer, told) => {
    const fault = faultOf(answering(answer));
    expect(fault).toBeInstanceOf(BalancerFault);
    expect(fault.message).toBe(
      `pick must answer one of the hosts it is given, and answered ${told}`,
    );
  });

  it.each<[unknown, string]>([
    [new RangeError('out'), 'RangeError: out'],
    ['out', '"out"'],
  ])('is told of that it threw %s', (cause, told) => {
    const fault = faultOf(throwing(cause));
    expect(fault).toBeInstanceOf(BalancerFault);
    expect([fault.message, fault.cause]).toEqual([`pick threw ${told}`, cause]);
  });

  it('can be asked at once', () => {
    expect(new OwnBalancer(answering(hosts[0])).whenReady).toBeUndefined();
  });
});

describe('A balancer that is not made yet', () => {
  function late(make: () => LoadBalancer = () => answering(hosts[1])) {
    let isMade = false;
    const whenMade = Promise.resolve();
    const balancer = new LateBalancer(() => isMade, whenMade, make);
    return { balancer, whenMade, arrive: () => (isMade = true) };
  }

  function setOf(balancer: LoadBalancer, count: number): HostSet {
    const set = new HostSet(
      {
        random: () => 0.5,
        maxOutRatio: 1,
        circuit: undefined,
        hostChanged: () => {},
        hostMoved: () => {},
      },
      balancer,
    );
    set.setHosts(hosts.slice(0, count));
    return set;
  }

  it('is waited for until it is made', () => {
    const { balancer, whenMade, arrive } = late();
    const own = new OwnBalancer(balancer);
    expect([balancer.whenReady, own.whenReady]).toEqual([whenMade, whenMade]);
    arrive();
    expect([balancer.whenReady, own.whenReady]).toEqual([undefined, undefined]);
  });

  it('is waited for where there is a choice', () => {
    const { balancer, whenMade, arrive } = late();
    const set = setOf(balancer, 2);
    expect(set.whenReady).toBe(whenMade);
    arrive();
    expect(set.whenReady).toBeUndefined();
  });

  it.each([0, 1])('is not waited for where there are %i hosts', (count) => {
    const { balancer } = late();
    expect(setOf(balancer, count).whenReady).toBeUndefined();
  });

  it('is not waited for where another one took its place', () => {
    const set = setOf(late().balancer, 2);
    set.useBalancer('round-robin');
    expect(set.whenReady).toBeUndefined();
    const { balancer, whenMade } = late();
    set.useBalancer(balancer);
    expect(set.whenReady).toBe(whenMade);
  });

  it('chooses as the one that was made', () => {
    const { balancer } = late();
    expect(balancer.pick(hosts, context)).toBe(hosts[1]);
    expect(new OwnBalancer(balancer).pick(hosts, context)).toBe(hosts[1]);
  });

  it('throws as it is what it could not be made for', () => {
    const cause = new Error('no such provider');
    const { balancer } = late(() => {
      throw cause;
    });
    expect(faultOf(balancer)).toBe(cause);
  });
});
