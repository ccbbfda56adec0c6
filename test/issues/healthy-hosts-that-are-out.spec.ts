import { consecutiveFailures, createDependency } from 'nestjs-dace/core';
import { ManualClock } from 'nestjs-dace/testing';
import { describe, expect, it } from 'vitest';

const HOSTS = ['http://a:1', 'http://b:1', 'http://c:1', 'http://d:1'];

// Probes of the dependency went to hosts in service alone, and those were the dead ones.
describe('An open dependency whose hosts in service are dead', () => {
  it.each(['round-robin', 'random', 'least-pending', 'peak-ewma'] as const)(
    'finds those that are out and well again: %s',
    async (loadBalancer) => {
      const clock = new ManualClock();
      const dead = new Set<string>();
      const dependency = createDependency(
        'search',
        {
          hosts: HOSTS,
          loadBalancer,
          retry: false,
          circuit: { trip: consecutiveFailures(3), resetTimeoutMs: 400 },
        },
        { clock },
      );
      const call = async (): Promise<boolean> => {
        const work = ({ netloc = '' }): void => {
          if (dead.has(netloc)) throw new Error('dead');
        };
        return dependency.execute(work).then(
          () => true,
          () => false,
        );
      };
      const callUntil = async (isOver: () => boolean): Promise<void> => {
        for (let times = 0; times < 2_000 && !isOver(); times++) {
          await clock.advance(20);
          await call();
        }
        expect(isOver()).toBe(true);
      };
      const outNow = () =>
        dependency.snapshot().hosts.filter(({ inService }) => !inService);

      dead.add('c:1').add('d:1');
      await callUntil(() => outNow().length === 2);
      dead.add('a:1').add('b:1');
      await callUntil(() => dependency.snapshot().state === 'open');
      for (const { netloc } of outNow()) dead.delete(netloc);
      expect(dead.size).toBe(2);

      await callUntil(() => dependency.snapshot().state === 'closed');
      await dependency.close();
    },
  );
});
