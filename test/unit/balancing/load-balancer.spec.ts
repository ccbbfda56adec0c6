import { describe, expect, it } from 'vitest';
import { balancerOf } from '../../../lib/balancing/balancers.js';
import { LeastPending } from '../../../lib/balancing/least-pending.js';
import {
  BALANCER_NAMES,
  isClass,
  type LoadBalancerInput,
} from '../../../lib/balancing/load-balancer.js';
import { OwnBalancer } from '../../../lib/balancing/own-balancer.js';
import { PeakEwma } from '../../../lib/balancing/peak-ewma.js';
import { RandomChoice } from '../../../lib/balancing/random-choice.js';
import { RoundRobin } from '../../../lib/balancing/round-robin.js';

describe('The balancer of a name', () => {
  const KINDS = {
    'round-robin': RoundRobin,
    random: RandomChoice,
    'least-pending': LeastPending,
    'peak-ewma': PeakEwma,
  };

  it.each(Object.entries(KINDS))('%s is there', (name, kind) => {
    expect(balancerOf(name as LoadBalancerInput)).toBeInstanceOf(kind);
  });

  it('is one of those that are told', () => {
    expect(BALANCER_NAMES).toEqual(Object.keys(KINDS));
  });

  it('is the user’s own where it is an object', () => {
    const own = balancerOf({ pick: (hosts) => hosts[0]! });
    expect(own).toBeInstanceOf(OwnBalancer);
  });
});

describe('A class in place of a balancer', () => {
  class Empty {}
  class First {
    pick(): void {}
  }
  /** As a class is compiled for an old language level. */
  function Compiled(): void {}
  Compiled.prototype = { pick() {} };

  it.each<[string, unknown]>([
    ['a class', First],
    ['one without a method', Empty],
    ['one without a name', class {}],
    ['one that was compiled to a function', Compiled],
  ])('is %s', (_what, value) => {
    expect(isClass(value)).toBe(true);
  });

  it.each<[string, unknown]>([
    ['a function', () => ['http', 'a:80']],
    [
      'a function with a prototype',
      function named() {
        return ['http', 'a:80'];
      },
    ],
    [
      'a function that has a class inside',
      function named() {
        return class {};
      },
    ],
    ['a function by such a name', function classy() {}],
    ['an object that can pick', new First()],
    ['an object with such a prototype', { prototype: { pick() {} } }],
    ['a text', 'class A {}'],
    ['undefined', undefined],
    ['null', null],
  ])('is not %s', (_what, value) => {
    expect(isClass(value)).toBe(false);
  });
});
