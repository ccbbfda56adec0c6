import { describe, expect, it } from 'vitest';
import { LateBalancer } from '../../lib/balancing/late-balancer.js';
import type { Call } from '../../lib/core.js';
import {
  expectRest,
  gate,
  hang,
  subject,
  throwing,
  watch,
} from '../support/core-toolkit.js';

const where = ({ netloc }: Call): string | undefined => netloc;

describe('A call that waits while the hosts become others', () => {
  it('for a first list goes to the hosts that took its place', async () => {
    const { dependency, clock } = subject({ hosts: { hosts: hang } });
    const call = watch(dependency.execute(where));
    await clock.advance(0);

    dependency.configure({ hosts: ['http://a'] });
    await clock.advance(0);

    expect(call.value).toBe('a:80');
    expectRest({ dependency, clock });
  });

  it('for a permit, where there were none, goes to the first there are', async () => {
    const { dependency, clock } = subject({ maxOpenPerNetloc: 1 });
    const first = gate();
    const running = watch(dependency.execute(() => first.promise));
    const queued = watch(dependency.execute(where));

    dependency.configure({ hosts: ['http://a'] });
    first.resolve('first');
    await clock.advance(0);

    expect([running.value, queued.value]).toEqual(['first', 'a:80']);
    expectRest({ dependency, clock });
  });

  it('for a permit goes on without hosts where there are none any more', async () => {
    const { dependency, clock } = subject({
      hosts: { hosts: () => Promise.resolve(['http://a']) },
      maxOpenPerNetloc: 1,
    });
    await clock.advance(0);
    const first = gate();
    const running = watch(dependency.execute(() => first.promise));
    const queued = watch(dependency.execute(where));

    dependency.configure({ hosts: ['http://b'] });
    await clock.advance(0);

    expect(queued.value).toBe('b:80');
    first.resolve('first');
    await clock.advance(0);
    expect(running.value).toBe('first');
    expectRest({ dependency, clock });
  });
});

describe('A balancer that is not made though it was said to be', () => {
  it('ends the calls that have waited for it', async () => {
    const notMade = throwing(() => new Error('not made'));
    const { dependency, clock } = subject({
      hosts: ['http://a', 'http://b'],
      loadBalancer: new LateBalancer(() => false, Promise.resolve(), notMade),
    });
    const call = watch(dependency.execute(where));

    await clock.advance(0);

    expect(call.error).toMatchObject({ message: 'not made' });
    expectRest({ dependency, clock });
  });
});
