import { describe, expect, it } from 'vitest';
import {
  errorOf,
  eventsOf,
  expectRest,
  subject,
} from '../support/core-toolkit.js';

/** What was told, without what is of no matter here. */
const told = (rig: ReturnType<typeof subject>) => {
  const events = eventsOf(rig.dependency);
  return () =>
    events.map((event) =>
      event.type === 'attempt.ended'
        ? `${event.type} ${event.verdict} ${event.durationMs}`
        : 'durationMs' in event
          ? `${event.type} ${event.durationMs}`
          : event.type,
    );
};

describe('A guard is told like a call', () => {
  it.each([
    ['success', 'succeeded', 'success'],
    ['failure', 'failed', 'failure'],
    ['ignore', 'cancelled', 'ignored'],
  ] as const)('%s', async (end, total, verdict) => {
    const rig = subject();
    const events = told(rig);
    const permit = rig.dependency.acquire();
    await rig.clock.advance(30);
    permit[end]();
    permit.failure();

    expect(events()).toEqual([
      'operation.started',
      'attempt.started',
      `attempt.ended ${verdict} 30`,
      `operation.${total} 30`,
    ]);
    expect(rig.dependency.snapshot().totals).toMatchObject({
      started: 1,
      attempts: 1,
      [total]: 1,
    });
    expectRest(rig);
  });

  it('that is refused', async () => {
    const rig = subject({ maxOpenPerNetloc: 1 });
    const held = rig.dependency.acquire();
    const events = told(rig);

    expect(() => rig.dependency.acquire()).toThrow();
    expect(events()).toEqual([
      'operation.started',
      'warning',
      'operation.refused 0',
    ]);
    held.ignore();
    expectRest(rig);
  });

  it('tells a listener of failures alone as much as a call would', async () => {
    const lines: string[] = [];
    const line = (text: string): void => {
      lines.push(text);
    };
    const rig = subject(
      {},
      { logger: { log: line, warn: line, error: line, debug: line } },
    );
    rig.dependency.acquire().success();
    rig.dependency.acquire().failure(new Error('by guard'));
    await errorOf(
      rig.dependency.execute(() => {
        throw new Error('by call');
      }),
    );

    expect(lines).toEqual(['Call to "payments" failed: Error: by guard']);
  });
});
