import { describe, expect, it } from 'vitest';
import {
  consecutiveFailures,
  errorCount,
  failureRatio,
  firstFailure,
  outlier,
  slowRatio,
  type CircuitEvent,
  type TripInput,
} from '../../lib/core.js';
import {
  after,
  errorOf,
  eventsOf,
  fail,
  subject,
  throwing,
  type Subject,
} from '../support/core-toolkit.js';

/** The events of `type`, with what they say of the reason. */
const told = (
  { dependency }: Subject,
  type: CircuitEvent['type'] = 'circuit.opened',
) => {
  const events = eventsOf(dependency);
  return () =>
    events
      .filter((event): event is CircuitEvent => event.type === type)
      .map(({ tripped, reason, netloc }) => ({
        tripped,
        ...(reason !== undefined && { reason }),
        ...(netloc !== undefined && { netloc }),
      }));
};

const succeed = async ({ dependency }: Subject, times: number) => {
  for (let n = 0; n < times; n++) await dependency.execute(() => '');
};

describe('An opening tells which rule, and its figures', () => {
  it.each<[string, TripInput, string]>([
    [
      'failureRatio',
      failureRatio({ ratio: 0.3, minimumCalls: 5 }),
      '0.333 of 6 calls failed, ≥ 0.3',
    ],
    ['consecutiveFailures', consecutiveFailures(2), '2 failures in a row, ≥ 2'],
    ['errorCount', errorCount({ maxFail: 1 }), '2 failures, > 1'],
    ['firstFailure', firstFailure(), '1 of 5 calls failed, 1 in a row'],
    [
      'own',
      { name: 'own', trips: ({ failures }) => failures > 1 },
      '2 of 6 calls failed, 2 in a row',
    ],
    [
      'own',
      {
        name: 'own',
        trips: ({ failures }) => failures > 1,
        describe: ({ failures }) => `${failures} are too many`,
      },
      '2 are too many',
    ],
    [
      'own',
      {
        name: 'own',
        trips: ({ failures }) => failures > 1,
        describe: throwing(),
      },
      '2 of 6 calls failed, 2 in a row',
    ],
  ])('%s', async (tripped, trip, reason) => {
    const rig = subject({ circuit: { trip } });
    const opened = told(rig);
    await succeed(rig, 4);
    await fail(rig.dependency, 2);

    expect(opened()).toEqual([{ tripped, reason }]);
  });

  it('slowRatio', async () => {
    const rig = subject({
      circuit: { trip: slowRatio({ slowMs: 10, minimumCalls: 2 }) },
    });
    const opened = told(rig);
    for (let n = 0; n < 2; n++) {
      const call = rig.dependency.execute(() => after(rig.clock, 11, () => ''));
      await rig.clock.advance(11);
      await call;
    }

    expect(opened()).toEqual([
      { tripped: 'slowRatio', reason: '1 of 2 calls slow, ≥ 0.5' },
    ]);
  });

  it('the defaults', async () => {
    const rig = subject();
    const opened = told(rig);
    await succeed(rig, 13);
    await fail(rig.dependency, 13);

    expect(opened()).toEqual([
      { tripped: 'failureRatio', reason: '0.5 of 26 calls failed, ≥ 0.5' },
    ]);
  });

  it('of few calls', async () => {
    const rig = subject();
    const opened = told(rig);
    await fail(rig.dependency, 5);

    expect(opened()).toEqual([
      { tripped: 'consecutiveFailures', reason: '5 failures in a row, ≥ 5' },
    ]);
  });

  it('of a host, when it goes out', async () => {
    const rig = subject({
      hosts: ['http://a', 'http://b', 'http://c'],
      circuit: { trip: [outlier(), consecutiveFailures(3)] },
    });
    const out = told(rig, 'host.out');
    await fail(rig.dependency, 3, undefined, { netloc: 'a:80' });

    expect(out()).toEqual([
      {
        tripped: 'consecutiveFailures',
        reason: '3 failures in a row, ≥ 3',
        netloc: 'a:80',
      },
    ]);
  });

  it('nothing of the sort where an operator opens it', async () => {
    const rig = subject();
    const opened = told(rig);
    await fail(rig.dependency, 3);
    rig.dependency.control('forced-open');

    expect(opened()).toEqual([{ tripped: undefined }]);
  });

  it('is in the log', async () => {
    const lines: string[] = [];
    const rig = subject(
      { circuit: { trip: failureRatio({ minimumCalls: 2 }) } },
      {
        logger: {
          log() {},
          warn: (line) => {
            lines.push(line);
          },
          error() {},
        },
      },
    );
    await errorOf(rig.dependency.execute(throwing()));
    await errorOf(rig.dependency.execute(throwing()));

    expect(lines.find((line) => line.includes('opened'))).toBe(
      'Circuit of "payments" opened by failureRatio (1 of 2 calls failed, ≥ 0.5); next probe in 10000 ms; last: Error',
    );
  });
});
