import { describe, expect, it } from 'vitest';
import { consecutiveFailures, type DependencyOptions } from '../../lib/core.js';
import {
  eventsOf,
  expectRest,
  refusedConnection,
  subject,
  thenable,
  throwing,
  unhandledDuring,
  watch,
} from '../support/core-toolkit.js';

const rejecting = (): never =>
  Promise.reject(new Error('a fault of the code around')) as never;
const saying = (value: unknown) => (): never => Promise.resolve(value) as never;
const lazily = (): never =>
  thenable((_, no) => no?.(new Error('x')) as never) as never;

/** What a call could be told by a promise that nobody can wait for. */
const FUNCTIONS: readonly (readonly [
  string,
  string,
  (answer: () => never) => DependencyOptions,
])[] = [
  ['classify', 'classify', (classify) => ({ classify })],
  ['retry.on', 'retry.on', (on) => ({ retry: { on } })],
  ['enabled', 'enabled()', (enabled) => ({ enabled })],
  [
    'a trip rule',
    'Trip rule "own"',
    (trips) => ({ circuit: { trip: { name: 'own', trips } } }),
  ],
  [
    'a trip rule for peers',
    'Trip rule "own"',
    (trips) => ({
      hosts: ['http://a', 'http://b'],
      circuit: { trip: { name: 'own', comparesPeers: true, trips } },
    }),
  ],
];

describe.each(FUNCTIONS)(
  '%s that is async by mistake',
  (_, subjectOf, options) => {
    it.each([
      ['rejects', rejecting],
      ['says yes', saying(true)],
      ['says no', saying(false)],
      ['says failure', saying('failure')],
      ['is a thenable', lazily],
    ])('%s: is told once, and changes nothing', async (__, answer) => {
      const rig = subject({
        circuit: { trip: consecutiveFailures(1_000) },
        ...options(answer),
      });
      const events = eventsOf(rig.dependency);
      const seen = await unhandledDuring(async () => {
        for (let each = 0; each < 3; each++) {
          const failed = watch(rig.dependency.execute(throwing()));
          const refused = watch(
            rig.dependency.execute(throwing(refusedConnection)),
          );
          const answered = watch(rig.dependency.execute(() => 'fine'));
          await rig.clock.advance(10);

          expect(failed.error).toMatchObject({ message: 'boom' });
          expect(refused.state).toBe('rejected');
          expect(answered.value).toBe('fine');
        }
      });

      expect(seen).toEqual([]);
      expect(rig.dependency.snapshot()).toMatchObject({
        state: 'closed',
        totals: { failed: 6, succeeded: 3 },
      });
      const warnings = events.filter((event) => event.type === 'warning');
      expect(warnings).toHaveLength(1);
      expect(warnings[0]!.message).toContain(subjectOf);
      expect(String(warnings[0]!.error)).toContain('promise');
      expectRest(rig);
    });
  },
);
