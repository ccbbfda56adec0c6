import { describe, expect, it } from 'vitest';
import { consecutiveFailures, type DependencyOptions } from '../../lib/core.js';
import { fail, gate, subject, watch } from '../support/core-toolkit.js';

const FRAGILE: DependencyOptions = {
  retry: false,
  circuit: { trip: consecutiveFailures(1) },
};

/** A call that began before circuits were switched off and on again, and fails after it. */
async function failLate(
  options: DependencyOptions,
  change: (rig: ReturnType<typeof subject>) => void,
): Promise<ReturnType<typeof subject>> {
  const rig = subject({ ...FRAGILE, ...options });
  const work = gate();
  const calls = [1, 2].map(() =>
    watch(rig.dependency.execute(() => work.promise)),
  );
  change(rig);
  work.reject(new Error('of before'));
  await rig.clock.advance(1);
  for (const call of calls) expect(call.state).toBe('rejected');
  return rig;
}

describe('A result of before circuits were switched off and on again', () => {
  it('changes nothing of the dependency', async () => {
    const rig = await failLate({}, ({ dependency }) => {
      dependency.configure({ circuit: false });
      dependency.configure(FRAGILE);
    });

    expect(rig.dependency.snapshot()).toMatchObject({
      state: 'closed',
      window: { calls: 0 },
    });
    await fail(rig.dependency, 1);
    expect(rig.dependency.snapshot().state).toBe('open');
  });

  it('changes nothing of its host', async () => {
    const hosts = ['http://a', 'http://b'];
    const rig = await failLate({ hosts }, ({ dependency }) => {
      dependency.configure({ circuit: false });
      dependency.configure(FRAGILE);
    });

    for (const host of rig.dependency.snapshot().hosts)
      expect(host).toMatchObject({ inService: true, window: { calls: 0 } });
  });

  it('changes nothing of a host that was alone for a while', async () => {
    const rig = await failLate(
      { hosts: ['http://a', 'http://b'], loadBalancer: 'round-robin' },
      ({ dependency }) => {
        dependency.configure({ hosts: ['http://a'] });
        dependency.configure({ hosts: ['http://a', 'http://c'] });
      },
    );

    const { state, hosts } = rig.dependency.snapshot();
    expect(state).toBe('closed');
    for (const host of hosts)
      expect(host).toMatchObject({ inService: true, window: { calls: 0 } });
  });
});
